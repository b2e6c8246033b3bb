// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_mr_snapshot(): the kernel describes the pages as runs, as many as fit
 * the array that it is given; here they become one byte a page.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <infiniband/odp.h>
#include <rdma/rxe_odp_abi.h>

#include "method.h"

#define RUNS_PER_CALL 256

_Static_assert((int)ODP_PAGE_READ == (int)RXE_ODP_PAGE_READ &&
	       (int)ODP_PAGE_WRITE == (int)RXE_ODP_PAGE_WRITE &&
	       (int)ODP_PAGE_HUGE == (int)RXE_ODP_PAGE_HUGE &&
	       (int)ODP_PAGE_MIRRORED == (int)RXE_ODP_PAGE_MIRRORED &&
	       (int)ODP_PAGE_DIRTY == (int)RXE_ODP_PAGE_DIRTY,
	       "the library hands the kernel's states on as they are");

/*
 * The pages of the runs, or -1 if the runs are not what the contract says:
 * what lands in @states must never depend on the kernel being right.
 */
static int expand(const struct rxe_odp_run *runs,
		  const struct rxe_odp_snapshot_resp *resp, size_t npages,
		  uint8_t *states)
{
	size_t done = 0;
	uint32_t i;

	if (resp->nr_runs > RUNS_PER_CALL || !resp->npages ||
	    resp->npages > npages)
		goto broken;

	for (i = 0; i < resp->nr_runs; i++) {
		if (runs[i].npages > resp->npages - done)
			goto broken;
		memset(states + done, (int)runs[i].state, runs[i].npages);
		done += runs[i].npages;
	}
	if (done == resp->npages)
		return 0;
broken:
	errno = EPROTO;
	return -1;
}

static int snapshot_some(struct ibv_mr *mr, uint64_t iova, uint64_t length,
			 size_t npages, uint8_t *states, size_t *done)
{
	struct rxe_odp_snapshot_req req = { .iova = iova, .length = length };
	struct rxe_odp_snapshot_resp resp = {};
	struct rxe_odp_run runs[RUNS_PER_CALL];
	const struct method_arg args[] = {
		{ RXE_ODP_ATTR_SNAPSHOT_REQ, sizeof(req), &req },
		{ RXE_ODP_ATTR_SNAPSHOT_RUNS, sizeof(runs), runs },
		{ RXE_ODP_ATTR_SNAPSHOT_RESP, sizeof(resp), &resp },
	};
	int ret;

	do {
		ret = mr_method(mr, RXE_ODP_METHOD_MR_SNAPSHOT,
				RXE_ODP_ATTR_SNAPSHOT_HANDLE, args, 3);
	} while (ret && errno == EINTR);
	if (ret)
		return -1;

	*done = resp.npages;
	return expand(runs, &resp, npages, states);
}

int odp_mr_snapshot(struct ibv_mr *mr, uint64_t addr, size_t npages,
		    uint8_t *states)
{
	const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t iova = addr, last;
	size_t done;

	if (!mr || !npages || !states)
		goto inval;

	/*
	 * The range ends with the first byte of its last page. If the MR
	 * reaches into that page at all, it has that byte; the page's end may
	 * be beyond the MR's.
	 */
	last = addr - addr % page_size;
	if (npages - 1 > (UINT64_MAX - last) / page_size)
		goto inval;
	last += (npages - 1) * page_size;

	while (npages) {
		uint64_t length = iova < last ? last - iova + 1 : 1;

		if (snapshot_some(mr, iova, length, npages, states, &done))
			return -1;

		npages -= done;
		states += done;
		iova += done * page_size - iova % page_size;
	}
	return 0;
inval:
	errno = EINVAL;
	return -1;
}
