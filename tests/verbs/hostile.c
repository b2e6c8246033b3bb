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

	for (i = 0; i < NR(cases); i++) {
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

	for (i = 0; i < NR(bad); i++) {
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

/*
 * A queue pair that asks anew from the packet sequence number on where it
 * began: to the responder its requests are repeated ones, which must be told
 * from what was asked for at first by more than their number.
 */
static void repeat(struct pair *p)
{
	qp_reset(p->a);
	qp_connect(p->rig, p->a, p->b->qp_num, &p->cfg);
}

static void repeater_open(struct pair *p, struct env *e)
{
	/* What is dropped is asked for seven times, for half a second. */
	const struct pair_config cfg = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_1024, .timeout = 14,
	};

	pair_open(p, &e->rig, &cfg);
}

static void expect_no_data(struct env *e, struct pair *p, const char *what,
			   struct ref there, uint32_t len)
{
	uint8_t before[PAGE];

	memset(before, 0x5a, sizeof(before));
	memcpy(e->buf, before, len);
	if (do_read(p, env_buf(e), there, len) == IBV_WC_SUCCESS)
		test_fail("%s: it was answered", what);
	if (memcmp(e->buf, before, len))
		test_fail("%s: there is data", what);
}

/* Binds a window of type 1; how that ends. */
static enum ibv_wc_status bind_window(struct pair *p, struct ibv_mw *mw,
				      struct ibv_mr *mr, uint64_t addr,
				      uint64_t len)
{
	struct ibv_mw_bind bind = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = {
			.mr = mr,
			.addr = addr,
			.length = len,
			.mw_access_flags = IBV_ACCESS_REMOTE_READ,
		},
	};

	assert_int_equal(ibv_bind_mw(p->b, mw, &bind), 0);
	return wait_wc(p->b_cq, "bind").status;
}

/* Step by step, each repeated read a part of the one before, and one more. */
static void R22_repeated_reads_stay_in_the_window(void **state)
{
	const uint32_t len = 64;
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN,
				    ACCESS_ALL | IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw = ibv_alloc_mw(e->rig.pd, IBV_MW_TYPE_1);
	struct pair p;
	struct ref there;

	assert_non_null(mw);
	pattern_fill(mem, LEN, SEED, 0);
	repeater_open(&p, e);
	expect_success("bind", bind_window(&p, mw, mr, (uintptr_t)mem, len));
	there = (struct ref) { (uintptr_t)mem, mw->rkey };
	expect_success("read", do_read(&p, env_buf(e), there, len));

	repeat(&p);
	there.addr += len - 1;
	expect_success("its last byte", do_read(&p, env_buf(e), there, 1));
	pattern_check("last byte", e->buf, 1, SEED, len - 1);
	repeat(&p);
	expect_no_data(e, &p, "as much again, from there on", there, len);

	repeat(&p);
	there.addr = (uintptr_t)mem;
	expect_success("all of it", do_read(&p, env_buf(e), there, len));
	pattern_check("all of it", e->buf, len, SEED, 0);
	repeat(&p);
	there.addr = -(uint64_t)(len / 2);
	expect_no_data(e, &p, "around the top of 64 bits", there, len);
	pair_close(&p);
	assert_int_equal(ibv_dealloc_mw(mw), 0);
}

/*
 * What the responder keeps of a flush must not serve as what it keeps of a
 * read: the flush of a whole region has an address that nobody looks at.
 */
static void R22_flush_is_not_repeated_as_read(void **state)
{
	struct env *e = *state;
	struct ibv_pd *pd = ibv_alloc_pd(e->rig.ctx);
	uint8_t *secret = mem_anon(PAGE), *own = mem_anon(PAGE);
	uint64_t iova = (uintptr_t)secret;
	struct ibv_mr *mr, *victim;
	struct ref there;
	struct pair p;
	int i;

	assert_non_null(pd);
	pattern_fill(secret, PAGE, SEED, 0);
	victim = ibv_reg_mr(pd, secret, PAGE, ACCESS_ALL |
			    IBV_ACCESS_ON_DEMAND);
	assert_non_null(victim);
	mr = reg_odp_iova(&e->rig, own, PAGE, iova,
			  ACCESS_ALL | IBV_ACCESS_FLUSH_GLOBAL);
	repeater_open(&p, e);

	/* One round through what it can keep, then the flush on the first. */
	there = (struct ref) { iova, mr->rkey };
	for (i = 0; i < 16; i++)
		expect_success("read", do_read(&p, env_buf(e), there, 8));
	there.addr = (uint64_t)UINT32_MAX << 32 | victim->rkey;
	expect_success("flush", do_flush(&p, there, 8, IBV_FLUSH_GLOBAL,
					 IBV_FLUSH_MR));

	repeat(&p);
	there = (struct ref) { iova, victim->rkey };
	expect_no_data(e, &p, "read of another PD's region", there, 64);
	assert_int_equal(stats_of(victim).faults, 0);
	pair_close(&p);
	assert_int_equal(ibv_dereg_mr(victim), 0);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
}

