/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Cells: what a map is drawn of. A cell stands for neighbouring pages, as many
 * as it takes for a range of any size to fit. Only cells with something in
 * them are kept.
 */
#ifndef ODP_TOOLS_CELLS_H
#define ODP_TOOLS_CELLS_H

#include <stddef.h>
#include <stdint.h>

/* How many pages have a state. */
struct tally {
	uint64_t present;	/* for the CPU, whatever else */
	uint64_t writable;
	uint64_t huge;
	uint64_t mirrored;
	uint64_t mirrored_writable;
	uint64_t dirty;
	uint64_t special;
	uint64_t io;
	uint64_t exclusive;
};

struct cell {
	uint64_t index;		/* the cell's first page / pages per cell */
	struct tally tally;
};

struct cells {
	uint64_t first, end;	/* page numbers of the range */
	uint64_t next;		/* page number that the next run starts at */
	uint64_t pages_per_cell;	/* a power of two */
	struct tally total;
	struct cell *cell;	/* by ascending index */
	size_t nr;
};

/* A range of pages; 0, or -1 if there is no memory. */
int cells_init(struct cells *cells, uint64_t first, uint64_t npages);

void cells_free(struct cells *cells);

/* The next pages and their state, a set of enum odp_page_state. */
void cells_add(struct cells *cells, uint64_t npages, uint32_t state);

/* Merges until rows of @columns cells take @rows rows at most. */
void cells_fit(struct cells *cells, unsigned int columns, unsigned int rows);

#endif /* ODP_TOOLS_CELLS_H */
