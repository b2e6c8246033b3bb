// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Misuse of libodp's functions ends in the error that the manual tells.
 * (odp_prefetch() has this in prefetch.c, odp_mr_snapshot() in
 * tests/verbs/snapshot.c.)
 */
#include <errno.h>
#include <string.h>

#include "env.h"

#define LOCAL IBV_ACCESS_LOCAL_WRITE
#define NR_PAGES 8
#define LEN (NR_PAGES * PAGE)
#define NO_MRN 0xfffffff0

/* Everything that takes an MR, answered by that errno. */
static void expect_of_mr(const char *what, struct ibv_mr *mr, uint64_t addr,
			 int err)
{
	struct odp_policy policy = { ODP_AROUND_NONE, 1, 1, 0 }, got;
	struct odp_stats stats;
	struct odp_run run;
	uint8_t page;
	size_t nr;

	expect_error(what, odp_mr_snapshot(mr, addr, 1, &page), err);
	expect_error(what, odp_mr_snapshot_runs(mr, addr, 1, &run, 1, &nr),
		     err);
	expect_error(what, odp_mr_get_stats(mr, &stats), err);
	expect_error(what, odp_mr_get_policy(mr, &got), err);
	expect_error(what, odp_mr_set_policy(mr, &policy), err);
}

static void expect_no_region(const char *what, struct ibv_pd *pd,
			   const struct odp_reg_attr *attr, int err)
{
	errno = 0;
	if (odp_reg(pd, attr) || errno != err)
		test_fail("%s: %s; not %s", what, strerror(errno),
			  strerror(err));
}

static void wrong_regions(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const uint64_t addr = (uintptr_t)mem;
	struct ibv_mr copy = *mr;
	struct ibv_context *second;

	expect_of_mr("NULL", NULL, addr, EINVAL);
	expect_of_mr("pinned", e->buf_mr, (uintptr_t)e->buf, EOPNOTSUPP);

	copy.handle += 1000;
	expect_of_mr("no such handle", &copy, addr, ENOENT);
	second = ibv_open_device(e->rig.ctx->device);
	assert_non_null(second);
	copy = *mr;
	copy.context = second;
	expect_of_mr("another context's", &copy, addr, ENOENT);
	assert_int_equal(ibv_close_device(second), 0);

	copy = *mr;
	dereg(&e->rig, mr);
	expect_of_mr("deregistered", &copy, addr, ENOENT);
}

static void closed_device(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_range r = { (uintptr_t)mem, LEN, mr->lkey, 0 };
	const int cmd_fd = e->rig.ctx->cmd_fd;
	struct odp_stats stats;
	struct odp_caps caps;
	const struct odp_reg_attr attr = {
		.addr = mem, .length = LEN, .access = LOCAL,
		.choice = ODP_EITHER,
	};

	e->rig.ctx->cmd_fd = -1;
	expect_of_mr("closed", mr, (uintptr_t)mem, EBADF);
	expect_error("caps", odp_query_caps(e->rig.ctx, &caps), EBADF);
	expect_no_region("reg", e->rig.pd, &attr, EBADF);
	expect_error("prefetch", odp_prefetch(e->rig.pd, &r, 1,
					      IBV_ADVISE_MR_ADVICE_PREFETCH,
					      0), EBADF);
	expect_error("by number", odp_mrn_get_stats(e->rig.ctx, 1, &stats),
		     EBADF);
	e->rig.ctx->cmd_fd = cmd_fd;
}

static void bad_ranges_of_runs(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const uint64_t addr = (uintptr_t)mem;
	struct odp_run run;
	size_t nr;

	expect_error("no pages",
		     odp_mr_snapshot_runs(mr, addr, 0, &run, 1, &nr), EINVAL);
	expect_error("a page more",
		     odp_mr_snapshot_runs(mr, addr, NR_PAGES + 1, &run, 1,
					  &nr), EINVAL);
	expect_error("a page before",
		     odp_mr_snapshot_runs(mr, addr - 1, 1, &run, 1, &nr),
		     EINVAL);
	expect_error("wraps around",
		     odp_mr_snapshot_runs(mr, addr, UINT64_MAX, &run, 1, &nr),
		     EINVAL);
	expect_error("no array",
		     odp_mr_snapshot_runs(mr, addr, 1, NULL, 1, &nr), EINVAL);
	expect_error("no room",
		     odp_mr_snapshot_runs(mr, addr, 1, &run, 0, &nr), EINVAL);
	expect_error("no count",
		     odp_mr_snapshot_runs(mr, addr, 1, &run, 1, NULL), EINVAL);
}

