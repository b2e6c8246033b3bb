// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Registrations: what they cost by size and by number, and when they last for a
 * single write, as a program's without a registration cache do.
 */
#include <stdlib.h>

#include "bench.h"

#define ROUNDS 512

struct reg {
	size_t len;
	uint32_t live;	/* other regions over the same memory meanwhile */
};

static void used_once(struct bench *b, const struct bench_row *row,
		      const char *what, size_t step)
{
	uint8_t *mem = mem_anon((ROUNDS + 1) * PAGE);
	struct traffic t = traffic_writes(b, PAGE);
	int64_t ns[ROUNDS + 1], start;
	struct ibv_mr *mr;
	uint8_t *at = mem;
	int i;

	mem_touch(mem, (ROUNDS + 1) * PAGE);
	pattern_fill(b->env->buf, PAGE, 5, 0);
	for (i = 0; i <= ROUNDS; i++, at += step) {
		start = bench_start();
		mr = bench_reg(b, at, PAGE);
		t.remote = ref_r(mr, at);
		traffic_run(&t, 1);
		bench_dereg(mr);
		ns[i] = bench_stop(start);
		pattern_check("the page", at, PAGE, 5, 0);
	}
	bench_say_us(b, row, what, ns + 1, ROUNDS, 0.5);
}

static void used_once_run(struct bench *b, const struct bench_row *row)
{
	used_once(b, row, "new memory", PAGE);
	used_once(b, row, "same memory", 0);
}

static uint8_t *reg_memory(struct bench *b, size_t len)
{
	uint8_t *mem;

	if (len > 64 * TIB)
		return (uint8_t *)PAGE;
	if (b->kind != KIND_PINNED)
		return mem_free_range(len, PAGE);
	mem = mem_anon(len);
	mem_touch(mem, len);
	return mem;
}

static void reg_run(struct bench *b, const struct bench_row *row)
{
	const struct reg *reg = row->arg;
	uint32_t i, live = reg->live;
	struct ibv_mr **mrs = calloc(live + 1, sizeof(*mrs)), *mr;
	int rounds = b->kind == KIND_PINNED && reg->len > MIB ? 8 : ROUNDS;
	uint8_t *mem = reg_memory(b, reg->len);
	int64_t took[ROUNDS], left[ROUNDS], start, there;

	for (i = 0; i < live; i++)
		mrs[i] = bench_reg(b, mem, reg->len);
	for (i = 0; i < (uint32_t)rounds; i++) {
		start = bench_start();
		mr = bench_reg(b, mem, reg->len);
		took[i] = bench_stop(start);
		there = bench_start();
		bench_dereg(mr);
		left[i] = bench_stop(there);
	}
	for (i = 0; i < live; i++)
		bench_dereg(mrs[i]);
	bench_say_us(b, row, "register", took, rounds, 0.5);
	bench_say_us(b, row, "deregister", left, rounds, 0.5);
	free(mrs);
}

/* An object without memory: what two calls of uverbs and rxe take anyway. */
static void objects_run(struct bench *b, const struct bench_row *row)
{
	int64_t ns[ROUNDS], start;
	struct ibv_mw *mw;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		start = bench_start();
		mw = ibv_alloc_mw(b->env->rig.pd, IBV_MW_TYPE_1);
		if (!mw || ibv_dealloc_mw(mw))
			test_fail("no window");
		ns[i] = bench_stop(start);
	}
	bench_say_us(b, row, NULL, ns, ROUNDS, 0.5);
}

#define REG(title, which, ...) {					\
	.name = "region of " title, .kinds = which,			\
	.run = reg_run, .arg = &(const struct reg) { __VA_ARGS__ },	\
}

const struct bench_row reg_rows[] = {
	{
		.name = "register 4 KiB, write it, deregister",
		.kinds = KIND_REGION, .run = used_once_run,
	},
	{
		.name = "allocate a memory window, free it", .kinds = KIND_NONE,
		.run = objects_run,
	},
	REG("4 KiB", KIND_REGION, 4 * KIB, 0),
	REG("2 MiB", KIND_REGION, 2 * MIB, 0),
	REG("64 MiB", KIND_REGION, 64 * MIB, 0),
	REG("1 GiB", KIND_ON_DEMAND, GIB, 0),
	REG("1 TiB", KIND_ON_DEMAND, TIB, 0),
	REG("128 TiB", KIND_ON_DEMAND, 128 * TIB - 2 * PAGE, 0),
	REG("64 KiB, beside 10,000", KIND_ON_DEMAND, 64 * KIB, 10000),
	REG("64 KiB, beside 100,000", KIND_ON_DEMAND, 64 * KIB, 100000),
	{}
};
