// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A randomised oracle: threads that read and write memory through mirrors and
 * through RDMA, CPU loads and stores, and all that can happen to the pages
 * meanwhile, checked against a shadow copy.
 *
 * Each page has an owner: a thread locks the pages of its operation, so what
 * they must hold is known to the byte. What does not change contents (reclaim,
 * collapse, fork, compaction) happens at any time and asks nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "dice.h"
#include "env.h"

#define PAGES		4096		/* half private, half shared */
#define SHARED_FROM	(PAGES / 2)
#define MIRRORS		3
#define MAX_OP_PAGES	3

static uint8_t *mem, *shadow;
static int memfd;
static pthread_mutex_t owner[PAGES];
static int mirrors[MIRRORS];
static struct env env;

static atomic_ulong ops_left;
static atomic_bool stop;
static atomic_ulong done[16];

/*
 * RDMA and weather cost far more than a mirror's operations, so they come once
 * for so many of these.
 */
#define OPS_PER_RDMA	20
#define OPS_PER_WEATHER	400
static sem_t rdma_turn, weather_turn;
static atomic_bool over;
static char failure[512];

__attribute__((format(printf, 1, 2)))
static void mismatch(const char *fmt, ...)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	va_list args;

	if (!atomic_flag_test_and_set(&told)) {
		va_start(args, fmt);
		vsnprintf(failure, sizeof(failure), fmt, args);
		va_end(args);
	}
	stop = true;
}

/* A range of bytes in a few pages, locked. */
struct range {
	size_t pos;
	size_t len;
	size_t first;
	size_t last;
};

static struct range range_lock(struct dice *d)
{
	struct range r;
	size_t i;

	r.pos = roll(d, (PAGES - MAX_OP_PAGES) * PAGE);
	r.len = 1 + roll(d, roll(d, 4) ? 300 : (MAX_OP_PAGES - 1) * PAGE);
	/* What happens to private and to shared memory differs. */
	if (r.pos < SHARED_FROM * PAGE && r.pos + r.len > SHARED_FROM * PAGE)
		r.len = SHARED_FROM * PAGE - r.pos;
	r.first = r.pos / PAGE;
	r.last = (r.pos + r.len - 1) / PAGE;
	for (i = r.first; i <= r.last; i++)
		pthread_mutex_lock(&owner[i]);
	return r;
}

static void range_unlock(const struct range *r)
{
	size_t i;

	for (i = r->first; i <= r->last; i++)
		pthread_mutex_unlock(&owner[i]);
}

/* Compares with the shadow. */
static void range_check(const char *who, const struct range *r,
			const uint8_t *seen)
{
	size_t i;

	for (i = 0; i < r->len; i++)
		if (seen[i] != shadow[r->pos + i]) {
			mismatch("%s at page %zu offset %zu (of %zu bytes from %zu): %#x, not %#x",
				 who, (r->pos + i) / PAGE, (r->pos + i) % PAGE,
				 r->len, r->pos, seen[i], shadow[r->pos + i]);
			return;
		}
}

static void range_new_data(struct dice *d, const struct range *r, uint8_t *buf)
{
	pattern_fill(buf, r->len, roll(d, UINT64_MAX), r->pos);
	memcpy(shadow + r->pos, buf, r->len);
}

static void device_write(struct dice *d, const struct range *r, uint8_t *buf)
{
	int err;

	range_new_data(d, r, buf);
	err = dev_write(mirrors[roll(d, MIRRORS)], mem + r->pos, buf, r->len);
	if (err)
		mismatch("device write at %zu: %s", r->pos, strerror(-err));
}

static void device_read(struct dice *d, const struct range *r, uint8_t *buf)
{
	int err = dev_read(mirrors[roll(d, MIRRORS)], mem + r->pos, buf, r->len);

	if (err)
		mismatch("device read at %zu: %s", r->pos, strerror(-err));
	else
		range_check("device read", r, buf);
}

static void cpu_write(struct dice *d, const struct range *r, uint8_t *buf)
{
	range_new_data(d, r, buf);
	memcpy(mem + r->pos, buf, r->len);
}

static void cpu_read(struct dice *d, const struct range *r, uint8_t *buf)
{
	(void)d;
	(void)buf;
	range_check("CPU read", r, mem + r->pos);
}

/* Private memory is zeros afterwards, shared memory as before. */
static void range_zap_shadow(const struct range *r, bool shared_too)
{
	size_t i;

	for (i = r->first; i <= r->last; i++)
		if (shared_too || i < SHARED_FROM)
			memset(shadow + i * PAGE, 0, PAGE);
}

static uint8_t *range_start(const struct range *r)
{
	return mem + r->first * PAGE;
}

static size_t range_bytes(const struct range *r)
{
	return (r->last - r->first + 1) * PAGE;
}

static void event_dontneed(struct dice *d, const struct range *r, uint8_t *buf)
{
	(void)d;
	(void)buf;
	if (madvise(range_start(r), range_bytes(r), MADV_DONTNEED))
		mismatch("MADV_DONTNEED: %s", strerror(errno));
	range_zap_shadow(r, false);
}

