// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The mirror's table: how much memory it takes (R16) and that it goes when
 * nothing is mirrored any more (R15).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

#define LEN (256 * MIB)

/* "(Nearly) nothing": less than one leaf of 512 entries. */
#define NEARLY_NOTHING (4 * KIB)

/* Has the device look at every page of the range. */
static void mirror(struct env *e, struct ibv_mr *mr, uint8_t *mem, size_t len)
{
	size_t off;

	for (off = 0; off < len; off += MIB)
		expect_success("read", do_read(&e->rc, env_buf(e),
					       ref_r(mr, mem + off), MIB));
}

static bool table_is_gone(void *arg)
{
	struct odp_stats stats = stats_of(arg);

	return stats.table_bytes <= NEARLY_NOTHING && !stats.leaves &&
	       !stats.resident_pages;
}

/* Pruning is the work of a kernel worker: it may take a moment. */
static void expect_gone(struct ibv_mr *mr)
{
	struct odp_stats stats;

	if (wait_until(table_is_gone, mr))
		return;
	stats = stats_of(mr);
	test_fail("%llu bytes of table, %llu windows, %llu leaves, %llu pages are left",
		  (unsigned long long)stats.table_bytes,
		  (unsigned long long)stats.windows,
		  (unsigned long long)stats.leaves,
		  (unsigned long long)stats.resident_pages);
}

/* Reading the zero page mirrors 4 KiB entries without taking memory. */
static void R16_small_pages_take_2MiB_per_GiB(void **state)
{
	const struct pair_config big = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_4096,
	};
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_stats stats;

	pair_close(&e->rc);
	pair_open(&e->rc, &e->rig, &big);
	mirror(e, mr, mem, LEN);
	stats = stats_of(mr);
	print_message("%zu MiB at 4 KiB: %llu bytes of table\n", LEN / MIB,
		      (unsigned long long)stats.table_bytes);
	assert_int_equal(stats.resident_pages, LEN / PAGE);
	assert_int_equal(stats.huge_entries, 0);
	assert_true(stats.table_bytes <= LEN / GIB * 2 * MIB +
					 LEN % GIB / KIB * 2);

	/* R15: and all of it goes with the memory. */
	mem_unmap(mem, LEN);
	expect_gone(mr);
}

static void R16_huge_pages_take_huge_entries(void **state)
{
	const size_t len = 16 * MIB;
	struct env *e = *state;
	uint8_t *mem = mem_anon_aligned(len, HUGE_2M);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, len, ACCESS_ALL);
	struct odp_stats stats;

	mem_touch(mem, len);
	if (!mem_collapse(mem, len))
		test_fail("MADV_COLLAPSE: %s", strerror(errno));
	mirror(e, mr, mem, len);
	stats = stats_of(mr);
	print_message("%zu MiB at 2 MiB: %llu bytes of table\n", len / MIB,
		      (unsigned long long)stats.table_bytes);
	assert_int_equal(stats.huge_entries, len / HUGE_2M);
	assert_int_equal(stats.resident_pages, len / PAGE);
	assert_true(stats.table_bytes < len / HUGE_2M * 4 * KIB);
	mem_unmap(mem, len);
	expect_gone(mr);
}

/* The same for each way in which pages leave. */
static void R15_table_goes_with_dontneed(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(16 * MIB);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 16 * MIB, ACCESS_ALL);
	int i;

	for (i = 0; i < 3; i++) {
		mirror(e, mr, mem, 16 * MIB);
		assert_true(stats_of(mr).table_bytes > NEARLY_NOTHING);
		mem_cold(mem, 16 * MIB);
		expect_gone(mr);
	}
}

static void R15_table_goes_with_mprotect(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(4 * MIB);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 4 * MIB, ACCESS_ALL);

	mirror(e, mr, mem, 4 * MIB);
	mem_protect(mem, 4 * MIB, PROT_NONE);
	expect_gone(mr);
}

/* What goes page by page goes as a whole in the end. */
static void R15_table_goes_page_by_page(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(4 * MIB);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 4 * MIB, ACCESS_ALL);
	size_t i;

	mirror(e, mr, mem, 4 * MIB);
	for (i = 0; i < 4 * MIB / PAGE; i++) {
		assert_int_equal(stats_of(mr).resident_pages,
				 4 * MIB / PAGE - i);
		mem_cold(mem + i * PAGE, PAGE);
	}
	expect_gone(mr);
}

/* Pages far apart: a leaf each, and no leaf for what lies between. */
static void R15_sparse_pages_do_not_pile_up(void **state)
{
	const size_t stride = 64 * GIB, nr = 64;
	struct env *e = *state;
	uint8_t *mem = mem_free_range(stride * nr, GIB);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, stride * nr, ACCESS_ALL);
	struct odp_stats stats;
	size_t i;

	for (i = 0; i < nr; i++) {
		mem_map_at(mem + i * stride, PAGE, PROT_READ | PROT_WRITE);
		env_write_and_check(e, mr, mem + i * stride, PAGE, i);
	}
	stats = stats_of(mr);
	assert_int_equal(stats.resident_pages, nr);
	assert_int_equal(stats.leaves, nr);
	for (i = 0; i < nr; i++)
		mem_unmap(mem + i * stride, PAGE);
	expect_gone(mr);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R15_table_goes_with_dontneed),
		env_test(R15_table_goes_with_mprotect),
		env_test(R15_table_goes_page_by_page),
		env_test(R15_sparse_pages_do_not_pile_up),
		env_test(R16_small_pages_take_2MiB_per_GiB),
		env_test(R16_huge_pages_take_huge_entries),
	};

	return ENV_MAIN(argc, argv, "table", tests);
}
