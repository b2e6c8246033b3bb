// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_mr_get_stats(): an MR's counters.
 */
#include <infiniband/odp.h>
#include <rdma/rxe_odp_abi.h>

#include "method.h"
#include "sized.h"

static const struct twins stats_method = {
	RXE_ODP_METHOD_MR_STATS, RXE_ODP_METHOD_DEVICE_STATS,
	RXE_ODP_ATTR_STATS_HANDLE, RXE_ODP_ATTR_STATS_MRN,
};

static int get_stats(struct subject subject, struct odp_stats *stats,
		     size_t size)
{
	struct rxe_odp_mr_stats resp = {};
	const struct method_arg arg =
		arg_buffer(RXE_ODP_ATTR_STATS_RESP, &resp, sizeof(resp));
	struct odp_stats is;
	int err;

	if (!stats)
		return EINVAL;
	err = subject_method(&subject, &stats_method, &arg, 1);
	if (err)
		return err;

	is = (struct odp_stats) {
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
		.local_faults = resp.local_faults,
		.remote_faults = resp.remote_faults,
		.slow_faults = resp.slow_faults,
		.rnr_naks = resp.rnr_naks,
		.parked = resp.parked,
		.exclusive_takes = resp.exclusive_takes,
	};
	return sized_out(stats, size, STATS_MIN, &is, sizeof(is));
}

int odp_mr_get_stats_sized(struct ibv_mr *mr, struct odp_stats *stats,
			   size_t size)
{
	return mr ? get_stats(subject_mr(mr), stats, size) : EINVAL;
}

int odp_mrn_get_stats_sized(struct ibv_context *context, uint32_t mrn,
			    struct odp_stats *stats, size_t size)
{
	if (!context)
		return EINVAL;
	return get_stats(subject_mrn(context, mrn), stats, size);
}
