// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Cells start with a page each. Whenever there are too many of them,
 * neighbours are merged, so the memory for a map is bounded whatever it shows.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <infiniband/odp.h>

#include "cells.h"

#define CELLS_MAX 16384

int cells_init(struct cells *cells, uint64_t first, uint64_t npages)
{
	*cells = (struct cells) {
		.first = first,
		.end = first + npages,
		.next = first,
		.pages_per_cell = 1,
	};
	cells->cell = calloc(CELLS_MAX, sizeof(*cells->cell));
	return cells->cell ? 0 : -1;
}

void cells_free(struct cells *cells)
{
	free(cells->cell);
	*cells = (struct cells) {};
}

static void tally_join(struct tally *to, const struct tally *more)
{
	to->present += more->present;
	to->writable += more->writable;
	to->huge += more->huge;
	to->mirrored += more->mirrored;
	to->mirrored_writable += more->mirrored_writable;
	to->dirty += more->dirty;
	to->special += more->special;
	to->io += more->io;
	to->exclusive += more->exclusive;
}

static void tally_add(struct tally *tally, uint64_t npages, uint32_t state)
{
	const bool mirrored = state & ODP_PAGE_MIRRORED;
	const bool writable = state & ODP_PAGE_WRITE;

	tally->present += npages;
	tally->writable += writable ? npages : 0;
	tally->huge += state & ODP_PAGE_HUGE ? npages : 0;
	tally->mirrored += mirrored ? npages : 0;
	tally->mirrored_writable += mirrored && writable ? npages : 0;
	tally->dirty += state & ODP_PAGE_DIRTY ? npages : 0;
	tally->special += state & ODP_PAGE_SPECIAL ? npages : 0;
	tally->io += state & ODP_PAGE_IO ? npages : 0;
	tally->exclusive += state & ODP_PAGE_EXCLUSIVE ? npages : 0;
}

/* Twice as many pages a cell. */
static void coarsen(struct cells *cells)
{
	struct cell *cell = cells->cell;
	size_t i, nr = 0;

	cells->pages_per_cell *= 2;
	for (i = 0; i < cells->nr; i++) {
		cell[i].index /= 2;
		if (nr && cell[nr - 1].index == cell[i].index)
			tally_join(&cell[nr - 1].tally, &cell[i].tally);
		else
			cell[nr++] = cell[i];
	}
	cells->nr = nr;
}

/* The cell of page number cells->next, at the end of the array. */
static struct cell *last_cell(struct cells *cells)
{
	uint64_t index;

	for (;;) {
		index = cells->next / cells->pages_per_cell;
		if (cells->nr && cells->cell[cells->nr - 1].index == index)
			return &cells->cell[cells->nr - 1];
		if (cells->nr < CELLS_MAX)
			break;
		coarsen(cells);
	}

	cells->cell[cells->nr] = (struct cell) { .index = index };
	return &cells->cell[cells->nr++];
}

void cells_add(struct cells *cells, uint64_t npages, uint32_t state)
{
	struct cell *cell;
	uint64_t part;

	if (!(state & ODP_PAGE_READ)) {
		cells->next += npages;
		return;
	}

	tally_add(&cells->total, npages, state);
	while (npages / cells->pages_per_cell > CELLS_MAX / 2)
		coarsen(cells);
	while (npages) {
		cell = last_cell(cells);
		part = cells->pages_per_cell -
		       cells->next % cells->pages_per_cell;
		if (part > npages)
			part = npages;
		tally_add(&cell->tally, part, state);
		cells->next += part;
		npages -= part;
	}
}

static size_t count_rows(const struct cells *cells, unsigned int columns)
{
	uint64_t row, last = UINT64_MAX;
	size_t i, rows = 0;

	for (i = 0; i < cells->nr; i++) {
		row = cells->cell[i].index / columns;
		rows += row != last;
		last = row;
	}
	return rows;
}

void cells_fit(struct cells *cells, unsigned int columns, unsigned int rows)
{
	while (count_rows(cells, columns) > rows)
		coarsen(cells);
}
