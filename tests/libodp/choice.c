// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_reg() without a device: which registration it chooses, and what it shares. This program's own ibv_reg_mr_iova2() and ibv_dereg_mr()
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

/* The device that is played. */
static struct {
	uint32_t caps;		/* IBV_ODP_SUPPORT* */
	int implicit_err, explicit_err;
	int without_err;	/* without on-demand paging */
	bool busy;		/* nothing can be deregistered */
	int live, made;
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
		return 0;
	if (!(device.caps & IBV_ODP_SUPPORT))
		return device.without_err ? device.without_err : EOPNOTSUPP;
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
			.lkey = 100 + (uint32_t)device.made,
			.rkey = 200 + (uint32_t)device.made,
		};
		device.made++;
		device.live++;
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
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(device.live, 0);
	return 0;
}

static void *at(size_t page)
{
	return (void *)(GIB + page * PAGE);
}

static struct odp_reg_attr attr_of(size_t page, size_t npages,
				   unsigned int access, unsigned int flags,
				   enum odp_choice choice)
{
	return (struct odp_reg_attr) {
		.addr = at(page),
		.length = npages * PAGE,
		.access = access,
		.flags = flags,
		.choice = choice,
	};
}

static struct odp_region *reg(struct ibv_pd *for_pd, size_t page, size_t npages,
			      unsigned int access, unsigned int flags,
			      enum odp_choice choice, enum odp_kind kind)
{
	const struct odp_reg_attr attr =
		attr_of(page, npages, access, flags, choice);
	struct odp_region *region = odp_reg(for_pd, &attr);

	if (!region)
		test_fail("odp_reg: %s", strerror(errno));
	assert_int_equal(odp_region_kind(region), kind);
	assert_int_equal(odp_region_lkey(region), odp_region_mr(region)->lkey);
	assert_int_equal(odp_region_rkey(region), odp_region_mr(region)->rkey);
	return region;
}

static void expect_no_region(const char *what, enum odp_choice choice, int err)
{
	const struct odp_reg_attr attr = attr_of(1, 1, LOCAL, 0, choice);

	errno = 0;
	if (odp_reg(pd, &attr) || errno != err)
		test_fail("%s: %s; not %s", what, strerror(errno),
			  strerror(err));
}

static void dereg(struct odp_region *region)
{
	assert_int_equal(odp_dereg(region), 0);
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
	struct odp_region *a, *b, *c, *d;

	(void)state;
	a = reg(pd, 1, 1, LOCAL, 0, ODP_ON_DEMAND, ODP_KIND_IMPLICIT);
	b = reg(pd, 9, 5, LOCAL, 0, ODP_EITHER, ODP_KIND_IMPLICIT);
	assert_ptr_equal(odp_region_mr(a), odp_region_mr(b));
	assert_int_equal(device.made, 1);
	c = reg(&pds[1], 1, 1, LOCAL, 0, ODP_ON_DEMAND, ODP_KIND_IMPLICIT);
	d = reg(pd, 1, 1, REMOTE, ODP_REG_WIDE, ODP_ON_DEMAND,
		ODP_KIND_IMPLICIT);
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
	struct odp_region *a, *b;

	(void)state;
	a = reg(pd, 1, 3, REMOTE, 0, ODP_ON_DEMAND, ODP_KIND_EXPLICIT);
	assert_ptr_equal(odp_region_mr(a)->addr, at(1));
	assert_int_equal(odp_region_mr(a)->length, 3 * PAGE);
	b = reg(pd, 1, 3, REMOTE, 0, ODP_ON_DEMAND, ODP_KIND_EXPLICIT);
	assert_ptr_not_equal(odp_region_mr(a), odp_region_mr(b));
	dereg(a);
	dereg(b);
}

static void own_regions_are_not_shared(void **state)
{
	(void)state;
	dereg(reg(pd, 1, 1, LOCAL, ODP_REG_OWN, ODP_ON_DEMAND,
		  ODP_KIND_EXPLICIT));
	dereg(reg(pd, 1, 1, LOCAL | IBV_ACCESS_ZERO_BASED, 0, ODP_ON_DEMAND,
		  ODP_KIND_EXPLICIT));
	dereg(reg(pd, 1, 1, LOCAL, 0, ODP_PINNED, ODP_KIND_PINNED));
	assert_int_equal(device.made, 3);
}

