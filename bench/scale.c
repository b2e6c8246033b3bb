// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Several queue pairs on several processors, on one region or on one each.
 */
#include "bench.h"

#define MAX_PAIRS 8
#define DEPTH 8
#define AREA (64 * KIB)

struct scale {
	uint32_t pairs;
	uint32_t len;
	bool own_regions;
};

static void scale_run(struct bench *b, const struct bench_row *row)
{
	const struct scale *scale = row->arg;
	const struct pair_config rc = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_4096,
	};
	uint32_t p, i, n = (b->quick ? 2000 : 8000) / scale->pairs;
	size_t len = MAX_PAIRS * AREA;
	struct pair pairs[MAX_PAIRS];
	struct traffic t[MAX_PAIRS];
	struct ibv_mr *mrs[MAX_PAIRS];
	uint8_t *mem = mem_anon(len);
	int64_t start;

	for (p = 0; p < scale->pairs; p++) {
		pair_open(&pairs[p], &b->env->rig, &rc);
		mrs[p] = !p || scale->own_regions ? bench_reg(b, mem, len) :
						    mrs[0];
		t[p] = traffic_writes(b, scale->len);
		t[p].pair = &pairs[p];
		t[p].local.addr += p * AREA;
		t[p].remote = ref_r(mrs[p], mem + p * AREA);
	}
	pattern_fill(b->env->buf, len, 7, 0);
	expect_success("write", do_write(&b->env->rc, env_buf(b->env),
					 ref_r(mrs[0], mem), (uint32_t)len));
	start = bench_start();
	for (i = 0; i < n + DEPTH; i++) {
		for (p = 0; p < scale->pairs; p++) {
			if (i >= DEPTH)
				traffic_finish(&t[p]);
			if (i < n)
				traffic_post(&t[p], i);
		}
	}
	bench_say(b, row, NULL, "MB/s", MORE_IS_BETTER,
		  (double)n * scale->pairs * scale->len * 1000 /
		  (double)bench_stop(start));
	pattern_check("the region", mem, len, 7, 0);
	for (p = 0; p < scale->pairs; p++) {
		pair_close(&pairs[p]);
		if (!p || scale->own_regions)
			bench_dereg(mrs[p]);
	}
}

#define SCALE(title, ...) {						\
	.name = "two processors, " title, .kinds = KIND_REGION,		\
	.cpus = 2, .run = scale_run,					\
	.arg = &(const struct scale) { __VA_ARGS__ },			\
}

const struct bench_row scale_rows[] = {
	SCALE("1 QP, 4 KiB writes", 1, 4 * KIB, false),
	SCALE("2 QPs, 4 KiB writes, 1 region", 2, 4 * KIB, false),
	SCALE("8 QPs, 4 KiB writes, 1 region", 8, 4 * KIB, false),
	SCALE("8 QPs, 4 KiB writes, 8 regions", 8, 4 * KIB, true),
	SCALE("1 QP, 64 KiB writes", 1, 64 * KIB, false),
	SCALE("2 QPs, 64 KiB writes, 1 region", 2, 64 * KIB, false),
	SCALE("8 QPs, 64 KiB writes, 1 region", 8, 64 * KIB, false),
	{}
};
