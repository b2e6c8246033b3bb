// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odpmap: draws the states of an on-demand region's pages, in the terminal or
 * as an SVG image.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "draw.h"
#include "tool.h"

#define ROWS 32
#define RUNS 4096

/* What stands beside the cells of a row. */
#define LABEL_WIDTH 16

struct options {
	const char *device;
	const char *output;
	uint32_t mrn;
	uint64_t address, length;	/* length 0: all of the region */
	uint64_t rows, columns;		/* columns 0: as many as fit */
	int colour;			/* 1, 0, or -1: if it is a terminal */
};

static void usage(FILE *out)
{
	fputs("Usage: odpmap [OPTION...] MRN\n"
	      "\n"
	      "Draws the states of the pages of an on-demand memory region, any process's.\n"
	      "MRN is the region's number; odpstat lists them.\n"
	      "\n"
	      "  -d, --device=NAME     the device; not needed if there is only one\n"
	      "  -a, --address=ADDR    begin at this virtual address of the process\n"
	      "  -l, --length=BYTES    show so many bytes, with K, M, G or T behind the number\n"
	      "  -r, --rows=N          at most so many rows with something in them (32)\n"
	      "  -w, --columns=N       cells in a row: a power of two from 8 to 1024\n"
	      "  -c, --color=WHEN      colours: always, never, or auto, on terminals only\n"
	      "  -o, --output=FILE     write an SVG image\n"
	      "  -h, --help            this text\n"
	      "  -V, --version         which version this is\n"
	      "\n"
	      "Exit status: 0, 1 if something went wrong, 2 for a wrong command line.\n",
	      out);
}

static bool parse_colour(const char *text, int *colour)
{
	static const char *const names[] = { "auto", "never", "always" };
	int i;

	for (i = 0; i < 3; i++) {
		if (!strcmp(text, names[i])) {
			*colour = i - 1;
			return true;
		}
	}
	return false;
}

/* A sentence about what is wrong with an option, NULL if it is right. */
static const char *parse_option(int c, const char *arg, struct options *opt)
{
	switch (c) {
	case 'd':
		opt->device = arg;
		return NULL;
	case 'a':
		return tool_number(arg, 0, UINT64_MAX, &opt->address) ? NULL :
			"--address takes a number such as 0x7f0000000000";
	case 'l':
		return tool_bytes(arg, &opt->length) ? NULL :
			"--length takes a number of bytes such as 4096 or 16M";
	case 'r':
		return tool_number(arg, 1, 10000, &opt->rows) ? NULL :
			"--rows takes a number from 1 to 10000";
	case 'w':
		return tool_number(arg, 8, 1024, &opt->columns) &&
		       !(opt->columns & (opt->columns - 1)) ? NULL :
			"--columns takes a power of two from 8 to 1024";
	case 'c':
		return parse_colour(arg, &opt->colour) ? NULL :
			"--color takes always, never or auto";
	case 'o':
		opt->output = arg;
		return NULL;
	}
	return "odpmap --help lists what there is";
}

