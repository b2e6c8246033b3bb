// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Pages that are not plain private memory: the zero page, the huge zero page,
 * huge pages (R9, R14), and that the mirror follows the page table (R14).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

/* Memory that was never touched reads as zeros and does not become writable. */
static void R9_zero_page(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(4 * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 4 * PAGE, ACCESS_ALL);

	expect_pages(mr, mem, "FFFF");
	memset(e->buf, 0xff, 4 * PAGE);
	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, mem),
				       4 * PAGE));
	zeros_check("never touched memory", e->buf, 4 * PAGE);
	expect_pages(mr, mem, "RRRR");

	env_write_and_check(e, mr, mem + PAGE + 10, 100, 1);
	expect_pages(mr, mem, "RWRR");
	zeros_check("before the data", mem, PAGE + 10);
	zeros_check("behind the data", mem + PAGE + 110, 3 * PAGE - 110);

	/* The zero page that others share is still zero. */
	zeros_check("another zero page", mem_anon(PAGE), PAGE);
}

/* Aligned memory for one huge page that has not been touched. */
static uint8_t *huge_room(void)
{
	uint8_t *mem = mem_anon_aligned(HUGE_2M, HUGE_2M);

	mem_advise(mem, HUGE_2M, MADV_HUGEPAGE, "HUGEPAGE");
	return mem;
}

static void R9_huge_zero_page(void **state)
{
	const size_t place = 300 * PAGE + 17;
	struct env *e = *state;
	struct ibv_mr *mr;
	uint8_t *mem, first;

	if (!mem_has_huge_zero_page())
		skip_because("this kernel gives no huge zero page");
	mem = huge_room();
	mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);
	first = *(volatile uint8_t *)mem;
	assert_int_equal(first, 0);
	expect_state("huge zero page", mr, mem + 511 * PAGE, PAGE_ACCESS,
		     ODP_PAGE_READ);

	memset(e->buf, 0xff, PAGE);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + place), PAGE));
	zeros_check("huge zero page", e->buf, PAGE);
	expect_state("huge zero page", mr, mem + place, PAGE_ACCESS,
		     ODP_PAGE_READ);

	env_write_and_check(e, mr, mem + place, PAGE, 1);
	zeros_check("before the data", mem, place);
	zeros_check("behind the data", mem + place + PAGE,
		    HUGE_2M - place - PAGE);
	mem = huge_room();
	zeros_check("another huge zero page", mem, HUGE_2M);
}

/* A real huge page with a pattern. */
static uint8_t *huge_page(void)
{
	uint8_t *mem = huge_room();

	pattern_fill(mem, HUGE_2M, 1, 0);
	if (!mem_collapse(mem, HUGE_2M))
		test_fail("MADV_COLLAPSE: %s", strerror(errno));
	return mem;
}

/* A fault in the middle gets that subpage, not the head. */
static void R14_middle_of_a_huge_page(void **state)
{
	static const size_t places[] = { 300, 1, 511, 0, 256 };
	struct env *e = *state;
	uint8_t *mem = huge_page();
	size_t i;

	for (i = 0; i < NR(places); i++) {
		struct ibv_mr *mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);
		size_t at = places[i] * PAGE;

		expect_state("subpage", mr, mem + at, ODP_PAGE_HUGE | PAGE_RW,
			     ODP_PAGE_HUGE | PAGE_RW);
		expect_success("read", do_read(&e->rc, env_buf(e),
					       ref_r(mr, mem + at), PAGE));
		pattern_check("subpage", e->buf, PAGE, 1, at);
		pattern_fill(e->buf, PAGE, 1, at);
		expect_success("write", do_write(&e->rc, env_buf(e),
						 ref_r(mr, mem + at), PAGE));
		pattern_check("huge page", mem, HUGE_2M, 1, 0);
		dereg(&e->rig, mr);
	}
}

/* An MR that begins and ends inside huge pages. */
static void R14_part_of_a_huge_page(void **state)
{
	struct env *e = *state;
	uint8_t *mem = huge_page();
	uint8_t *start = mem + 100 * PAGE + 123;
	struct ibv_mr *mr = reg_odp(&e->rig, start, 50 * PAGE, ACCESS_ALL);

	pattern_fill(e->buf, 50 * PAGE, 1, (size_t)(start - mem));
	memset(start, 0, 50 * PAGE);
	expect_success("write", do_write(&e->rc, env_buf(e), ref_r(mr, start),
					 50 * PAGE));
	pattern_check("huge page", mem, HUGE_2M, 1, 0);
	expect_refused(&e->rc, "one byte before the MR",
		       do_write(&e->rc, env_buf(e), ref_r(mr, start - 1), 1));
	expect_refused(&e->rc, "one byte behind the MR",
		       do_write(&e->rc, env_buf(e),
				ref_r(mr, start + 50 * PAGE), 1));
}

/* A huge page that is split under the MR keeps its bytes. */
static void R14_huge_page_is_split(void **state)
{
	struct env *e = *state;
	uint8_t *mem = huge_page();
	struct ibv_mr *mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);

	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, mem), 8));
	mem_cold(mem + 200 * PAGE, PAGE);
	mem_protect(mem + 400 * PAGE, PAGE, PROT_READ);
	memset(e->buf, 0xff, PAGE);
	expect_success("read of the dropped subpage",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem + 200 * PAGE),
			       PAGE));
	zeros_check("dropped subpage", e->buf, PAGE);
	expect_refused(&e->rc, "write to the read-only subpage",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem + 400 * PAGE),
				8));
	expect_success("read of the rest",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem + 201 * PAGE),
			       256 * PAGE));
	pattern_check("rest", e->buf, 256 * PAGE, 1, 201 * PAGE);
}

