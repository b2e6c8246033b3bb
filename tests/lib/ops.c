// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Operations on a pair of queue pairs, and waiting for how they end.
 */
#include <string.h>

#include "fail.h"
#include "pair.h"

void post_send(struct ibv_qp *qp, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	int err = ibv_post_send(qp, wr, &bad);

	if (err)
		test_fail("ibv_post_send, opcode %d: %s", wr->opcode,
			  strerror(err));
}

void post_recv(struct pair *p, struct ibv_sge *sge, int nsge, uint64_t wr_id)
{
	struct ibv_recv_wr *bad, wr = {
		.wr_id = wr_id,
		.sg_list = sge,
		.num_sge = nsge,
	};
	int err;

	err = p->srq ? ibv_post_srq_recv(p->srq, &wr, &bad) :
		       ibv_post_recv(p->b, &wr, &bad);
	if (err)
		test_fail("posting a receive: %s", strerror(err));
}

struct ibv_wc do_wr(struct pair *p, struct ibv_send_wr *wr)
{
	wr->send_flags |= IBV_SEND_SIGNALED;
	post_send(p->a, wr);
	return wait_wc(p->a_cq, "work request on A");
}

static enum ibv_wc_status do_rdma(struct pair *p, enum ibv_wr_opcode opcode,
				  struct ref local, struct ref remote,
				  uint32_t len)
{
	struct ibv_sge sge = {
		.addr = local.addr, .length = len, .lkey = local.key,
	};
	struct ibv_send_wr wr = {
		.opcode = opcode,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = { .remote_addr = remote.addr, .rkey = remote.key },
	};

	return do_wr(p, &wr).status;
}

enum ibv_wc_status do_write(struct pair *p, struct ref local, struct ref remote,
			    uint32_t len)
{
	return do_rdma(p, IBV_WR_RDMA_WRITE, local, remote, len);
}

enum ibv_wc_status do_read(struct pair *p, struct ref local, struct ref remote,
			   uint32_t len)
{
	return do_rdma(p, IBV_WR_RDMA_READ, local, remote, len);
}

static enum ibv_wc_status complete_ex(struct pair *p, struct ibv_qp_ex *qpx,
				      const char *what)
{
	int err = ibv_wr_complete(qpx);

	if (err)
		test_fail("%s: %s", what, strerror(err));
	return wait_wc(p->a_cq, what).status;
}

enum ibv_wc_status do_cmp_swap(struct pair *p, struct ref local,
			       struct ref remote, uint64_t cmp, uint64_t swap)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(p->a);

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_cmp_swp(qpx, remote.key, remote.addr, cmp, swap);
	ibv_wr_set_sge(qpx, local.key, local.addr, 8);
	return complete_ex(p, qpx, "compare and swap");
}

enum ibv_wc_status do_fetch_add(struct pair *p, struct ref local,
				struct ref remote, uint64_t add)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(p->a);

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_fetch_add(qpx, remote.key, remote.addr, add);
	ibv_wr_set_sge(qpx, local.key, local.addr, 8);
	return complete_ex(p, qpx, "fetch and add");
}

enum ibv_wc_status do_atomic_write(struct pair *p, struct ref remote,
				   uint64_t value)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(p->a);

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_write(qpx, remote.key, remote.addr, &value);
	return complete_ex(p, qpx, "atomic write");
}

enum ibv_wc_status do_flush(struct pair *p, struct ref remote, size_t len,
			    uint8_t type, uint8_t level)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(p->a);

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_flush(qpx, remote.key, remote.addr, len, type, level);
	return complete_ex(p, qpx, "flush");
}

void expect_wc(const char *what, enum ibv_wc_status got,
	       enum ibv_wc_status want)
{
	if (got != want)
		test_fail("%s: %s, not %s", what, ibv_wc_status_str(got),
			  ibv_wc_status_str(want));
}

void expect_refused(struct pair *p, const char *what, enum ibv_wc_status got)
{
	expect_wc(what, got, IBV_WC_REM_ACCESS_ERR);
	pair_reset(p);
}

void expect_local_error(struct pair *p, const char *what,
			enum ibv_wc_status got)
{
	if (got != IBV_WC_WR_FLUSH_ERR)
		expect_wc(what, got, IBV_WC_LOC_PROT_ERR);
	pair_reset(p);
}