/* Returns -1, or the status to exit with. */
static int parse(int argc, char **argv, struct options *opt)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "address", required_argument, NULL, 'a' },
		{ "length", required_argument, NULL, 'l' },
		{ "rows", required_argument, NULL, 'r' },
		{ "columns", required_argument, NULL, 'w' },
		{ "color", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	const char *wrong;
	uint64_t mrn;
	int c;

	while ((c = getopt_long(argc, argv, "d:a:l:r:w:c:o:hV", longs,
				NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return tool_exit_status();
		}
		if (c == 'V')
			return tool_version("odpmap");
		wrong = parse_option(c, optarg, opt);
		if (wrong) {
			warnx("%s", wrong);
			return EXIT_USAGE;
		}
	}
	if (optind + 1 != argc ||
	    !tool_number(argv[optind], 0, UINT32_MAX, &mrn)) {
		warnx("say which region by one number, as odpstat lists them; odpmap --help shows how");
		return EXIT_USAGE;
	}
	opt->mrn = (uint32_t)mrn;
	return -1;
}

/* As many cells as fit, a power of two. */
static unsigned int terminal_columns(void)
{
	struct winsize size = {};
	unsigned int columns = 8;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		size.ws_col = 80;
	while (columns < 128 && LABEL_WIDTH + 2 * columns <= size.ws_col)
		columns *= 2;
	return columns;
}

/* The part of the region that is asked for, as page numbers. */
static int choose_range(const struct options *opt,
			const struct od_region *region, uint64_t page_size,
			uint64_t *first, uint64_t *npages)
{
	const uint64_t region_end = region->va + region->bytes;
	uint64_t start = region->va, end = region_end;

	if (opt->address > start)
		start = opt->address;
	if (opt->length && opt->length < end - start)
		end = start + opt->length;
	if (start >= region_end ||
	    (opt->address && opt->address < region->va)) {
		warnx("0x%" PRIx64 " is not in region %u, which spans 0x%" PRIx64 " to 0x%" PRIx64,
		      opt->address, region->mrn, region->va, region_end);
		return -1;
	}

	*first = start / page_size;
	*npages = (end - 1) / page_size - *first + 1;
	return 0;
}

static int collect(struct ibv_context *context, const struct od_region *region,
		   uint64_t page_size, struct cells *cells)
{
	struct odp_run *runs;
	uint64_t va, left;
	size_t nr, i;
	int ret = -1, err;

	runs = calloc(RUNS, sizeof(*runs));
	if (!runs) {
		warn("out of memory");
		return -1;
	}
	while (cells->next < cells->end) {
		left = cells->end - cells->next;
		va = cells->next * page_size;
		if (va < region->va)
			va = region->va;
		err = odp_mrn_snapshot_runs(context, region->mrn,
					    va - region->va + region->iova,
					    left, runs, RUNS, &nr);
		if (err) {
			tool_explain(err,
				     ibv_get_device_name(context->device),
				     region->mrn);
			goto out;
		}
		for (i = 0; i < nr; i++)
			cells_add(cells, runs[i].npages, runs[i].state);
	}
	ret = 0;
out:
	free(runs);
	return ret;
}

static int write_svg(const char *path, const struct map *map)
{
	FILE *out = fopen(path, "we");
	bool lost;

	if (!out) {
		warn("%s cannot be written", path);
		return EXIT_FAILURE;
	}
	draw_svg(out, map);
	lost = ferror(out);
	if (fclose(out) || lost) {
		warn("%s cannot be written", path);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int draw(const struct options *opt, const struct map *map)
{
	const bool colour = opt->colour < 0 ? isatty(STDOUT_FILENO) :
					      opt->colour > 0;

	if (opt->output)
		return write_svg(opt->output, map);
	draw_text(stdout, map, colour);
	return tool_exit_status();
}

static int run(struct ibv_context *context, const struct options *opt)
{
	struct map map = {
		.device = ibv_get_device_name(context->device),
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.columns = opt->columns ? (unsigned int)opt->columns :
					  terminal_columns(),
	};
	struct od_regions regions;
	struct cells cells = {};
	uint64_t first, npages;
	int ret = EXIT_FAILURE;

	if (od_regions_get(map.device, &regions))
		return EXIT_FAILURE;
	map.region = od_regions_find(&regions, opt->mrn);
	if (!map.region) {
		warnx("there is no on-demand region %u on %s; odpstat lists those that there are",
		      opt->mrn, map.device);
		goto out;
	}
	if (!map.region->has_place) {
		tool_explain(EPERM, map.device, opt->mrn);
		goto out;
	}

	if (choose_range(opt, map.region, map.page_size, &first, &npages))
		goto out;
	if (cells_init(&cells, first, npages)) {
		warn("out of memory");
		goto out;
	}
	if (collect(context, map.region, map.page_size, &cells))
		goto out;
	cells_fit(&cells, map.columns, (unsigned int)opt->rows);
	map.cells = &cells;
	ret = draw(opt, &map);
out:
	cells_free(&cells);
	od_regions_free(&regions);
	return ret;
}

int main(int argc, char **argv)
{
	struct options opt = { .rows = ROWS, .colour = -1 };
	struct ibv_context *context;
	int ret;

	setlocale(LC_CTYPE, "");
	ret = parse(argc, argv, &opt);
	if (ret >= 0)
		return ret;

	context = tool_open(opt.device);
	if (!context)
		return EXIT_FAILURE;
	ret = run(context, &opt);
	ibv_close_device(context);
	return ret;
}
