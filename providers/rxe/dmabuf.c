// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Regions over dma-bufs: ibv_reg_dmabuf_mr(3).
 *
 * SoftRoCE has no DMA. Of a dma-buf, whose pages need not have a struct page and
 * may move, a device like that may only use what the exporter offers to CPUs, and
 * of that only a user mapping can be taken back: a kernel mapping (vmap) keeps the
 * buffer where it is. So the region is an on-demand one over a mapping of its own.
 * When the exporter moves the buffer it takes the mapping back, and the next access
 * finds the pages where they are then.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "odp.h"

/* The region comes first: what does not know of the rest frees it all. */
struct rxe_odp_dmabuf {
	struct verbs_mr vmr;
	int fd;
	void *map;
	size_t map_len;
};

static int rxe_odp_dmabuf_sync(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int ret;

	do
		ret = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (ret && (errno == EINTR || errno == EAGAIN));
	/* Another kind of file. */
	if (ret && errno == ENOTTY)
		errno = EINVAL;

	return ret;
}

/* The part of the buffer with whole pages around it. */
static int rxe_odp_dmabuf_map(struct rxe_odp_dmabuf *mr, uint64_t offset,
			      size_t length)
{
	uint64_t first = offset & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
	off_t size = lseek(mr->fd, 0, SEEK_END);
	int flags = fcntl(mr->fd, F_GETFL);
	int prot = PROT_READ;

	if (size < 0 || flags < 0)
		return -1;
	if (!length || offset > (uint64_t)size ||
	    length > (uint64_t)size - offset) {
		errno = EINVAL;
		return -1;
	}
	if ((flags & O_ACCMODE) == O_RDWR)
		prot |= PROT_WRITE;
	mr->map_len = offset - first + length;
	mr->map = mmap(NULL, mr->map_len, prot, MAP_SHARED, mr->fd,
		       (off_t)first);
	if (mr->map == MAP_FAILED)
		return -1;
	/* A child has no use for it. */
	madvise(mr->map, mr->map_len, MADV_DONTFORK);

	return 0;
}

struct ibv_mr *rxe_odp_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset,
				     size_t length, uint64_t iova, int fd,
				     int access)
{
	struct ib_uverbs_reg_mr_resp resp;
	struct rxe_odp_dmabuf *mr;
	struct ibv_reg_mr cmd;
	int err;

	access |= IBV_ACCESS_ON_DEMAND;
	if (rxe_odp_access(&access))
		return NULL;
	mr = calloc(1, sizeof(*mr));
	if (!mr)
		return NULL;
	mr->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (mr->fd < 0)
		goto err_free;
	if (rxe_odp_dmabuf_sync(mr->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW))
		goto err_close;
	if (rxe_odp_dmabuf_map(mr, offset, length))
		goto err_sync;

	err = ibv_cmd_reg_mr(pd, (char *)mr->map + mr->map_len - length, length,
			     iova, access, &mr->vmr, &cmd, sizeof(cmd), &resp,
			     sizeof(resp));
	if (err) {
		errno = err;
		goto err_unmap;
	}
	mr->vmr.mr_type = IBV_MR_TYPE_DMABUF_MR;

	return &mr->vmr.ibv_mr;

err_unmap:
	err = errno;
	munmap(mr->map, mr->map_len);
	errno = err;
err_sync:
	err = errno;
	rxe_odp_dmabuf_sync(mr->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	errno = err;
err_close:
	err = errno;
	close(mr->fd);
	errno = err;
err_free:
	free(mr);
	return NULL;
}

int rxe_odp_dereg_mr(struct verbs_mr *vmr)
{
	struct rxe_odp_dmabuf *mr;
	int err;

	err = ibv_cmd_dereg_mr(vmr);
	if (err)
		return err;
	if (vmr->mr_type == IBV_MR_TYPE_DMABUF_MR) {
		mr = container_of(vmr, struct rxe_odp_dmabuf, vmr);
		munmap(mr->map, mr->map_len);
		rxe_odp_dmabuf_sync(mr->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		close(mr->fd);
	}
	free(vmr);

	return 0;
}
