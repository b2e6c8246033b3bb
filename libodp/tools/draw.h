/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Drawing a map, row by row. Rows without anything are left out; how much they
 * stand for is said.
 */
#ifndef ODP_TOOLS_DRAW_H
#define ODP_TOOLS_DRAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cells.h"
#include "nldev.h"

struct map {
	const char *device;
	const struct od_region *region;
	const struct cells *cells;
	unsigned int columns;
	uint64_t page_size;
};

/* Letters; or, with colour, shades and colours. */
void draw_text(FILE *out, const struct map *map, bool colour);

void draw_svg(FILE *out, const struct map *map);

/* What to draw next: a row, or a gap of rows without anything. */
struct row {
	bool gap;
	uint64_t first, end;	/* page numbers, inside the range */
	uint64_t index;		/* of a row's first cell */
	const struct cell *cell;	/* what the row has */
	size_t nr;
};

/* Sets *@row to what follows it, beginning with a zeroed one; false at the end. */
bool next_row(const struct map *map, struct row *row);

/*
 * The state that any page of a cell got furthest to; or that one is of a kind of
 * its own.
 */
enum stage {
	STAGE_READ, STAGE_WRITE,		/* present, the device not there yet */
	STAGE_MIRRORED, STAGE_MIRRORED_WRITE,	/* in the device's table */
	STAGE_DIRTY,				/* written by the device */
	STAGE_SPECIAL,				/* of a PFN map */
	STAGE_IO,				/* ... and not the kernel's memory */
	STAGE_EXCLUSIVE,			/* taken from the CPU */
	NR_STAGES
};

enum stage cell_stage(const struct cell *cell);
extern const char *const stage_names[NR_STAGES];

/* A heading in @nr lines or less, each to be printed by the caller. */
#define HEADING_LINES 3
struct heading {
	char line[HEADING_LINES][160];
};

struct heading map_heading(const struct map *map);

#endif /* ODP_TOOLS_DRAW_H */
