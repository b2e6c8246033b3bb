// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Two queue pairs that talk to each other, through the loopback of the device:
 * how they are made, connected and brought back after an error.
 */
#include <errno.h>
#include <string.h>

#include "fail.h"
#include "pair.h"

#define PAIR_MAX_SGE 8
#define PAIR_INLINE 256
#define PAIR_RD_ATOMIC 16

/* About a second, if a test does not ask for another. */
#define ACK_TIMEOUT 18

/* SoftRoCE takes 7 as for ever. */
#define RETRIES 6

struct ibv_qp *qp_create_depth(struct rig *rig, struct ibv_pd *pd,
			       struct ibv_cq *cq, struct ibv_srq *srq,
			       enum ibv_qp_type type, uint32_t depth)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.srq = srq,
		.cap = {
			.max_send_wr = depth,
			.max_recv_wr = srq ? 0 : depth,
			.max_send_sge = PAIR_MAX_SGE,
			.max_recv_sge = srq ? 0 : PAIR_MAX_SGE,
			.max_inline_data = PAIR_INLINE,
		},
		.qp_type = type,
		.comp_mask = IBV_QP_INIT_ATTR_PD |
			     IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_SEND |
				  IBV_QP_EX_WITH_SEND_WITH_IMM,
	};
	struct ibv_qp *qp;

	if (type == IBV_QPT_RC)
		attr.send_ops_flags |= IBV_QP_EX_WITH_RDMA_WRITE |
				       IBV_QP_EX_WITH_RDMA_READ |
				       IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
				       IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD |
				       IBV_QP_EX_WITH_FLUSH |
				       IBV_QP_EX_WITH_ATOMIC_WRITE;

	qp = ibv_create_qp_ex(rig->ctx, &attr);
	if (!qp)
		test_fail("ibv_create_qp_ex: %s", strerror(errno));
	return qp;
}

struct ibv_qp *qp_create(struct rig *rig, struct ibv_pd *pd, struct ibv_cq *cq,
			 struct ibv_srq *srq, enum ibv_qp_type type)
{
	return qp_create_depth(rig, pd, cq, srq, type, PAIR_DEPTH);
}

static void modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	int err = ibv_modify_qp(qp, attr, mask);

	if (err)
		test_fail("ibv_modify_qp to state %d: %s", attr->qp_state,
			  strerror(err));
}

void qp_set_state(struct ibv_qp *qp, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = { .qp_state = state };

	modify(qp, &attr, IBV_QP_STATE);
}

/* What is left of earlier work may move it into the error state right after. */
static bool is_reset(void *arg)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp *qp = arg;
	struct ibv_qp_attr attr;

	qp_set_state(qp, IBV_QPS_RESET);
	if (ibv_query_qp(qp, &attr, IBV_QP_STATE, &init))
		test_fail("ibv_query_qp");
	return attr.qp_state == IBV_QPS_RESET;
}

void qp_reset(struct ibv_qp *qp)
{
	if (!wait_until(is_reset, qp))
		test_fail("the queue pair cannot be reset");
}

static void qp_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = RIG_PORT,
		.qkey = PAIR_QKEY,
		.qp_access_flags = ACCESS_ALL | IBV_ACCESS_FLUSH_GLOBAL |
				   IBV_ACCESS_FLUSH_PERSISTENT |
				   IBV_ACCESS_MW_BIND,
	};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;

	mask |= qp->qp_type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS;
	modify(qp, &attr, mask);
}

static void address_of_peer(struct rig *rig, struct ibv_ah_attr *ah)
{
	*ah = (struct ibv_ah_attr) {
		.is_global = 1,
		.port_num = RIG_PORT,
		.grh = {
			.dgid = rig->gid,
			.sgid_index = RIG_GID_INDEX,
			.hop_limit = 64,
		},
	};
}