/* From implicit to explicit whatever the reason; to pinned for one only. */
static void next_best_is_taken(void **state)
{
	(void)state;
	device.implicit_err = EINVAL;
	dereg(reg(pd, 1, 1, LOCAL, 0, ODP_ON_DEMAND, ODP_KIND_EXPLICIT));
	device.explicit_err = EOPNOTSUPP;
	dereg(reg(pd, 1, 1, LOCAL, 0, ODP_EITHER, ODP_KIND_PINNED));
	expect_no_region("may not be pinned", ODP_ON_DEMAND, EOPNOTSUPP);
	device.explicit_err = EFAULT;
	expect_no_region("fails", ODP_EITHER, EFAULT);
	/* A device without, which says that the argument is wrong. */
	device.caps = 0;
	device.without_err = EINVAL;
	dereg(reg(pd, 1, 1, LOCAL, 0, ODP_EITHER, ODP_KIND_PINNED));
	expect_no_region("has none", ODP_ON_DEMAND, EOPNOTSUPP);
	assert_int_equal(device.live, 0);
}

/* What a caller of another version says and hears. */
static void structures_grow(void **state)
{
	struct {
		struct odp_reg_attr attr;
		uint64_t later;
	} longer = { .attr = attr_of(1, 1, LOCAL, 0, ODP_ON_DEMAND) };
	struct {
		struct odp_caps caps;
		uint64_t later[2];
	} caps;
	struct odp_region *region;

	(void)state;
	region = odp_reg_sized(pd, &longer.attr, sizeof(longer));
	assert_non_null(region);
	dereg(region);
	longer.later = 1;
	assert_null(odp_reg_sized(pd, &longer.attr, sizeof(longer)));
	assert_int_equal(errno, E2BIG);
	assert_null(odp_reg_sized(pd, &longer.attr, sizeof(void *)));
	assert_int_equal(errno, EINVAL);

	/* One that can page would be tried out, with verbs that are not played. */
	device.caps = 0;
	memset(&caps, 0xa5, sizeof(caps));
	assert_int_equal(odp_query_caps_sized(&verbs.context, &caps.caps,
					      sizeof(caps)), 0);
	assert_int_equal(caps.later[0] | caps.later[1], 0);
	expect_error("too short",
		     odp_query_caps_sized(&verbs.context, &caps.caps, 4),
		     EINVAL);
}

/* A memory window is bound to them. */
static void busy_regions_stay(void **state)
{
	struct odp_region *implicit, *explicit;

	(void)state;
	implicit = reg(pd, 0, 1, LOCAL, 0, ODP_ON_DEMAND, ODP_KIND_IMPLICIT);
	explicit = reg(pd, 0, 1, REMOTE, 0, ODP_ON_DEMAND, ODP_KIND_EXPLICIT);
	device.busy = true;
	expect_error("implicit", odp_dereg(implicit), EBUSY);
	expect_error("explicit", odp_dereg(explicit), EBUSY);
	device.busy = false;
	dereg(implicit);
	dereg(explicit);
	assert_int_equal(device.live, 0);
}

static void *hammer(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	struct odp_region *region;
	struct odp_reg_attr attr;
	int i;

	for (i = 0; i < 2000; i++) {
		attr = attr_of((size_t)rand_r(&seed) % 16, 1, LOCAL,
			       rand_r(&seed) % 2 ? ODP_REG_OWN : 0,
			       ODP_EITHER);
		region = odp_reg(pd, &attr);
		if (!region)
			return "odp_reg";
		if (odp_dereg(region))
			return "odp_dereg";
	}
	return NULL;
}

static void threads_share(void **state)
{
	pthread_t threads[4];
	void *failed;
	uintptr_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer,
						(void *)i), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		if (failed)
			test_fail("%s", (const char *)failed);
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
		test(structures_grow),
		test(busy_regions_stay),
		test(threads_share),
	};

	return cmocka_run_group_tests_name("libodp_choice", tests, NULL, NULL);
}
