// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Registering: what the device says it can do, what is accepted and refused,
 * and that it costs the same whatever the length.
 */
#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "env.h"
#include "percentile.h"

static void capabilities_are_reported(void **state)
{
	const uint32_t ud = IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV |
			    IBV_ODP_SUPPORT_SRQ_RECV;
	const uint32_t rc = ud | IBV_ODP_SUPPORT_WRITE | IBV_ODP_SUPPORT_READ |
			    IBV_ODP_SUPPORT_ATOMIC;
	struct env *e = *state;
	struct ibv_device_attr_ex attr;

	assert_int_equal(ibv_query_device_ex(e->rig.ctx, NULL, &attr), 0);
	assert_int_equal(attr.odp_caps.general_caps,
			 IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT);
	/* Later kernels name more, such as flush and atomic write. */
	assert_int_equal(attr.odp_caps.per_transport_caps.rc_odp_caps & rc, rc);
	assert_int_equal(attr.odp_caps.per_transport_caps.ud_odp_caps, ud);
}

/* The implicit MR: all addresses, those not mapped yet included. */
static void implicit_region(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr = reg_odp(&e->rig, NULL, SIZE_MAX, ACCESS_ALL);
	uint8_t *mem;

	assert_int_equal(stats_of(mr).table_bytes, 0);
	mem = mem_anon(16 * PAGE);
	env_write_and_check(e, mr, mem + 100, 3 * PAGE, 1);
	env_read_and_check(e, mr, mem + 100, 3 * PAGE, 1);
	expect_success("implicit MR as local memory",
		       do_write(&e->rc, ref_l(mr, mem + 100),
				ref_r(e->buf_mr, e->buf + 5 * PAGE), 3 * PAGE));
	pattern_check("what was sent", e->buf + 5 * PAGE, 3 * PAGE, 1, 0);

	expect_refused(&e->rc, "write to a kernel address",
		       do_write(&e->rc, env_buf(e),
				(struct ref) { 0xffff888000000000, mr->rkey },
				8));
	expect_refused(&e->rc, "read of a kernel address",
		       do_read(&e->rc, env_buf(e),
			       (struct ref) { 0xffffffff81000000, mr->rkey },
			       8));
	expect_refused(&e->rc, "write to an address that cannot be",
		       do_write(&e->rc, env_buf(e),
				(struct ref) { 0x0000800000000000, mr->rkey },
				8));
	expect_refused(&e->rc, "write to address 0",
		       do_write(&e->rc, env_buf(e),
				(struct ref) { 0, mr->rkey }, 8));
	env_write_and_check(e, mr, mem, PAGE, 2);
}

/* EINVAL will do for any bad argument; @err is what may be said as well. */
static void expect_no_mr(struct env *e, const char *what, void *addr,
			 size_t len, int access, int err)
{
	struct ibv_mr *mr;

	errno = 0;
	mr = ibv_reg_mr(e->rig.pd, addr, len, access | IBV_ACCESS_ON_DEMAND);
	if (mr) {
		ibv_dereg_mr(mr);
		test_fail("%s: registered", what);
	}
	if (errno != err && errno != EINVAL)
		test_fail("%s: %s, not %s", what, strerror(errno),
			  strerror(EINVAL));
}

static void bad_arguments_are_refused(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);

	reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);
	expect_no_mr(e, "no length", mem, 0, ACCESS_ALL, EINVAL);
	expect_no_mr(e, "wraps around", mem, SIZE_MAX, ACCESS_ALL, EOVERFLOW);
	expect_no_mr(e, "ends at the top of 64 bits", (void *)-PAGE, PAGE,
		     ACCESS_ALL, EOVERFLOW);
	expect_no_mr(e, "remote write without local write", mem, PAGE,
		     IBV_ACCESS_REMOTE_WRITE, EINVAL);
	expect_no_mr(e, "remote atomic without local write", mem, PAGE,
		     IBV_ACCESS_REMOTE_ATOMIC, EINVAL);
	errno = 0;
	assert_null(ibv_reg_mr_iova(e->rig.pd, mem, PAGE, 12,
				    ACCESS_ALL | IBV_ACCESS_ON_DEMAND));
	assert_int_equal(errno, EINVAL);
}

#define ROUNDS 25

static uint64_t median_registration(struct env *e, void *addr, size_t len)
{
	int64_t times[ROUNDS], start;
	struct ibv_mr *mr;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		start = now_ns();
		mr = reg_odp(&e->rig, addr, len, ACCESS_ALL);
		times[i] = now_ns() - start;
		assert_int_equal(stats_of(mr).table_bytes, 0);
		assert_int_equal(stats_of(mr).windows, 0);
		dereg(&e->rig, mr);
	}
	return (uint64_t)percentile(times, ROUNDS, 0.5);
}

