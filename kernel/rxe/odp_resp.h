/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What rxe's responder calls. Others need not know its states.
 */
#ifndef ODP_RESP_H
#define ODP_RESP_H

#include "rxe.h"

bool rxe_odp_resp_drop(struct rxe_qp *qp, struct sk_buff *skb);
enum resp_states rxe_odp_resp_look(struct rxe_qp *qp, struct rxe_pkt_info *pkt,
				   struct rxe_mr *mr);

/* However large they are, so many packets may wait for the responder. */
#define RXE_ODP_WAITING_MIN	RXE_MAX_UNACKED_PSNS

/**
 * rxe_odp_resp_full - drop a packet if too many wait for the responder
 * @qp: the queue pair
 * @skb: the packet
 *
 * Who sends faster than the responder works, against the rules or because there
 * are none, gets no more memory by it.
 *
 * Return: whether it was dropped.
 */
static inline bool rxe_odp_resp_full(struct rxe_qp *qp, struct sk_buff *skb)
{
	return skb_queue_len_lockless(&qp->req_pkts) >= RXE_ODP_WAITING_MIN &&
	       rxe_odp_resp_drop(qp, skb);
}

/**
 * rxe_odp_resp_ready - look ahead before a long message is begun
 * @qp: the queue pair; qp->resp says what the message wants of qp->resp.mr
 * @pkt: the packet
 *
 * A message that stops in the middle has its first packets sent twice by peers
 * that know no better.
 *
 * Return: RESPST_EXECUTE, or RESPST_ERR_RNR.
 */
static inline enum resp_states rxe_odp_resp_ready(struct rxe_qp *qp,
						  struct rxe_pkt_info *pkt)
{
	struct rxe_mr *mr = qp->resp.mr;

	if (!(pkt->mask & RXE_RETH_MASK) || !rxe_mr_is_odp(mr) ||
	    !(pkt->mask & RXE_READ_OR_WRITE_MASK) || qp->resp.resid <= qp->mtu)
		return RESPST_EXECUTE;
	return rxe_odp_resp_look(qp, pkt, mr);
}

enum resp_states rxe_odp_resp_again(struct rxe_qp *qp, struct rxe_pkt_info *pkt,
				    struct rxe_mr *mr);
enum resp_states rxe_odp_resp_again_send(struct rxe_qp *qp,
					 struct rxe_pkt_info *pkt);
bool rxe_odp_resp_kept(struct rxe_qp *qp);
bool rxe_odp_resp_last(struct rxe_qp *qp);
u8 rxe_odp_rnr_timer(struct rxe_qp *qp);

#endif /* ODP_RESP_H */
