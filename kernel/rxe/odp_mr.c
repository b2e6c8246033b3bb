// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * On-demand memory regions: what the device says of them, and their life.
 */
#include "rxe.h"
#include "odp_compat.h"

static const struct ib_device_ops rxe_odp_dev_ops = {
	.advise_mr = rxe_odp_advise_mr,
	.fill_res_mr_entry = rxe_odp_fill_res_mr,
	.fill_stat_mr_entry = rxe_odp_fill_stat_mr,
};

/**
 * rxe_odp_init_device - say what the device can do with on-demand regions
 * @rxe: the device, not yet registered
 */
void rxe_odp_init_device(struct rxe_dev *rxe)
{
	struct ib_odp_caps *caps = &rxe->attr.odp_caps;

	rxe->attr.kernel_cap_flags |= IBK_ON_DEMAND_PAGING;
	caps->general_caps = IB_ODP_SUPPORT | IB_ODP_SUPPORT_IMPLICIT;
	caps->per_transport_caps.rc_odp_caps =
		IB_ODP_SUPPORT_SEND | IB_ODP_SUPPORT_RECV |
		IB_ODP_SUPPORT_SRQ_RECV | IB_ODP_SUPPORT_WRITE |
		IB_ODP_SUPPORT_READ | IB_ODP_SUPPORT_ATOMIC |
		RXE_ODP_SUPPORT_FLUSH | RXE_ODP_SUPPORT_ATOMIC_WRITE;
	caps->per_transport_caps.ud_odp_caps =
		IB_ODP_SUPPORT_SEND | IB_ODP_SUPPORT_RECV |
		IB_ODP_SUPPORT_SRQ_RECV;

	odp_device_init(&rxe->odp);
	rxe->ib_dev.driver_def = rxe_odp_uapi_defs;
	ib_set_device_ops(&rxe->ib_dev, &rxe_odp_dev_ops);
}

/**
 * rxe_odp_mr_init - make a new memory region an on-demand one
 * @start: the first byte's virtual address in the current process
 * @length: in bytes; with @start 0, ~0 stands for the whole address space
 * @iova: what peers call the first byte
 * @access: IB_ACCESS_* flags
 * @mr: the region
 *
 * Return: 0; -EINVAL for a range that is empty, wraps around or is not the
 * user's; -ENOMEM.
 */
int rxe_odp_mr_init(u64 start, u64 length, u64 iova, int access,
		    struct rxe_mr *mr)
{
	struct odp_mirror_attr attr = {
		.mm = current->mm,
		.start = start,
		.length = length,
		.writable = ib_access_writable(access),
		.policy = ODP_POLICY_DEFAULT,
		.device = &to_rdev(mr->ibmr.device)->odp,
	};
	struct odp_mirror *odp;

	rxe_mr_init(access, mr);

	if (!start && length == U64_MAX) {
		if (iova)
			return -EINVAL;
		attr.length = TASK_SIZE_MAX;
	} else if (iova + length < iova) {
		return -EINVAL;
	}

	odp = odp_mirror_create(&attr);
	if (IS_ERR(odp)) {
		rxe_dbg_mr(mr, "no mirror of %#llx bytes at %#llx, err = %d\n",
			   length, start, (int)PTR_ERR(odp));
		return PTR_ERR(odp);
	}

	mr->odp = odp;
	mr->odp_shift = odp_mirror_start(odp) - iova;
	mr->ibmr.iova = iova;
	mr->ibmr.length = length;
	mr->ibmr.type = IB_MR_TYPE_USER;
	mr->state = RXE_MR_STATE_VALID;

	return 0;
}

/**
 * rxe_odp_mr_check_rereg - may a region's access be changed?
 * @mr: the region, on-demand or not
 * @flags: IB_MR_REREG_*
 * @access: the new access
 *
 * Of an on-demand region nothing is pinned, so write access can come and go; what
 * the process may not write to, the device still may not. But a region stays what
 * it is, on-demand or pinned.
 *
 * Return: 0, or -EOPNOTSUPP. rxe may refuse the change for reasons of its own
 * even so.
 */