static void bad_policies(void **state)
{
	const struct odp_policy bad[] = {
		{ 4, 512, 1000, 0 }, { ODP_AROUND_NONE, 0, 1000, 0 },
		{ ODP_AROUND_NONE, 513, 1000, 0 }, { ODP_AROUND_NONE, 512, 0, 0 },
		{ ODP_AROUND_NONE, 512, 600001, 0 }, { ODP_AROUND_NONE, 512, 1000, 2 },
	};
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_policy before, after;
	size_t i;

	assert_int_equal(odp_mr_get_policy(mr, &before), 0);
	for (i = 0; i < NR(bad); i++)
		expect_error("policy", odp_mr_set_policy(mr, &bad[i]), EINVAL);
	expect_error("NULL", odp_mr_set_policy(mr, NULL), EINVAL);
	expect_error("NULL", odp_mr_get_policy(mr, NULL), EINVAL);
	assert_int_equal(odp_mr_get_policy(mr, &after), 0);
	assert_memory_equal(&before, &after, sizeof(after));
}

static void bad_registrations(void **state)
{
	struct env *e = *state;
	struct ibv_pd *pd = e->rig.pd;
	uint8_t *mem = mem_anon(LEN);
	const struct odp_reg_attr good = {
		.addr = mem, .length = LEN, .access = LOCAL,
	};
	const struct {
		const char *what;
		struct odp_reg_attr attr;
	} bad[] = {
		{ "empty", { .addr = mem } },
		{ "wraps", { .addr = mem, .length = SIZE_MAX } },
		{ "a flag", { .addr = mem, .length = LEN, .flags = 1 << 4 } },
		{ "a choice", { .addr = mem, .length = LEN, .choice = 3 } },
		{ "a transport", { .addr = mem, .length = LEN,
				   .transports = 1 << 4, .operations = 1 } },
		{ "operations over nothing", { .addr = mem, .length = LEN,
					       .operations = 1 } },
		{ "on demand is odp_reg()'s choice",
		  { .addr = mem, .length = LEN,
		    .access = IBV_ACCESS_ON_DEMAND } },
		{ "remote without local write",
		  { .addr = mem, .length = LEN,
		    .access = IBV_ACCESS_REMOTE_WRITE } },
		{ "a policy of no length",
		  { .addr = mem, .length = LEN,
		    .policy = &(const struct odp_policy) {} } },
	};
	struct odp_caps caps;
	size_t i;

	expect_error("no context", odp_query_caps(NULL, &caps), EINVAL);
	expect_error("no room", odp_query_caps(e->rig.ctx, NULL), EINVAL);
	expect_no_region("no PD", NULL, &good, EINVAL);
	expect_no_region("nothing", pd, NULL, EINVAL);
	for (i = 0; i < NR(bad); i++)
		expect_no_region(bad[i].what, pd, &bad[i].attr, EINVAL);
	expect_error("no region", odp_dereg(NULL), EINVAL);
}

static void bad_numbers(void **state)
{
	struct env *e = *state;
	struct ibv_context *ctx = e->rig.ctx;
	struct odp_policy policy;
	struct odp_stats stats;
	struct odp_run run;
	size_t nr;

	expect_error("no context", odp_mrn_get_stats(NULL, 1, &stats), EINVAL);
	expect_error("no context", odp_mrn_get_policy(NULL, 1, &policy),
		     EINVAL);
	expect_error("no context",
		     odp_mrn_snapshot_runs(NULL, 1, 0, 1, &run, 1, &nr),
		     EINVAL);
	expect_error("no room", odp_mrn_get_stats(ctx, 1, NULL), EINVAL);
	expect_error("no room", odp_mrn_get_policy(ctx, 1, NULL), EINVAL);
	expect_error("no room",
		     odp_mrn_snapshot_runs(ctx, 1, 0, 1, NULL, 1, &nr), EINVAL);
	expect_error("no MR", odp_mrn_get_stats(ctx, NO_MRN, &stats), ENOENT);
	expect_error("no MR", odp_mrn_get_policy(ctx, NO_MRN, &policy),
		     ENOENT);
	expect_error("no MR",
		     odp_mrn_snapshot_runs(ctx, NO_MRN, 0, 1, &run, 1, &nr),
		     ENOENT);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(wrong_regions),
		env_test(closed_device),
		env_test(bad_ranges_of_runs),
		env_test(bad_policies),
		env_test(bad_registrations),
		env_test(bad_numbers),
	};

	return ENV_MAIN(argc, argv, "libodp_misuse", tests);
}
