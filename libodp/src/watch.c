// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_mr_watch() and odp_events_unwatch(): who hears of invalidations.
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/odp_record_abi.h>
#include <rdma/rxe_odp_abi.h>

#include "events.h"
#include "method.h"
#include "sized.h"

_Static_assert((int)ODP_CAUSE_UNMAPPED == (int)ODP_RECORD_CAUSE_UNMAPPED &&
	       (int)ODP_CAUSE_CLEARED == (int)ODP_RECORD_CAUSE_CLEARED &&
	       (int)ODP_CAUSE_PROTECTED == (int)ODP_RECORD_CAUSE_PROTECTED,
	       "the library hands causes on as they are");

int odp_mr_watch_sized(struct ibv_mr *mr, struct odp_events *events,
		       const struct odp_watch_attr *attr, uint32_t *watch,
		       size_t size)
{
	struct rxe_odp_watch req;
	struct odp_watch_attr want;
	struct method_arg args[4];
	int err;

	err = sized_in(&want, sizeof(want), attr, size, WATCH_ATTR_MIN);
	if (err)
		return err;
	if (!mr || !events || !watch || want.reserved)
		return EINVAL;

	req = (struct rxe_odp_watch) {
		.iova = want.addr,
		.length = want.length,
		.cookie = want.cookie,
		.causes = want.causes,
	};
	args[0] = arg_handle(RXE_ODP_ATTR_WATCH_HANDLE, mr->handle);
	args[1] = arg_fd(RXE_ODP_ATTR_WATCH_FD, events->fd);
	args[2] = arg_buffer(RXE_ODP_ATTR_WATCH_REQ, &req, sizeof(req));
	args[3] = arg_buffer(RXE_ODP_ATTR_WATCH_RESP, watch, sizeof(*watch));

	return uverbs_method(mr->context, UVERBS_OBJECT_MR,
			     RXE_ODP_METHOD_MR_WATCH, args, 4);
}

int odp_events_unwatch(struct odp_events *events, uint32_t watch)
{
	struct method_arg args[2];

	if (!events)
		return EINVAL;
	args[0] = arg_fd(RXE_ODP_ATTR_UNWATCH_FD, events->fd);
	args[1] = arg_u32(RXE_ODP_ATTR_UNWATCH_ID, watch);

	return uverbs_method(events->context, UVERBS_OBJECT_DEVICE,
			     RXE_ODP_METHOD_DEVICE_UNWATCH, args, 2);
}
