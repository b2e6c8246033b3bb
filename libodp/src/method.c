// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Calling a uverbs method of SoftRoCE in the kernel: what goes into the
 * RDMA_VERBS_IOCTL and what its error codes mean.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>

#include "method.h"

/* A header with room for the attributes behind it. */
union method_call {
	struct ib_uverbs_ioctl_hdr hdr;
	char room[sizeof(struct ib_uverbs_ioctl_hdr) +
		  METHOD_MAX_ARGS * sizeof(struct ib_uverbs_attr)];
};

/* A value of up to 8 bytes stands where a longer one has its address. */
struct method_arg arg_u32(uint16_t id, uint32_t value)
{
	struct method_arg arg = { id, sizeof(value), 0 };

	memcpy(&arg.data, &value, sizeof(value));
	return arg;
}

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

static void call_add(union method_call *call, const struct method_arg *arg)
{
	call->hdr.attrs[call->hdr.num_attrs++] = (struct ib_uverbs_attr) {
		.attr_id = arg->id,
		.len = arg->len,
		.flags = UVERBS_ATTR_F_MANDATORY,
		.data = arg->data,
	};
	call->hdr.length += sizeof(struct ib_uverbs_attr);
}

/*
 * The kernel compares the driver first, with EINVAL as its answer, and looks
 * for the method next, with EPROTONOSUPPORT. So asking for a method that no
 * driver has tells whether this device is SoftRoCE.
 */
static bool is_other_driver(int cmd_fd)
{
	union method_call call;

	call_init(&call, UVERBS_OBJECT_MR, UVERBS_ID_NS_MASK);
	return ioctl(cmd_fd, RDMA_VERBS_IOCTL, &call.hdr) && errno == EINVAL;
}

int uverbs_method(struct ibv_context *context, uint16_t object, uint16_t method,
		  const struct method_arg *args, int nargs)
{
	union method_call call;
	int err, i;

	call_init(&call, object, method);
	for (i = 0; i < nargs; i++)
		call_add(&call, &args[i]);

	if (!ioctl(context->cmd_fd, RDMA_VERBS_IOCTL, &call.hdr))
		return 0;

	err = errno;
	if (err == EPROTONOSUPPORT ||
	    (err == EINVAL && is_other_driver(context->cmd_fd)))
		return EOPNOTSUPP;
	return err;
}

/* A call without arguments: a method that is there complains of that. */
bool uverbs_has_method(struct ibv_context *context, uint16_t object,
		       uint16_t method)
{
	return uverbs_method(context, object, method, NULL, 0) == EINVAL;
}

int subject_method(const struct subject *subject, const struct twins *twins,
		   const struct method_arg *args, int nargs)
{
	struct method_arg all[METHOD_MAX_ARGS];
	uint16_t object, method;

	if (subject->by_number) {
		object = UVERBS_OBJECT_DEVICE;
		method = twins->device_method;
		all[0] = arg_u32(twins->mrn_attr, subject->id);
	} else {
		object = UVERBS_OBJECT_MR;
		method = twins->mr_method;
		all[0] = arg_handle(twins->handle_attr, subject->id);
	}
	memcpy(&all[1], args, (size_t)nargs * sizeof(*args));

	return uverbs_method(subject->context, object, method, all, 1 + nargs);
}
