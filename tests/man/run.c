// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Runs the examples of the manual pages of section 3. Each test is named after
 * its page and calls the functions of that page's example, which the build has
 * taken out of it.
 */
#include <errno.h>
#include <unistd.h>

#include "env.h"
#include "nldev.h"

#define NR_PAGES 16
#define LEN (NR_PAGES * PAGE)

int print_caps(struct ibv_context *context);
int use_buffer(struct ibv_pd *pd, void *buf, size_t length);
int warm_up_ends(struct ibv_mr *mr);
long count_mirrored(struct ibv_mr *mr, size_t npages);
int count_present(struct ibv_mr *mr, uint64_t npages, uint64_t *present);
int print_pages_per_fault(struct ibv_mr *mr);
int expect_random_access(struct ibv_mr *mr);
int print_resident(struct ibv_context *context, uint32_t mrn);
int warm_up(struct ibv_mr *mr, void (*something_else)(void));
int remember(struct ibv_mr *mr, struct odp_events *events, uint64_t cookie);
bool nothing_changed(struct odp_events *events);
int tell_until_it_goes(struct odp_events *events);

static struct ibv_mr *reg(struct env *e)
{
	return reg_odp(&e->rig, mem_anon(LEN), LEN, ACCESS_ALL);
}

static void odp_query_caps_3(void **state)
{
	struct env *e = *state;

	assert_int_equal(print_caps(e->rig.ctx), 0);
}

static void odp_reg_3(void **state)
{
	struct env *e = *state;
	void *mem = mem_anon(LEN);

	assert_int_equal(use_buffer(e->rig.pd, mem, LEN), 0);
}

static void odp_prefetch_3(void **state)
{
	struct ibv_mr *mr = reg(*state);

	assert_int_equal(warm_up_ends(mr), 0);
	expect_pages(mr, mr->addr, "WFFFFFFFFFFFFFFW");
}

static void odp_mr_snapshot_3(void **state)
{
	struct ibv_mr *mr = reg(*state);

	assert_int_equal(count_mirrored(mr, NR_PAGES), 0);
	assert_int_equal(warm_up_ends(mr), 0);
	assert_int_equal(count_mirrored(mr, NR_PAGES), 2);
}

static void odp_mr_snapshot_runs_3(void **state)
{
	struct env *e = *state;
	const size_t len = 999 * PAGE;
	uint8_t *mem = mem_anon(len + PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem + 77, len, ACCESS_ALL);
	uint64_t present;
	size_t i;

	for (i = 0; i < 300; i++)
		mem_touch(mem + 3 * i * PAGE, PAGE);
	assert_int_equal(count_present(mr, 1000, &present), 0);
	assert_int_equal(present, 300);
}

static void odp_mr_get_stats_3(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr = reg(e);

	env_write_and_check(e, mr, mr->addr, LEN, 1);
	assert_int_equal(print_pages_per_fault(mr), 0);
}

static void odp_mr_get_policy_3(void **state)
{
	struct ibv_mr *mr = reg(*state);
	struct odp_policy policy;

	assert_int_equal(expect_random_access(mr), 0);
	assert_int_equal(odp_mr_get_policy(mr, &policy), 0);
	assert_int_equal(policy.around, ODP_AROUND_NONE);
}

static void odp_mrn_get_stats_3(void **state)
{
	struct env *e = *state;
	struct od_regions list;
	size_t i;

	reg(e);
	assert_int_equal(od_regions_get(ibv_get_device_name(e->rig.ctx->device),
					&list), 0);
	assert_true(list.nr > 0);
	for (i = 0; i < list.nr; i++)
		assert_int_equal(print_resident(e->rig.ctx,
						list.region[i].mrn), 0);
	od_regions_free(&list);
}

static void something_else(void)
{
	print_message("something else\n");
}

static void odp_prefetch_notify_3(void **state)
{
	struct ibv_mr *mr = reg(*state);

	assert_int_equal(warm_up(mr, something_else), 0);
	expect_pages(mr, mr->addr, "WWWWWWWWWWWWWWWW");
	mem_unmap(mr->addr, PAGE);
	assert_int_equal(warm_up(mr, something_else), EFAULT);
}

static void odp_mr_watch_3(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr = reg(e);
	struct odp_events *events = odp_events_open(e->rig.ctx);

	assert_non_null(events);
	assert_int_equal(remember(mr, events, 1), 0);
	assert_true(nothing_changed(events));
	mem_cold(mr->addr, LEN);
	assert_false(nothing_changed(events));
	assert_int_equal(odp_events_close(events), 0);
}

static void odp_events_open_3(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr = reg(e);
	struct odp_events *events = odp_events_open(e->rig.ctx);

	assert_non_null(events);
	assert_int_equal(remember(mr, events, 1), 0);
	mem_cold(mr->addr, LEN);
	dereg(&e->rig, mr);
	assert_int_equal(tell_until_it_goes(events), 0);
	assert_int_equal(odp_events_close(events), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(odp_query_caps_3),
		env_test(odp_reg_3),
		env_test(odp_prefetch_3),
		env_test(odp_mr_snapshot_3),
		env_test(odp_mr_snapshot_runs_3),
		env_test(odp_mr_get_stats_3),
		env_test(odp_mr_get_policy_3),
		env_test(odp_mrn_get_stats_3),
		env_test(odp_prefetch_notify_3),
		env_test(odp_mr_watch_3),
		env_test(odp_events_open_3),
	};

	return ENV_MAIN(argc, argv, "man_run", tests);
}
