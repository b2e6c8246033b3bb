// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A mirror of /dev/odp_selftest, and operations on it in other threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"

#define DEV_PATH "/dev/odp_selftest"

const struct dev_config dev_default = {
	.around = AROUND_STREAM,
	.max_pages = 512,
	.limit_ms = 10000,
};

static void dev_load(void)
{
	const char *dir = getenv("ODP_MODULE_DIR");
	char path[512];
	int status;
	pid_t pid;

	if (!access(DEV_PATH, F_OK))
		return;
	snprintf(path, sizeof(path), "%s/odp_selftest.ko", dir ? dir : "");
	pid = fork();
	if (!pid) {
		if (dir)
			execlp("insmod", "insmod", path, NULL);
		else
			execlp("modprobe", "modprobe", "odp_selftest", NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		test_fail("cannot load odp_selftest");
}

static int dev_call(int dev, unsigned long cmd, void *arg)
{
	int ret = ioctl(dev, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static void dev_must(int dev, const char *what, unsigned long cmd, void *arg)
{
	int ret = dev_call(dev, cmd, arg);

	if (ret)
		test_fail("%s: %s", what, strerror(-ret));
}

int dev_file(void)
{
	int dev;

	dev_load();
	dev = open(DEV_PATH, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		test_fail("%s: %s", DEV_PATH, strerror(errno));
	return dev;
}

int dev_create(int dev, const void *start, size_t len,
	       const struct dev_config *config)
{
	struct odp_selftest_create create = {
		.start = (uintptr_t)start,
		.length = len,
		.pid = config->pid,
		.writable = !config->read_only,
		.own_table = config->own_table,
		.shared = config->shared,
		.device = config->device,
		.around = config->around,
		.max_pages = config->max_pages,
		.limit_ms = config->limit_ms,
	};

	return dev_call(dev, ODP_SELFTEST_CREATE, &create);
}

int dev_try_open(const void *start, size_t len,
		 const struct dev_config *config)
{
	int dev = dev_file();
	int err = dev_create(dev, start, len, config);

	if (!err)
		return dev;
	close(dev);
	return err;
}

int dev_open(const void *start, size_t len, const struct dev_config *config)
{
	int dev = dev_try_open(start, len, config);

	if (dev < 0)
		test_fail("create a mirror: %s", strerror(-dev));
	return dev;
}

void dev_close(int dev)
{
	close(dev);
}

static int dev_io(int dev, unsigned long cmd, const void *va, const void *buf,
		  size_t len, uint32_t write, uint32_t how)
{
	struct odp_selftest_io io = {
		.va = (uintptr_t)va,
		.length = len,
		.buffer = (uintptr_t)buf,
		.write = write,
		.how = how,
	};

	return dev_call(dev, cmd, &io);
}

int dev_read(int dev, const void *va, void *buf, size_t len)
{
	return dev_io(dev, ODP_SELFTEST_READ, va, buf, len, 0, 0);
}

int dev_write(int dev, void *va, const void *buf, size_t len)
{
	return dev_io(dev, ODP_SELFTEST_WRITE, va, buf, len, 0, 0);
}

int dev_fault(int dev, const void *va, size_t len, bool write)
{
	return dev_io(dev, ODP_SELFTEST_FAULT, va, NULL, len, write, 0);
}

int dev_read_nowait(int dev, const void *va, void *buf, size_t len)
{
	return dev_io(dev, ODP_SELFTEST_READ, va, buf, len, 0,
		      ODP_SELFTEST_NOWAIT);
}

int dev_atomic_write(int dev, void *va, uint64_t value)
{
	return dev_io(dev, ODP_SELFTEST_WRITE, va, &value, sizeof(value), 0,
		      ODP_SELFTEST_ATOMIC);
}

int dev_atomic_write_nowait(int dev, void *va, uint64_t value)
{
	return dev_io(dev, ODP_SELFTEST_WRITE, va, &value, sizeof(value), 0,
		      ODP_SELFTEST_ATOMIC | ODP_SELFTEST_NOWAIT);
}

uint64_t dev_time(int dev, void *va, size_t len, uint32_t rounds, bool plain)
{
	struct odp_selftest_time time = {
		.va = (uintptr_t)va,
		.length = len,
		.rounds = rounds,
		.plain = plain,
	};

	dev_must(dev, "ODP_SELFTEST_TIME", ODP_SELFTEST_TIME, &time);

	return time.ns;
}

int dev_prefetch(int dev, const void *va, size_t len, enum dev_prefetch how)
{
	return dev_io(dev, ODP_SELFTEST_PREFETCH, va, NULL, len, how, 0);
}

int dev_kill(int dev)
{
	return dev_call(dev, ODP_SELFTEST_KILL, NULL);
}

int dev_own_pages(int dev, const void *va, size_t len)
{
	return dev_io(dev, ODP_SELFTEST_OWN_PAGES, va, NULL, len, 0, 0);
}

static uint8_t *buffer(size_t len)
{
	uint8_t *buf = malloc(len);

	if (!buf)
		test_fail("no memory for %zu bytes", len);
	return buf;
}

void dev_write_and_check(int dev, void *va, size_t len, uint64_t seed)
{
	uint8_t *buf = buffer(len);
	int err;

	pattern_fill(buf, len, seed, 0);
	err = dev_write(dev, va, buf, len);
	free(buf);
	if (err)
		test_fail("device write: %s", strerror(-err));
	pattern_check("memory after a device write", va, len, seed, 0);
}

void dev_read_and_check(int dev, const void *va, size_t len, uint64_t seed)
{
	uint8_t *buf = buffer(len);
	int err;

	err = dev_read(dev, va, buf, len);
	if (err)
		test_fail("device read: %s", strerror(-err));
	pattern_check("what the device read", buf, len, seed, 0);
	free(buf);
}

static char state_letter(uint8_t state)
{
	char letter = 'F';

	if (state & STATE_WRITE)
		letter = 'W';
	else if (state & STATE_READ)
		letter = 'R';
	return state & STATE_MIRRORED ? letter + ('a' - 'A') : letter;
}

int dev_try_states(int dev, const void *va, uint8_t *states, size_t npages)
{
	return dev_io(dev, ODP_SELFTEST_REPORT, va, states, npages * PAGE, 0, 0);
}

void dev_states(int dev, const void *va, uint8_t *states, size_t npages)
{
	int err = dev_try_states(dev, va, states, npages);

	if (err)
		test_fail("report: %s", strerror(-err));
}

void dev_expect_pages(int dev, const void *va, const char *pages)
{
	size_t i, npages = strlen(pages);
	uint8_t states[npages];
	char seen[npages + 1];

	dev_states(dev, va, states, npages);
	for (i = 0; i < npages; i++)
		seen[i] = state_letter(states[i]);
	seen[npages] = 0;
	if (strcmp(seen, pages))
		test_fail("pages are %s, not %s", seen, pages);
}

void dev_expect_unmirrored(int dev, const void *va, size_t npages)
{
	uint8_t states[npages];
	size_t i;

	dev_states(dev, va, states, npages);
	for (i = 0; i < npages; i++)
		if (states[i] & STATE_MIRRORED)
			test_fail("page %zu is mirrored", i);
}

struct odp_selftest_stats dev_stats(int dev)
{
	struct odp_selftest_stats stats;

	dev_must(dev, "statistics", ODP_SELFTEST_STATS, &stats);
	return stats;
}

int dev_set_policy(int dev, const struct dev_config *config)
{
	struct odp_selftest_policy policy = {
		.around = config->around,
		.max_pages = config->max_pages,
		.limit_ms = config->limit_ms,
		.exclusive = config->exclusive,
	};

	return dev_call(dev, ODP_SELFTEST_SET_POLICY, &policy);
}

struct odp_selftest_policy dev_policy(int dev)
{
	struct odp_selftest_policy policy;

	dev_must(dev, "policy", ODP_SELFTEST_GET_POLICY, &policy);
	return policy;
}

void dev_hold(int dev, unsigned int slot, enum odp_selftest_point point,
	      const void *va, size_t len, unsigned int times)
{
	struct odp_selftest_hold hold = {
		.slot = slot,
		.point = point,
		.start = (uintptr_t)va,
		.end = (uintptr_t)va + len,
		.times = times,
		.timeout_ms = 2 * PATIENCE_MS,
	};

	dev_must(dev, "arm a hold point", ODP_SELFTEST_HOLD, &hold);
}

void dev_await(int dev, unsigned int slot)
{
	struct odp_selftest_hold hold = {
		.slot = slot,
		.timeout_ms = PATIENCE_MS,
	};

	dev_must(dev, "nobody came to the hold point", ODP_SELFTEST_AWAIT,
		 &hold);
}

void dev_release(int dev, unsigned int slot)
{
	struct odp_selftest_hold hold = { .slot = slot };

	dev_must(dev, "release a hold point", ODP_SELFTEST_RELEASE, &hold);
}

static void *job_thread(void *arg)
{
	struct job *job = arg;

	sem_wait(&job->go);
	job->result = job->fn(job);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void job_prepare(struct job *job)
{
	int err;

	sem_init(&job->go, 0, 0);
	err = pthread_create(&job->thread, NULL, job_thread, job);
	if (err)
		test_fail("pthread_create: %s", strerror(err));
}

void job_go(struct job *job)
{
	sem_post(&job->go);
}

static int job_read_fn(struct job *job)
{
	return dev_read(job->dev, job->va, job->buf, job->len);
}

static int job_write_fn(struct job *job)
{
	return dev_write(job->dev, job->va, job->buf, job->len);
}

static int job_drop_fn(struct job *job)
{
	return madvise(job->va, job->len, MADV_DONTNEED) ? -errno : 0;
}

static int job_protect_fn(struct job *job)
{
	return mprotect(job->va, job->len, PROT_READ) ? -errno : 0;
}

void job_read(struct job *job, int dev, void *va, size_t len)
{
	*job = (struct job) {
		.fn = job_read_fn, .dev = dev, .va = va, .len = len,
		.buf = buffer(len),
	};
	job_prepare(job);
}

void job_write(struct job *job, int dev, void *va, size_t len, uint64_t seed)
{
	*job = (struct job) {
		.fn = job_write_fn, .dev = dev, .va = va, .len = len,
		.buf = buffer(len), .seed = seed,
	};
	pattern_fill(job->buf, len, seed, 0);
	job_prepare(job);
}

static int job_fault_fn(struct job *job)
{
	return dev_fault(job->dev, job->va, job->len, true);
}

void job_fault(struct job *job, int dev, void *va, size_t len)
{
	*job = (struct job) {
		.fn = job_fault_fn, .dev = dev, .va = va, .len = len,
	};
	job_prepare(job);
}

void job_drop(struct job *job, void *va, size_t len)
{
	*job = (struct job) { .fn = job_drop_fn, .va = va, .len = len };
	job_prepare(job);
}

void job_protect(struct job *job, void *va, size_t len)
{
	*job = (struct job) { .fn = job_protect_fn, .va = va, .len = len };
	job_prepare(job);
}

bool job_done(struct job *job)
{
	return __atomic_load_n(&job->done, __ATOMIC_ACQUIRE);
}

int job_wait(struct job *job)
{
	pthread_join(job->thread, NULL);
	return job->result;
}

void job_free(struct job *job)
{
	free(job->buf);
}
