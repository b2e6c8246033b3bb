// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_mr_get_policy() and odp_mr_set_policy(): how an MR deals with faults.
 */
#include <infiniband/odp.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rxe_odp_abi.h>

#include "method.h"
#include "sized.h"

_Static_assert((int)ODP_AROUND_STREAM == (int)RXE_ODP_AROUND_STREAM &&
	       (int)ODP_AROUND_NONE == (int)RXE_ODP_AROUND_NONE &&
	       (int)ODP_AROUND_SNAPSHOT == (int)RXE_ODP_AROUND_SNAPSHOT &&
	       (int)ODP_AROUND_POPULATE == (int)RXE_ODP_AROUND_POPULATE &&
	       (int)ODP_POLICY_EXCLUSIVE == (int)RXE_ODP_POLICY_EXCLUSIVE,
	       "the library hands the kernel's policies on as they are");

static const struct twins get_method = {
	RXE_ODP_METHOD_MR_GET_POLICY, RXE_ODP_METHOD_DEVICE_POLICY,
	RXE_ODP_ATTR_POLICY_HANDLE, RXE_ODP_ATTR_POLICY_MRN,
};

static int get_policy(struct subject subject, struct odp_policy *policy,
		      size_t size)
{
	struct rxe_odp_policy resp = {};
	const struct method_arg arg =
		arg_buffer(RXE_ODP_ATTR_POLICY, &resp, sizeof(resp));
	struct odp_policy is;
	int err;

	if (!policy)
		return EINVAL;
	err = subject_method(&subject, &get_method, &arg, 1);
	if (err)
		return err;

	is = (struct odp_policy) {
		.around = resp.around,
		.max_pages = resp.max_pages,
		.limit_ms = resp.limit_ms,
		.flags = resp.flags,
	};
	return sized_out(policy, size, POLICY_MIN, &is, sizeof(is));
}

int odp_mr_get_policy_sized(struct ibv_mr *mr, struct odp_policy *policy,
			    size_t size)
{
	return mr ? get_policy(subject_mr(mr), policy, size) : EINVAL;
}

int odp_mrn_get_policy_sized(struct ibv_context *context, uint32_t mrn,
			     struct odp_policy *policy, size_t size)
{
	if (!context)
		return EINVAL;
	return get_policy(subject_mrn(context, mrn), policy, size);
}

int odp_mr_set_policy_sized(struct ibv_mr *mr, const struct odp_policy *policy,
			    size_t size)
{
	struct rxe_odp_policy req;
	struct method_arg args[2];
	struct odp_policy want;
	int err;

	err = sized_in(&want, sizeof(want), policy, size, POLICY_MIN);
	if (err)
		return err;
	if (!mr)
		return EINVAL;

	req = (struct rxe_odp_policy) {
		.around = want.around,
		.max_pages = want.max_pages,
		.limit_ms = want.limit_ms,
		.flags = want.flags,
	};
	args[0] = arg_handle(RXE_ODP_ATTR_POLICY_HANDLE, mr->handle);
	args[1] = arg_buffer(RXE_ODP_ATTR_POLICY, &req, sizeof(req));
	return uverbs_method(mr->context, UVERBS_OBJECT_MR,
			     RXE_ODP_METHOD_MR_SET_POLICY, args, 2);
}
