// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What an event took back of a mirror, compared with what it had to.
 */
#include <stdlib.h>

#include "cell.h"

struct mark cell_mark(struct cell *c, size_t first, size_t n)
{
	struct mark m = {
		.first = first,
		.n = n,
		.invalidated = dev_stats(c->dev).invalidated_pages,
	};
	const uint8_t huge = STATE_HUGE | STATE_MIRRORED;
	uint8_t *states = cell_states(c);
	size_t i, left;

	for (i = first; i < first + n; i++) {
		if ((states[i] & huge) != huge) {
			m.mirrored += !!(states[i] & STATE_MIRRORED);
			continue;
		}
		/* The whole entry, what of it is in front of the range, too. */
		left = (HUGE_2M - (uintptr_t)cell_at(c, i) % HUGE_2M) / PAGE;
		m.mirrored += HUGE_2M / PAGE;
		i += left - 1;
	}
	free(states);

	return m;
}

/* The huge page around a boundary that is not its own, if it is all mapped. */
static void widen(const struct cell *c, size_t at, size_t *from, size_t *to)
{
	const size_t huge = HUGE_2M / PAGE, offset = c->kind->offset;
	size_t start = (at + offset) / huge * huge;
	size_t mapped = offset + c->pages;

	if (offset)
		mapped = (mapped + huge - 1) / huge * huge;
	if ((at + offset) % huge == 0 || start + huge > mapped)
		return;
	start = start > offset ? start - offset : 0;
	*from = start < *from ? start : *from;
	at = (at + offset) / huge * huge + huge - offset;
	*to = at > *to ? at : *to;
}

struct mark cell_mark_cut(struct cell *c, size_t first, size_t n)
{
	size_t from = first, to = first + n;
	struct mark m;

	widen(c, first, &from, &to);
	widen(c, first + n, &from, &to);
	if (to > c->total)
		to = c->total;
	m = cell_mark(c, from, to - from);
	m.first = first;
	m.n = n;

	return m;
}

static uint64_t taken(struct cell *c, const struct mark *m)
{
	return dev_stats(c->dev).invalidated_pages - m->invalidated;
}

void cell_expect_taken(struct cell *c, const struct mark *m)
{
	uint64_t seen = taken(c, m);

	if (seen != m->mirrored)
		test_fail("%llu pages were taken back, not %llu",
			  (unsigned long long)seen,
			  (unsigned long long)m->mirrored);
	dev_expect_unmirrored(c->dev, cell_at(c, m->first), m->n);
}

void cell_expect_some_taken(struct cell *c, const struct mark *m, uint64_t n)
{
	uint64_t seen = taken(c, m);

	if (seen < n)
		test_fail("%llu pages were taken back, not %llu or more",
			  (unsigned long long)seen, (unsigned long long)n);
}

void cell_expect_none_taken(struct cell *c, const struct mark *m)
{
	uint64_t seen = taken(c, m);

	if (seen)
		test_fail("%llu pages were taken back for nothing",
			  (unsigned long long)seen);
}
