// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Fault-around. The table itself is the history: a run of valid entries right
 * before the critical pages is a stream, and the longer the run, the further
 * its next fault reaches ahead, as readahead does with the page cache. So any
 * number of streams may pass through a mirror, and no state is kept for them.
 */
#include "around.h"
#include "leaf.h"
#include "mirror.h"
#include "space.h"

/* What a lone fault looks at: 256 KiB, aligned. */
#define ODP_AROUND_LONE		64
/* How far a stream's second fault reaches. */
#define ODP_AROUND_FIRST	16

/* How many valid entries stand right before @va, up to @most. */
static unsigned long odp_around_run(struct odp_mirror *m, unsigned long va,
				    bool write, unsigned long most)
{
	unsigned long floor = m->start & PAGE_MASK;
	unsigned long run = 0;

	while (run < most && va > floor) {
		va -= PAGE_SIZE;
		if (!odp_pte_allows(odp_leaf_peek(m->space, va), write))
			break;
		run++;
	}

	return run;
}

/* Cut a span to the mirror and to the leaf that @va is in. */
static struct odp_span odp_around_clip(struct odp_mirror *m, unsigned long va,
				       unsigned long start, unsigned long end)
{
	unsigned long floor = ALIGN_DOWN(va, ODP_LEAF_SIZE);

	start = max3(start, floor, m->start & PAGE_MASK);
	end = min3(end, floor + ODP_LEAF_SIZE, (m->last | ~PAGE_MASK) + 1);

	return (struct odp_span) {
		.start = start,
		.npages = (end - start) >> PAGE_SHIFT,
	};
}

/**
 * odp_around_span - how far to look
 * @m: the mirror
 * @critical: the pages that must be had
 * @write: for a write?
 * @populate: whether to bring in what is not present is put here
 *
 * Return: the pages to look at, all critical ones among them.
 */
struct odp_span odp_around_span(struct odp_mirror *m, struct odp_span critical,
				bool write, bool *populate)
{
	unsigned long va = critical.start;
	unsigned long end = va + (critical.npages << PAGE_SHIFT);
	unsigned long most = READ_ONCE(m->policy.max_pages);
	enum odp_around around = READ_ONCE(m->policy.around);
	unsigned long run, block;

	*populate = around == ODP_AROUND_POPULATE;
	if (around == ODP_AROUND_NONE || !odp_space_has_leaves(m->space))
		return critical;

	run = odp_around_run(m, va, write, max(most / 2, 1UL));
	if (run && !*populate) {
		*populate = around == ODP_AROUND_STREAM;
		block = min(max(2 * run, ODP_AROUND_FIRST), most) << PAGE_SHIFT;
		return odp_around_clip(m, va, va, max(end, va + block));
	}

	block = rounddown_pow_of_two(*populate ? most :
				     min(most, ODP_AROUND_LONE)) << PAGE_SHIFT;
	return odp_around_clip(m, va, ALIGN_DOWN(va, block),
			       max(end, ALIGN_DOWN(va, block) + block));
}
