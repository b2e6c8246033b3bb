// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * On-demand regions in "rdma resource show mr", "rdma statistic show mr" and
 * "rdma statistic show".
 */
#include <rdma/restrack.h>

#include "rxe.h"

static const char * const rxe_odp_around_names[] = {
	[ODP_AROUND_STREAM] = "stream",
	[ODP_AROUND_NONE] = "none",
	[ODP_AROUND_SNAPSHOT] = "snapshot",
	[ODP_AROUND_POPULATE] = "populate",
};

/* As strings: rdma -j cuts numbers to 32 bits. */
static int rxe_odp_put_place(struct sk_buff *msg, const struct rxe_mr *mr)
{
	char va[24], iova[24];

	if (!rxe_odp_may_see_place(msg, mr))
		return 0;
	snprintf(va, sizeof(va), "%#llx", odp_mirror_start(mr->odp));
	snprintf(iova, sizeof(iova), "%#llx", mr->ibmr.iova);

	return rdma_nl_put_driver_string(msg, "odp_va", va) ?:
	       rdma_nl_put_driver_string(msg, "odp_iova", iova);
}

/**
 * rxe_odp_fill_res_mr - what "rdma resource show mr -dd" says of a region
 * @msg: the message, whose driver table is opened and closed here
 * @ibmr: the region; only on-demand ones have details
 *
 * Return: 0 or -EMSGSIZE.
 */
int rxe_odp_fill_res_mr(struct sk_buff *msg, struct ib_mr *ibmr)
{
	struct rxe_mr *mr = to_rmr(ibmr);
	struct odp_policy policy;
	struct odp_stats stats;
	struct nlattr *table;
	char bytes[24];

	if (!rxe_mr_is_odp(mr))
		return 0;

	snprintf(bytes, sizeof(bytes), "%llu", odp_mirror_length(mr->odp));
	odp_mirror_get_policy(mr->odp, &policy);
	odp_mirror_stats(mr->odp, &stats);
	table = nla_nest_start(msg, RDMA_NLDEV_ATTR_DRIVER);
	if (!table)
		return -EMSGSIZE;
	if (rdma_nl_put_driver_string(msg, "odp",
				      mr->ibmr.length == U64_MAX ?
				      "implicit" : "explicit") ||
	    rxe_odp_put_place(msg, mr) ||
	    rdma_nl_put_driver_string(msg, "odp_bytes", bytes) ||
	    rdma_nl_put_driver_string(msg, "odp_policy",
				      rxe_odp_around_names[policy.around]) ||
	    rdma_nl_put_driver_u64(msg, "odp_resident_pages",
				   stats.resident_pages) ||
	    rdma_nl_put_driver_u64(msg, "odp_huge_entries",
				   stats.huge_entries) ||
	    rdma_nl_put_driver_u64(msg, "odp_windows", stats.windows) ||
	    rdma_nl_put_driver_u64(msg, "odp_leaves", stats.leaves) ||
	    rdma_nl_put_driver_u64(msg, "odp_table_bytes", stats.table_bytes))
		goto err;
	nla_nest_end(msg, table);

	return 0;

err:
	nla_nest_cancel(msg, table);
	return -EMSGSIZE;
}

/**
 * rxe_odp_fill_stat_mr - what "rdma statistic show mr" says of a region
 * @msg: the message, whose counter table is opened and closed here
 * @ibmr: the region; only on-demand ones have counters
 *
 * Return: 0 or -EMSGSIZE.
 */
int rxe_odp_fill_stat_mr(struct sk_buff *msg, struct ib_mr *ibmr)
{
	struct rxe_mr *mr = to_rmr(ibmr);
	struct odp_stats stats;
	struct nlattr *table;

	if (!rxe_mr_is_odp(mr))
		return 0;

	odp_mirror_stats(mr->odp, &stats);
	table = nla_nest_start(msg, RDMA_NLDEV_ATTR_STAT_HWCOUNTERS);
	if (!table)
		return -EMSGSIZE;
	if (rdma_nl_stat_hwcounter_entry(msg, "page_faults", stats.faults) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_faults_local",
					 stats.local_faults) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_faults_remote",
					 stats.remote_faults) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_slow_faults",
					 stats.slow_faults) ||
	    rdma_nl_stat_hwcounter_entry(msg, "rnr_naks", stats.rnr_naks) ||
	    rdma_nl_stat_hwcounter_entry(msg, "parked", stats.parked) ||
	    rdma_nl_stat_hwcounter_entry(msg, "exclusive_takes",
					 stats.exclusive_takes) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_faulted_pages",
					 stats.faulted_pages) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_around_pages",
					 stats.around_pages) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_prefetched",
					 stats.prefetched_pages) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_invalidations",
					 stats.invalidations) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_invalidated_pages",
					 stats.invalidated_pages) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_collisions",
					 stats.collisions) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_failed_faults",
					 stats.failed_faults) ||
	    rdma_nl_stat_hwcounter_entry(msg, "page_pinned_fallbacks",
					 stats.pinned_fallbacks))
		goto err;
	nla_nest_end(msg, table);

	return 0;

err:
	nla_nest_cancel(msg, table);
	return -EMSGSIZE;
}

/**
 * rxe_odp_get_hw_stats - what "rdma statistic" says of a device's regions
 * @rxe: the device
 * @hw: the counters of on-demand paging are filled in
 *
 * They are those of all regions, the ones that are gone included.
 */
void rxe_odp_get_hw_stats(struct rxe_dev *rxe, struct rdma_hw_stats *hw)
{
	struct odp_stats stats;

	odp_device_stats(&rxe->odp, &stats);
	hw->value[RXE_CNT_ODP_FAULTS] = stats.faults;
	hw->value[RXE_CNT_ODP_FAULTS_LOCAL] = stats.local_faults;
	hw->value[RXE_CNT_ODP_FAULTS_REMOTE] = stats.remote_faults;
	hw->value[RXE_CNT_ODP_SLOW_FAULTS] = stats.slow_faults;
	hw->value[RXE_CNT_ODP_RNR_NAKS] = stats.rnr_naks;
	hw->value[RXE_CNT_ODP_PARKED] = stats.parked;
	hw->value[RXE_CNT_ODP_EXCLUSIVE_TAKES] = stats.exclusive_takes;
	hw->value[RXE_CNT_ODP_FAULTED_PAGES] = stats.faulted_pages;
	hw->value[RXE_CNT_ODP_AROUND_PAGES] = stats.around_pages;
	hw->value[RXE_CNT_ODP_PREFETCHED_PAGES] = stats.prefetched_pages;
	hw->value[RXE_CNT_ODP_INVALIDATIONS] = stats.invalidations;
	hw->value[RXE_CNT_ODP_INVALIDATED_PAGES] = stats.invalidated_pages;
	hw->value[RXE_CNT_ODP_COLLISIONS] = stats.collisions;
	hw->value[RXE_CNT_ODP_FAILED_FAULTS] = stats.failed_faults;
	hw->value[RXE_CNT_ODP_PINNED_FALLBACKS] = stats.pinned_fallbacks;
	hw->value[RXE_CNT_ODP_RESIDENT_PAGES] = stats.resident_pages;
	hw->value[RXE_CNT_ODP_TABLE_BYTES] = stats.table_bytes;
}
