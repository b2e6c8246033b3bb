// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Operations, one after the other or some at once.
 */
#include "bench.h"

/* Operations of a burst, and the longest pause before one. */
#define BURST 32
#define MAX_PAUSE_NS 100000

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

/* From the @i-th on, up to @end. */
static int64_t traffic_burst(const struct traffic *t, uint32_t i, uint32_t end)
{
	int64_t start = bench_start();
	uint32_t under_way = 0;

	for (; i < end; i++) {
		if (under_way == t->depth)
			traffic_finish(t);
		else
			under_way++;
		traffic_post(t, i);
	}
	while (under_way--)
		traffic_finish(t);

	return bench_stop(start);
}

int64_t traffic_run(const struct traffic *t, uint32_t n)
{
	return traffic_burst(t, 0, n);
}

/* So that the scheduler begins anew, at another point of its tick. */
static void pause_for_a_while(struct dice *dice)
{
	int64_t end = now_ns() + (int64_t)roll(dice, MAX_PAUSE_NS);

	while (now_ns() < end)
		;
}

int64_t traffic_bursts(const struct traffic *t, uint32_t n)
{
	struct dice dice = { .state = 1 };
	int64_t ns = 0;
	uint32_t i;

	for (i = 0; i < n; i += BURST) {
		pause_for_a_while(&dice);
		ns += traffic_burst(t, i, i + BURST < n ? i + BURST : n);
	}

	return ns;
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