/* MADV_FREE may drop a page only until somebody writes to it: the device. */
static void event_free(struct dice *d, const struct range *r, uint8_t *buf)
{
	struct range whole = {
		.pos = r->first * PAGE,
		.len = range_bytes(r),
		.first = r->first,
		.last = r->last,
	};

	if (r->last < SHARED_FROM &&
	    madvise(range_start(r), range_bytes(r), MADV_FREE))
		mismatch("MADV_FREE: %s", strerror(errno));
	device_write(d, &whole, buf);
}

/* No access meanwhile, then all as before. */
static void event_protect(struct dice *d, const struct range *r, uint8_t *buf)
{
	int prot = roll(d, 2) ? PROT_READ : PROT_NONE;
	int err;

	mprotect(range_start(r), range_bytes(r), prot);
	err = dev_write(mirrors[roll(d, MIRRORS)], mem + r->pos, buf, r->len);
	if (err != -EFAULT)
		mismatch("write through PROT %d at %zu: %d", prot, r->pos, err);
	if (prot == PROT_READ)
		device_read(d, r, buf);
	mprotect(range_start(r), range_bytes(r), PROT_READ | PROT_WRITE);
}

/* Other memory comes and goes at the same addresses. */
static void event_remap(struct dice *d, const struct range *r, uint8_t *buf)
{
	bool shared = r->first >= SHARED_FROM;
	uint8_t *p;
	int err;

	p = mmap(range_start(r), range_bytes(r), PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	err = dev_read(mirrors[roll(d, MIRRORS)], mem + r->pos, buf, r->len);
	if (err != -EFAULT)
		mismatch("read of PROT_NONE at %zu: %d", r->pos, err);
	if (p != MAP_FAILED && shared)
		p = mmap(range_start(r), range_bytes(r), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, memfd,
			 (off_t)(r->first - SHARED_FROM) * PAGE);
	else if (p != MAP_FAILED)
		p = mmap(range_start(r), range_bytes(r), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		mismatch("mmap: %s", strerror(errno));
	range_zap_shadow(r, false);
}

static void event_punch(struct dice *d, const struct range *r, uint8_t *buf)
{
	(void)d;
	(void)buf;
	if (r->first < SHARED_FROM)
		return;
	if (fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)(r->first - SHARED_FROM) * PAGE, range_bytes(r)))
		mismatch("hole punch: %s", strerror(errno));
	range_zap_shadow(r, true);
}

typedef void (*op_fn)(struct dice *d, const struct range *r, uint8_t *buf);

static const struct op {
	const char *name;
	unsigned int weight;
	op_fn fn;
} ops[] = {
	{ "device writes", 30, device_write },
	{ "device reads", 30, device_read },
	{ "CPU writes", 10, cpu_write },
	{ "CPU reads", 10, cpu_read },
	{ "MADV_DONTNEED", 6, event_dontneed },
	{ "MADV_FREE", 4, event_free },
	{ "mprotect", 4, event_protect },
	{ "mmap over it", 3, event_remap },
	{ "hole punch", 3, event_punch },
};

#define WEIGHTS 100

static unsigned int pick_op(struct dice *d)
{
	uint64_t n = roll(d, WEIGHTS);
	unsigned int i = 0;

	while (n >= ops[i].weight)
		n -= ops[i++].weight;
	return i;
}

static bool take_op(unsigned long *nr)
{
	*nr = atomic_load(&ops_left);
	while (*nr && !stop)
		if (atomic_compare_exchange_weak(&ops_left, nr, *nr - 1))
			return true;
	return false;
}

/* Waits for a turn; false when all is over. */
static bool await_turn(sem_t *turn)
{
	while (sem_wait(turn))
		;
	return !over && !stop;
}

static void *device_thread(void *arg)
{
	uint8_t buf[MAX_OP_PAGES * PAGE];
	struct dice d = { .state = (uintptr_t)arg };
	unsigned long nr;
	struct range r;
	unsigned int i;

	while (take_op(&nr)) {
		if (nr % OPS_PER_RDMA == 0)
			sem_post(&rdma_turn);
		if (nr % OPS_PER_WEATHER == 0)
			sem_post(&weather_turn);
		i = pick_op(&d);
		r = range_lock(&d);
		ops[i].fn(&d, &r, buf);
		range_unlock(&r);
		done[i]++;
	}
	return NULL;
}

/* RDMA in both directions, on the same memory and shadow. */
static void *rdma_thread(void *arg)
{
	struct dice d = { .state = (uintptr_t)arg };
	struct ibv_mr *mr = env.rig.mrs[env.rig.nr_mrs - 1];
	enum ibv_wc_status status;
	struct range r;
	bool write;

	while (await_turn(&rdma_turn)) {
		write = roll(&d, 2);
		r = range_lock(&d);
		if (write) {
			range_new_data(&d, &r, env.buf);
			status = do_write(&env.rc, env_buf(&env),
					  ref_r(mr, mem + r.pos), r.len);
		} else {
			status = do_read(&env.rc, env_buf(&env),
					 ref_r(mr, mem + r.pos), r.len);
		}
		if (status != IBV_WC_SUCCESS)
			mismatch("RDMA %s at %zu: %s", write ? "write" : "read",
				 r.pos, ibv_wc_status_str(status));
		else if (!write)
			range_check("RDMA read", &r, env.buf);
		range_unlock(&r);
		done[NR(ops)]++;
	}
	return NULL;
}

