// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The requester when a page is not to be had at once: its own, then the work
 * request is parked until it is there; or the peer's, which answers RNR NAK.
 */
#include "rxe.h"

/* The page that the queue pair was parked for is there, or never will be. */
static void rxe_odp_wake(struct odp_waiter *waiter)
{
	struct rxe_qp *qp = container_of(waiter, struct rxe_qp, odp_waiter);
	unsigned long flags;

	/* On its way out: rxe_odp_unpark() is next. */
	if (!rxe_get(qp))
		return;
	spin_lock_irqsave(&qp->state_lock, flags);
	WRITE_ONCE(qp->odp_parked, false);
	if (qp->valid) {
		if (READ_ONCE(qp->odp_retry)) {
			WRITE_ONCE(qp->odp_retry, false);
			qp->req.need_retry = 1;
		}
		rxe_sched_task(&qp->send_task);
	}
	spin_unlock_irqrestore(&qp->state_lock, flags);
	rxe_put(qp);
}

/**
 * rxe_odp_init_qp - get a new queue pair ready to be parked
 * @qp: the queue pair
 */
void rxe_odp_init_qp(struct rxe_qp *qp)
{
	odp_waiter_init(&qp->odp_waiter, rxe_odp_wake);
}

/**
 * rxe_odp_unpark - let a queue pair wait for nothing
 * @qp: the queue pair, whose tasks do not run
 */
void rxe_odp_unpark(struct rxe_qp *qp)
{
	odp_waiter_cancel(&qp->odp_waiter);
	qp->odp_parked = false;
	qp->odp_retry = false;
	qp->odp_kept = false;
	qp->odp_last = false;
	qp->odp_answered = false;
	qp->odp_rnr_waits = false;
}

/**
 * rxe_odp_dma_mr - the region that a work request's data is next in
 * @pd: the queue pair's
 * @access: what the region must allow
 * @dma: how far the work request is; it may be in memory of the user's, who
 *	writes there what he likes
 * @max_sge: how many elements there is room for
 * @iova: where in the region is put here, unless NULL
 *
 * Return: the region, to be given back with rxe_put(), or NULL.
 */
struct rxe_mr *rxe_odp_dma_mr(struct rxe_pd *pd, int access,
			      const struct rxe_dma_info *dma, u32 max_sge,
			      u64 *iova)
{
	u32 offset = READ_ONCE(dma->sge_offset);
	u32 num_sge = min_t(u32, READ_ONCE(dma->num_sge), max_sge);
	u32 i;

	for (i = READ_ONCE(dma->cur_sge); i < num_sge; i++, offset = 0) {
		struct rxe_sge sge = dma->sge[i];

		if (offset >= sge.length)
			continue;
		if (iova)
			*iova = sge.addr + offset;
		return lookup_mr(pd, access, sge.lkey, RXE_LOOKUP_LOCAL);
	}

	return NULL;
}

/*
 * Park the queue pair if a region's pages are on their way. It may be woken
 * before this returns.
 */
static bool rxe_odp_park(struct rxe_qp *qp, struct rxe_mr *mr, u64 iova,
			 u32 length, unsigned int how)
{
	if (!rxe_mr_is_odp(mr) || mr_check_range(mr, iova, length))
		return false;
	WRITE_ONCE(qp->odp_parked, true);
	if (odp_mirror_ready(mr->odp, rxe_odp_va(mr, iova), length,
			     how | ODP_ACCESS_LOCAL,
			     &qp->odp_waiter) == -EINPROGRESS) {
		odp_mirror_count_parked(mr->odp);
		return true;
	}
	WRITE_ONCE(qp->odp_parked, false);

	return false;
}

/* The same for what a work request's data is next in. */
static bool rxe_odp_park_dma(struct rxe_qp *qp, const struct rxe_dma_info *dma,
			     u32 length, unsigned int how)
{
	int access = how & ODP_ACCESS_WRITE ? IB_ACCESS_LOCAL_WRITE : 0;
	struct rxe_mr *mr;
	bool parked;
	u64 iova;

	mr = rxe_odp_dma_mr(qp->pd, access, dma, qp->sq.max_sge, &iova);
	if (!mr)
		return false;
	length = min_t(u64, length, mr->ibmr.iova + mr->ibmr.length - iova);
	parked = rxe_odp_park(qp, mr, iova, length, how);
	rxe_put(mr);

	return parked;
}

/**
 * rxe_odp_park_send - a packet's data is on its way
 * @qp: the queue pair, whose requester this is
 * @wqe: the work request
 * @length: of the data
 *
 * Return: whether the queue pair is parked; if not, the packet can be tried
 * again.
 */
