// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_prefetch(): what comes in, what is passed over, what is refused.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"
#include "uffd.h"

#define NR_PAGES 16
#define LEN (NR_PAGES * PAGE)
#define READ IBV_ADVISE_MR_ADVICE_PREFETCH
#define WRITE IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE
#define NO_FAULT IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT
#define FLUSH IBV_ADVISE_MR_FLAG_FLUSH

static struct odp_range range(struct ibv_mr *mr, void *addr, uint64_t len)
{
	return (struct odp_range) { (uintptr_t)addr, len, mr->lkey, 0 };
}

static size_t mirrored(struct ibv_mr *mr, void *mem)
{
	return count_pages(mr, mem, NR_PAGES, ODP_PAGE_MIRRORED);
}

static void prefetch_brings_pages_in(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_range list[] = {
		range(mr, mem + 1, 1),
		range(mr, mem + 3 * PAGE, 2 * PAGE),
		range(mr, mem + 9 * PAGE - 1, 2),
	};

	assert_int_equal(odp_prefetch(e->rig.pd, list, 3, WRITE, FLUSH), 0);
	expect_pages(mr, mem, "WFFWWFFFWWFFFFFF");
	assert_int_equal(mirrored(mr, mem), 5);
	assert_int_equal(stats_of(mr).prefetched_pages, 5);
	assert_int_equal(stats_of(mr).faults, 0);
	env_write_and_check(e, mr, mem + 3 * PAGE, 2 * PAGE, 7);
	assert_int_equal(stats_of(mr).faults, 0);
	assert_int_equal(odp_prefetch(e->rig.pd, NULL, 0, WRITE, FLUSH), 0);
}

struct watch {
	struct ibv_mr *mr;
	uint8_t *mem;
};

static bool all_mirrored(void *arg)
{
	struct watch *w = arg;

	return mirrored(w->mr, w->mem) == NR_PAGES;
}

static void prefetch_may_go_on_behind(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct watch w = { reg_odp(&e->rig, mem, LEN, ACCESS_ALL), mem };
	struct odp_range all = range(w.mr, mem, LEN);

	assert_int_equal(odp_prefetch(e->rig.pd, &all, 1, READ, 0), 0);
	assert_true(wait_until(all_mirrored, &w));
}

/* A hole is passed over, and whoever waits is told. */
static void prefetch_passes_over_holes(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_range all = range(mr, mem, LEN);

	mem_touch(mem, PAGE);
	mem_unmap(mem + 4 * PAGE, 3 * PAGE);
	assert_int_equal(odp_prefetch(e->rig.pd, &all, 1, NO_FAULT, FLUSH), 0);
	assert_int_equal(mirrored(mr, mem), 1);
	expect_error("over a hole",
		     odp_prefetch(e->rig.pd, &all, 1, WRITE, FLUSH), EFAULT);
	expect_pages(mr, mem, "WWWWFFFWWWWWWWWW");
	assert_int_equal(mirrored(mr, mem), NR_PAGES - 3);
	assert_int_equal(odp_prefetch(e->rig.pd, &all, 1, WRITE, 0), 0);
}

/* More than an element can name: 10 GiB of the implicit region. */
static void prefetch_of_large_ranges(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(10 * GIB, GIB);
	struct ibv_mr *mr = reg_odp(&e->rig, NULL, SIZE_MAX, ACCESS_ALL);
	struct odp_range all = range(mr, mem, 10 * GIB);

	mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
	mem_map_at(mem + 10 * GIB - LEN, LEN, PROT_READ | PROT_WRITE);
	mem_touch(mem, LEN);
	mem_touch(mem + 10 * GIB - LEN, LEN);
	assert_int_equal(odp_prefetch(e->rig.pd, &all, 1, NO_FAULT, FLUSH), 0);
	assert_int_equal(mirrored(mr, mem), NR_PAGES);
	assert_int_equal(mirrored(mr, mem + 10 * GIB - LEN), NR_PAGES);
	expect_error("holes", odp_prefetch(e->rig.pd, &all, 1, READ, FLUSH),
		     EFAULT);
}

