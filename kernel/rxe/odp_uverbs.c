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

/* And for so long it looks: whoever deregisters the region waits for it. */
#define RXE_ODP_SNAPSHOT_TIME	(HZ / 2)

/* The array as far as it is filled in. */
struct rxe_odp_runs {
	struct rxe_odp_run *run;
	u32 nr;
	u32 max;
	u64 npages;
	unsigned long until;
};

/* Returns 1 when the array is full, or it is enough. */
static int rxe_odp_runs_add(u64 npages, unsigned int state, void *arg)
{
	struct rxe_odp_runs *runs = arg;

	BUILD_BUG_ON((RXE_ODP_PAGE_READ ^ ODP_PAGE_READ) |
		     (RXE_ODP_PAGE_WRITE ^ ODP_PAGE_WRITE) |
		     (RXE_ODP_PAGE_HUGE ^ ODP_PAGE_HUGE) |
		     (RXE_ODP_PAGE_MIRRORED ^ ODP_PAGE_MIRRORED) |
		     (RXE_ODP_PAGE_DIRTY ^ ODP_PAGE_DIRTY) |
		     (RXE_ODP_PAGE_EXCLUSIVE ^ ODP_PAGE_EXCLUSIVE) |
		     (RXE_ODP_PAGE_SPECIAL ^ ODP_PAGE_SPECIAL) |
		     (RXE_ODP_PAGE_IO ^ ODP_PAGE_IO));

	if (!runs->nr || runs->run[runs->nr - 1].state != state) {
		if (runs->nr == runs->max)
			return 1;
		runs->run[runs->nr++].state = state;
	}
	runs->run[runs->nr - 1].npages += npages;
	runs->npages += npages;

	return time_after(jiffies, runs->until);
}

static int rxe_odp_snapshot(struct rxe_mr *mr, struct uverbs_attr_bundle *attrs)
{
	struct rxe_odp_snapshot_resp resp = { .page_shift = PAGE_SHIFT };
	struct rxe_odp_snapshot_req req;
	struct rxe_odp_runs runs = {};
	int err, nr;

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

	runs.until = jiffies + RXE_ODP_SNAPSHOT_TIME;
	err = odp_mirror_report(mr->odp, rxe_odp_va(mr, req.iova), req.length,
				0, rxe_odp_runs_add, &runs);
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

static int rxe_odp_stats(struct rxe_mr *mr, struct uverbs_attr_bundle *attrs)
{
	struct rxe_odp_mr_stats resp;
	struct odp_stats stats;

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
		.local_faults = stats.local_faults,
		.remote_faults = stats.remote_faults,
		.slow_faults = stats.slow_faults,
		.rnr_naks = stats.rnr_naks,
		.parked = stats.parked,
		.exclusive_takes = stats.exclusive_takes,
	};

	return uverbs_copy_to_struct_or_zero(attrs, RXE_ODP_ATTR_STATS_RESP,
					     &resp, sizeof(resp));
}

static int rxe_odp_get_policy(struct rxe_mr *mr,
			      struct uverbs_attr_bundle *attrs)
{
	struct rxe_odp_policy resp = {};
	struct odp_policy policy;

	BUILD_BUG_ON((RXE_ODP_AROUND_STREAM ^ ODP_AROUND_STREAM) |
		     (RXE_ODP_AROUND_NONE ^ ODP_AROUND_NONE) |
		     (RXE_ODP_AROUND_SNAPSHOT ^ ODP_AROUND_SNAPSHOT) |
		     (RXE_ODP_AROUND_POPULATE ^ ODP_AROUND_POPULATE));

	odp_mirror_get_policy(mr->odp, &policy);
	resp.around = policy.around;
	resp.max_pages = policy.max_pages;
	resp.limit_ms = policy.limit_ms;
	if (policy.exclusive)
		resp.flags |= RXE_ODP_POLICY_EXCLUSIVE;

	return uverbs_copy_to(attrs, RXE_ODP_ATTR_POLICY, &resp, sizeof(resp));
}

static int rxe_odp_set_policy(struct rxe_mr *mr,
			      struct uverbs_attr_bundle *attrs)
{
	struct odp_policy policy = {};
	struct rxe_odp_policy req;
	int err;

