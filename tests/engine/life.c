// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Life and death: owners that are killed in the middle of faults, and mirrors
 * and regions that come and go by the thousands.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "env.h"
#include "knob.h"
#include "nic.h"

#define PAGES		64
#define KILLS		1000
#define ROUNDS		10000
#define LEAK_LIMIT	((int64_t)MIB)	/* 10000 rounds leave no 105 bytes each */
#define NIC		"rxe_life"

static int sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* What the last fault held is torn down by a worker, soon. */
struct last_write {
	int dev;
	uint8_t *va;
};

static bool is_refused(void *arg)
{
	struct last_write *w = arg;
	int err = dev_write(w->dev, w->va, "x", 1);

	return err == -ESRCH || err == -EFAULT;
}

/*
 * The parent's mirror of the child's memory faults while the child dies: the
 * fault is held between snapshot and install until the child is gone.
 */
static void killed_in_the_middle_of_a_fault(void **state)
{
	uint8_t *mem = mem_anon(PAGES * PAGE);
	struct dev_config config = dev_default;
	struct last_write write = { .va = mem + PAGE };
	struct job job;
	int i, dev, err;

	(void)state;
	for (i = 0; i < KILLS; i++) {
		config.pid = child_start(sleeper, NULL);
		dev = dev_open(mem, PAGES * PAGE, &config);
		dev_hold(dev, 0, ODP_SELFTEST_SNAPSHOT, mem, PAGES * PAGE, 1);
		job_write(&job, dev, mem + i % PAGES * PAGE, PAGE, i);
		job_go(&job);
		dev_await(dev, 0);
		child_kill(config.pid);
		dev_release(dev, 0);
		err = job_wait(&job);
		job_free(&job);
		if (err && err != -ESRCH && err != -EFAULT)
			test_fail("kill %d: %s", i, strerror(-err));
		write.dev = dev;
		if (!wait_until(is_refused, &write))
			test_fail("memory outlives kill %d", i);
		dev_close(dev);
	}
	mem_release();
}

/* Killed at any moment, not at a certain one. */
static void killed_at_any_moment(void **state)
{
	uint8_t *mem = mem_anon(PAGES * PAGE), buf[PAGES * PAGE];
	struct dev_config config = dev_default;
	int i, dev, err;
	pid_t child;

	(void)state;
	memset(buf, 1, sizeof(buf));
	for (i = 0; i < KILLS; i++) {
		child = child_start(sleeper, NULL);
		config.pid = child;
		dev = dev_open(mem, PAGES * PAGE, &config);
		err = dev_write(dev, mem, buf, (i % PAGES + 1) * PAGE);
		if (err)
			test_fail("write %d: %s", i, strerror(-err));
		kill(child, SIGKILL);
		do {
			err = dev_write(dev, mem, buf, sizeof(buf));
		} while (!err && !waitpid(child, NULL, WNOHANG));
		if (err && err != -ESRCH && err != -EFAULT)
			test_fail("kill %d: %s", i, strerror(-err));
		dev_close(dev);
		waitpid(child, NULL, 0);
	}
	mem_release();
}

/* Slab memory, once what waits for a grace period has been freed. */
static int64_t slab(void)
{
	FILE *f = fopen("/proc/sys/vm/drop_caches", "w");

	if (f) {
		fputs("3", f);
		fclose(f);
	}
	return meminfo("Slab");
}

struct slab_goal {
	int64_t limit;
	int64_t seen;
};

static bool slab_is_back(void *arg)
{
	struct slab_goal *goal = arg;

	goal->seen = slab();
	return goal->seen <= goal->limit;
}

static void one_round(struct env *e, uint8_t *mem, int i)
{
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGES * PAGE, ACCESS_ALL);

	/* Every tenth one is used, so that it has windows and leaves. */
	if (i % 10 == 0)
		expect_success("write", do_write(&e->rc, env_buf(e),
						 ref_r(mr, mem + 100), 64));
	dereg(&e->rig, mr);
}

static void regions_come_and_go(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGES * PAGE);
	struct slab_goal goal;
	int i;

	for (i = 0; i < ROUNDS / 10; i++)
		one_round(e, mem, i);
	goal.limit = slab() + LEAK_LIMIT;
	for (i = 0; i < ROUNDS; i++)
		one_round(e, mem, i);
	if (!wait_until(slab_is_back, &goal))
		test_fail("slab: %lld bytes, more than %lld",
			  (long long)goal.seen, (long long)goal.limit);
}

/* A second device, which other tests do not miss. */
static int own_device_setup(void **state)
{
	nic_add(NIC, "203.0.113.1");
	return env_setup(state);
}

static int own_device_teardown(void **state)
{
	env_teardown(state);
	nic_del(NIC);
	return 0;
}

/* Posts writes over all of an on-demand region; waits for none. */
static void post_writes(struct env *e, struct ibv_mr *mr, uint8_t *mem)
{
	env_post_writes(e, e->rc.a, (uintptr_t)mem, mr->rkey, PAGES, PAGE);
}

static void reap_writes(struct env *e)
{
	int i;

	for (i = 0; i < PAGES; i++)
		wait_wc(e->rc.a_cq, "write");
}

static void interface_goes_down(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGES * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGES * PAGE, ACCESS_ALL);

	post_writes(e, mr, mem);
	shell("ip link set " NIC " down");
	reap_writes(e);
	shell("ip link set " NIC " up");
	pair_reset(&e->rc);
	env_write_and_check(e, mr, mem, PAGE, 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_in_the_middle_of_a_fault),
		cmocka_unit_test(killed_at_any_moment),
		env_test(regions_come_and_go),
		cmocka_unit_test_setup_teardown(interface_goes_down,
						own_device_setup,
						own_device_teardown),
	};

	return ENV_MAIN(argc, argv, "life", tests);
}
