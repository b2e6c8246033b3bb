// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Cold writes far from all others: what one fault costs, and what is brought in
 * beside what was asked for.
 */
#include <stdlib.h>

#include "bench.h"

#define WRITES 512
#define DEPTH 16
/* Far enough apart that no fault brings in another's page. */
#define APART MIB

struct lone {
	bool there;	/* the CPU has the pages */
};

static void lone_run(struct bench *b, const struct bench_row *row)
{
	const struct lone *lone = row->arg;
	const size_t len = 2 * WRITES * APART;
	uint8_t *mem = mem_anon(len);
	struct ibv_mr *mr = bench_reg(b, mem, len);
	struct traffic t = traffic_writes(b, PAGE);
	int64_t ns[WRITES];
	int i;

	pattern_fill(b->env->buf, PAGE, 3, 0);
	for (i = 0; lone->there && i < 2 * WRITES; i++)
		mem_touch(mem + i * APART, PAGE);
	t.remote = ref_r(mr, mem);
	t.apart = APART;
	traffic_time(&t, WRITES, ns);
	t.remote.addr += WRITES * APART;
	t.depth = DEPTH;
	bench_say(b, row, "16 at once", "us", LESS_IS_BETTER,
		  (double)traffic_bursts(&t, WRITES) / WRITES / 1000);
	for (i = 0; i < 2 * WRITES; i++)
		pattern_check("a page", mem + i * APART, PAGE, 3, 0);
	/* The first one brings the window. */
	bench_say_us(b, row, "p50", ns + 1, WRITES - 1, 0.5);
	bench_say_us(b, row, "p99", ns + 1, WRITES - 1, 0.99);
	bench_dereg(mr);
}

/* One page of a hundred, at random, of a GiB. */
static void sparse_run(struct bench *b, const struct bench_row *row)
{
	size_t len = b->quick ? GIB / 4 : GIB;
	uint32_t npages = (uint32_t)(len / PAGE), n = npages / 100;
	uint32_t *order = calloc(npages, sizeof(*order));
	uint8_t *mem = mem_anon(len);
	struct ibv_mr *mr = bench_reg(b, mem, len);
	struct traffic t = traffic_writes(b, PAGE);
	int64_t before = meminfo("AnonPages");
	uint32_t i;

	shuffle(order, npages);
	pattern_fill(b->env->buf, PAGE, 4, 0);
	for (i = 0; i < n; i++) {
		t.remote = ref_r(mr, mem + order[i] * PAGE);
		traffic_run(&t, 1);
	}
	bench_say(b, row, "pages per page used", "", LESS_IS_BETTER,
		  (double)(meminfo("AnonPages") - before) / PAGE / n);
	for (i = 0; i < n; i++)
		pattern_check("a page", mem + order[i] * PAGE, PAGE, 4, 0);
	bench_dereg(mr);
	free(order);
}

const struct bench_row lone_rows[] = {
	{
		.name = "lone write, page not there", .kinds = KIND_ON_DEMAND,
		.run = lone_run, .arg = &(const struct lone) { false },
	},
	{
		.name = "lone write, page there", .kinds = KIND_ON_DEMAND,
		.run = lone_run, .arg = &(const struct lone) { true },
	},
	{
		.name = "1 % of the pages, random", .kinds = KIND_ON_DEMAND,
		.run = sparse_run,
	},
	{}
};
