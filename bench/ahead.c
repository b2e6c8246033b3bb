// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory brought in before it is used: by a prefetch, and by the kernel's own
 * MADV_POPULATE_WRITE, which no prefetch can beat.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MAX_LEN (64 * MIB)

static void prefetch(struct bench *b, struct ibv_mr *mr, uint8_t *mem,
		     size_t len)
{
	struct ibv_sge sge = { (uintptr_t)mem, (uint32_t)len, mr->lkey };
	int err = ibv_advise_mr(b->env->rig.pd,
				IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1);

	if (err)
		test_fail("ibv_advise_mr: %s", strerror(err));
}

/* Pieces of @row->arg bytes, each in a leaf of its own or in several. */
static void ahead_run(struct bench *b, const struct bench_row *row)
{
	const size_t len = *(const size_t *)row->arg;
	const size_t step = len < HUGE_2M ? HUGE_2M : len;
	uint8_t *mem = mem_anon(MAX_LEN);
	struct ibv_mr *mr = bench_reg(b, mem, MAX_LEN);
	int64_t start = bench_start();
	size_t at;

	for (at = 0; at < MAX_LEN; at += step) {
		if (mr)
			prefetch(b, mr, mem + at, len);
		else if (madvise(mem + at, len, MADV_POPULATE_WRITE))
			test_fail("MADV_POPULATE_WRITE: %s", strerror(errno));
	}
	bench_say(b, row, NULL, "MB/s", MORE_IS_BETTER,
		  (double)(MAX_LEN / step * len) * 1000 /
		  (double)bench_stop(start));
	bench_dereg(mr);
}

#define AHEAD(title, len) {						\
	.name = "prefetch, or populate without a region, " title,	\
	.kinds = KIND_ON_DEMAND | KIND_NONE, .run = ahead_run,		\
	.arg = &(const size_t) { len },					\
}

const struct bench_row ahead_rows[] = {
	AHEAD("4 KiB", 4 * KIB),
	AHEAD("2 MiB", 2 * MIB),
	AHEAD("64 MiB", 64 * MIB),
	{}
};
