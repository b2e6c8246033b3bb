// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The responder when a page is not to be had at once: it tells the peer to come
 * again (RNR NAK), or drops the packet where there is no such thing, and leaves
 * the queue pair as if the packet had not come.
 */
#include "odp_resp.h"

/**
 * rxe_odp_resp_look - rxe_odp_resp_ready(), for a message that is long
 * @qp: the queue pair
 * @pkt: its first packet
 * @mr: the region, an on-demand one
 *
 * Return: RESPST_EXECUTE, or RESPST_ERR_RNR.
 */
enum resp_states rxe_odp_resp_look(struct rxe_qp *qp, struct rxe_pkt_info *pkt,
				   struct rxe_mr *mr)
{
	unsigned int how = pkt->mask & RXE_READ_MASK ? 0 : ODP_ACCESS_WRITE;

	if (odp_mirror_ready(mr->odp,
			     rxe_odp_va(mr, qp->resp.va + qp->resp.offset),
			     qp->resp.resid, how, NULL) == -EINPROGRESS)
		return rxe_odp_resp_again(qp, pkt, mr);

	/* Of other errors the packet that meets them will tell. */
	return RESPST_EXECUTE;
}

/* Packets that wait for the responder take about as much memory as this. */
#define RXE_ODP_WAITING_BYTES	SZ_1M

/**
 * rxe_odp_resp_drop - rxe_odp_resp_full(), once there are many
 * @qp: the queue pair
 * @skb: the packet
 *
 * Return: whether it was dropped.
 */
bool rxe_odp_resp_drop(struct rxe_qp *qp, struct sk_buff *skb)
{
	u32 most = max_t(u32, RXE_ODP_WAITING_BYTES / skb->truesize,
			 RXE_ODP_WAITING_MIN);
	struct ib_device *dev = qp->ibqp.device;

	if (skb_queue_len_lockless(&qp->req_pkts) < most)
		return false;
	kfree_skb(skb);
	rxe_put(qp);
	ib_device_put(dev);

	return true;
}

/* What the codes of an RNR NAK stand for, in microseconds; code 0 is last. */
static const u32 rxe_odp_rnr_us[] = {
	10, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1280, 1920,
	2560, 3840, 5120, 7680, 10240, 15360, 20480, 30720, 40960, 61440, 81920,
	122880, 163840, 245760, 327680, 491520, 655360
};

/* A peer comes again after so much of the time for which it has done so. */
#define RXE_ODP_RNR_SHARE	8
/*
 * And after so many microseconds times the square of how many faults its process
 * has under way: 1 ms for 16, the longest time that can be told for 400.
 */
#define RXE_ODP_RNR_CROWD_US	4

/*
 * When is the peer to come again? What takes long will not be there at once, and
 * many peers that come often would leave others no processor. But a page that
 * was there and has gone again may be missed for ever by a peer that comes ever
 * less often.
 */
static void rxe_odp_rnr_set(struct rxe_qp *qp, const struct rxe_pkt_info *pkt,
			    const struct rxe_mr *mr)
{
	unsigned int i = (qp->attr.min_rnr_timer - 1) &
			 (ARRAY_SIZE(rxe_odp_rnr_us) - 1);
	unsigned int done = odp_mirror_slow_done(mr->odp);
	u64 us, crowd = odp_mirror_slow_faults(mr->odp);

	if (!qp->odp_rnr_waits || qp->odp_rnr_psn != pkt->psn ||
	    qp->odp_rnr_done != done) {
		qp->odp_rnr_waits = true;
		qp->odp_rnr_since = jiffies;
		qp->odp_rnr_psn = pkt->psn;
		qp->odp_rnr_done = done;
	}
	us = max_t(u64, jiffies_to_usecs(jiffies - qp->odp_rnr_since) /
			RXE_ODP_RNR_SHARE,
		   crowd * crowd * RXE_ODP_RNR_CROWD_US);
	while (i + 1 < ARRAY_SIZE(rxe_odp_rnr_us) && rxe_odp_rnr_us[i + 1] <= us)
		i++;
	qp->odp_rnr_timer = (i + 1) % ARRAY_SIZE(rxe_odp_rnr_us);
	qp->odp_rnr = true;
}

/**
 * rxe_odp_rnr_timer - what to say in an RNR NAK
 * @qp: the queue pair
 *
 * Return: the code of the time after which the peer is to come again.
 */