/* It costs the peer nothing but the data that it had asked for. */
static void repeated_requests_are_served(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN,
				    ACCESS_ALL | IBV_ACCESS_FLUSH_GLOBAL);
	struct ref there = ref_r(mr, mem), none = { there.addr, 0 };
	struct pair p;

	pattern_fill(mem, LEN, SEED, 0);
	repeater_open(&p, e);
	expect_success("read", do_read(&p, env_buf(e), there, 3000));
	expect_success("write of no bytes", do_write(&p, env_buf(e), there, 0));
	repeat(&p);
	memset(e->buf, 0, 3000);
	expect_success("read again", do_read(&p, env_buf(e), there, 3000));
	pattern_check("what was read", e->buf, 3000, SEED, 0);
	pair_close(&p);

	repeater_open(&p, e);
	expect_success("read of no bytes", do_read(&p, env_buf(e), none, 0));
	expect_success("read", do_read(&p, env_buf(e), there, 8));
	repeat(&p);
	expect_success("read of none again", do_read(&p, env_buf(e), none, 0));
	pair_close(&p);

	repeater_open(&p, e);
	expect_success("flush", do_flush(&p, there, LEN, IBV_FLUSH_GLOBAL,
					 IBV_FLUSH_RANGE));
	repeat(&p);
	expect_success("flush again",
		       do_flush(&p, there, LEN, IBV_FLUSH_GLOBAL,
				IBV_FLUSH_RANGE));
	pair_close(&p);
	pattern_check("memory", mem, LEN, SEED, 0);
}

static void R22_windows_stay_in_their_region(void **state)
{
	struct env *e = *state;
	struct victim v = victim_open(e);
	const uint64_t start = (uintptr_t)v.mem;
	const struct {
		const char *what;
		uint64_t addr, len;
	} cases[] = {
		{ "below", start - 1, 8 },
		{ "beyond", start + LEN - 7, 8 },
		{ "around the top of 64 bits", start + 8, -8ull },
		{ "nearly all of 64 bits", start, -1ull },
	};
	struct ibv_mr *mr = reg_odp(&e->rig, v.mem, LEN,
				    ACCESS_ALL | IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw;
	size_t i;

	for (i = 0; i < NR(cases); i++) {
		mw = ibv_alloc_mw(e->rig.pd, IBV_MW_TYPE_1);
		assert_non_null(mw);
		if (bind_window(&e->rc, mw, mr, cases[i].addr, cases[i].len) ==
		    IBV_WC_SUCCESS)
			test_fail("a window %s was bound", cases[i].what);
		pair_reset(&e->rc);
		assert_int_equal(ibv_dealloc_mw(mw), 0);
	}
}

/* Keys of regions are easily guessed; a window must not make one's own of it. */
static void R22_window_over_a_region_of_another_pd(void **state)
{
	struct env *e = *state;
	struct ibv_pd *pd = ibv_alloc_pd(e->rig.ctx);
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mw *mw = ibv_alloc_mw(e->rig.pd, IBV_MW_TYPE_1);
	struct ibv_mr *mr;

	assert_non_null(pd);
	assert_non_null(mw);
	pattern_fill(mem, PAGE, SEED, 0);
	mr = ibv_reg_mr(pd, mem, PAGE, ACCESS_ALL | IBV_ACCESS_MW_BIND |
			IBV_ACCESS_ON_DEMAND);
	assert_non_null(mr);
	/* The library looks at this, the kernel does not see it. */
	mr->pd = e->rig.pd;
	assert_int_not_equal(bind_window(&e->rc, mw, mr, (uintptr_t)mem, PAGE),
			     IBV_WC_SUCCESS);
	mr->pd = pd;
	pair_reset(&e->rc);
	assert_int_equal(ibv_dealloc_mw(mw), 0);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
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
		env_test(repeated_requests_are_served),
		env_test(R22_repeated_reads_stay_in_the_window),
		env_test(R22_flush_is_not_repeated_as_read),
		env_test(R22_windows_stay_in_their_region),
		env_test(R22_window_over_a_region_of_another_pd),
	};

	return ENV_MAIN(argc, argv, "hostile", tests);
}
