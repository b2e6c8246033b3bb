// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Fault-around. The table itself is the history, so any number of streams may
 * pass through a mirror, and no state is kept for them:
 *
 * - a run of used pages right below the critical ones, or right above, is a
 *   stream, and the longer the run, the further its next fault reaches ahead, as
 *   readahead does with the page cache;
 * - where a leaf has been used here and there, more is brought in, in proportion
 *   to what was used: never more than ODP_AROUND_PAYS times that. So what is
 *   brought in for nothing is bounded by what was not.
 *
 * Pages that are there anyway cost nothing but a look: as many as the leaf has,
 * and at least a few, are looked at; also beyond the mirror where the table is
 * the process's, as the next registration may be of these. Nothing is brought in
 * there.
 */
#include <linux/log2.h>

#include "around.h"
#include "leaf.h"
#include "mirror.h"
#include "space.h"

/* What a lone fault looks at, aligned. */
#define ODP_AROUND_LONE		8
/* The same if it is told to look: 256 KiB. */
#define ODP_AROUND_TOLD		64
/* How far a stream's second fault reaches, of which one page was used. */
#define ODP_AROUND_SECOND	4
/* How far the next one does, at least. */
#define ODP_AROUND_THIRD	16
/* With fewer pages in a leaf, nothing is known about it. */
#define ODP_AROUND_KNOWN	32
/* For each page used so many may be there. */
#define ODP_AROUND_PAYS		4

/* One that looks for what to bring in. */
struct odp_look {
	struct odp_mirror *m;
	unsigned long start;	/* the critical pages */
	unsigned long end;
	unsigned long most;	/* pages that may be looked at */
	bool write;
};

/* Pages of the leaf that the critical ones are in. */
static struct odp_span odp_around_clip(const struct odp_look *l,
				       unsigned long start, unsigned long end)
{
	unsigned long floor = ALIGN_DOWN(l->start, ODP_LEAF_SIZE);

	start = max(start, floor);
	end = min(end, floor + ODP_LEAF_SIZE);

	return (struct odp_span) {
		.start = start,
		.npages = (end - start) >> PAGE_SHIFT,
	};
}

/* An aligned block of pages, and all critical ones. */
static struct odp_span odp_around_block(const struct odp_look *l,
					unsigned long npages)
{
	unsigned long size = rounddown_pow_of_two(npages) << PAGE_SHIFT;
	unsigned long start = ALIGN_DOWN(l->start, size);

	return odp_around_clip(l, start, max(l->end, start + size));
}

/* How far a stream reaches that has come so far, both in pages. */
static unsigned long odp_around_reach(const struct odp_look *l,
				      unsigned long run)
{
	unsigned long reach = ODP_AROUND_SECOND;

	if (run > 1)
		reach = max(2 * run, ODP_AROUND_THIRD);
	return min(reach, l->most);
}

/* Is there a stream, up or down? */
static bool odp_around_stream(const struct odp_look *l, struct odp_span *span)
{
	unsigned long far = max(l->most / 2, 1UL) << PAGE_SHIFT;
	unsigned long floor = l->m->start & PAGE_MASK;
	unsigned long top = (l->m->last | ~PAGE_MASK) + 1;
	struct odp_space *s = l->m->space;
	u64 used = odp_pte_need(l->write) | ODP_PTE_YOUNG;
	unsigned long below, above, reach;

	floor = l->start - min(far, l->start - floor);
	top = l->end + min(far, top - l->end);
	below = l->start - odp_leaf_run_below(s, l->start, floor, used);
	above = odp_leaf_lacks(s, l->end, top, used) - l->end;
	if (!below && !above)
		return false;

	reach = odp_around_reach(l, max(below, above) >> PAGE_SHIFT)
		<< PAGE_SHIFT;
	if (below >= above)
		*span = odp_around_clip(l, l->start,
					max(l->end, l->start + reach));
	else
		*span = odp_around_clip(l, min(l->start, l->end - reach),
					l->end);
	return true;
}

/*
 * What a fault looks at that continues no stream. Is it told to populate, that
 * depends on those before it.
 */
static struct odp_span odp_around_lone(const struct odp_look *l, bool *populate)
{
	unsigned long npages = *populate ? ODP_AROUND_LONE : ODP_AROUND_TOLD;
	unsigned int used, valid;
	u64 earned;

	valid = odp_leaf_density(l->m->space, l->start, ODP_AROUND_KNOWN,
				 &used);
	earned = max(used * ODP_AROUND_PAYS, valid) - valid;
	*populate &= earned > 1;
	npages = max(npages, valid);
	/* A smaller mirror says for itself how much can be brought in. */
	if (*populate && earned << PAGE_SHIFT <= l->m->last - l->m->start)
		npages = earned;

	return odp_around_block(l, min(npages, l->most));
}

/**
 * odp_around_mine - what of a span is a mirror's
 * @m: the mirror
 * @span: the span, of which some is
 *
 * Return: that.
 */
struct odp_span odp_around_mine(const struct odp_mirror *m,
				struct odp_span span)
{
	unsigned long end = span.start + (span.npages << PAGE_SHIFT);

	span.start = max(span.start, m->start & PAGE_MASK);
	end = min(end, (m->last | ~PAGE_MASK) + 1);
	span.npages = (end - span.start) >> PAGE_SHIFT;

	return span;
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
	enum odp_around around = READ_ONCE(m->policy.around);
	const struct odp_look look = {
		.m = m,
		.start = critical.start,
		.end = critical.start + (critical.npages << PAGE_SHIFT),
		.most = READ_ONCE(m->policy.max_pages),
		.write = write,
	};
	struct odp_span span;

	*populate = around == ODP_AROUND_POPULATE;
	if (around == ODP_AROUND_NONE || !odp_space_has_leaves(m->space))
		return critical;
	if (*populate) {
		span = odp_around_block(&look, look.most);
	} else {
		*populate = around == ODP_AROUND_STREAM;
		if (!odp_around_stream(&look, &span))
			span = odp_around_lone(&look, populate);
	}

	return m->space->private ? odp_around_mine(m, span) : span;
}
