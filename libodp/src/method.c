// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Calling a SoftRoCE method of an MR in the kernel: what goes into the
 * RDMA_VERBS_IOCTL and what its error codes mean.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>

#include "method.h"

/* A header with room for the attributes behind it. */
union method_call {
	struct ib_uverbs_ioctl_hdr hdr;
	char room[sizeof(struct ib_uverbs_ioctl_hdr) +
		  (1 + METHOD_MAX_ARGS) * sizeof(struct ib_uverbs_attr)];
};

static void call_init(union method_call *call, uint16_t object, uint16_t method)
{
	*call = (union method_call) {
		.hdr = {
			.length = sizeof(call->hdr),
			.object_id = object,
			.method_id = method,
			.driver_id = RDMA_DRIVER_RXE,
		},
	};
}

static void call_add(union method_call *call, uint16_t id, uint16_t len,
		     uint64_t data)
{
	call->hdr.attrs[call->hdr.num_attrs++] = (struct ib_uverbs_attr) {
		.attr_id = id,
		.len = len,
		.flags = UVERBS_ATTR_F_MANDATORY,
		.data = data,
	};
	call->hdr.length += sizeof(struct ib_uverbs_attr);
}

/*
 * The kernel compares the driver first, with EINVAL as its answer, and looks
 * for the method next, with EPROTONOSUPPORT. So asking for a method that no
 * driver has tells whether this device is SoftRoCE.
 */
static int is_other_driver(int cmd_fd)
{
	union method_call call;

	call_init(&call, UVERBS_OBJECT_MR, UVERBS_ID_NS_MASK);
	return ioctl(cmd_fd, RDMA_VERBS_IOCTL, &call.hdr) && errno == EINVAL;
}

int mr_method(struct ibv_mr *mr, uint16_t method, uint16_t handle,
	      const struct method_arg *args, int nargs)
{
	union method_call call;
	int err, i;

	call_init(&call, UVERBS_OBJECT_MR, method);
	call_add(&call, handle, 0, mr->handle);
	for (i = 0; i < nargs; i++)
		call_add(&call, args[i].id, args[i].len,
			 (uintptr_t)args[i].buf);

	if (!ioctl(mr->context->cmd_fd, RDMA_VERBS_IOCTL, &call.hdr))
		return 0;

	err = errno;
	if (err == EPROTONOSUPPORT ||
	    (err == EINVAL && is_other_driver(mr->context->cmd_fd)))
		err = EOPNOTSUPP;
	errno = err;
	return -1;
}
