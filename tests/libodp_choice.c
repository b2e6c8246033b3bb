// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_reg() without a device: which registration it chooses, what it shares
 * and what it keeps. This program's own ibv_reg_mr_iova2() and ibv_dereg_mr()
 * stand in for the provider and count.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <infiniband/odp.h>

#include "fail.h"
#include "mem.h"

#define LOCAL IBV_ACCESS_LOCAL_WRITE
#define REMOTE (LOCAL | IBV_ACCESS_REMOTE_WRITE)
#define CACHED (ODP_REG_PINNED | ODP_REG_CACHED)

/* The device that is played. */
static struct {
	uint32_t caps;		/* IBV_ODP_SUPPORT* */
	int implicit_err, explicit_err;
	int room;		/* regions that can be pinned; -1: any number */
	bool busy;		/* nothing can be deregistered */
	int live, pinned, made;
} device;

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;

static int query_device_ex(struct ibv_context *context,
			   const struct ibv_query_device_ex_input *input,
			   struct ibv_device_attr_ex *attr, size_t size)
{
	(void)context;
	(void)input;
	memset(attr, 0, size);
	attr->odp_caps.general_caps = device.caps;
	return 0;
}

static struct verbs_context verbs = {
	.sz = sizeof(verbs),
	.query_device_ex = query_device_ex,
	.context.abi_compat = __VERBS_ABI_IS_EXTENDED,
	.context.cmd_fd = -1,
};
static struct ibv_pd pds[2] = {
	{ .context = &verbs.context, .handle = 1 },
	{ .context = &verbs.context, .handle = 2 },
};
static struct ibv_pd *const pd = &pds[0];

static int refusal(const void *addr, size_t length, unsigned int access)
{
	if (!(access & IBV_ACCESS_ON_DEMAND))
		return device.room >= 0 && device.pinned >= device.room ?
			ENOMEM : 0;
	if (!(device.caps & IBV_ODP_SUPPORT))
		return EOPNOTSUPP;
	return !addr && length == SIZE_MAX ? device.implicit_err :
					     device.explicit_err;
}

/* In place of libibverbs'. */
struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *for_pd, void *addr,
				size_t length, uint64_t iova,
				unsigned int access)
{
	struct ibv_mr *mr = NULL;
	int err;

	assert_int_equal(iova, (uintptr_t)addr);
	pthread_mutex_lock(&device_lock);
	err = refusal(addr, length, access);
	if (!err) {
		mr = calloc(1, sizeof(*mr));
		assert_non_null(mr);
		*mr = (struct ibv_mr) {
			.context = for_pd->context,
			.pd = for_pd,
			.addr = addr,
			.length = length,
			/* Nothing of a pinned region is on demand. */
			.handle = access & IBV_ACCESS_ON_DEMAND,
			.lkey = 100 + (uint32_t)device.made,
			.rkey = 200 + (uint32_t)device.made,
		};
		device.made++;
		device.live++;
		device.pinned += !mr->handle;
	}
	pthread_mutex_unlock(&device_lock);
	errno = err;
	return mr;
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	int err = EBUSY;

	pthread_mutex_lock(&device_lock);
	if (!device.busy) {
		device.live--;
		device.pinned -= !mr->handle;
		free(mr);
		err = 0;
	}
	pthread_mutex_unlock(&device_lock);
	return err;
}

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	device.caps = IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT;
	device.room = -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	odp_cache_drop(&pds[0], NULL, SIZE_MAX);
	odp_cache_drop(&pds[1], NULL, SIZE_MAX);
	assert_int_equal(device.live, 0);
	return 0;
}

static void *at(size_t page)
{
	return (void *)(GIB + page * PAGE);
}

static struct odp_mr *reg(struct ibv_pd *for_pd, size_t page, size_t npages,
			  unsigned int access, unsigned int flags,
			  enum odp_kind kind)
{
	struct odp_mr *mr;

