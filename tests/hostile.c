// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Keys, addresses and lengths that a peer makes up: a clean refusal, no byte
 * changed, and everything else goes on working.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

#define LEN (8 * PAGE)
#define SEED 1

/* An MR in the middle of memory that it must not let anyone touch. */
struct victim {
	uint8_t *around;
	uint8_t *mem;
	struct ibv_mr *mr;
};

static struct victim victim_open(struct env *e)
{
	struct victim v;

	v.around = mem_anon(3 * LEN);
	pattern_fill(v.around, 3 * LEN, SEED, 0);
	v.mem = v.around + LEN;
	v.mr = reg_odp(&e->rig, v.mem, LEN, ACCESS_ALL);
	memset(e->buf, 0x5a, LEN);
	return v;
}

/* Every operation with this reference is refused; memory stays as it is. */
static void expect_all_refused(struct env *e, struct victim *v,
			       const char *what, struct ref there, uint32_t len)
{
	uint8_t before[64];

	expect_refused(&e->rc, what, do_write(&e->rc, env_buf(e), there, len));
	memcpy(before, e->buf, sizeof(before));
	expect_refused(&e->rc, what, do_read(&e->rc, env_buf(e), there, len));
	assert_memory_equal(before, e->buf, sizeof(before));
	pattern_check(what, v->around, 3 * LEN, SEED, 0);
}

static void expect_atomics_refused(struct env *e, struct victim *v,
				   const char *what, struct ref there)
{
	expect_refused(&e->rc, what, do_fetch_add(&e->rc, env_buf(e), there,
						  1));
	expect_refused(&e->rc, what, do_cmp_swap(&e->rc, env_buf(e), there, 0,
						 1));
	expect_refused(&e->rc, what, do_atomic_write(&e->rc, there, 1));
	pattern_check(what, v->around, 3 * LEN, SEED, 0);
}

static void addresses_and_lengths(void **state)
{
	struct env *e = *state;
	struct victim v = victim_open(e);
	const uint64_t start = (uintptr_t)v.mem, end = start + LEN;
	const struct {
		const char *what;
		uint64_t addr;
		uint32_t len;
	} cases[] = {
		{ "one byte below", start - 1, 1 },
		{ "from below into the MR", start - 1, 2 },
		{ "a page below", start - PAGE, (uint32_t)PAGE },
		{ "right behind the end", end, 1 },
		{ "across the end", end - 1, 2 },
		{ "a page too long", start, LEN + PAGE },
		{ "far beyond", end + TIB, 8 },
		{ "address 0", 0, 8 },
		{ "top of 64 bits", UINT64_MAX - 7, 8 },
		{ "around the top of 64 bits", UINT64_MAX - 3, 8 },
		{ "a page around the top", (uint64_t)-PAGE, 2 * PAGE },
		{ "kernel address", 0xffff888000001000, 8 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ref there = { cases[i].addr, v.mr->rkey };

		expect_all_refused(e, &v, cases[i].what, there, cases[i].len);
		if (cases[i].addr % 8 == 0 && cases[i].addr != start)
			expect_atomics_refused(e, &v, cases[i].what, there);
	}
	assert_int_equal(stats_of(v.mr).faults, 0);
	env_write_and_check(e, v.mr, v.mem, LEN, 2);
}

static void keys(void **state)
{
	struct env *e = *state;
	struct victim v = victim_open(e);
	uint32_t key = v.mr->rkey, bad[] = {
		key ^ 1, key ^ 0x80, key + 0x100, key ^ 0x40000000, 0,
		UINT32_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ref there = { (uintptr_t)v.mem, bad[i] };

		if (bad[i] == e->buf_mr->rkey)
			continue;
		expect_all_refused(e, &v, "wrong key", there, 8);
		expect_atomics_refused(e, &v, "wrong key", there);
	}
	assert_int_equal(stats_of(v.mr).faults, 0);
	env_write_and_check(e, v.mr, v.mem, LEN, 2);
}

static void key_of_another_protection_domain(void **state)
{
	struct env *e = *state;
	struct victim v = victim_open(e);
	struct ibv_pd *pd = ibv_alloc_pd(e->rig.ctx);
	struct ibv_mr *mr;

	assert_non_null(pd);
	mr = ibv_reg_mr(pd, v.mem, LEN, ACCESS_ALL | IBV_ACCESS_ON_DEMAND);
	assert_non_null(mr);
	expect_all_refused(e, &v, "key of another PD", ref_r(mr, v.mem), 8);
	expect_atomics_refused(e, &v, "key of another PD", ref_r(mr, v.mem));
	assert_int_equal(stats_of(mr).faults, 0);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
	env_write_and_check(e, v.mr, v.mem, LEN, 2);
}

static void key_of_an_mr_that_is_gone(void **state)
{
	struct env *e = *state;
	struct victim v = victim_open(e);
	struct ref there;

	there = ref_r(v.mr, v.mem);
	expect_success("read", do_read(&e->rc, env_buf(e), there, LEN));
	dereg(&e->rig, v.mr);
	memset(e->buf, 0x5a, LEN);
	expect_all_refused(e, &v, "key of an MR that is gone", there, 8);
	expect_atomics_refused(e, &v, "key of an MR that is gone", there);
	v.mr = reg_odp(&e->rig, v.mem, LEN, ACCESS_ALL);
	env_write_and_check(e, v.mr, v.mem, LEN, 2);
}

/* A peer's error costs its own connection only. */
static void others_are_not_disturbed(void **state)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_1024,
	};
	struct env *e = *state;
	struct victim v = victim_open(e);
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct ref beyond = { (uintptr_t)v.mem + LEN, v.mr->rkey };
	struct pair bad;
	int i;

	for (i = 0; i < 10; i++) {
		pair_open(&bad, &e->rig, &cfg);
		expect_wc("write beyond the end",
			  do_write(&bad, env_buf(e), beyond, 8),
			  IBV_WC_REM_ACCESS_ERR);
		env_write_and_check(e, mr, mem, LEN, i);
		env_write_and_check(e, v.mr, v.mem, LEN, i);
		pair_close(&bad);
	}
}

/* An MR over addresses that no process has is no way to the kernel. */
static void region_over_kernel_addresses(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;
	struct ref there;

	reg_odp(&e->rig, mem_anon(PAGE), PAGE, ACCESS_ALL);
	mr = ibv_reg_mr(e->rig.pd, (void *)0xffff888000001000, PAGE,
			ACCESS_ALL | IBV_ACCESS_ON_DEMAND);
	if (!mr) {
		assert_true(errno == EINVAL || errno == EFAULT);
		return;
	}
	there = (struct ref) { 0xffff888000001000, mr->rkey };
	expect_refused(&e->rc, "read of a kernel address",
		       do_read(&e->rc, env_buf(e), there, 8));
	expect_refused(&e->rc, "write to a kernel address",
		       do_write(&e->rc, env_buf(e), there, 8));
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(addresses_and_lengths),
		env_test(keys),
		env_test(key_of_another_protection_domain),
		env_test(key_of_an_mr_that_is_gone),
		env_test(others_are_not_disturbed),
		env_test(region_over_kernel_addresses),
	};

	return ENV_MAIN(argc, argv, "hostile", tests);
}
