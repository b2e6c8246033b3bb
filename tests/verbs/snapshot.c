// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * R6: the edge cases of libodp's own functions, odp_mr_snapshot() first.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"
#include "uffd.h"

#define NR_PAGES 8
#define LEN (NR_PAGES * PAGE)

static void R6_bad_arguments(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN), states[NR_PAGES];
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const uint64_t addr = (uintptr_t)mem;
	struct odp_stats stats;

	expect_error("no MR", odp_mr_snapshot(NULL, addr, 1, states), EINVAL);
	expect_error("no room", odp_mr_snapshot(mr, addr, 1, NULL), EINVAL);
	expect_error("no pages", odp_mr_snapshot(mr, addr, 0, states), EINVAL);
	expect_error("stats of no MR", odp_mr_get_stats(NULL, &stats), EINVAL);
	expect_error("no room for stats", odp_mr_get_stats(mr, NULL), EINVAL);
	expect_error("more pages than there are",
		     odp_mr_snapshot(mr, addr, SIZE_MAX, states), EINVAL);
	expect_error("wraps around",
		     odp_mr_snapshot(mr, (uint64_t)-PAGE, 2, states), EINVAL);
}

static void R6_ranges_outside_the_region(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(3 * LEN), states[NR_PAGES + 2];
	struct ibv_mr *mr = reg_odp(&e->rig, mem + LEN, LEN, ACCESS_ALL);
	const uint64_t addr = (uintptr_t)mem + LEN;

	expect_error("a page before",
		     odp_mr_snapshot(mr, addr - PAGE, 1, states), EINVAL);
	expect_error("from the page before",
		     odp_mr_snapshot(mr, addr - 1, 2, states), EINVAL);
	expect_error("the page behind",
		     odp_mr_snapshot(mr, addr + LEN, 1, states), EINVAL);
	expect_error("one page too many",
		     odp_mr_snapshot(mr, addr, NR_PAGES + 1, states), EINVAL);
	expect_error("address 0", odp_mr_snapshot(mr, 0, 1, states), EINVAL);
	expect_error("last page of 64 bits",
		     odp_mr_snapshot(mr, UINT64_MAX, 1, states), EINVAL);
	assert_int_equal(odp_mr_snapshot(mr, addr, NR_PAGES, states), 0);
	assert_int_equal(odp_mr_snapshot(mr, addr + LEN - 1, 1, states), 0);
}

static void R6_pinned_region(void **state)
{
	struct env *e = *state;
	struct odp_stats stats, before;
	uint8_t states[1];

	memset(&stats, 0xa5, sizeof(stats));
	before = stats;
	expect_error("snapshot of a pinned MR",
		     odp_mr_snapshot(e->buf_mr, (uintptr_t)e->buf, 1, states),
		     EOPNOTSUPP);
	expect_error("stats of a pinned MR", odp_mr_get_stats(e->buf_mr, &stats),
		     EOPNOTSUPP);
	assert_memory_equal(&stats, &before, sizeof(stats));
}

/* Any address of a page names it, and only the bytes asked for are written. */
static void R6_unaligned_addresses(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN), states[NR_PAGES + 2];
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const uint64_t addr = (uintptr_t)mem;
	size_t off, n;

	mem_touch(mem + 2 * PAGE, PAGE);
	for (off = 0; off < PAGE; off += 455) {
		for (n = 1; n <= NR_PAGES; n++) {
			memset(states, 0xa5, sizeof(states));
			assert_int_equal(odp_mr_snapshot(mr, addr + off, n,
							 states + 1), 0);
			assert_int_equal(states[0], 0xa5);
			assert_int_equal(states[n + 1], 0xa5);
			assert_int_equal(states[1], ODP_PAGE_FAULT);
			if (n > 2)
				assert_int_equal(states[3], PAGE_RW);
		}
	}
}