bool rxe_odp_park_send(struct rxe_qp *qp, struct rxe_send_wqe *wqe, u32 length)
{
	return rxe_odp_park_dma(qp, &wqe->dma, length, 0);
}

/**
 * rxe_odp_park_read - look ahead before data is asked for
 * @qp: the queue pair, whose requester this is
 * @wqe: the work request
 *
 * What comes back while its place is not there would have to be asked for again.
 *
 * Return: whether the queue pair is parked.
 */
bool rxe_odp_park_read(struct rxe_qp *qp, struct rxe_send_wqe *wqe)
{
	u32 num_sge = min_t(u32, READ_ONCE(wqe->dma.num_sge), qp->sq.max_sge);
	struct rxe_mr *mr;
	bool parked;
	u32 i;

	if (!(wqe->mask & (WR_READ_MASK | WR_ATOMIC_MASK)))
		return false;
	for (i = 0; i < num_sge; i++) {
		struct rxe_sge sge = wqe->dma.sge[i];

		if (!sge.length)
			continue;
		mr = lookup_mr(qp->pd, IB_ACCESS_LOCAL_WRITE, sge.lkey,
			       RXE_LOOKUP_LOCAL);
		if (!mr)
			return false;
		parked = rxe_odp_park(qp, mr, sge.addr, sge.length,
				      ODP_ACCESS_WRITE);
		rxe_put(mr);
		if (parked)
			return true;
	}

	return false;
}

/**
 * rxe_odp_park_response - data has come whose place is not there
 * @qp: the queue pair, whose completer this is
 * @wqe: the work request
 * @length: of the data
 *
 * The data is dropped, and asked for again when its place is there.
 */
void rxe_odp_park_response(struct rxe_qp *qp, struct rxe_send_wqe *wqe,
			   u32 length)
{
	WRITE_ONCE(qp->odp_retry, true);
	if (rxe_odp_park_dma(qp, &wqe->dma, length, ODP_ACCESS_WRITE))
		return;
	WRITE_ONCE(qp->odp_retry, false);
	qp->req.need_retry = 1;
	qp->req.again = 1;
}

/**
 * rxe_odp_is_patient - is no answer for some time no reason to count a retry?
 * @qp: the queue pair, whose completer asks because its timer has fired
 *
 * Not while the peer's page, or the queue pair's own, is on its way. And after
 * that a peer that has been there all the time has one more chance: with few
 * retries and a short timer it need only be slow once in very many times.
 */
bool rxe_odp_is_patient(struct rxe_qp *qp)
{
	if (qp->req.wait_for_rnr_timer || READ_ONCE(qp->odp_parked))
		return true;
	if (!qp->odp_answered)
		return false;
	qp->odp_answered = false;
	qp->req.need_retry = 1;
	qp->req.again = 1;

	return true;
}

/**
 * rxe_odp_rnr_acks - the peer is not ready for a packet, but had all before
 * @qp: the queue pair
 * @pkt: the RNR NAK
 * @wqe: the work request that it is about
 *
 * So that these are not sent again.
 */
void rxe_odp_rnr_acks(struct rxe_qp *qp, const struct rxe_pkt_info *pkt,
		      const struct rxe_send_wqe *wqe)
{
	qp->odp_answered = true;
	if ((wqe->mask & WR_ATOMIC_OR_READ_MASK) ||
	    psn_compare(pkt->psn, qp->comp.psn) <= 0)
		return;
	qp->comp.psn = pkt->psn;
	if (qp->req.wait_psn) {
		qp->req.wait_psn = 0;
		qp->req.again = 1;
	}
}

/**
 * rxe_odp_retried - the requester begins again
 * @qp: the queue pair
 *
 * Time that has passed before is no reason to do so once more.
 */
void rxe_odp_retried(struct rxe_qp *qp)
{
	qp->comp.timeout = 0;
	if (qp_type(qp) == IB_QPT_RC && qp->qp_timeout_jiffies)
		mod_timer(&qp->retrans_timer, jiffies + qp->qp_timeout_jiffies);
}

/**
 * rxe_odp_again_iova - where a request goes that is sent again from its beginning
 * @wqe: the request; neither a read, a write nor one with a compare or an add
 * @mask: its WR_*_MASK bits
 *
 * Return: the address at the peer; 0 if it has none.
 */
u64 rxe_odp_again_iova(const struct rxe_send_wqe *wqe, unsigned int mask)
{
	if (mask & WR_ATOMIC_WRITE_MASK)
		return wqe->wr.wr.rdma.remote_addr;
	if (mask & WR_FLUSH_MASK)
		return wqe->wr.wr.flush.remote_addr;
	return 0;
}
