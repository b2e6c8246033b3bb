/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Calling a SoftRoCE method of an MR in the kernel.
 */
#ifndef LIBODP_METHOD_H
#define LIBODP_METHOD_H

#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

/* One argument of a method: a buffer that the kernel reads or fills in. */
struct method_arg {
	uint16_t id;
	uint16_t len;
	void *buf;
};

#define METHOD_MAX_ARGS 3

/*
 * Calls method @method of @mr; the MR itself is passed as attribute @handle.
 * Returns 0, or -1 with errno set: EOPNOTSUPP if the device is not SoftRoCE or
 * its kernel side has no such method, else what the kernel says.
 */
int mr_method(struct ibv_mr *mr, uint16_t method, uint16_t handle,
	      const struct method_arg *args, int nargs);

#endif /* LIBODP_METHOD_H */
