// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_get_policy() and odp_set_policy(): how an MR deals with faults.
 */
#include <errno.h>
#include <infiniband/odp.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rxe_odp_abi.h>

#include "method.h"

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

static int get_policy(struct subject subject, struct odp_policy *policy)
{
	struct rxe_odp_policy resp = {};
	const struct method_arg arg =
		arg_buffer(RXE_ODP_ATTR_POLICY, &resp, sizeof(resp));

	if (subject_method(&subject, &get_method, &arg, 1))
		return -1;

	*policy = (struct odp_policy) {
		.around = resp.around,
		.max_pages = resp.max_pages,
		.limit_ms = resp.limit_ms,
		.flags = resp.flags,
	};
	return 0;
}

int odp_get_policy(struct ibv_mr *mr, struct odp_policy *policy)
{
	if (!mr || !policy) {
		errno = EINVAL;
		return -1;
	}
	return get_policy(subject_mr(mr), policy);
}

int odp_mrn_get_policy(struct ibv_context *context, uint32_t mrn,
		       struct odp_policy *policy)
{
	if (!context || !policy) {
		errno = EINVAL;
		return -1;
	}
	return get_policy(subject_mrn(context, mrn), policy);
}

int odp_set_policy(struct ibv_mr *mr, const struct odp_policy *policy)
{
	struct rxe_odp_policy req;
	struct method_arg args[2];

	if (!mr || !policy) {
		errno = EINVAL;
		return -1;
	}

	req = (struct rxe_odp_policy) {
		.around = policy->around,
		.max_pages = policy->max_pages,
		.limit_ms = policy->limit_ms,
		.flags = policy->flags,
	};
	args[0] = arg_handle(RXE_ODP_ATTR_POLICY_HANDLE, mr->handle);
	args[1] = arg_buffer(RXE_ODP_ATTR_POLICY, &req, sizeof(req));
	return uverbs_method(mr->context, UVERBS_OBJECT_MR,
			     RXE_ODP_METHOD_MR_SET_POLICY, args, 2);
}