	err = uverbs_copy_from(&req, attrs, RXE_ODP_ATTR_POLICY);
	if (err)
		return err;
	if (req.flags & ~RXE_ODP_POLICY_EXCLUSIVE)
		return -EINVAL;
	policy.around = req.around;
	policy.max_pages = req.max_pages;
	policy.limit_ms = req.limit_ms;
	policy.exclusive = req.flags & RXE_ODP_POLICY_EXCLUSIVE;

	return odp_mirror_set_policy(mr->odp, &policy);
}

typedef int (*rxe_odp_method)(struct rxe_mr *mr,
			      struct uverbs_attr_bundle *attrs);

/* The handle attribute has the same number in all methods, and so on. */
#define RXE_ODP_ATTR_HANDLE	BIT(UVERBS_ID_NS_SHIFT)

static int rxe_odp_by_handle(struct uverbs_attr_bundle *attrs,
			     rxe_odp_method method)
{
	struct ib_mr *ibmr = uverbs_attr_get_obj(attrs, RXE_ODP_ATTR_HANDLE);

	if (!rxe_mr_is_odp(to_rmr(ibmr)))
		return -EOPNOTSUPP;
	return method(to_rmr(ibmr), attrs);
}

/* The restrack reference keeps the region from being deregistered. */
static int rxe_odp_by_number(struct uverbs_attr_bundle *attrs, u16 mrn_attr,
			     rxe_odp_method method)
{
	struct ib_ucontext *ucontext = ib_uverbs_get_ucontext(attrs);
	struct rdma_restrack_entry *res;
	struct ib_mr *ibmr;
	u32 mrn;
	int err;

	if (IS_ERR(ucontext))
		return PTR_ERR(ucontext);
	err = uverbs_copy_from(&mrn, attrs, mrn_attr);
	if (err)
		return err;

	res = rdma_restrack_get_byid(ucontext->device, RDMA_RESTRACK_MR, mrn);
	if (IS_ERR(res))
		return PTR_ERR(res);
	ibmr = container_of(res, struct ib_mr, res);
	if (!rxe_mr_is_odp(to_rmr(ibmr)))
		err = -EOPNOTSUPP;
	else if (!rxe_odp_may_look(to_rmr(ibmr)))
		err = -EPERM;
	else
		err = method(to_rmr(ibmr), attrs);
	rdma_restrack_put(res);

	return err;
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_SNAPSHOT)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_handle(attrs, rxe_odp_snapshot);
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_STATS)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_handle(attrs, rxe_odp_stats);
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_GET_POLICY)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_handle(attrs, rxe_odp_get_policy);
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_SET_POLICY)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_handle(attrs, rxe_odp_set_policy);
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_DEVICE_SNAPSHOT)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_number(attrs, RXE_ODP_ATTR_SNAPSHOT_MRN,
				 rxe_odp_snapshot);
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_DEVICE_STATS)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_number(attrs, RXE_ODP_ATTR_STATS_MRN, rxe_odp_stats);
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_DEVICE_POLICY)(struct uverbs_attr_bundle *attrs)
{
	return rxe_odp_by_number(attrs, RXE_ODP_ATTR_POLICY_MRN,
				 rxe_odp_get_policy);
}

/* Of the kernel, so that it is known without a region. */
static int UVERBS_HANDLER(RXE_ODP_METHOD_DEVICE_CAPS)(struct uverbs_attr_bundle *attrs)
{
	u64 caps = 0;

	if (odp_has_exclusive())
		caps |= RXE_ODP_CAP_EXCLUSIVE;
	if (odp_has_iomem())
		caps |= RXE_ODP_CAP_IO;

	return uverbs_copy_to(attrs, RXE_ODP_ATTR_CAPS_RESP, &caps,
			      sizeof(caps));
}

#define RXE_ODP_MR_HANDLE(attr, access)					\
	UVERBS_ATTR_IDR(attr, UVERBS_OBJECT_MR, access, UA_MANDATORY)

#define RXE_ODP_MRN(attr)						\
	UVERBS_ATTR_PTR_IN(attr, UVERBS_ATTR_TYPE(u32), UA_MANDATORY)

