// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_query_caps(): what the device says, and what its kernel side and its
 * provider turn out to do.
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rxe_odp_abi.h>

#include "caps.h"
#include "method.h"
#include "prefetch.h"
#include "sized.h"

int caps_of_device(struct ibv_context *context, struct odp_caps *caps)
{
	struct ibv_device_attr_ex attr = {};
	int err;

	err = ibv_query_device_ex(context, NULL, &attr);
	if (err)
		return err;

	*caps = (struct odp_caps) {
		.rc = attr.odp_caps.per_transport_caps.rc_odp_caps,
		.uc = attr.odp_caps.per_transport_caps.uc_odp_caps,
		.ud = attr.odp_caps.per_transport_caps.ud_odp_caps,
		.xrc = attr.xrc_odp_caps,
	};
	if (attr.odp_caps.general_caps & IBV_ODP_SUPPORT)
		caps->flags |= ODP_CAP_EXPLICIT;
	if (attr.odp_caps.general_caps & IBV_ODP_SUPPORT_IMPLICIT)
		caps->flags |= ODP_CAP_IMPLICIT;
	return 0;
}

/*
 * Nothing tells beforehand whether advice is taken. So advice is given on a
 * PD without MRs: if it is taken at all, it is refused for want of an MR.
 */
static int can_prefetch(struct ibv_context *context, bool *can)
{
	struct ibv_sge nothing = {};
	struct ibv_pd *pd;
	int err;

	pd = ibv_alloc_pd(context);
	if (!pd)
		return errno;
	err = advise(pd, IBV_ADVISE_MR_ADVICE_PREFETCH,
		     IBV_ADVISE_MR_FLAG_FLUSH, &nothing, 1);
	*can = err != EOPNOTSUPP;

	return ibv_dealloc_pd(pd);
}

/* Older kernel sides have no such method, nor what it tells of. */
static uint32_t caps_of_kernel(struct ibv_context *context)
{
	uint64_t resp = 0;
	const struct method_arg arg =
		arg_buffer(RXE_ODP_ATTR_CAPS_RESP, &resp, sizeof(resp));

	if (uverbs_method(context, UVERBS_OBJECT_DEVICE,
			  RXE_ODP_METHOD_DEVICE_CAPS, &arg, 1))
		return 0;
	return (resp & RXE_ODP_CAP_EXCLUSIVE ? ODP_CAP_EXCLUSIVE : 0) |
	       (resp & RXE_ODP_CAP_IO ? ODP_CAP_IO : 0);
}

int odp_query_caps_sized(struct ibv_context *context, struct odp_caps *caps,
			 size_t size)
{
	static const struct {
		uint16_t method;
		uint32_t cap;
	} methods[] = {
		{ RXE_ODP_METHOD_MR_SNAPSHOT, ODP_CAP_SNAPSHOT },
		{ RXE_ODP_METHOD_MR_STATS, ODP_CAP_STATS },
		{ RXE_ODP_METHOD_MR_SET_POLICY, ODP_CAP_POLICY },
		{ RXE_ODP_METHOD_MR_WATCH, ODP_CAP_EVENTS },
	};
	struct odp_caps found;
	bool prefetch = false;
	size_t i;
	int err;

	if (!context || !caps)
		return EINVAL;
	err = caps_of_device(context, &found);
	if (!err && found.flags & ODP_CAP_EXPLICIT)
		err = can_prefetch(context, &prefetch);
	if (err)
		return err;

	if (prefetch)
		found.flags |= ODP_CAP_PREFETCH;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (uverbs_has_method(context, UVERBS_OBJECT_MR,
				      methods[i].method))
			found.flags |= methods[i].cap;
	}
	found.flags |= caps_of_kernel(context);

	return sized_out(caps, size, CAPS_MIN, &found, sizeof(found));
}