/* Hundreds of ranges take several calls. */
static void prefetch_of_many_ranges(void **state)
{
	enum { MANY = 300 };
	struct env *e = *state;
	uint8_t *mem = mem_anon(2 * MANY * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 2 * MANY * PAGE, ACCESS_ALL);
	const struct { size_t i; int err; } bad[] = {
		{ 0, EFAULT }, { 7, EINVAL }, { 200, ENOENT },
	};
	struct odp_range list[MANY];
	size_t i, b = 0;

	for (i = 0; i < MANY; i++)
		list[i] = range(mr, mem + 2 * i * PAGE, PAGE);
	mem_unmap(mem, PAGE);
	list[7].length = 0;
	list[200].lkey = 0xfffff000;
	expect_error("some are bad",
		     odp_prefetch(e->rig.pd, list, MANY, WRITE, FLUSH), EFAULT);
	/* Each says what became of it, and keeps no other from coming. */
	for (i = 0; i < MANY; i++) {
		if (b < 3 && bad[b].i == i)
			assert_int_equal(list[i].error, bad[b++].err);
		else
			assert_int_equal(list[i].error, 0);
	}
	assert_int_equal(count_pages(mr, mem, 2 * MANY, ODP_PAGE_MIRRORED),
			 MANY - 3);
}

static void prefetch_errors(void **state)
{
	struct env *e = *state;
	struct ibv_pd *pd = e->rig.pd, *other = ibv_alloc_pd(e->rig.ctx);
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct ibv_mr *ro = reg_odp(&e->rig, mem, LEN, IBV_ACCESS_REMOTE_READ);
	struct odp_range r = range(mr, mem, LEN), bad;

	assert_non_null(other);
	expect_error("no PD", odp_prefetch(NULL, &r, 1, READ, 0), EINVAL);
	expect_error("no list", odp_prefetch(pd, NULL, 1, READ, 0), EINVAL);
	expect_error("a flag", odp_prefetch(pd, &r, 1, READ, 2), EINVAL);
	expect_error("an advice",
		     odp_prefetch(pd, &r, 1,
				  (enum ibv_advise_mr_advice)99, FLUSH),
		     EOPNOTSUPP);
	bad = range(mr, mem, 0);
	expect_error("empty", odp_prefetch(pd, &bad, 1, READ, 0), EINVAL);
	bad = range(mr, mem, UINT64_MAX);
	expect_error("wraps", odp_prefetch(pd, &bad, 1, READ, 0), EINVAL);
	bad = range(mr, mem, LEN + 1);
	expect_error("too long", odp_prefetch(pd, &bad, 1, READ, 0), EFAULT);
	bad = r;
	bad.lkey = 0xfffff000;
	expect_error("no such key", odp_prefetch(pd, &bad, 1, READ, 0), ENOENT);
	bad = range(e->buf_mr, e->buf, PAGE);
	expect_error("pinned", odp_prefetch(pd, &bad, 1, READ, 0), EINVAL);
	expect_error("foreign PD", odp_prefetch(other, &r, 1, READ, 0), EPERM);
	bad = range(ro, mem, LEN);
	expect_error("read-only MR", odp_prefetch(pd, &bad, 1, WRITE, 0),
		     EPERM);
	mem_protect(mem, PAGE, PROT_READ);
	expect_error("read-only page", odp_prefetch(pd, &r, 1, WRITE, FLUSH),
		     EFAULT);
	assert_int_equal(ibv_dealloc_pd(other), 0);
}

static struct uffd uffd;

static int uffd_teardown(void **state)
{
	uffd_close(&uffd);
	return env_teardown(state);
}

/* So much can be under way that nobody waits for. */
#define UNDER_WAY 4096

static bool there_is_room(void *arg)
{
	struct ibv_mr *mr = arg;
	struct odp_range r = range(mr, mr->addr, 1);

	return !odp_prefetch(mr->pd, &r, 1, READ, 0);
}

static void prefetch_has_a_bound(void **state)
{
	static struct odp_range list[UNDER_WAY];
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	size_t i;

	for (i = 0; i < UNDER_WAY; i++)
		list[i] = range(mr, mem, 1);
	uffd_open(&uffd, mem, LEN);
	assert_int_equal(odp_prefetch(e->rig.pd, list, UNDER_WAY, READ, 0), 0);
	expect_error("one more", odp_prefetch(e->rig.pd, list, 1, READ, 0),
		     EBUSY);
	uffd_serve(&uffd, 1);
	assert_true(wait_until(there_is_room, mr));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(prefetch_brings_pages_in),
		env_test(prefetch_may_go_on_behind),
		env_test(prefetch_passes_over_holes),
		env_test(prefetch_of_large_ranges),
		env_test(prefetch_of_many_ranges),
		env_test(prefetch_errors),
		cmocka_unit_test_setup_teardown(prefetch_has_a_bound, env_setup,
						uffd_teardown),
	};

	return ENV_MAIN(argc, argv, "libodp_prefetch", tests);
}