	if (odp_reg(for_pd, at(page), npages * PAGE, access, flags, &mr))
		test_fail("odp_reg: %s", strerror(errno));
	assert_int_equal(odp_mr_kind(mr), kind);
	assert_non_null(odp_mr_ibv(mr));
	assert_int_equal(odp_mr_lkey(mr), odp_mr_ibv(mr)->lkey);
	assert_int_equal(odp_mr_rkey(mr), odp_mr_ibv(mr)->rkey);
	return mr;
}

static void dereg(struct odp_mr *mr)
{
	assert_int_equal(odp_dereg(mr), 0);
}

static void caps_of_a_device_without(void **state)
{
	const struct odp_caps none = {};
	struct odp_caps caps;

	(void)state;
	device.caps = 0;
	memset(&caps, 0xa5, sizeof(caps));
	assert_int_equal(odp_query_caps(&verbs.context, &caps), 0);
	assert_memory_equal(&caps, &none, sizeof(none));
}

/* One for each PD and access, as long as somebody uses it. */
static void implicit_is_shared(void **state)
{
	struct odp_mr *a, *b, *c, *d;

	(void)state;
	a = reg(pd, 1, 1, LOCAL, 0, ODP_KIND_IMPLICIT);
	b = reg(pd, 9, 5, LOCAL, CACHED, ODP_KIND_IMPLICIT);
	assert_ptr_equal(odp_mr_ibv(a), odp_mr_ibv(b));
	assert_int_equal(device.made, 1);
	c = reg(&pds[1], 1, 1, LOCAL, 0, ODP_KIND_IMPLICIT);
	d = reg(pd, 1, 1, REMOTE, ODP_REG_WIDE, ODP_KIND_IMPLICIT);
	assert_int_equal(device.made, 3);
	dereg(a);
	dereg(c);
	dereg(d);
	assert_int_equal(device.live, 1);
	dereg(b);
	assert_int_equal(device.live, 0);
}

/* Peers get no more than the range, unless they may. */
static void peers_get_their_range_only(void **state)
{
	struct odp_mr *a, *b;

	(void)state;
	a = reg(pd, 1, 3, REMOTE, 0, ODP_KIND_EXPLICIT);
	assert_ptr_equal(odp_mr_ibv(a)->addr, at(1));
	assert_int_equal(odp_mr_ibv(a)->length, 3 * PAGE);
	b = reg(pd, 1, 3, REMOTE, 0, ODP_KIND_EXPLICIT);
	assert_ptr_not_equal(odp_mr_ibv(a), odp_mr_ibv(b));
	dereg(a);
	dereg(b);

	device.caps = 0;
	a = reg(pd, 0, 8, REMOTE, CACHED, ODP_KIND_PINNED);
	b = reg(pd, 1, 3, REMOTE, CACHED, ODP_KIND_PINNED);
	assert_ptr_not_equal(odp_mr_ibv(a), odp_mr_ibv(b));
	dereg(b);
	b = reg(pd, 2, 3, REMOTE, CACHED | ODP_REG_WIDE, ODP_KIND_PINNED);
	assert_ptr_equal(odp_mr_ibv(a), odp_mr_ibv(b));
	dereg(a);
	dereg(b);
}

static void own_regions_are_not_shared(void **state)
{
	struct odp_mr *a, *b;

	(void)state;
	a = reg(pd, 1, 1, LOCAL, ODP_REG_OWN, ODP_KIND_EXPLICIT);
	b = reg(pd, 1, 1, LOCAL | IBV_ACCESS_ZERO_BASED, 0, ODP_KIND_EXPLICIT);
	dereg(a);
	dereg(b);

	device.caps = 0;
	a = reg(pd, 1, 1, LOCAL, CACHED | ODP_REG_OWN, ODP_KIND_PINNED);
	b = reg(pd, 1, 1, LOCAL, CACHED | ODP_REG_OWN, ODP_KIND_PINNED);
	assert_ptr_not_equal(odp_mr_ibv(a), odp_mr_ibv(b));
	dereg(a);
	dereg(b);
	assert_int_equal(device.live, 0);
}

