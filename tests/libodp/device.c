// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What libodp does on a device: capabilities, registration, runs, policy.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

#define LOCAL IBV_ACCESS_LOCAL_WRITE
#define NR_PAGES 64
#define LEN (NR_PAGES * PAGE)

static void caps_of_softroce(void **state)
{
	struct env *e = *state;
	struct odp_caps caps;

	assert_int_equal(odp_query_caps(e->rig.ctx, &caps), 0);
	/* The other one is the kernel's, see exclusive.c. */
	assert_int_equal(caps.flags & ~ODP_CAP_EXCLUSIVE,
			 ODP_CAP_EXPLICIT | ODP_CAP_IMPLICIT |
			 ODP_CAP_PREFETCH | ODP_CAP_SNAPSHOT | ODP_CAP_STATS |
			 ODP_CAP_POLICY | ODP_CAP_EVENTS);
	assert_true(caps.rc & IBV_ODP_SUPPORT_WRITE);
	assert_true(caps.rc & IBV_ODP_SUPPORT_ATOMIC);
	assert_true(caps.ud & IBV_ODP_SUPPORT_SEND);
	assert_int_equal(caps.ud & IBV_ODP_SUPPORT_WRITE, 0);
	assert_int_equal(caps.uc | caps.xrc, 0);
}

/* Whether the device is to play one that has no on-demand paging. */
static bool refuse_on_demand;

/* In place of libibverbs', which it calls. */
struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length,
				uint64_t iova, unsigned int access)
{
	struct ibv_mr *(*real)(struct ibv_pd *, void *, size_t, uint64_t,
			       unsigned int);

	if (refuse_on_demand && access & IBV_ACCESS_ON_DEMAND) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	real = (__typeof__(real))dlsym(RTLD_NEXT, "ibv_reg_mr_iova2");
	if (!real)
		test_fail("libibverbs has no ibv_reg_mr_iova2()");
	return real(pd, addr, length, iova, access);
}

static struct odp_region *reg_attr(struct env *e,
				   const struct odp_reg_attr *attr,
				   enum odp_kind kind)
{
	struct odp_region *region = odp_reg(e->rig.pd, attr);

	if (!region)
		test_fail("odp_reg: %s", strerror(errno));
	assert_int_equal(odp_region_kind(region), kind);
	return region;
}

static struct odp_region *reg(struct env *e, void *mem, size_t len,
			      unsigned int access, unsigned int flags,
			      enum odp_kind kind)
{
	const struct odp_reg_attr attr = {
		.addr = mem,
		.length = len,
		.access = access,
		.flags = flags,
	};

	return reg_attr(e, &attr, kind);
}

static struct ref ref_to(const struct odp_region *region, const void *addr)
{
	return (struct ref) { (uintptr_t)addr, odp_region_rkey(region) };
}

/* Addresses are virtual ones and data arrives, whatever was chosen. */
static void data_goes_through(void **state)
{
	const struct {
		unsigned int flags;
		enum odp_kind kind;
	} ways[] = {
		{ 0, ODP_KIND_EXPLICIT },
		{ ODP_REG_WIDE, ODP_KIND_IMPLICIT },
		{ ODP_REG_WIDE | ODP_REG_OWN, ODP_KIND_EXPLICIT },
	};
	struct env *e = *state;
	struct odp_region *mr;
	uint8_t *mem;
	size_t i;

	for (i = 0; i < NR(ways); i++) {
		mem = mem_anon(LEN);
		mr = reg(e, mem, LEN, ACCESS_ALL, ways[i].flags, ways[i].kind);
		pattern_fill(e->buf, 3 * PAGE, i, 0);
		expect_success("write", do_write(&e->rc, env_buf(e),
						 ref_to(mr, mem + 777),
						 3 * PAGE));
		pattern_check("memory", mem + 777, 3 * PAGE, i, 0);
		assert_int_equal(odp_dereg(mr), 0);
	}
}

