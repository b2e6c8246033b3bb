// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Two queue pairs of one device that talk to each other.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "link.h"

#define PORT 1
#define GID_INDEX 1
#define DEPTH 16

/* SoftRoCE takes 7 as for ever. */
#define RETRIES 6

/* Longer than the device tries, in seconds. */
#define PATIENCE_S 20

static int open_device(struct link *l, const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	int i;

	for (i = 0; list && list[i] && !l->ctx; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name))
			l->ctx = ibv_open_device(list[i]);
	}
	if (list)
		ibv_free_device_list(list);
	return l->ctx ? 0 : -1;
}

static struct ibv_qp *create_qp(struct link *l)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = l->cq,
		.recv_cq = l->cq,
		.cap = {
			.max_send_wr = DEPTH,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
		.qp_type = IBV_QPT_RC,
	};

	return ibv_create_qp(l->pd, &attr);
}

static int connect_qp(struct link *l, struct ibv_qp *qp, struct ibv_qp *peer)
{
	struct ibv_port_attr port;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = PORT,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ,
	};

	if (ibv_query_port(l->ctx, PORT, &port))
		return -1;
	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
				     IBV_QP_PORT | IBV_QP_ACCESS_FLAGS))
		return -1;

	attr = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = port.active_mtu,
		.dest_qp_num = peer->qp_num,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT,
			.grh = { .sgid_index = GID_INDEX, .hop_limit = 64 },
		},
	};
	if (ibv_query_gid(l->ctx, PORT, GID_INDEX, &attr.ah_attr.grh.dgid))
		return -1;
	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV |
				     IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				     IBV_QP_RQ_PSN |
				     IBV_QP_MAX_DEST_RD_ATOMIC |
				     IBV_QP_MIN_RNR_TIMER))
		return -1;

	attr = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTS,
		.timeout = 18,
		.retry_cnt = RETRIES,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};
	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN |
				     IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
				     IBV_QP_RNR_RETRY |
				     IBV_QP_MAX_QP_RD_ATOMIC))
		return -1;
	return 0;
}

int link_restart(struct link *l)
{
	struct ibv_wc wc;
	int i;

	for (i = 0; i < 2; i++) {
		if (l->qp[i])
			ibv_destroy_qp(l->qp[i]);
		l->qp[i] = NULL;
	}
	while (ibv_poll_cq(l->cq, 1, &wc) > 0)
		;
	for (i = 0; i < 2; i++) {
		l->qp[i] = create_qp(l);
		if (!l->qp[i])
			return -1;
	}
	if (connect_qp(l, l->qp[0], l->qp[1]) ||
	    connect_qp(l, l->qp[1], l->qp[0]))
		return -1;
	return 0;
}

static int fail(struct link *l, const char *what)
{
	snprintf(l->message, sizeof(l->message), "%s: %s", what,
		 strerror(errno));
	return -1;
}

int link_open(struct link *l, const char *device)
{
	memset(l, 0, sizeof(*l));
	if (open_device(l, device)) {
		snprintf(l->message, sizeof(l->message),
			 "there is no device %.32s: is rdma_rxe loaded?",
			 device);
		return -1;
	}
	l->pd = ibv_alloc_pd(l->ctx);
	if (!l->pd)
		return fail(l, "ibv_alloc_pd");
	l->cq = ibv_create_cq(l->ctx, 2 * DEPTH, NULL, NULL, 0);
	if (!l->cq)
		return fail(l, "ibv_create_cq");
	l->buf_mr = ibv_reg_mr(l->pd, l->buf, sizeof(l->buf),
			       IBV_ACCESS_LOCAL_WRITE);
	/* Who may lock no memory has it on demand. */
	if (!l->buf_mr && (errno == EPERM || errno == ENOMEM))
		l->buf_mr = ibv_reg_mr(l->pd, l->buf, sizeof(l->buf),
				       IBV_ACCESS_LOCAL_WRITE |
				       IBV_ACCESS_ON_DEMAND);
	if (!l->buf_mr)
		return fail(l, "ibv_reg_mr");
	if (link_restart(l))
		return fail(l, "connecting the queue pairs");

	snprintf(l->message, sizeof(l->message),
		 "queue pairs %u and %u are connected", l->qp[0]->qp_num,
		 l->qp[1]->qp_num);
	return 0;
}

void link_close(struct link *l)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (l->qp[i])
			ibv_destroy_qp(l->qp[i]);
	}
	if (l->buf_mr)
		ibv_dereg_mr(l->buf_mr);
	if (l->cq)
		ibv_destroy_cq(l->cq);
	if (l->pd)
		ibv_dealloc_pd(l->pd);
	if (l->ctx)
		ibv_close_device(l->ctx);
}

static int request(struct link *l, enum ibv_wr_opcode opcode, uint64_t addr,
		   uint32_t rkey, uint32_t len, enum ibv_wc_status *status)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)l->buf,
		.length = len,
		.lkey = l->buf_mr->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = { .remote_addr = addr, .rkey = rkey },
	};
	time_t deadline = time(NULL) + PATIENCE_S;
	struct ibv_wc wc;
	int n;

	errno = ibv_post_send(l->qp[1], &wr, &bad);
	if (errno)
		return -1;

	while (!(n = ibv_poll_cq(l->cq, 1, &wc))) {
		if (time(NULL) > deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		sched_yield();
	}
	if (n < 0) {
		errno = EIO;
		return -1;
	}
	*status = wc.status;
	return 0;
}

int link_write(struct link *l, uint64_t addr, uint32_t rkey, uint32_t len,
	       enum ibv_wc_status *status)
{
	return request(l, IBV_WR_RDMA_WRITE, addr, rkey, len, status);
}

int link_read(struct link *l, uint64_t addr, uint32_t rkey, uint32_t len,
	      enum ibv_wc_status *status)
{
	return request(l, IBV_WR_RDMA_READ, addr, rkey, len, status);
}