/* The MR begins in the middle of a page and ends in the middle of another. */
static void R6_unaligned_region(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN), states[NR_PAGES];
	uint8_t *start = mem + PAGE + 1000;
	struct ibv_mr *mr = reg_odp(&e->rig, start, 2 * PAGE, ACCESS_ALL);

	mem_touch(mem, LEN);
	expect_pages(mr, start, "WWW");
	expect_error("a page too many",
		     odp_mr_snapshot(mr, (uintptr_t)start, 4, states), EINVAL);
	expect_error("an address below the MR, in its first page",
		     odp_mr_snapshot(mr, (uintptr_t)start - 1, 1, states),
		     EINVAL);
}

/* Looking changes nothing: no page comes in, no counter moves. */
static void R6_faults_nothing_in(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	unsigned char present[NR_PAGES];
	struct odp_stats stats;
	size_t i;

	expect_pages(mr, mem, "FFFFFFFF");
	assert_int_equal(mincore(mem, LEN, present), 0);
	for (i = 0; i < NR_PAGES; i++)
		assert_int_equal(present[i] & 1, 0);
	mem_touch(mem, LEN);
	expect_pages(mr, mem, "WWWWWWWW");
	assert_int_equal(count_pages(mr, mem, NR_PAGES, ODP_PAGE_MIRRORED), 0);
	stats = stats_of(mr);
	assert_int_equal(stats.faults, 0);
	assert_int_equal(stats.resident_pages, 0);
	assert_int_equal(stats.table_bytes, 0);
}

/* The flags say what the device has done with each page. */
static void R6_mirrored_and_dirty(void **state)
{
	const uint8_t flags = ODP_PAGE_MIRRORED | ODP_PAGE_DIRTY;
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	mem_touch(mem, LEN);
	expect_state("untouched by the device", mr, mem, flags, 0);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + PAGE), 1));
	expect_state("read", mr, mem + PAGE, flags, ODP_PAGE_MIRRORED);
	env_write_and_check(e, mr, mem + 2 * PAGE + 5, 1, 1);
	expect_state("written", mr, mem + 2 * PAGE, flags, flags);
	expect_state("still only read", mr, mem + PAGE, flags,
		     ODP_PAGE_MIRRORED);
	mem_cold(mem + 2 * PAGE, PAGE);
	expect_state("gone", mr, mem + 2 * PAGE, 0xff, ODP_PAGE_FAULT);
}

/*
 * All of a process in one MR. The first page is a hole; the last one is the
 * stack's if that has no random place.
 */
static void R6_ends_of_user_space(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr = reg_odp(&e->rig, NULL, USER_SPACE_END, ACCESS_ALL);
	unsigned char there = 0;
	uint8_t states[4];

	assert_int_equal(odp_mr_snapshot(mr, 0, 1, states), 0);
	assert_int_equal(states[0], ODP_PAGE_FAULT);
	assert_int_equal(odp_mr_snapshot(mr, USER_SPACE_END - 4 * PAGE, 4,
					 states), 0);
	if (mincore((void *)(USER_SPACE_END - PAGE), PAGE, &there))
		assert_int_equal(errno, ENOMEM);
	if (there & 1)
		assert_int_equal(states[3] & PAGE_ACCESS, PAGE_RW);
	else
		assert_int_equal(states[3], ODP_PAGE_FAULT);
	expect_error("one page more",
		     odp_mr_snapshot(mr, USER_SPACE_END - 4 * PAGE, 5, states),
		     EINVAL);
}