/* A local buffer through the PD's implicit region, mapped after it was made. */
static void local_buffers_share(void **state)
{
	struct env *e = *state;
	struct odp_region *a = reg(e, mem_anon(PAGE), PAGE, LOCAL, 0,
			       ODP_KIND_IMPLICIT);
	uint8_t *mem = mem_anon(LEN);
	struct odp_region *b = reg(e, mem, LEN, LOCAL, 0, ODP_KIND_IMPLICIT);
	struct ref local = { (uintptr_t)mem + 5, odp_region_lkey(b) };

	assert_int_equal(odp_region_lkey(a), odp_region_lkey(b));
	pattern_fill(e->buf, 2 * PAGE, 3, 0);
	expect_success("read", do_read(&e->rc, local, ref_r(e->buf_mr, e->buf),
				       2 * PAGE));
	pattern_check("memory", mem + 5, 2 * PAGE, 3, 0);
	assert_int_equal(odp_dereg(a), 0);
	assert_int_equal(odp_dereg(b), 0);
}

/* On a device that cannot do better; also right on the stock rdma_rxe. */
static void pinned_if_need_be(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct odp_reg_attr attr = {
		.addr = mem,
		.length = LEN,
		.access = ACCESS_ALL,
	};
	struct odp_region *region;

	refuse_on_demand = true;
	assert_null(odp_reg(e->rig.pd, &attr));
	assert_int_equal(errno, EOPNOTSUPP);
	attr.choice = ODP_EITHER;
	region = reg_attr(e, &attr, ODP_KIND_PINNED);
	pattern_fill(e->buf, LEN / 2, 9, 0);
	expect_success("write", do_write(&e->rc, env_buf(e),
					 ref_to(region, mem + 9), LEN / 2));
	pattern_check("pinned memory", mem + 9, LEN / 2, 9, 0);
	assert_int_equal(odp_dereg(region), 0);
	refuse_on_demand = false;

	attr.choice = ODP_PINNED;
	region = reg_attr(e, &attr, ODP_KIND_PINNED);
	expect_error("of a pinned one",
		     odp_mr_get_stats(odp_region_mr(region),
				      &(struct odp_stats) {}), EOPNOTSUPP);
	assert_int_equal(odp_dereg(region), 0);
}

/* What the device can do over which transport decides. */
static void operations_decide(void **state)
{
	struct env *e = *state;
	struct odp_reg_attr attr = {
		.addr = mem_anon(LEN),
		.length = LEN,
		.access = ACCESS_ALL,
		.transports = ODP_RC,
		.operations = IBV_ODP_SUPPORT_WRITE | IBV_ODP_SUPPORT_ATOMIC,
	};

	assert_int_equal(odp_dereg(reg_attr(e, &attr, ODP_KIND_EXPLICIT)), 0);
	/* There are no atomics over UD. */
	attr.transports = ODP_RC | ODP_UD;
	assert_null(odp_reg(e->rig.pd, &attr));
	assert_int_equal(errno, EOPNOTSUPP);
	attr.choice = ODP_EITHER;
	assert_int_equal(odp_dereg(reg_attr(e, &attr, ODP_KIND_PINNED)), 0);
	attr.choice = ODP_ON_DEMAND;
	attr.operations = IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV;
	assert_int_equal(odp_dereg(reg_attr(e, &attr, ODP_KIND_EXPLICIT)), 0);
}

/* The address that peers use, and the policy, are there from the first fault on. */
static void born_as_asked_for(void **state)
{
	const struct odp_policy policy = { ODP_AROUND_NONE, 1, 77, 0 };
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	const struct odp_reg_attr attr = {
		.addr = mem + 5,
		.length = LEN - 5,
		.iova = GIB + 5,
		.access = ACCESS_ALL,
		.flags = ODP_REG_IOVA,
		.policy = &policy,
		.policy_size = sizeof(policy),
	};
	struct odp_region *region = reg_attr(e, &attr, ODP_KIND_EXPLICIT);
	struct ref there = { GIB + PAGE, odp_region_rkey(region) };
	struct odp_policy is;

	assert_int_equal(odp_mr_get_policy(odp_region_mr(region), &is), 0);
	assert_memory_equal(&is, &policy, sizeof(is));
	mem_touch(mem, LEN);
	pattern_fill(e->buf, 100, 4, 0);
	expect_success("write", do_write(&e->rc, env_buf(e), there, 100));
	pattern_check("memory", mem + PAGE, 100, 4, 0);
	assert_int_equal(stats_of(odp_region_mr(region)).resident_pages, 1);
	assert_int_equal(odp_dereg(region), 0);
}