/* Medians may differ by the noise of an emulator, not by the length. */
static void length_costs_nothing(void **state)
{
	const size_t lengths[] = { MIB, GIB, TIB, USER_SPACE_END };
	uint64_t median, least = UINT64_MAX, most = 0;
	struct env *e = *state;
	uint8_t *mem = mem_free_range(TIB, GIB);
	size_t i;

	/* All of the first 1 GiB is mapped, and some of it is there. */
	mem_map_at(mem, GIB, PROT_READ | PROT_WRITE);
	mem_touch(mem, MIB);
	for (i = 0; i < NR(lengths); i++) {
		bool all = lengths[i] == USER_SPACE_END;

		median = median_registration(e, all ? NULL : mem, lengths[i]);
		print_message("%zu bytes: %llu ns\n", lengths[i],
			      (unsigned long long)median);
		least = median < least ? median : least;
		most = median > most ? median : most;
	}
	if (most > 3 * least)
		test_fail("medians from %llu to %llu ns",
			  (unsigned long long)least, (unsigned long long)most);
}

#define MANY 250

/* 16 KiB each, and as much again for what else the machine does meanwhile. */
static void length_takes_no_memory(void **state)
{
	struct env *e = *state;
	int64_t before, grown;
	int i;

	before = meminfo("Slab") + meminfo("VmallocUsed") +
		 meminfo("PageTables");
	for (i = 0; i < MANY; i++)
		reg_odp(&e->rig, NULL, USER_SPACE_END, ACCESS_ALL);
	grown = meminfo("Slab") + meminfo("VmallocUsed") +
		meminfo("PageTables") - before;
	print_message("%d MRs: %lld KiB\n", MANY, (long long)grown / 1024);
	assert_true(grown < (int64_t)(2 * MANY * 16 * KIB));
}

/* How many threads of this process are there for slow faults? */
static size_t workers(void)
{
	char name[32];
	size_t i, n = 0;
	glob_t tasks;
	FILE *f;

	if (glob("/proc/self/task/*/comm", 0, NULL, &tasks))
		test_fail("no threads in /proc/self/task");
	for (i = 0; i < tasks.gl_pathc; i++) {
		f = fopen(tasks.gl_pathv[i], "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f))
			n += !strcmp(name, "odp-worker\n");
		fclose(f);
	}
	globfree(&tasks);
	return n;
}

static void expect_workers(size_t want)
{
	size_t n = workers();

	if (n != want)
		test_fail("%zu threads for slow faults, not %zu", n, want);
}

static bool no_worker(void *arg)
{
	(void)arg;
	return !workers();
}

/* A program without threads has one as long as it has a region. */
static int first_region(void *arg)
{
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr;
	struct rig rig;

	(void)arg;
	rig_open(&rig);
	expect_workers(0);
	mr = reg_odp(&rig, mem, PAGE, ACCESS_ALL);
	expect_workers(1);
	reg_odp(&rig, mem, PAGE, ACCESS_ALL);
	expect_workers(1);
	expect_errno("a user namespace", unshare(CLONE_NEWUSER), EINVAL);
	dereg(&rig, mr);
	expect_workers(1);
	dereg_all(&rig);
	if (!wait_until(no_worker, NULL))
		test_fail("the thread stays");
	return 0;
}

static void a_thread_comes_with_the_first_region(void **state)
{
	child_wait_ok(child_start(first_region, NULL));
	(void)state;
}

#define NOBODY 65534

static int no_more_threads(void *arg)
{
	const struct rlimit none = {};
	uint8_t *mem = mem_anon(PAGE);
	struct rig rig;

	(void)arg;
	rig_open(&rig);
	if (setrlimit(RLIMIT_NPROC, &none) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		test_fail("no other user: %s", strerror(errno));
	if (ibv_reg_mr(rig.pd, mem, PAGE, ACCESS_ALL | IBV_ACCESS_ON_DEMAND))
		test_fail("a region without a thread");
	if (errno != EAGAIN)
		test_fail("no thread: %s", strerror(errno));
	return 0;
}

static void a_thread_there_may_not_be(void **state)
{
	child_wait_ok(child_start(no_more_threads, NULL));
	(void)state;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(capabilities_are_reported),
		env_test(implicit_region),
		env_test(bad_arguments_are_refused),
		env_test(length_costs_nothing),
		env_test(length_takes_no_memory),
		/* These open the device in a process of their own. */
		cmocka_unit_test(a_thread_comes_with_the_first_region),
		cmocka_unit_test(a_thread_there_may_not_be),
	};

	return ENV_MAIN(argc, argv, "registration", tests);
}
