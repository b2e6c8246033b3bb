// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Operations, one after the other or some at once.
 */
#include "bench.h"

static bool is_send(const struct traffic *t)
{
	return t->op == IBV_WR_SEND;
}

struct traffic traffic_writes(struct bench *b, uint32_t len)
{
	return (struct traffic) {
		.pair = &b->env->rc,
		.op = IBV_WR_RDMA_WRITE,
		.local = env_buf(b->env),
		.len = len,
		.depth = 1,
	};
}

void traffic_post(const struct traffic *t, uint32_t i)
{
	uint64_t offset = t->order ? (uint64_t)t->order[i] * t->len : 0;
	uint32_t place = t->places ? i % t->places : i;
	uint64_t to_addr = t->remote.addr + offset + place * t->apart;
	struct ibv_sge to = { to_addr, t->len, t->remote.key };
	struct ibv_sge sge = { t->local.addr + offset, t->len, t->local.key };
	struct ibv_send_wr wr = {
		.opcode = t->op,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
	};

	if (is_send(t)) {
		post_recv(t->pair, &to, 1, i);
	} else if (t->op == IBV_WR_ATOMIC_FETCH_AND_ADD ||
		   t->op == IBV_WR_ATOMIC_CMP_AND_SWP) {
		wr.wr.atomic.remote_addr = to_addr;
		wr.wr.atomic.rkey = t->remote.key;
		wr.wr.atomic.compare_add = 1;
	} else {
		wr.wr.rdma.remote_addr = to_addr;
		wr.wr.rdma.rkey = t->remote.key;
	}
	post_send(t->pair->a, &wr);
}

void traffic_finish(const struct traffic *t)
{
	expect_success("operation", wait_wc(t->pair->a_cq, "operation").status);
	if (is_send(t))
		expect_success("receive",
			       wait_wc(t->pair->b_cq, "receive").status);
}

int64_t traffic_run(const struct traffic *t, uint32_t n)
{
	int64_t start = bench_start();
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (i >= t->depth)
			traffic_finish(t);
		traffic_post(t, i);
	}
	for (i = 0; i < n && i < t->depth; i++)
		traffic_finish(t);

	return bench_stop(start);
}

void traffic_time(const struct traffic *t, uint32_t n, int64_t *ns)
{
	int64_t start;
	uint32_t i;

	for (i = 0; i < n; i++) {
		start = bench_start();
		traffic_post(t, i);
		traffic_finish(t);
		ns[i] = bench_stop(start);
	}
}