int rxe_odp_mr_check_rereg(const struct rxe_mr *mr, int flags, int access)
{
	bool on_demand = access & IB_ACCESS_ON_DEMAND;

	if ((flags & IB_MR_REREG_ACCESS) && on_demand != rxe_mr_is_odp(mr))
		return -EOPNOTSUPP;
	if (rxe_mr_is_odp(mr))
		return 0;
	return ib_umem_check_rereg(mr->umem, flags, access);
}

/**
 * rxe_odp_mr_set_access - a region's access has been changed
 * @mr: the region, on-demand or not
 */
void rxe_odp_mr_set_access(struct rxe_mr *mr)
{
	if (rxe_mr_is_odp(mr))
		odp_mirror_set_writable(mr->odp, ib_access_writable(mr->access));
}

/**
 * rxe_odp_mr_kill - let no fault of a region that is going wait any more
 * @mr: the region, on-demand or not
 */
void rxe_odp_mr_kill(struct rxe_mr *mr)
{
	if (rxe_mr_is_odp(mr))
		odp_mirror_kill(mr->odp);
}

/**
 * rxe_odp_mr_cleanup - end a region's mirror
 * @mr: the region, on-demand or not, which nobody refers to any more
 */
void rxe_odp_mr_cleanup(struct rxe_mr *mr)
{
	if (rxe_mr_is_odp(mr))
		odp_mirror_destroy(mr->odp);
}

/*
 * Is a range in a memory window? rxe looks whether the window's region covers
 * what a peer asks for. That may be the whole address space, so for on-demand
 * ones the window must, too.
 */
static bool rxe_odp_mw_covers(const struct rxe_mw *mw, u64 iova, u64 length)
{
	return iova >= mw->addr && length <= mw->length &&
	       iova - mw->addr <= mw->length - length;
}

/**
 * rxe_odp_mw_allows - may a peer have what it asks for through a window?
 * @mw: the window
 * @mr: its region, on-demand or not
 * @qp: the responder's queue pair; qp->resp says what the peer asks for
 * @pkt: the packet. A flush of all of a region is none of a range
 *
 * Return: whether it may, as far as rxe does not look itself.
 */
bool rxe_odp_mw_allows(const struct rxe_mw *mw, const struct rxe_mr *mr,
		       const struct rxe_qp *qp, struct rxe_pkt_info *pkt)
{
	if (!rxe_mr_is_odp(mr) ||
	    ((pkt->mask & RXE_FLUSH_MASK) && feth_sel(pkt) == IB_FLUSH_MR))
		return true;
	return rxe_odp_mw_covers(mw, qp->resp.va + qp->resp.offset,
				 qp->resp.resid);
}

/**
 * rxe_odp_recheck_read - may a read go on, or be done again?
 * @qp: the responder's queue pair
 * @res: the read
 *
 * Its region may have been given other rights since the read began, its window
 * other bounds. And whoever repeats a request may ask for something else by it.
 *
 * Return: the region, with a reference that is the caller's, or NULL.
 */
struct rxe_mr *rxe_odp_recheck_read(struct rxe_qp *qp,
				    const struct resp_res *res)
{
	u32 rkey = res->read.rkey;
	struct rxe_mw *mw;
	struct rxe_mr *mr;

	if (!rkey_is_mw(rkey))
		return lookup_mr(qp->pd, IB_ACCESS_REMOTE_READ, rkey,
				 RXE_LOOKUP_REMOTE);

	mw = rxe_lookup_mw(qp, IB_ACCESS_REMOTE_READ, rkey);
	if (!mw)
		return NULL;
	/* Unbinding gives the window's reference to the region back. */
	spin_lock_bh(&mw->lock);
	mr = mw->mr;
	if (mr && (mr->state != RXE_MR_STATE_VALID ||
		   (rxe_mr_is_odp(mr) &&
		    !rxe_odp_mw_covers(mw, res->read.va, res->read.resid)) ||
		   !rxe_get(mr)))
		mr = NULL;
	spin_unlock_bh(&mw->lock);
	rxe_put(mw);

	return mr;
}
