/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the device says of itself.
 */
#ifndef LIBODP_CAPS_H
#define LIBODP_CAPS_H

#include <infiniband/odp.h>

/*
 * The capabilities that ibv_query_device_ex() tells: explicit, implicit, and
 * those of the transports. Returns 0 or an errno.
 */
int caps_of_device(struct ibv_context *context, struct odp_caps *caps);

#endif /* LIBODP_CAPS_H */
