// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_get_stats(): an MR's counters.
 */
#include <errno.h>
#include <infiniband/odp.h>
#include <rdma/rxe_odp_abi.h>

#include "method.h"

int odp_get_stats(struct ibv_mr *mr, struct odp_stats *stats)
{
	struct rxe_odp_mr_stats resp = {};
	const struct method_arg arg = {
		RXE_ODP_ATTR_STATS_RESP, sizeof(resp), &resp
	};

	if (!mr || !stats) {
		errno = EINVAL;
		return -1;
	}

	if (mr_method(mr, RXE_ODP_METHOD_MR_STATS, RXE_ODP_ATTR_STATS_HANDLE,
		      &arg, 1))
		return -1;

	*stats = (struct odp_stats) {
		.faults = resp.faults,
		.faulted_pages = resp.faulted_pages,
		.around_pages = resp.around_pages,
		.prefetched_pages = resp.prefetched_pages,
		.invalidations = resp.invalidations,
		.invalidated_pages = resp.invalidated_pages,
		.collisions = resp.collisions,
		.failed_faults = resp.failed_faults,
		.pinned_fallbacks = resp.pinned_fallbacks,
		.resident_pages = resp.resident_pages,
		.huge_entries = resp.huge_entries,
		.windows = resp.windows,
		.leaves = resp.leaves,
		.table_bytes = resp.table_bytes,
	};
	return 0;
}
