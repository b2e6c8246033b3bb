// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Many queue pairs that write to pages which have not come yet.
 */
#include <stdlib.h>

#include "crowd.h"

#define DEPTH 4
/* Where in its page a write begins. */
#define OFFSET 100

void crowd_open(struct crowd *c, struct rig *rig, size_t n,
		const struct pair_config *cfg)
{
	size_t i;

	*c = (struct crowd) { .rig = rig, .n = n };
	c->cq = cq_create(rig, (int)n * DEPTH);
	c->a = calloc(2 * n, sizeof(struct ibv_qp *));
	if (!c->a)
		test_fail("no memory");
	c->b = c->a + n;
	c->data = mem_anon(n * PAGE);
	c->mem = mem_anon(n * PAGE);
	c->data_mr = reg_pinned(rig, c->data, n * PAGE, ACCESS_ALL);
	c->mr = reg_odp(rig, c->mem, n * PAGE, ACCESS_ALL);
	uffd_open(&c->uffd, c->mem, n * PAGE);
	for (i = 0; i < n; i++) {
		c->a[i] = qp_create_depth(rig, rig->pd, c->cq, NULL,
					  IBV_QPT_RC, DEPTH);
		c->b[i] = qp_create_depth(rig, rig->pd, c->cq, NULL,
					  IBV_QPT_RC, DEPTH);
		qp_connect(rig, c->a[i], c->b[i]->qp_num, cfg);
		qp_connect(rig, c->b[i], c->a[i]->qp_num, cfg);
	}
}

void crowd_go(struct crowd *c)
{
	struct ibv_sge sge = { .length = CROWD_WRITE, .lkey = c->data_mr->lkey };
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma.rkey = c->mr->rkey,
	};
	size_t i;

	for (i = 0; i < c->n; i++) {
		pattern_fill(c->data + i * PAGE, CROWD_WRITE, CROWD_SEED,
			     i * PAGE);
		sge.addr = (uintptr_t)c->data + i * PAGE;
		wr.wr_id = i;
		wr.wr.rdma.remote_addr = (uintptr_t)c->mem + i * PAGE + OFFSET;
		post_send(c->a[i], &wr);
	}
	uffd_await_fault(&c->uffd);
}

void crowd_reap(struct crowd *c)
{
	uint8_t *page;
	size_t i;

	for (i = 0; i < c->n; i++)
		expect_success("a write that waited",
			       wait_wc(c->cq, "a write that waited").status);
	for (i = 0; i < c->n; i++) {
		page = c->mem + i * PAGE;
		pattern_check("before the data", page, OFFSET, c->uffd.seed,
			      i * PAGE);
		pattern_check("data", page + OFFSET, CROWD_WRITE, CROWD_SEED,
			      i * PAGE);
		pattern_check("behind the data", page + OFFSET + CROWD_WRITE,
			      PAGE - OFFSET - CROWD_WRITE, c->uffd.seed,
			      i * PAGE + OFFSET + CROWD_WRITE);
	}
}

void crowd_close(struct crowd *c)
{
	size_t i;

	uffd_close(&c->uffd);
	for (i = 0; c->a && i < c->n; i++) {
		if (c->a[i])
			ibv_destroy_qp(c->a[i]);
		if (c->b[i])
			ibv_destroy_qp(c->b[i]);
	}
	free(c->a);
	if (c->cq)
		cq_destroy(c->cq);
	*c = (struct crowd) {};
}