/* From implicit to explicit whatever the reason; to pinned for one only. */
static void next_best_is_taken(void **state)
{
	struct odp_mr *mr;

	(void)state;
	device.implicit_err = EINVAL;
	dereg(reg(pd, 1, 1, LOCAL, CACHED, ODP_KIND_EXPLICIT));
	device.explicit_err = EOPNOTSUPP;
	dereg(reg(pd, 1, 1, LOCAL, ODP_REG_PINNED, ODP_KIND_PINNED));
	expect_errno("may not be pinned",
		     odp_reg(pd, at(1), PAGE, LOCAL, 0, &mr), EOPNOTSUPP);
	device.explicit_err = EFAULT;
	expect_errno("fails", odp_reg(pd, at(1), PAGE, LOCAL, CACHED, &mr),
		     EFAULT);
	device.caps = 0;
	dereg(reg(pd, 1, 1, LOCAL, ODP_REG_PINNED, ODP_KIND_PINNED));
	assert_int_equal(device.live, 0);
}

static void pinned_are_kept(void **state)
{
	struct odp_mr *a, *b;
	struct ibv_mr *ibmr;

	(void)state;
	device.caps = 0;
	a = reg(pd, 0, 8, LOCAL, CACHED, ODP_KIND_PINNED);
	ibmr = odp_mr_ibv(a);
	dereg(a);
	assert_int_equal(device.live, 1);
	a = reg(pd, 0, 8, LOCAL, CACHED, ODP_KIND_PINNED);
	b = reg(pd, 7, 1, LOCAL, CACHED, ODP_KIND_PINNED);
	assert_ptr_equal(odp_mr_ibv(a), ibmr);
	assert_ptr_equal(odp_mr_ibv(b), ibmr);
	dereg(reg(pd, 7, 2, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.made, 2);
	dereg(reg(pd, 0, 8, REMOTE, CACHED, ODP_KIND_PINNED));
	dereg(reg(&pds[1], 0, 8, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.made, 4);
	dereg(reg(pd, 0, 8, LOCAL, ODP_REG_PINNED, ODP_KIND_PINNED));
	assert_int_equal(device.made, 5);
	assert_int_equal(device.live, 4);
	dereg(a);
	dereg(b);
}

/* What is dropped is never given out again, used or not. */
static void dropped_are_forgotten(void **state)
{
	struct odp_mr *used;

	(void)state;
	device.caps = 0;
	used = reg(pd, 0, 4, LOCAL, CACHED, ODP_KIND_PINNED);
	dereg(reg(pd, 4, 4, LOCAL, CACHED, ODP_KIND_PINNED));
	dereg(reg(pd, 8, 4, LOCAL, CACHED, ODP_KIND_PINNED));
	dereg(reg(&pds[1], 4, 4, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.live, 4);

	assert_int_equal(odp_cache_drop(pd, at(12), 100 * PAGE), 0);
	assert_int_equal(device.live, 4);
	assert_int_equal(odp_cache_drop(pd, at(3), 2 * PAGE), 0);
	assert_int_equal(device.live, 3);
	dereg(reg(pd, 0, 4, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.made, 5);
	dereg(used);
	assert_int_equal(device.live, 3);
	assert_int_equal(odp_cache_drop(pd, NULL, SIZE_MAX), 0);
	assert_int_equal(device.live, 1);
}

/* So many, so much: those used last. */
static void cache_is_bounded(void **state)
{
	const size_t big = ODP_CACHE_BYTES / PAGE / 2;
	size_t i;

	(void)state;
	device.caps = 0;
	for (i = 0; i < ODP_CACHE_REGIONS; i++)
		dereg(reg(pd, 2 * i, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	dereg(reg(pd, 0, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.made, ODP_CACHE_REGIONS);
	dereg(reg(pd, 2 * i, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.live, ODP_CACHE_REGIONS);
	dereg(reg(pd, 0, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.made, ODP_CACHE_REGIONS + 1);
	dereg(reg(pd, 2, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.made, ODP_CACHE_REGIONS + 2);

	for (i = 1; i < 6; i++)
		dereg(reg(pd, i * GIB / PAGE, big, LOCAL, CACHED,
			  ODP_KIND_PINNED));
	assert_int_equal(device.live, 2);
	dereg(reg(pd, 9 * GIB / PAGE, 3 * big, LOCAL, CACHED, ODP_KIND_PINNED));
	assert_int_equal(device.live, 2);
}

/* The limit of locked memory: what is kept gives way to what is needed. */
static void kept_give_way(void **state)
{
	struct odp_mr *a, *b;

	(void)state;
	device.caps = 0;
	device.room = 2;
	dereg(reg(pd, 0, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	dereg(reg(&pds[1], 2, 1, LOCAL, CACHED, ODP_KIND_PINNED));
	a = reg(pd, 4, 1, LOCAL, ODP_REG_PINNED, ODP_KIND_PINNED);
	assert_int_equal(device.live, 1);
	b = reg(pd, 6, 1, LOCAL, CACHED, ODP_KIND_PINNED);
	expect_errno("no room",
		     odp_reg(pd, at(8), PAGE, LOCAL, CACHED, &a), ENOMEM);
	dereg(a);
	dereg(b);
}

/* A memory window is bound to them. */
static void busy_regions_stay(void **state)
{
	struct odp_mr *implicit, *explicit, *pinned;

	(void)state;
	implicit = reg(pd, 0, 1, LOCAL, 0, ODP_KIND_IMPLICIT);
	explicit = reg(pd, 0, 1, REMOTE, 0, ODP_KIND_EXPLICIT);
	device.caps = 0;
	pinned = reg(pd, 0, 1, REMOTE, CACHED, ODP_KIND_PINNED);
	dereg(pinned);

	device.busy = true;
	expect_errno("implicit", odp_dereg(implicit), EBUSY);
	expect_errno("explicit", odp_dereg(explicit), EBUSY);
	expect_errno("kept", odp_cache_drop(pd, at(0), PAGE), EBUSY);
	device.busy = false;
	dereg(implicit);
	dereg(explicit);
	assert_int_equal(device.live, 1);
	assert_int_equal(odp_cache_drop(pd, at(0), PAGE), 0);
	assert_int_equal(device.live, 0);
}

static void *hammer(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	struct odp_mr *mr;
	int i;

	for (i = 0; i < 2000; i++) {
		if (odp_reg(pd, at((size_t)rand_r(&seed) % 16), PAGE, LOCAL,
			    CACHED, &mr))
			return "odp_reg";
		if (rand_r(&seed) % 8 == 0 &&
		    odp_cache_drop(pd, at((size_t)rand_r(&seed) % 16), PAGE))
			return "odp_cache_drop";
		if (odp_dereg(mr))
			return "odp_dereg";
	}
	return NULL;
}

static void threads_share(void **state)
{
	pthread_t threads[4];
	void *failed;
	uintptr_t i;
	int caps;

	(void)state;
	for (caps = 0; caps < 2; caps++) {
		device.caps = caps ?
			IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT : 0;
		for (i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
							hammer, (void *)i), 0);
		for (i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(threads[i], &failed), 0);
			if (failed)
				test_fail("%s", (const char *)failed);
		}
	}
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(caps_of_a_device_without),
		test(implicit_is_shared),
		test(peers_get_their_range_only),
		test(own_regions_are_not_shared),
		test(next_best_is_taken),
		test(pinned_are_kept),
		test(dropped_are_forgotten),
		test(cache_is_bounded),
		test(kept_give_way),
		test(busy_regions_stay),
		test(threads_share),
	};

	return cmocka_run_group_tests_name("libodp_choice", tests, NULL, NULL);
}
