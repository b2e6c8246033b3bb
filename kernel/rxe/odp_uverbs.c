// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The methods of <rdma/rxe_odp_abi.h>.
 */
#include <rdma/uverbs_ioctl.h>
#define UVERBS_MODULE_NAME rxe_odp
#include <rdma/uverbs_named_ioctl.h>
#include <rdma/rxe_odp_abi.h>

#include "rxe.h"

/* So many runs one call reports at most; the caller comes again. */
#define RXE_ODP_RUNS_MAX	4096

/* The array as far as it is filled in. */
struct rxe_odp_runs {
	struct rxe_odp_run *run;
	u32 nr;
	u32 max;
	u64 npages;
};

/* Returns 1 when the array is full. */
static int rxe_odp_runs_add(u64 npages, unsigned int state, void *arg)
{
	struct rxe_odp_runs *runs = arg;

	BUILD_BUG_ON(RXE_ODP_PAGE_READ != ODP_PAGE_READ ||
		     RXE_ODP_PAGE_WRITE != ODP_PAGE_WRITE ||
		     RXE_ODP_PAGE_HUGE != ODP_PAGE_HUGE ||
		     RXE_ODP_PAGE_MIRRORED != ODP_PAGE_MIRRORED ||
		     RXE_ODP_PAGE_DIRTY != ODP_PAGE_DIRTY);

	if (!runs->nr || runs->run[runs->nr - 1].state != state) {
		if (runs->nr == runs->max)
			return 1;
		runs->run[runs->nr++].state = state;
	}
	runs->run[runs->nr - 1].npages += npages;
	runs->npages += npages;

	return 0;
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_SNAPSHOT)(struct uverbs_attr_bundle *attrs)
{
	struct ib_mr *ibmr = uverbs_attr_get_obj(attrs,
						 RXE_ODP_ATTR_SNAPSHOT_HANDLE);
	struct rxe_odp_snapshot_resp resp = { .page_shift = PAGE_SHIFT };
	struct rxe_mr *mr = to_rmr(ibmr);
	struct rxe_odp_snapshot_req req;
	struct rxe_odp_runs runs = {};
	int err, nr;

	if (!rxe_mr_is_odp(mr))
		return -EOPNOTSUPP;
	err = uverbs_copy_from(&req, attrs, RXE_ODP_ATTR_SNAPSHOT_REQ);
	if (err)
		return err;
	if (!req.length || mr_check_range(mr, req.iova, req.length))
		return -EINVAL;

	nr = uverbs_attr_ptr_get_array_size(attrs, RXE_ODP_ATTR_SNAPSHOT_RUNS,
					    sizeof(*runs.run));
	if (nr < 0)
		return nr;
	runs.max = min(nr, RXE_ODP_RUNS_MAX);
	runs.run = uverbs_kcalloc(attrs, runs.max, sizeof(*runs.run));
	if (IS_ERR(runs.run))
		return PTR_ERR(runs.run);

	err = odp_mirror_report(mr->odp, rxe_odp_va(mr, req.iova), req.length,
				rxe_odp_runs_add, &runs);
	if (err < 0)
		return err;

	err = uverbs_copy_to(attrs, RXE_ODP_ATTR_SNAPSHOT_RUNS, runs.run,
			     runs.nr * sizeof(*runs.run));
	if (err)
		return err;
	resp.npages = runs.npages;
	resp.nr_runs = runs.nr;

	return uverbs_copy_to(attrs, RXE_ODP_ATTR_SNAPSHOT_RESP, &resp,
			      sizeof(resp));
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_STATS)(struct uverbs_attr_bundle *attrs)
{
	struct ib_mr *ibmr = uverbs_attr_get_obj(attrs,
						 RXE_ODP_ATTR_STATS_HANDLE);
	struct rxe_mr *mr = to_rmr(ibmr);
	struct rxe_odp_mr_stats resp;
	struct odp_stats stats;

	if (!rxe_mr_is_odp(mr))
		return -EOPNOTSUPP;

	odp_mirror_stats(mr->odp, &stats);
	resp = (struct rxe_odp_mr_stats) {
		.faults = stats.faults,
		.faulted_pages = stats.faulted_pages,
		.around_pages = stats.around_pages,
		.prefetched_pages = stats.prefetched_pages,
		.invalidations = stats.invalidations,
		.invalidated_pages = stats.invalidated_pages,
		.collisions = stats.collisions,
		.failed_faults = stats.failed_faults,
		.pinned_fallbacks = stats.pinned_fallbacks,
		.resident_pages = stats.resident_pages,
		.huge_entries = stats.huge_entries,
		.windows = stats.windows,
		.leaves = stats.leaves,
		.table_bytes = stats.table_bytes,
	};

	return uverbs_copy_to_struct_or_zero(attrs, RXE_ODP_ATTR_STATS_RESP,
					     &resp, sizeof(resp));
}

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_SNAPSHOT,
			    UVERBS_ATTR_IDR(RXE_ODP_ATTR_SNAPSHOT_HANDLE,
					    UVERBS_OBJECT_MR,
					    UVERBS_ACCESS_READ, UA_MANDATORY),
			    UVERBS_ATTR_PTR_IN(RXE_ODP_ATTR_SNAPSHOT_REQ,
					       UVERBS_ATTR_TYPE(struct rxe_odp_snapshot_req),
					       UA_MANDATORY),
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_SNAPSHOT_RUNS,
						UVERBS_ATTR_MIN_SIZE(sizeof(struct rxe_odp_run)),
						UA_MANDATORY),
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_SNAPSHOT_RESP,
						UVERBS_ATTR_TYPE(struct rxe_odp_snapshot_resp),
						UA_MANDATORY));

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_STATS,
			    UVERBS_ATTR_IDR(RXE_ODP_ATTR_STATS_HANDLE,
					    UVERBS_OBJECT_MR,
					    UVERBS_ACCESS_READ, UA_MANDATORY),
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_STATS_RESP,
						UVERBS_ATTR_MIN_SIZE(sizeof(u64)),
						UA_MANDATORY));

ADD_UVERBS_METHODS(rxe_odp_mr, UVERBS_OBJECT_MR,
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_SNAPSHOT),
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_STATS));

const struct uapi_definition rxe_odp_uapi_defs[] = {
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_MR, &rxe_odp_mr),
	{},
};
