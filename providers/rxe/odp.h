/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * On-demand paging for SoftRoCE's provider: what the hooks in the provider's
 * own file call.
 */
#ifndef RXE_ODP_H
#define RXE_ODP_H

#include <infiniband/driver.h>

/**
 * rxe_odp_access - apply the environment variable RXE_ODP to a registration
 * @access: the access flags that the program asked for, changed if need be
 *
 * Return: 0, or EOPNOTSUPP, also in errno, if the program asks for an
 * on-demand region and RXE_ODP=off; EINVAL for a value of RXE_ODP that there
 * is not.
 */
int rxe_odp_access(int *access);

/**
 * rxe_odp_set_ops - add the verbs of on-demand regions to a context
 * @context: whose other verbs are set
 */
void rxe_odp_set_ops(struct verbs_context *context);

#endif /* RXE_ODP_H */