void qp_connect(struct rig *rig, struct ibv_qp *qp, uint32_t peer_qpn,
		const struct pair_config *cfg)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = cfg->mtu,
		.dest_qp_num = peer_qpn,
		.max_dest_rd_atomic = PAIR_RD_ATOMIC,
		.min_rnr_timer = 12,
	};

	qp_init(qp);
	address_of_peer(rig, &attr.ah_attr);
	modify(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
			  IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			  IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);

	attr = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTS,
		.timeout = cfg->timeout ? cfg->timeout : ACK_TIMEOUT,
		.retry_cnt = cfg->few_retries ? cfg->retry_cnt : RETRIES,
		.rnr_retry = 7,
		.max_rd_atomic = PAIR_RD_ATOMIC,
	};
	if (cfg->forever)
		attr.timeout = 0;
	modify(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT |
			  IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			  IBV_QP_MAX_QP_RD_ATOMIC);
}

static void qp_start_ud(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTR };

	qp_init(qp);
	modify(qp, &attr, IBV_QP_STATE);
	attr.qp_state = IBV_QPS_RTS;
	modify(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN);
}

static void start(struct pair *p)
{
	if (p->cfg.type == IBV_QPT_UD) {
		qp_start_ud(p->a);
		qp_start_ud(p->b);
		return;
	}
	qp_connect(p->rig, p->a, p->b->qp_num, &p->cfg);
	qp_connect(p->rig, p->b, p->a->qp_num, &p->cfg);
}

static struct ibv_srq *srq_create(struct rig *rig)
{
	struct ibv_srq_init_attr attr = {
		.attr = { .max_wr = PAIR_DEPTH, .max_sge = PAIR_MAX_SGE },
	};
	struct ibv_srq *srq = ibv_create_srq(rig->pd, &attr);

	if (!srq)
		test_fail("ibv_create_srq: %s", strerror(errno));
	return srq;
}

static void create_qps(struct pair *p)
{
	struct ibv_pd *b_pd = p->cfg.b_pd ? p->cfg.b_pd : p->rig->pd;

	p->a = qp_create(p->rig, p->rig->pd, p->a_cq, NULL, p->cfg.type);
	p->b = qp_create(p->rig, b_pd, p->b_cq, p->srq, p->cfg.type);
	start(p);
}

void pair_open(struct pair *p, struct rig *rig, const struct pair_config *cfg)
{
	struct ibv_ah_attr ah;

	memset(p, 0, sizeof(*p));
	p->rig = rig;
	p->cfg = *cfg;
	p->a_cq = cq_create(rig, 4 * PAIR_DEPTH);
	p->b_cq = cq_create(rig, 4 * PAIR_DEPTH);
	if (cfg->srq)
		p->srq = srq_create(rig);
	if (cfg->type == IBV_QPT_UD) {
		address_of_peer(rig, &ah);
		p->ah = ibv_create_ah(rig->pd, &ah);
		if (!p->ah)
			test_fail("ibv_create_ah: %s", strerror(errno));
	}
	create_qps(p);
}

static void destroy_qps(struct pair *p)
{
	if (p->a)
		ibv_destroy_qp(p->a);
	if (p->b)
		ibv_destroy_qp(p->b);
	p->a = NULL;
	p->b = NULL;
}

void pair_close(struct pair *p)
{
	destroy_qps(p);
	if (p->ah)
		ibv_destroy_ah(p->ah);
	if (p->srq)
		ibv_destroy_srq(p->srq);
	if (p->a_cq)
		cq_destroy(p->a_cq);
	if (p->b_cq)
		cq_destroy(p->b_cq);
	memset(p, 0, sizeof(*p));
}

static void drain(struct ibv_cq *cq)
{
	struct ibv_wc wc[16];

	while (ibv_poll_cq(cq, 16, wc) > 0)
		;
}

/*
 * New queue pairs: a stopped one may still be on its way into the error state
 * when its peer's completion is already seen, and would go there again after a
 * reset.
 */
void pair_reset(struct pair *p)
{
	destroy_qps(p);
	drain(p->a_cq);
	drain(p->b_cq);
	create_qps(p);
}
