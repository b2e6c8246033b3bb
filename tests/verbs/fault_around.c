// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * R4: one fault brings in a chunk, of which only the pages that the access
 * needs must succeed.
 */
#include <sys/mman.h>

#include "env.h"

#define NR_PAGES 64
#define LEN (NR_PAGES * PAGE)
#define RW (PROT_READ | PROT_WRITE)

/* Pages that are in the process's page table come along with their neighbour. */
static void R4_neighbours_come_along(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon_aligned(LEN, LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_stats stats;

	mem_advise(mem, LEN, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	pattern_fill(mem, LEN, 1, 0);
	assert_int_equal(count_pages(mr, mem, NR_PAGES, ODP_PAGE_MIRRORED), 0);

	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + 32 * PAGE), 1));
	assert_true(count_pages(mr, mem, NR_PAGES, ODP_PAGE_MIRRORED) > 1);
	expect_state("the page itself", mr, mem + 32 * PAGE,
		     ODP_PAGE_MIRRORED, ODP_PAGE_MIRRORED);
	stats = stats_of(mr);
	assert_int_equal(stats.faults, 1);
	assert_true(stats.around_pages > 0);
	env_read_and_check(e, mr, mem, LEN, 1);
}

/* Every second page is out of reach; the others are served all the same. */
static void R4_no_neighbour_fails_an_access(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(LEN, LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	size_t i;

	for (i = 0; i < NR_PAGES; i++) {
		switch (i % 6) {
		case 1: /* a hole */
			break;
		case 3:
			mem_map_at(mem + i * PAGE, PAGE, PROT_NONE);
			break;
		case 5:
			mem_map_at(mem + i * PAGE, PAGE, PROT_READ);
			break;
		default:
			mem_map_at(mem + i * PAGE, PAGE, RW);
			break;
		}
	}
	for (i = 0; i < NR_PAGES; i += 2)
		env_write_and_check(e, mr, mem + i * PAGE, PAGE, i);
	for (i = 0; i < NR_PAGES; i += 2)
		pattern_check("page", mem + i * PAGE, PAGE, i, 0);
	assert_int_equal(stats_of(mr).failed_faults, 0);
}

#define PASS_LEN (64 * MIB)
#define PASS_OP (64 * KIB)
#define FAULTS_PER_GIB 4096

static uint64_t sequential_pass(struct env *e, struct ibv_mr *mr, uint8_t *mem,
				bool write)
{
	uint64_t before = stats_of(mr).faults;
	size_t off;

	for (off = 0; off < PASS_LEN; off += PASS_OP) {
		struct ref there = ref_r(mr, mem + off);

		if (write)
			expect_success("write", do_write(&e->rc, env_buf(e),
							 there, PASS_OP));
		else
			expect_success("read", do_read(&e->rc, env_buf(e),
						       there, PASS_OP));
	}
	return stats_of(mr).faults - before;
}

static void R4_sequential_write_takes_few_faults(void **state)
{
	const struct pair_config big = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_4096,
	};
	struct env *e = *state;
	uint8_t *mem = mem_anon(PASS_LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PASS_LEN, ACCESS_ALL);
	uint64_t faults;
	size_t off;

	pair_close(&e->rc);
	pair_open(&e->rc, &e->rig, &big);
	pattern_fill(e->buf, PASS_OP, 1, 0);
	faults = sequential_pass(e, mr, mem, true);
	print_message("first pass over 64 MiB: %llu faults\n",
		      (unsigned long long)faults);
	for (off = 0; off < PASS_LEN; off += PASS_OP)
		pattern_check("memory", mem + off, PASS_OP, 1, 0);
	if (faults > PASS_LEN * FAULTS_PER_GIB / GIB)
		test_fail("%llu faults for 64 MiB, more than %zu",
			  (unsigned long long)faults,
			  PASS_LEN * FAULTS_PER_GIB / GIB);
	assert_int_equal(sequential_pass(e, mr, mem, true), 0);
	assert_int_equal(sequential_pass(e, mr, mem, false), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R4_neighbours_come_along),
		env_test(R4_no_neighbour_fails_an_access),
		env_test(R4_sequential_write_takes_few_faults),
	};

	return ENV_MAIN(argc, argv, "fault_around", tests);
}
