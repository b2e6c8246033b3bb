// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that the device uses all the time: what is left of the cost when no page
 * has to be found.
 */
#include <stdlib.h>

#include "bench.h"

#define DEPTH 16
#define SAMPLES 2000
#define WINDOWS 16

struct warm {
	enum ibv_wr_opcode op;
	enum ibv_mtu mtu;
	uint32_t len;
};

/* The region's pages, all there, for both ends. */
static struct ibv_mr *warm_up(struct bench *b, uint8_t *mem,
			      struct traffic *t)
{
	struct ibv_mr *mr = bench_reg(b, mem, MIB + 2 * PAGE);

	*t = traffic_writes(b, MIB);
	t->remote = ref_r(mr, mem);
	mem_touch(mem, MIB + 2 * PAGE);
	traffic_run(t, 1);
	/* Nothing shall lie at the start of a page by chance. */
	t->remote.addr += 64;

	return mr;
}

static uint32_t rounds(const struct bench *b, uint32_t len)
{
	uint32_t n = (uint32_t)((b->quick ? 8 * MIB : 64 * MIB) /
				(len + 16 * KIB));

	return n < 32 ? 32 : n;
}

static void warm_check(struct bench *b, struct traffic *t, const uint8_t *mem)
{
	t->op = IBV_WR_RDMA_WRITE;
	t->len = MIB;
	t->depth = 1;
	pattern_fill(b->env->buf, MIB, 2, 0);
	traffic_run(t, 1);
	pattern_check("the region", mem + 64, MIB, 2, 0);
}

static void warm_run(struct bench *b, const struct bench_row *row)
{
	const struct warm *warm = row->arg;
	const struct pair_config rc = { .type = IBV_QPT_RC, .mtu = warm->mtu };
	uint8_t *mem = mem_anon(MIB + 2 * PAGE);
	uint32_t n = rounds(b, warm->len);
	int64_t *ns = calloc(n, sizeof(*ns));
	struct traffic t;
	struct ibv_mr *mr;

	pair_close(&b->env->rc);
	pair_open(&b->env->rc, &b->env->rig, &rc);
	mr = warm_up(b, mem, &t);
	t.op = warm->op;
	t.len = warm->len;
	traffic_time(&t, n, ns);
	bench_say_us(b, row, "one by one", ns, n, 0.5);
	t.depth = DEPTH;
	bench_say(b, row, "16 at once", "us", LESS_IS_BETTER,
		  (double)traffic_bursts(&t, n) / n / 1000);
	warm_check(b, &t, mem);
	bench_dereg(mr);
	free(ns);
}

/* As if it were a large table: each in another GiB than the one before. */
static void windows_run(struct bench *b, const struct bench_row *row)
{
	const uint32_t n = rounds(b, 4 * KIB);
	uint8_t *mem = mem_anon(WINDOWS * GIB);
	struct ibv_mr *mr = bench_reg(b, mem, WINDOWS * GIB);
	struct traffic t = traffic_writes(b, 4 * KIB);
	int i;

	pattern_fill(b->env->buf, 4 * KIB, 2, 0);
	t.remote = ref_r(mr, mem + 64);
	t.apart = GIB;
	t.places = WINDOWS;
	traffic_run(&t, WINDOWS);
	t.depth = DEPTH;
	bench_say(b, row, "16 at once", "us", LESS_IS_BETTER,
		  (double)traffic_bursts(&t, n) / n / 1000);
	for (i = 0; i < WINDOWS; i++)
		pattern_check("a page", mem + 64 + i * GIB, 4 * KIB, 2, 0);
	bench_dereg(mr);
}

static void tail_run(struct bench *b, const struct bench_row *row)
{
	uint8_t *mem = mem_anon(MIB + 2 * PAGE);
	int64_t *ns = calloc(SAMPLES, sizeof(*ns));
	struct traffic t;
	struct ibv_mr *mr = warm_up(b, mem, &t);

	t.len = 4 * KIB;
	traffic_time(&t, SAMPLES, ns);
	bench_say_us(b, row, "p50", ns, SAMPLES, 0.5);
	bench_say_us(b, row, "p99", ns, SAMPLES, 0.99);
	bench_say_us(b, row, "p99.9", ns, SAMPLES, 0.999);
	warm_check(b, &t, mem);
	bench_dereg(mr);
	free(ns);
}

#define WARM(title, ...) {						\
	.name = "warm, " title, .kinds = KIND_REGION,			\
	.run = warm_run, .arg = &(const struct warm) { __VA_ARGS__ },	\
}

const struct bench_row warm_rows[] = {
	WARM("8 B writes", IBV_WR_RDMA_WRITE, IBV_MTU_4096, 8),
	WARM("4 KiB writes", IBV_WR_RDMA_WRITE, IBV_MTU_4096, 4 * KIB),
	WARM("64 KiB writes", IBV_WR_RDMA_WRITE, IBV_MTU_4096, 64 * KIB),
	WARM("1 MiB writes", IBV_WR_RDMA_WRITE, IBV_MTU_4096, MIB),
	WARM("8 B reads", IBV_WR_RDMA_READ, IBV_MTU_4096, 8),
	WARM("4 KiB reads", IBV_WR_RDMA_READ, IBV_MTU_4096, 4 * KIB),
	WARM("64 KiB reads", IBV_WR_RDMA_READ, IBV_MTU_4096, 64 * KIB),
	WARM("1 MiB reads", IBV_WR_RDMA_READ, IBV_MTU_4096, MIB),
	WARM("8 B sends", IBV_WR_SEND, IBV_MTU_4096, 8),
	WARM("4 KiB sends", IBV_WR_SEND, IBV_MTU_4096, 4 * KIB),
	WARM("64 KiB sends", IBV_WR_SEND, IBV_MTU_4096, 64 * KIB),
	WARM("1 MiB sends", IBV_WR_SEND, IBV_MTU_4096, MIB),
	WARM("fetch and add", IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_MTU_4096, 8),
	WARM("compare and swap", IBV_WR_ATOMIC_CMP_AND_SWP, IBV_MTU_4096, 8),
	WARM("4 KiB writes, MTU 1024", IBV_WR_RDMA_WRITE, IBV_MTU_1024, 4 * KIB),
	WARM("64 KiB writes, MTU 1024", IBV_WR_RDMA_WRITE, IBV_MTU_1024, 64 * KIB),
	WARM("64 KiB reads, MTU 1024", IBV_WR_RDMA_READ, IBV_MTU_1024, 64 * KIB),
	{
		.name = "warm, 4 KiB writes, all over 16 GiB",
		.kinds = KIND_ON_DEMAND, .ours = true, .run = windows_run,
	},
	{
		.name = "warm, latency of 4 KiB writes", .kinds = KIND_REGION,
		.run = tail_run,
	},
	{}
};