/* Small pages that become one huge page under the MR keep their bytes. */
static void R14_pages_are_collapsed(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon_aligned(HUGE_2M, HUGE_2M);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);

	mem_advise(mem, HUGE_2M, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	pattern_fill(mem, HUGE_2M, 1, 0);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + 3 * PAGE), 8));
	if (!mem_collapse(mem, HUGE_2M))
		test_fail("MADV_COLLAPSE: %s", strerror(errno));
	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, mem),
				       MIB));
	pattern_check("first half", e->buf, MIB, 1, 0);
	pattern_fill(e->buf, PAGE, 2, 0);
	expect_success("write", do_write(&e->rc, env_buf(e),
					 ref_r(mr, mem + 3 * PAGE), PAGE));
	pattern_check("written", mem + 3 * PAGE, PAGE, 2, 0);
	pattern_check("behind", mem + 4 * PAGE, HUGE_2M - 4 * PAGE, 1,
		      4 * PAGE);
}

/* Pages of hugetlbfs, of which the kernel first has to set some aside. */
static void R14_hugetlb_page(void **state)
{
	const size_t len = 2 * HUGE_2M, place = HUGE_2M - 3 * PAGE + 17;
	struct env *e = *state;
	struct ibv_mr *mr;
	uint8_t *mem;

	if (!mem_reserve_hugetlb(2))
		skip_because("no two pages for hugetlbfs");
	mem = mem_hugetlb(len);
	mr = reg_odp(&e->rig, mem, len, ACCESS_ALL);
	env_write_and_check(e, mr, mem + place, 6 * PAGE, 1);
	zeros_check("before the data", mem, place);
	zeros_check("behind the data", mem + place + 6 * PAGE,
		    len - place - 6 * PAGE);
	env_read_and_check(e, mr, mem + place, 6 * PAGE, 1);
	expect_state("hugetlb page", mr, mem + place, ODP_PAGE_HUGE | PAGE_RW,
		     ODP_PAGE_HUGE | PAGE_RW);
	mem_unmap(mem, HUGE_2M);
	expect_refused(&e->rc, "write to the page that is gone",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem + place),
				8));
	env_write_and_check(e, mr, mem + HUGE_2M + 5, 3 * PAGE, 2);
}

/* Neighbours of an access do not make a PROT_NONE page appear. */
static void R14_prot_none_never_populates(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(64 * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 64 * PAGE, ACCESS_ALL);
	size_t i;

	pattern_fill(mem, 64 * PAGE, 1, 0);
	mem_protect(mem + 16 * PAGE, 16 * PAGE, PROT_NONE);
	for (i = 0; i < 64; i += 8) {
		if (i / 16 != 1)
			expect_success("write",
				       do_write(&e->rc, env_buf(e),
						ref_r(mr, mem + i * PAGE), 1));
	}
	assert_int_equal(count_pages(mr, mem + 16 * PAGE, 16, 0xff), 0);
}

/* Each change of the page table shows in the mirror at once. */
static void R14_mirror_tracks_every_change(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_shared(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);
	const uint8_t all = PAGE_RW | ODP_PAGE_MIRRORED | ODP_PAGE_DIRTY;

	env_write_and_check(e, mr, mem, PAGE, 1);
	expect_state("written by the device", mr, mem, all, all);
	mem_protect(mem, PAGE, PROT_READ);
	expect_state("made read-only", mr, mem, ODP_PAGE_WRITE, 0);
	mem_protect(mem, PAGE, PROT_READ | PROT_WRITE);
	env_write_and_check(e, mr, mem, PAGE, 2);
	expect_state("written again", mr, mem, all, all);
	mem_cold(mem, PAGE);
	expect_state("dropped", mr, mem, 0xff, ODP_PAGE_FAULT);
	env_read_and_check(e, mr, mem, PAGE, 2);
	expect_state("read by the device", mr, mem,
		     ODP_PAGE_MIRRORED | ODP_PAGE_READ,
		     ODP_PAGE_MIRRORED | ODP_PAGE_READ);
	mem_unmap(mem, PAGE);
	expect_state("unmapped", mr, mem, 0xff, ODP_PAGE_FAULT);
}

/* An entry that is not there is made by the access that needs it. */
static void R14_missing_entry_is_created(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(16 * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 16 * PAGE, ACCESS_ALL);
	int i;

	for (i = 0; i < 5; i++) {
		assert_int_equal(count_pages(mr, mem, 16, 0xff), 0);
		env_write_and_check(e, mr, mem + 100, 10 * PAGE, i);
		expect_state("written", mr, mem + 5 * PAGE, ODP_PAGE_MIRRORED,
			     ODP_PAGE_MIRRORED);
		mem_cold(mem, 16 * PAGE);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R9_zero_page),
		env_test(R9_huge_zero_page),
		env_test(R14_middle_of_a_huge_page),
		env_test(R14_part_of_a_huge_page),
		env_test(R14_huge_page_is_split),
		env_test(R14_pages_are_collapsed),
		env_test(R14_hugetlb_page),
		env_test(R14_prot_none_never_populates),
		env_test(R14_mirror_tracks_every_change),
		env_test(R14_missing_entry_is_created),
	};

	return ENV_MAIN(argc, argv, "page_kinds", tests);
}