/* Every other page of a range is there; then one run has to do for 1 TiB. */
static void runs_of_small_and_large_ranges(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(TIB, HUGE_2M);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, TIB, ACCESS_ALL);
	struct odp_run runs[NR_PAGES];
	uint64_t pages = 0;
	size_t nr, i;

	assert_int_equal(odp_mr_snapshot_runs(mr, (uintptr_t)mem, TIB / PAGE,
					      runs, NR_PAGES, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(runs[0].npages, TIB / PAGE);
	assert_int_equal(runs[0].state, ODP_PAGE_FAULT);

	mem_map_at(mem + TIB / 2, LEN, PROT_READ | PROT_WRITE);
	mem_advise(mem + TIB / 2, LEN, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	for (i = 0; i < NR_PAGES; i += 2)
		mem_touch(mem + TIB / 2 + i * PAGE, PAGE);
	assert_int_equal(odp_mr_snapshot_runs(mr, (uintptr_t)mem, TIB / PAGE,
					      runs, 5, &nr), 0);
	assert_int_equal(nr, 5);
	assert_int_equal(runs[0].npages, TIB / 2 / PAGE);
	for (i = 1; i < nr; i++) {
		assert_int_equal(runs[i].npages, 1);
		assert_int_equal(runs[i].state & PAGE_ACCESS,
				 i % 2 ? PAGE_RW : 0);
	}
	assert_int_equal(odp_mr_snapshot_runs(mr, (uintptr_t)mem + TIB / 2,
					      NR_PAGES, runs, NR_PAGES, &nr),
			 0);
	for (i = 0; i < nr; i++)
		pages += runs[i].npages;
	assert_int_equal(nr, NR_PAGES);
	assert_int_equal(pages, NR_PAGES);
}

/*
 * One write to a page in the middle of 64; what it brings in. Memory of its own
 * each time, as regions find what others brought in.
 */
static struct odp_stats write_with(struct env *e, bool touched, uint32_t around,
				   uint32_t max_pages)
{
	uint8_t *mem = mem_anon_aligned(LEN, HUGE_2M);
	struct odp_policy policy, now;
	struct odp_stats stats;
	struct ibv_mr *mr;

	mem_advise(mem, LEN, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	if (touched)
		mem_touch(mem, LEN);
	mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	assert_int_equal(odp_mr_get_policy(mr, &policy), 0);
	assert_int_equal(policy.around, ODP_AROUND_STREAM);
	policy.around = around;
	policy.max_pages = max_pages;
	assert_int_equal(odp_mr_set_policy(mr, &policy), 0);
	assert_int_equal(odp_mr_get_policy(mr, &now), 0);
	assert_memory_equal(&policy, &now, sizeof(now));

	env_write_and_check(e, mr, mem + LEN / 2, 100, 1);
	stats = stats_of(mr);
	assert_int_equal(stats.faulted_pages, 1);
	dereg(&e->rig, mr);
	return stats;
}

static void policy_decides_what_comes_in(void **state)
{
	struct env *e = *state;

	assert_int_equal(write_with(e, true, ODP_AROUND_NONE, 512)
			 .around_pages, 0);
	assert_int_equal(write_with(e, true, ODP_AROUND_SNAPSHOT, 512)
			 .around_pages, NR_PAGES - 1);
	assert_int_equal(write_with(e, false, ODP_AROUND_SNAPSHOT, 512)
			 .around_pages, 0);
	assert_int_equal(write_with(e, false, ODP_AROUND_POPULATE, 16)
			 .around_pages, 15);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(caps_of_softroce),
		env_test(data_goes_through),
		env_test(local_buffers_share),
		env_test(pinned_if_need_be),
		env_test(operations_decide),
		env_test(born_as_asked_for),
		env_test(runs_of_small_and_large_ranges),
		env_test(policy_decides_what_comes_in),
	};

	return ENV_MAIN(argc, argv, "libodp_device", tests);
}