u8 rxe_odp_rnr_timer(struct rxe_qp *qp)
{
	if (!qp->odp_rnr)
		return qp->attr.min_rnr_timer;
	qp->odp_rnr = false;

	return qp->odp_rnr_timer;
}

/* Forget a read, atomic or flush that was begun, as far as it was. */
static void rxe_odp_resp_forget(struct rxe_qp *qp, struct rxe_pkt_info *pkt,
				struct resp_res *res)
{
	bool read = res->type == RXE_READ_MASK;

	qp->resp.res = NULL;
	if (res->replay) {
		if (read)
			pkt->psn = res->cur_psn;
		return;
	}
	if (read)
		qp->resp.msn--;
	if (read && res->cur_psn != res->first_psn) {
		/* The peer has the first part, and asks for the rest as new. */
		res->last_psn = (res->cur_psn - 1) & BTH_PSN_MASK;
		qp->resp.psn = res->cur_psn;
		qp->resp.opcode = -1;
		pkt->psn = res->cur_psn;
		return;
	}
	free_rd_atomic_resource(res);
}

/*
 * A receive request that is not used up now. One of a shared queue has left it;
 * this queue pair's next message gets it.
 */
static void rxe_odp_resp_keep(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
{
	struct rxe_dma_info *dma;

	if (!qp->resp.wqe)
		return;
	/* In the middle of a reliable message it goes on where it was. */
	if (qp_type(qp) == IB_QPT_RC && !(pkt->mask & RXE_RWR_MASK))
		return;
	dma = &qp->resp.wqe->dma;
	dma->resid = dma->length;
	dma->cur_sge = 0;
	dma->sge_offset = 0;
	qp->odp_kept = qp->srq;
}

/**
 * rxe_odp_resp_again - have the peer come again
 * @qp: the queue pair
 * @pkt: the packet, of which nothing was done
 * @mr: the region whose page is on its way, or NULL
 *
 * What else is on its way of the same peer is dropped without a word until the
 * packet is back: it is not lost.
 *
 * Return: RESPST_ERR_RNR.
 */
enum resp_states rxe_odp_resp_again(struct rxe_qp *qp, struct rxe_pkt_info *pkt,
				    struct rxe_mr *mr)
{
	if (qp->resp.res)
		rxe_odp_resp_forget(qp, pkt, qp->resp.res);
	rxe_odp_resp_keep(qp, pkt);
	if (mr && rxe_mr_is_odp(mr) && qp_type(qp) == IB_QPT_RC) {
		odp_mirror_count_rnr(mr->odp);
		rxe_odp_rnr_set(qp, pkt, mr);
	}
	qp->resp.sent_psn_nak = 1;

	return RESPST_ERR_RNR;
}

/**
 * rxe_odp_resp_again_send - rxe_odp_resp_again() for a receive request's page
 * @qp: the queue pair
 * @pkt: the packet
 *
 * Return: RESPST_ERR_RNR.
 */
enum resp_states rxe_odp_resp_again_send(struct rxe_qp *qp,
					 struct rxe_pkt_info *pkt)
{
	struct rxe_dma_info *dma = &qp->resp.wqe->dma;
	enum resp_states state;
	struct rxe_mr *mr;

	mr = rxe_odp_dma_mr(qp->pd, IB_ACCESS_LOCAL_WRITE, dma, RXE_MAX_SGE,
			    NULL);
	state = rxe_odp_resp_again(qp, pkt, mr);
	if (mr)
		rxe_put(mr);

	return state;
}

/**
 * rxe_odp_resp_kept - take up the receive request that was kept
 * @qp: the queue pair
 *
 * Return: whether there is one.
 */
bool rxe_odp_resp_kept(struct rxe_qp *qp)
{
	if (!qp->odp_kept)
		return false;
	qp->odp_kept = false;
	qp->resp.wqe = &qp->resp.srq_wqe.wqe;

	return true;
}

/**
 * rxe_odp_resp_last - is it to be told that a queue pair in the error state takes
 * nothing more from its shared receive queue?
 * @qp: the queue pair, whose state_lock is held
 *
 * Its responder runs as often as there is a reason. Who destroys the queue pair
 * when told, as UCX does, expects to be told once.
 *
 * Return: whether it has not been told since the last reset.
 */
bool rxe_odp_resp_last(struct rxe_qp *qp)
{
	if (qp->odp_last)
		return false;
	qp->odp_last = true;

	return true;
}