#define RXE_ODP_SNAPSHOT_REQ						\
	UVERBS_ATTR_PTR_IN(RXE_ODP_ATTR_SNAPSHOT_REQ,			\
			   UVERBS_ATTR_TYPE(struct rxe_odp_snapshot_req), \
			   UA_MANDATORY)

#define RXE_ODP_SNAPSHOT_RUNS						\
	UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_SNAPSHOT_RUNS,			\
			    UVERBS_ATTR_MIN_SIZE(sizeof(struct rxe_odp_run)), \
			    UA_MANDATORY)

#define RXE_ODP_SNAPSHOT_RESP						\
	UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_SNAPSHOT_RESP,			\
			    UVERBS_ATTR_TYPE(struct rxe_odp_snapshot_resp), \
			    UA_MANDATORY)

#define RXE_ODP_STATS_RESP						\
	UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_STATS_RESP,			\
			    UVERBS_ATTR_MIN_SIZE(sizeof(u64)), UA_MANDATORY)

#define RXE_ODP_POLICY_OUT						\
	UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_POLICY,			\
			    UVERBS_ATTR_TYPE(struct rxe_odp_policy),	\
			    UA_MANDATORY)

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_SNAPSHOT,
			    RXE_ODP_MR_HANDLE(RXE_ODP_ATTR_SNAPSHOT_HANDLE,
					      UVERBS_ACCESS_READ),
			    RXE_ODP_SNAPSHOT_REQ, RXE_ODP_SNAPSHOT_RUNS,
			    RXE_ODP_SNAPSHOT_RESP);

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_STATS,
			    RXE_ODP_MR_HANDLE(RXE_ODP_ATTR_STATS_HANDLE,
					      UVERBS_ACCESS_READ),
			    RXE_ODP_STATS_RESP);

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_GET_POLICY,
			    RXE_ODP_MR_HANDLE(RXE_ODP_ATTR_POLICY_HANDLE,
					      UVERBS_ACCESS_READ),
			    RXE_ODP_POLICY_OUT);

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_SET_POLICY,
			    RXE_ODP_MR_HANDLE(RXE_ODP_ATTR_POLICY_HANDLE,
					      UVERBS_ACCESS_READ),
			    UVERBS_ATTR_PTR_IN(RXE_ODP_ATTR_POLICY,
					       UVERBS_ATTR_TYPE(struct rxe_odp_policy),
					       UA_MANDATORY));

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_DEVICE_SNAPSHOT,
			    RXE_ODP_MRN(RXE_ODP_ATTR_SNAPSHOT_MRN),
			    RXE_ODP_SNAPSHOT_REQ, RXE_ODP_SNAPSHOT_RUNS,
			    RXE_ODP_SNAPSHOT_RESP);

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_DEVICE_STATS,
			    RXE_ODP_MRN(RXE_ODP_ATTR_STATS_MRN),
			    RXE_ODP_STATS_RESP);

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_DEVICE_POLICY,
			    RXE_ODP_MRN(RXE_ODP_ATTR_POLICY_MRN),
			    RXE_ODP_POLICY_OUT);

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_DEVICE_CAPS,
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_CAPS_RESP,
						UVERBS_ATTR_TYPE(u64),
						UA_MANDATORY));

ADD_UVERBS_METHODS(rxe_odp_mr, UVERBS_OBJECT_MR,
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_SNAPSHOT),
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_STATS),
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_GET_POLICY),
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_SET_POLICY));

ADD_UVERBS_METHODS(rxe_odp_device, UVERBS_OBJECT_DEVICE,
		   &UVERBS_METHOD(RXE_ODP_METHOD_DEVICE_SNAPSHOT),
		   &UVERBS_METHOD(RXE_ODP_METHOD_DEVICE_STATS),
		   &UVERBS_METHOD(RXE_ODP_METHOD_DEVICE_POLICY),
		   &UVERBS_METHOD(RXE_ODP_METHOD_DEVICE_CAPS));

const struct uapi_definition rxe_odp_uapi_defs[] = {
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_MR, &rxe_odp_mr),
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_DEVICE, &rxe_odp_device),
	UAPI_DEF_CHAIN(rxe_odp_events_defs),
	{},
};