/* What the counters promise, on a course of events with a known result. */
static void stats_count_what_happens(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_stats stats = stats_of(mr), zero = {};

	assert_memory_equal(&stats, &zero, sizeof(stats));

	env_write_and_check(e, mr, mem, 1, 1);
	stats = stats_of(mr);
	assert_int_equal(stats.faults, 1);
	assert_int_equal(stats.remote_faults, 1);
	assert_int_equal(stats.local_faults, 0);
	assert_int_equal(stats.faulted_pages, 1);
	assert_int_equal(stats.resident_pages,
			 stats.faulted_pages + stats.around_pages);
	assert_int_equal(stats.leaves, 1);
	assert_int_equal(stats.windows, 1);
	assert_true(stats.table_bytes > 0);

	mem_unmap(mem, LEN);
	stats = stats_of(mr);
	assert_true(stats.invalidations > 0);
	assert_int_equal(stats.invalidated_pages,
			 stats.faulted_pages + stats.around_pages);
	assert_int_equal(stats.resident_pages, 0);
	assert_int_equal(stats.failed_faults, 0);

	expect_refused(&e->rc, "write to memory that is gone",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 1));
	stats = stats_of(mr);
	assert_int_equal(stats.failed_faults, 1);
	assert_int_equal(stats.slow_faults | stats.rnr_naks | stats.parked, 0);
}

static struct uffd uffd;

static int uffd_teardown(void **state)
{
	uffd_close(&uffd);
	return env_teardown(state);
}

static bool peer_was_told(void *mr)
{
	return stats_of(mr).rnr_naks > 0;
}

static bool request_is_parked(void *mr)
{
	return stats_of(mr).parked > 0;
}

/* Reads or writes a page of @mr that comes only once somebody waits for it. */
static struct odp_stats stats_of_late_page(struct env *e, struct ibv_mr *mr,
					   enum ibv_wr_opcode opcode,
					   struct ref local, struct ref remote,
					   bool (*somebody_waits)(void *mr))
{
	struct ibv_sge sge = { local.addr, PAGE, local.key };
	struct ibv_send_wr wr = {
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = {
			.remote_addr = remote.addr, .rkey = remote.key,
		},
	};

	uffd_open(&uffd, mr->addr, PAGE);
	post_send(e->rc.a, &wr);
	assert_true(wait_until(somebody_waits, mr));
	uffd_serve(&uffd, 1);
	expect_success("late page", wait_wc(e->rc.a_cq, "late page").status);
	uffd_close(&uffd);
	return stats_of(mr);
}

/*
 * A peer is told to come again; the owner's own work request is put aside. Who
 * comes again may be quicker than the worker: a fault of its own, but not slow.
 */
static void stats_tell_who_waited(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(2 * PAGE);
	struct ibv_mr *peers = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);
	struct ibv_mr *own = reg_odp(&e->rig, mem + PAGE, PAGE, ACCESS_ALL);
	struct odp_stats stats;

	stats = stats_of_late_page(e, peers, IBV_WR_RDMA_READ, env_buf(e),
				   ref_r(peers, mem), peer_was_told);
	assert_int_equal(stats.slow_faults, 1);
	assert_int_equal(stats.remote_faults, stats.faults);
	assert_int_equal(stats.local_faults, 0);
	assert_int_equal(stats.parked, 0);

	stats = stats_of_late_page(e, own, IBV_WR_RDMA_WRITE,
				   ref_l(own, mem + PAGE),
				   ref_r(e->buf_mr, e->buf), request_is_parked);
	assert_int_equal(stats.slow_faults, 1);
	assert_int_equal(stats.local_faults, stats.faults);
	assert_int_equal(stats.remote_faults, 0);
	assert_int_equal(stats.rnr_naks, 0);
	assert_int_equal(stats_of(peers).local_faults, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R6_bad_arguments),
		env_test(R6_ranges_outside_the_region),
		env_test(R6_pinned_region),
		env_test(R6_unaligned_addresses),
		env_test(R6_unaligned_region),
		env_test(R6_faults_nothing_in),
		env_test(R6_mirrored_and_dirty),
		env_test(R6_ends_of_user_space),
		env_test(stats_count_what_happens),
		cmocka_unit_test_setup_teardown(stats_tell_who_waited,
						env_setup, uffd_teardown),
	};

	return ENV_MAIN(argc, argv, "snapshot", tests);
}
