// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A map as an SVG image: a square a cell, its colour the stage that it got to,
 * its strength how much of it is present; a tooltip has the numbers.
 */
#include <inttypes.h>

#include "draw.h"
#include "tool.h"

#define CELL 12
#define LINE 18
#define MARGIN 16
#define LABEL 130

static const char *const fills[NR_STAGES] = {
	"#8fa8c8", "#4f7fc0", "#d8a000", "#2f9e44", "#d6336c",
	"#7048e8", "#5c3d2e", "#e8590c",
};

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void put_text(FILE *out, unsigned int x, unsigned int y,
		     const char *text)
{
	fprintf(out, "<text x=\"%u\" y=\"%u\">", x, y);
	put_escaped(out, text);
	fputs("</text>\n", out);
}

static void put_cell(FILE *out, const struct map *map, const struct cell *cell,
		     unsigned int x, unsigned int y)
{
	const uint64_t pages = map->cells->pages_per_cell;
	const struct tally *tally = &cell->tally;

	fprintf(out, "<rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"%.2f\"><title>",
		x, y, CELL - 1, CELL - 1, fills[cell_stage(cell)],
		0.3 + 0.7 * (double)tally->present / (double)pages);
	fprintf(out, "0x%" PRIx64 ", pages: %" PRIu64 " present, %" PRIu64
		" writable, %" PRIu64 " huge, %" PRIu64
		" in the device's table, %" PRIu64 " written by it",
		cell->index * pages * map->page_size, tally->present,
		tally->writable, tally->huge, tally->mirrored, tally->dirty);
	fputs("</title></rect>\n", out);
}

/* The frame spans those cells that have pages of the range. */
static void put_row(FILE *out, const struct map *map, const struct row *row,
		    unsigned int y)
{
	const uint64_t pages = map->cells->pages_per_cell;
	const uint64_t from = row->first / pages - row->index;
	const uint64_t to = (row->end - 1) / pages + 1 - row->index;
	char label[24];
	size_t i;

	snprintf(label, sizeof(label), "0x%012" PRIx64,
		 row->index * pages * map->page_size);
	put_text(out, MARGIN, y + CELL - 2, label);
	fprintf(out, "<rect x=\"%" PRIu64 "\" y=\"%u\" width=\"%" PRIu64 "\" height=\"%d\" fill=\"#e9ecef\"/>\n",
		LABEL + from * CELL, y, (to - from) * CELL - 1, CELL - 1);
	for (i = 0; i < row->nr; i++)
		put_cell(out, map, &row->cell[i],
			 LABEL + (unsigned int)(row->cell[i].index -
						row->index) * CELL, y);
}

static void put_gap(FILE *out, const struct map *map, const struct row *row,
		    unsigned int y)
{
	char text[64];

	snprintf(text, sizeof(text), "nothing present in %s",
		 short_bytes((row->end - row->first) * map->page_size).text);
	put_text(out, LABEL, y + CELL - 2, text);
}

static void put_legend(FILE *out, unsigned int y)
{
	unsigned int i;

	for (i = 0; i < NR_STAGES; i++, y += LINE) {
		fprintf(out, "<rect x=\"%d\" y=\"%u\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
			LABEL, y, CELL - 1, CELL - 1, fills[i]);
		put_text(out, LABEL + 2 * CELL, y + CELL - 2, stage_names[i]);
	}
}

void draw_svg(FILE *out, const struct map *map)
{
	const struct heading heading = map_heading(map);
	unsigned int y, i, width, rows = 0;
	struct row row = {};

	while (next_row(map, &row))
		rows++;
	width = LABEL + map->columns * CELL + MARGIN;
	if (width < 820)
		width = 820;
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" font-family=\"monospace\" font-size=\"12\">\n",
		width, 3 * MARGIN + (HEADING_LINES + NR_STAGES) * LINE +
		rows * CELL);
	fputs("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", out);

	for (i = 0, y = MARGIN; i < HEADING_LINES; i++, y += LINE)
		put_text(out, MARGIN, y + CELL - 2, heading.line[i]);
	for (row = (struct row) {}; next_row(map, &row); y += CELL) {
		if (row.gap)
			put_gap(out, map, &row, y);
		else
			put_row(out, map, &row, y);
	}
	put_legend(out, y + MARGIN);
	fputs("</svg>\n", out);
}
