// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A map in the terminal: letters for any printer, or shades in colours. A
 * letter says how far any page of the cell got; a shade says how much of the
 * cell is in the device's table.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <string.h>

#include "draw.h"
#include "tool.h"

#define NR_SHADES 5

static const char letters[NR_STAGES] = {
	'r', 'w', 'R', 'W', 'D', 'P', 'I', 'X',
};

/*
 * Foreground colours of a terminal: blue, cyan, yellow, green, red; magenta,
 * bright magenta, bright red.
 */
static const int colours[NR_STAGES] = { 34, 36, 33, 32, 31, 35, 95, 91 };

/* For nothing in the table, a quarter, half, three quarters, all. */
static const char *const shades[NR_SHADES] = { "·", "░", "▒", "▓", "█" };
static const char *const ascii_shades[NR_SHADES] = { ".", "-", "+", "*", "#" };

struct pen {
	FILE *out;
	bool colour;
	const char *const *shades;
	int now;		/* the colour that is on, 0: none */
};

static void set_colour(struct pen *pen, int colour)
{
	if (!pen->colour || pen->now == colour)
		return;
	fprintf(pen->out, "\033[%dm", colour);
	pen->now = colour;
}

static void draw_cell(struct pen *pen, const struct map *map,
		      const struct cell *cell)
{
	const uint64_t pages = map->cells->pages_per_cell;
	const enum stage stage = cell_stage(cell);
	uint64_t quarters;

	if (!pen->colour) {
		fputc(letters[stage], pen->out);
		return;
	}
	/* Rounded up, so that one page of many is seen. */
	quarters = (cell->tally.mirrored * (NR_SHADES - 1) + pages - 1) / pages;
	set_colour(pen, colours[stage]);
	fputs(pen->shades[quarters], pen->out);
}

/* Cells without a page of the range stay blank. */
static void draw_row(struct pen *pen, const struct map *map,
		     const struct row *row)
{
	const uint64_t pages = map->cells->pages_per_cell;
	const struct cell *cell = row->cell;
	uint64_t index, first;
	unsigned int i;

	fprintf(pen->out, "0x%012" PRIx64 " ",
		row->index * pages * map->page_size);
	for (i = 0; i < map->columns; i++) {
		index = row->index + i;
		first = index * pages;
		if (cell < row->cell + row->nr && cell->index == index) {
			draw_cell(pen, map, cell++);
			continue;
		}
		set_colour(pen, 0);
		fputc(first + pages <= row->first || first >= row->end ?
		      ' ' : pen->colour ? ' ' : '.', pen->out);
	}
	set_colour(pen, 0);
	fputc('\n', pen->out);
}

static void draw_legend(struct pen *pen)
{
	unsigned int i;

	for (i = 0; i < NR_STAGES; i++) {
		set_colour(pen, colours[i]);
		if (pen->colour)
			fputs(pen->shades[NR_SHADES - 1], pen->out);
		else
			fputc(letters[i], pen->out);
		set_colour(pen, 0);
		fprintf(pen->out, " %s%s", stage_names[i],
			i + 1 < NR_STAGES && i % 3 != 2 ? "   " : "\n");
	}
	if (pen->colour)
		fprintf(pen->out, "in the table: %s nothing   %s a quarter   %s half   %s three quarters   %s all\n",
			pen->shades[0], pen->shades[1], pen->shades[2],
			pen->shades[3], pen->shades[4]);
	else
		fprintf(pen->out, ". nothing present; a letter says how far any page of the cell got\n");
}

void draw_text(FILE *out, const struct map *map, bool colour)
{
	const bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	const struct heading heading = map_heading(map);
	struct pen pen = { out, colour, utf8 ? shades : ascii_shades, 0 };
	struct row row = {};
	int i;

	for (i = 0; i < HEADING_LINES; i++)
		fprintf(out, "%s\n", heading.line[i]);
	fputc('\n', out);
	while (next_row(map, &row)) {
		if (row.gap)
			fprintf(out, "%14s nothing present in %s\n", "...",
				short_bytes((row.end - row.first) *
					    map->page_size).text);
		else
			draw_row(&pen, map, &row);
	}
	fputc('\n', out);
	draw_legend(&pen);
}