/* Makes every page copy-on-write for a moment. */
static void weather_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* What happens to pages and does not change what they hold. */
static void *weather_thread(void *arg)
{
	static const int advice[] = {
		MADV_COLD, MADV_PAGEOUT, MADV_COLLAPSE, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_WILLNEED,
	};
	struct dice d = { .state = (uintptr_t)arg };
	int compact = open("/proc/sys/vm/compact_memory", O_WRONLY);
	size_t first, n;

	while (await_turn(&weather_turn)) {
		first = roll(&d, PAGES);
		n = 1 + roll(&d, PAGES - first);
		switch (roll(&d, 16)) {
		case 0:
		case 1:
			weather_fork();
			break;
		case 2:
			if (compact >= 0 && write(compact, "1", 1) < 0)
				mismatch("compaction: %s", strerror(errno));
			break;
		default:
			/* Refused over a hole of the moment: also weather. */
			madvise(mem + first * PAGE, n * PAGE,
				advice[roll(&d, NR(advice))]);
		}
		done[NR(ops) + 1]++;
	}
	close(compact);
	return NULL;
}

static void lay_out(void)
{
	size_t half = SHARED_FROM * PAGE, i;

	mem = mem_free_range(PAGES * PAGE, HUGE_2M);
	shadow = calloc(PAGES, PAGE);
	memfd = memfd_create("oracle", MFD_CLOEXEC);
	if (!shadow || memfd < 0 || ftruncate(memfd, half) ||
	    mmap(mem, half, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
	    mmap(mem + half, half, PROT_READ | PROT_WRITE, MAP_SHARED |
		 MAP_FIXED, memfd, 0) == MAP_FAILED)
		test_fail("memory: %s", strerror(errno));
	for (i = 0; i < PAGES; i++)
		pthread_mutex_init(&owner[i], NULL);
}

static void open_all(void)
{
	/* How long an answer takes is not the question here. */
	static const struct pair_config patient = {
		.type = IBV_QPT_RC,
		.mtu = IBV_MTU_1024,
		.forever = true,
	};
	struct dev_config config = dev_default;
	struct env *e;
	void *state;
	int i;

	env_setup(&state);
	e = state;
	pair_close(&e->rc);
	pair_open(&e->rc, &e->rig, &patient);
	env = *e;
	for (i = 0; i < MIRRORS; i++) {
		config.around = i;
		mirrors[i] = dev_open(mem, PAGES * PAGE, &config);
	}
	reg_odp(&env.rig, mem, PAGES * PAGE, ACCESS_ALL);
}

static void run(uint64_t seed)
{
	static void *(*const main_of[])(void *) = {
		device_thread, device_thread, rdma_thread, weather_thread,
	};
	enum { DEVICE_THREADS = 2, THREADS = 4 };
	pthread_t threads[THREADS];
	int i;

	sem_init(&rdma_turn, 0, 0);
	sem_init(&weather_turn, 0, 0);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, main_of[i],
			       (void *)(seed + i));
	for (i = 0; i < DEVICE_THREADS; i++)
		pthread_join(threads[i], NULL);
	over = true;
	sem_post(&rdma_turn);
	sem_post(&weather_turn);
	for (; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* All is quiet now: everything at once, by every way. */
static void final_check(void)
{
	uint8_t *buf = malloc(PAGES * PAGE);
	struct range all = { .len = PAGES * PAGE };
	int i, err;

	range_check("CPU read of all", &all, mem);
	for (i = 0; i < MIRRORS; i++) {
		err = dev_read(mirrors[i], mem, buf, PAGES * PAGE);
		if (err)
			mismatch("device read of all: %s", strerror(-err));
		range_check("device read of all", &all, buf);
	}
	free(buf);
}

static void report(void)
{
	struct odp_selftest_stats s;
	unsigned int i;

	for (i = 0; i < NR(ops); i++)
		printf("  %-16s %10lu\n", ops[i].name, done[i]);
	printf("  %-16s %10lu\n  %-16s %10lu\n", "RDMA", done[NR(ops)],
	       "weather", done[NR(ops) + 1]);
	for (i = 0; i < MIRRORS; i++) {
		s = dev_stats(mirrors[i]);
		printf("  mirror %u: %llu faults, %llu pages around, %llu pages taken back, %llu collisions, %llu pinned\n",
		       i, s.faults, s.around_pages, s.invalidated_pages,
		       s.collisions, s.pinned_fallbacks);
	}
}

int main(int argc, char **argv)
{
	struct dice_run dice =
		dice_run(argc, argv, 100000,
			 "Checks device, RDMA and CPU access under random events against a shadow.");

	ops_left = dice.count;
	lay_out();
	open_all();
	run(dice.seed);
	if (!stop)
		final_check();
	report();
	printf("oracle: %s\n", stop ? failure : "no mismatch");
	return stop ? 1 : 0;
}
