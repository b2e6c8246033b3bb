// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odpstat: what on-demand regions are doing, as vmstat does it for memory.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nldev.h"
#include "sample.h"
#include "tool.h"

/* The table's heading is repeated after so many lines of one region. */
#define LINES_PER_HEADING 20

struct options {
	const char *device;
	bool one;
	uint32_t mrn;
	bool json;
	enum sample_view view;
	double interval;	/* 0: totals, once */
	uint64_t count;		/* 0: for ever */
};

static void usage(FILE *out)
{
	fputs("Usage: odpstat [OPTION...] [INTERVAL [COUNT]]\n"
	      "\n"
	      "Shows what the on-demand memory regions of an RDMA device are doing: totals\n"
	      "since registration, or rates every INTERVAL seconds, COUNT times.\n"
	      "\n"
	      "  -d, --device=NAME  the device; not needed if there is only one\n"
	      "  -m, --mr=MRN       one region only, by its number\n"
	      "  -f, --faults       whose faults there are, and what waits for them\n"
	      "  -j, --json         one JSON object a line and sample\n"
	      "  -h, --help         this text\n"
	      "  -V, --version      which version this is\n"
	      "\n"
	      "Exit status: 0, 1 if something went wrong, 2 for a wrong command line.\n",
	      out);
}

static bool parse_interval(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && !*end && *seconds >= 0.01 && *seconds <= 86400;
}

/* Returns -1, or the status to exit with. */
static int parse(int argc, char **argv, struct options *opt)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "mr", required_argument, NULL, 'm' },
		{ "faults", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	uint64_t value;
	int c;

	while ((c = getopt_long(argc, argv, "d:m:fjhV", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			opt->device = optarg;
			break;
		case 'm':
			if (!tool_number(optarg, 0, UINT32_MAX, &value)) {
				warnx("--mr takes a region's number, not \"%s\"; odpstat without it lists them",
				      optarg);
				return EXIT_USAGE;
			}
			opt->one = true;
			opt->mrn = (uint32_t)value;
			break;
		case 'f':
			opt->view = SAMPLE_FAULTS;
			break;
		case 'j':
			opt->json = true;
			break;
		case 'h':
			usage(stdout);
			return tool_exit_status();
		case 'V':
			return tool_version("odpstat");
		default:
			warnx("odpstat --help lists what there is");
			return EXIT_USAGE;
		}
	}

	if (optind < argc && !parse_interval(argv[optind++], &opt->interval)) {
		warnx("INTERVAL is a number of seconds from 0.01 to 86400, not \"%s\"",
		      argv[optind - 1]);
		return EXIT_USAGE;
	}
	if (optind < argc &&
	    !tool_number(argv[optind++], 1, UINT64_MAX, &opt->count)) {
		warnx("COUNT is a number from 1 on, not \"%s\"",
		      argv[optind - 1]);
		return EXIT_USAGE;
	}
	if (optind < argc) {
		warnx("there is an argument too many, \"%s\"; odpstat --help shows how",
		      argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static void wait_seconds(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static void print_sample(const struct options *opt, const struct sample *now,
			 const struct sample *before, unsigned int line)
{
	if (opt->json) {
		sample_json(now, before);
	} else {
		if (!opt->one || line % LINES_PER_HEADING == 0)
			sample_heading(now, before, opt->view);
		sample_table(now, before, opt->view);
	}
	fflush(stdout);
}

/* Whether to go on: with one region only, as long as that is there. */
static bool is_there(const struct options *opt, const struct sample *sample)
{
	if (!opt->one || sample->regions.nr)
		return true;
	warnx("there is no on-demand region %u on %s%s", opt->mrn,
	      sample->device,
	      opt->interval > 0 ? "" : "; odpstat without -m lists them");
	return false;
}

static int run(const char *device, const struct options *opt)
{
	const uint32_t *only = opt->one ? &opt->mrn : NULL;
	struct sample now = {}, before = {};
	int ret = EXIT_FAILURE;
	unsigned int i;

	if (sample_take(device, only, &now) || !is_there(opt, &now))
		goto out;
	if (opt->interval <= 0) {
		print_sample(opt, &now, NULL, 0);
		ret = tool_exit_status();
		goto out;
	}

	for (i = 0; !opt->count || i < opt->count; i++) {
		sample_free(&before);
		before = now;
		now = (struct sample) {};
		wait_seconds(opt->interval);
		if (sample_take(device, only, &now) || !is_there(opt, &now))
			goto out;
		print_sample(opt, &now, &before, i);
		if (ferror(stdout))
			break;
	}
	ret = tool_exit_status();
out:
	sample_free(&before);
	sample_free(&now);
	return ret;
}

int main(int argc, char **argv)
{
	struct options opt = {};
	char *device;
	int ret;

	ret = parse(argc, argv, &opt);
	if (ret >= 0)
		return ret;

	device = tool_device(opt.device);
	if (!device)
		return EXIT_FAILURE;
	ret = run(device, &opt);
	free(device);
	return ret;
}
