// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * MRs over address space that is not, or not suitably, mapped: R1, R2, R3.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env.h"

#define RW (PROT_READ | PROT_WRITE)

/* The example of the mail: reg_mr(ptr - PAGE, 3 pages). */
static void R1_hole_page_hole(void **state)
{
	struct env *e = *state;
	uint8_t *start = mem_free_range(3 * PAGE, PAGE), *ptr = start + PAGE;
	struct ibv_mr *mr;

	mem_map_at(ptr, PAGE, RW);
	ptr[0] = 1;
	mr = reg_odp(&e->rig, ptr - PAGE, 3 * PAGE, ACCESS_ALL);
	expect_pages(mr, start, "FWF");

	env_write_and_check(e, mr, ptr, PAGE, 1);
	expect_pages(mr, start, "FWF");
	expect_refused(&e->rc, "write into the hole before",
		       do_write(&e->rc, env_buf(e), ref_r(mr, ptr - 1), 1));
	expect_refused(&e->rc, "write into the hole behind",
		       do_write(&e->rc, env_buf(e), ref_r(mr, ptr + PAGE), 1));
	expect_refused(&e->rc, "read out of the hole behind",
		       do_read(&e->rc, env_buf(e), ref_r(mr, ptr + PAGE), 1));
	pattern_check("page between the holes", ptr, PAGE, 1, 0);

	mem_map_at(ptr + PAGE, PAGE, RW);
	env_write_and_check(e, mr, ptr + PAGE, PAGE, 2);
	expect_pages(mr, start, "FWW");
}

/* Maps and fills one page for each 'W', leaves a hole for each 'F'. */
static void lay_out(uint8_t *mem, const char *pages)
{
	size_t i;

	for (i = 0; pages[i]; i++) {
		if (pages[i] != 'W')
			continue;
		mem_map_at(mem + i * PAGE, PAGE, RW);
		pattern_fill(mem + i * PAGE, PAGE, i, 0);
	}
}

/* Each page is reachable if it is there, and refused if it is not. */
static void use_each_page(struct env *e, struct ibv_mr *mr, uint8_t *mem,
			  const char *pages)
{
	size_t i;

	for (i = 0; pages[i]; i++) {
		uint8_t *page = mem + i * PAGE;

		if (pages[i] == 'W') {
			env_read_and_check(e, mr, page, PAGE, i);
			env_write_and_check(e, mr, page, PAGE, i + 100);
		} else {
			expect_refused(&e->rc, "read out of a hole",
				       do_read(&e->rc, env_buf(e),
					       ref_r(mr, page), PAGE));
			expect_refused(&e->rc, "write into a hole",
				       do_write(&e->rc, env_buf(e),
						ref_r(mr, page), PAGE));
		}
	}
}

static void R1_holes_at_start_middle_end(void **state)
{
	static const char *const layouts[] = {
		"FWWW", "WWFW", "WWWF", "FWFW", "WFWF", "FFWFFWFF", "FFFF",
		"WFFFFFFW",
	};
	struct env *e = *state;
	size_t i;

	for (i = 0; i < NR(layouts); i++) {
		size_t len = strlen(layouts[i]) * PAGE;
		uint8_t *mem = mem_free_range(len, PAGE);
		struct ibv_mr *mr = reg_odp(&e->rig, mem, len, ACCESS_ALL);

		lay_out(mem, layouts[i]);
		expect_pages(mr, mem, layouts[i]);
		use_each_page(e, mr, mem, layouts[i]);
		expect_pages(mr, mem, layouts[i]);
		dereg(&e->rig, mr);
	}
}

/* A request that runs from a page into a hole ends at the hole. */
static void R1_request_into_a_hole(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(3 * PAGE, PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 3 * PAGE, ACCESS_ALL);

	lay_out(mem, "WFW");
	expect_refused(&e->rc, "write across a hole",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 3 * PAGE));
	pattern_check("page behind the hole", mem + 2 * PAGE, PAGE, 2, 0);
	expect_refused(&e->rc, "read across a hole",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem), 3 * PAGE));

	/* A's own memory is refused as A's own fault. */
	expect_local_error(&e->rc, "write from a hole of A",
			   do_write(&e->rc, ref_l(mr, mem + PAGE),
				    ref_r(e->buf_mr, e->buf), 8));
	expect_local_error(&e->rc, "read into a hole of A",
			   do_read(&e->rc, ref_l(mr, mem + PAGE),
				   ref_r(e->buf_mr, e->buf), 8));
	env_write_and_check(e, mr, mem + 2 * PAGE, PAGE, 5);
}

/* A receive whose buffer is a hole fails on both ends, and only that one. */
static void R1_receive_into_a_hole(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(2 * PAGE, PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 2 * PAGE, ACCESS_ALL);
	struct ibv_sge to = { (uintptr_t)mem, 64, mr->lkey };
	struct ibv_sge from = { (uintptr_t)e->buf, 64, e->buf_mr->lkey };
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND, .sg_list = &from, .num_sge = 1,
	};

	lay_out(mem, "FW");
	post_recv(&e->rc, &to, 1, 0);
	expect_wc("send", do_wr(&e->rc, &wr).status, IBV_WC_REM_OP_ERR);
	assert_int_not_equal(wait_wc(e->rc.b_cq, "receive").status,
			     IBV_WC_SUCCESS);
	pair_reset(&e->rc);

	to.addr += PAGE;
	post_recv(&e->rc, &to, 1, 0);
	pattern_fill(e->buf, 64, 3, 0);
	expect_success("send", do_wr(&e->rc, &wr).status);
	expect_success("receive", wait_wc(e->rc.b_cq, "receive").status);
	pattern_check("received", mem + PAGE, 64, 3, 0);
}

