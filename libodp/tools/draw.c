// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What all ways of drawing a map have in common: its rows, the meaning of a
 * cell, the heading.
 */
#include <inttypes.h>

#include "draw.h"
#include "tool.h"

const char *const stage_names[NR_STAGES] = {
	[STAGE_READ] = "present, read-only",
	[STAGE_WRITE] = "present, writable",
	[STAGE_MIRRORED] = "in the device's table, read-only",
	[STAGE_MIRRORED_WRITE] = "in the device's table, writable",
	[STAGE_DIRTY] = "written by the device",
	[STAGE_SPECIAL] = "RAM mapped by a driver",
	[STAGE_IO] = "a device's own memory",
	[STAGE_EXCLUSIVE] = "taken from the CPU",
};

bool next_row(const struct map *map, struct row *row)
{
	const struct cells *cells = map->cells;
	const uint64_t pages = cells->pages_per_cell * map->columns;
	const struct cell *end = cells->cell + cells->nr;
	const struct cell *cell = row->cell ? row->cell + row->nr : cells->cell;
	const uint64_t at = row->end ? row->end : cells->first;
	uint64_t number;

	if (at >= cells->end)
		return false;

	*row = (struct row) { .first = at, .end = cells->end, .cell = cell };
	number = at / pages;
	row->gap = cell == end || cell->index / map->columns != number;
	if (row->gap && cell != end)
		row->end = cell->index / map->columns * pages;
	if (row->gap)
		return true;

	row->index = number * map->columns;
	if (row->end > (number + 1) * pages)
		row->end = (number + 1) * pages;
	while (cell + row->nr < end &&
	       cell[row->nr].index / map->columns == number)
		row->nr++;
	return true;
}

enum stage cell_stage(const struct cell *cell)
{
	const struct tally *tally = &cell->tally;

	if (tally->exclusive)
		return STAGE_EXCLUSIVE;
	if (tally->io)
		return STAGE_IO;
	if (tally->special)
		return STAGE_SPECIAL;
	if (tally->dirty)
		return STAGE_DIRTY;
	if (tally->mirrored_writable)
		return STAGE_MIRRORED_WRITE;
	if (tally->mirrored)
		return STAGE_MIRRORED;
	return tally->writable ? STAGE_WRITE : STAGE_READ;
}

struct heading map_heading(const struct map *map)
{
	const struct od_region *region = map->region;
	const struct tally *total = &map->cells->total;
	const uint64_t size = map->page_size;
	struct heading h;

	snprintf(h.line[0], sizeof(h.line[0]),
		 "%s, region %u of process %u (%s): %s, %s at 0x%" PRIx64
		 ", policy %s",
		 map->device, region->mrn, region->pid, region->command,
		 region->kind, short_bytes(region->bytes).text, region->va,
		 region->policy);
	snprintf(h.line[1], sizeof(h.line[1]),
		 "present %s (in huge pages %s), in the device's table %s, written by the device %s",
		 short_bytes(total->present * size).text,
		 short_bytes(total->huge * size).text,
		 short_bytes(total->mirrored * size).text,
		 short_bytes(total->dirty * size).text);
	snprintf(h.line[2], sizeof(h.line[2]),
		 "one cell: %s (%" PRIu64 " page%s); %u cells a row",
		 short_bytes(map->cells->pages_per_cell * size).text,
		 map->cells->pages_per_cell,
		 map->cells->pages_per_cell == 1 ? "" : "s", map->columns);
	return h;
}
