// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Pages that are taken from the CPU.
 */
#include <string.h>

#include "pages.h"
#include "take.h"

bool can_take(struct ibv_context *ctx)
{
	struct odp_caps caps;
	int err = odp_query_caps(ctx, &caps);

	if (err)
		test_fail("odp_query_caps: %s", strerror(err));
	return caps.flags & ODP_CAP_EXCLUSIVE;
}

void skip_unless(bool can)
{
	if (!can)
		skip_because("this kernel has no make_device_exclusive()");
}

int set_exclusive(struct ibv_mr *mr)
{
	struct odp_policy policy;
	int err = odp_mr_get_policy(mr, &policy);

	if (err)
		test_fail("odp_mr_get_policy: %s", strerror(err));
	policy.flags |= ODP_POLICY_EXCLUSIVE;
	return odp_mr_set_policy(mr, &policy);
}

struct ibv_mr *reg_exclusive(struct env *e, void *mem, size_t len)
{
	struct ibv_mr *mr;
	int err;

	skip_unless(can_take(e->rig.ctx));
	mr = reg_odp(&e->rig, mem, len, ACCESS_ALL);
	err = set_exclusive(mr);
	if (err)
		test_fail("odp_mr_set_policy: %s", strerror(err));
	return mr;
}

uint64_t device_adds(struct env *e, struct ibv_mr *mr, void *at,
			    uint64_t n)
{
	expect_success("fetch and add",
		       do_fetch_add(&e->rc, env_buf(e), ref_r(mr, at), n));
	return mem_load(e->buf);
}

bool is_taken(struct ibv_mr *mr, const void *at)
{
	return page_state(mr, at) & ODP_PAGE_EXCLUSIVE;
}

void expect_taken(struct ibv_mr *mr, const void *at, bool taken)
{
	if (is_taken(mr, at) != taken)
		test_fail("the page at %p is %s", at,
			  taken ? "not taken" : "taken");
}