/* The layout, around a boundary that is in the middle of it. */
static void around_boundary(struct env *e, size_t boundary, size_t span)
{
	static const char *const layouts[] = {
		"FFWWFF", "FWFFWF", "FFFWFF", "FFWFFF", "FFFFFF", "WWWWWW",
		"WFFFFF", "FFFFFW",
	};
	const size_t half = 3 * PAGE;
	size_t i;

	for (i = 0; i < NR(layouts); i++) {
		uint8_t *start = mem_free_range(2 * span, boundary);
		uint8_t *mem = start + span - half;
		struct ibv_mr *mr = reg_odp(&e->rig, start, 2 * span,
					    ACCESS_ALL);

		assert_int_equal((uintptr_t)(mem + half) % boundary, 0);
		lay_out(mem, layouts[i]);
		expect_pages(mr, mem, layouts[i]);
		use_each_page(e, mr, mem, layouts[i]);
		expect_pages(mr, mem, layouts[i]);
		if (layouts[i][2] == 'W' && layouts[i][3] == 'W')
			env_write_and_check(e, mr, mem + half - 500, 1000, 1);
		dereg(&e->rig, mr);
		mem_unmap(mem, 6 * PAGE);
	}
}

static void R3_holes_across_2MiB(void **state)
{
	around_boundary(*state, 2 * MIB, 2 * MIB);
}

static void R3_holes_across_1GiB(void **state)
{
	around_boundary(*state, GIB, GIB);
}

static void R3_holes_across_512GiB(void **state)
{
	around_boundary(*state, TIB / 2, TIB / 2);
}

/* A page at each end of 1 GiB and one in the middle; nothing else at all. */
static void R3_snapshot_of_a_gigabyte_of_holes(void **state)
{
	struct env *e = *state;
	const size_t nr = GIB / PAGE;
	uint8_t *mem = mem_free_range(GIB, GIB);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, GIB, ACCESS_ALL);
	const uint8_t *states;
	size_t i;

	lay_out(mem, "W");
	lay_out(mem + GIB / 2, "W");
	lay_out(mem + GIB - PAGE, "W");
	states = snapshot(mr, (uintptr_t)mem, nr);
	for (i = 0; i < nr; i++) {
		bool there = !i || i == nr / 2 || i == nr - 1;

		if (states[i] != (there ? PAGE_RW : 0))
			test_fail("page %zu reads 0x%02x", i, states[i]);
	}
	assert_int_equal(stats_of(mr).table_bytes, 0);
}

/* Many changes from page to page: more runs than one call has room for. */
static void R1_snapshot_of_a_comb(void **state)
{
	const size_t nr = 5000;
	struct env *e = *state;
	uint8_t *mem = mem_anon(nr * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, nr * PAGE, ACCESS_ALL);
	const uint8_t *states;
	size_t i;

	for (i = 0; i < nr; i += 2)
		mem[i * PAGE] = 1;
	states = snapshot(mr, (uintptr_t)mem, nr);
	for (i = 0; i < nr; i++) {
		if ((states[i] & PAGE_ACCESS) != (i % 2 ? 0 : PAGE_RW))
			test_fail("page %zu reads 0x%02x", i, states[i]);
	}
}

/* page, unsuitable page, page: only the one between is out of reach. */
static void use_around_unsuitable(struct env *e, uint8_t *mem)
{
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 3 * PAGE, ACCESS_ALL);

	pattern_fill(mem, PAGE, 0, 0);
	pattern_fill(mem + 2 * PAGE, PAGE, 2, 0);
	expect_pages(mr, mem, "WFW");
	use_each_page(e, mr, mem, "WFW");
	expect_pages(mr, mem, "WFW");
	dereg(&e->rig, mr);
}

static void R2_prot_none(void **state)
{
	uint8_t *mem = mem_anon(3 * PAGE);

	mem_touch(mem, 3 * PAGE);
	mem_protect(mem + PAGE, PAGE, PROT_NONE);
	use_around_unsuitable(*state, mem);
}

/* x86 cannot forbid reading of what may be written, but the mapping does. */
static void R2_write_only(void **state)
{
	uint8_t *mem = mem_anon(3 * PAGE);

	mem_touch(mem, 3 * PAGE);
	mem_protect(mem + PAGE, PAGE, PROT_WRITE);
	use_around_unsuitable(*state, mem);
}

static void R2_device_memory(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(3 * PAGE);

	if (!mem_map_device(mem + PAGE, PAGE))
		skip_because("no PCI device memory and no /dev/mem to map");
	use_around_unsuitable(e, mem);
}

/*
 * Memory that the kernel itself has no mapping of: a driver that touches it
 * through its own mapping of all memory makes the kernel oops.
 */
static void R2_secret_memory(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(3 * PAGE);
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd < 0)
		skip_because("no memfd_secret() here: %s", strerror(errno));
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_ptr_equal(mmap(mem + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd,
			      0), mem + PAGE);
	close(fd);
	mem_touch(mem + PAGE, PAGE);
	use_around_unsuitable(e, mem);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R1_hole_page_hole),
		env_test(R1_holes_at_start_middle_end),
		env_test(R1_request_into_a_hole),
		env_test(R1_receive_into_a_hole),
		env_test(R1_snapshot_of_a_comb),
		env_test(R2_prot_none),
		env_test(R2_write_only),
		env_test(R2_device_memory),
		env_test(R2_secret_memory),
		env_test(R3_holes_across_2MiB),
		env_test(R3_holes_across_1GiB),
		env_test(R3_holes_across_512GiB),
		env_test(R3_snapshot_of_a_gigabyte_of_holes),
	};

	return ENV_MAIN(argc, argv, "holes", tests);
}
