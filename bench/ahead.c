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

#define LEN (64 * MIB)

static void prefetch(struct bench *b, struct ibv_mr *mr, uint8_t *mem)
{
	struct ibv_sge sge = { (uintptr_t)mem, LEN, mr->lkey };
	int err = ibv_advise_mr(b->env->rig.pd,
				IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1);

	if (err)
		test_fail("ibv_advise_mr: %s", strerror(err));
}

static void ahead_run(struct bench *b, const struct bench_row *row)
{
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = bench_reg(b, mem, LEN);
	int64_t start = now_ns();

	if (mr)
		prefetch(b, mr, mem);
	else if (madvise(mem, LEN, MADV_POPULATE_WRITE))
		test_fail("MADV_POPULATE_WRITE: %s", strerror(errno));
	bench_say(b, row, NULL, "MB/s", MORE_IS_BETTER,
		  (double)LEN * 1000 / (double)(now_ns() - start));
	bench_dereg(mr);
}

const struct bench_row ahead_rows[] = {
	{
		.name = "prefetch, or populate without a region",
		.kinds = KIND_ON_DEMAND | KIND_NONE, .run = ahead_run,
	},
	{}
};
