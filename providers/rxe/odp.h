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
 * rxe_odp_reg_dmabuf_mr - register a part of a dma-buf
 * @pd: the protection domain
 * @offset: of the part's first byte
 * @length: in bytes
 * @iova: what peers call that byte
 * @fd: the dma-buf; may be closed afterwards
 * @access: access flags, IBV_ACCESS_ON_DEMAND going without saying
 *
 * Return: the region, or NULL with errno set: EINVAL if @fd is no dma-buf, or the
 * part is empty or not in it; EOPNOTSUPP if RXE_ODP=off; what mmap(2) or the
 * registration fails with.
 */
struct ibv_mr *rxe_odp_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset,
				     size_t length, uint64_t iova, int fd,
				     int access);

/**
 * rxe_odp_dereg_mr - end a region of any kind
 * @vmr: the region
 *
 * Return: 0 or an errno; then the region goes on.
 */
int rxe_odp_dereg_mr(struct verbs_mr *vmr);

/**
 * rxe_odp_set_ops - add the verbs of on-demand regions to a context
 * @context: whose other verbs are set
 */
void rxe_odp_set_ops(struct verbs_context *context);

#endif /* RXE_ODP_H */
