// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Random runs that a seed repeats.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "dice.h"
#include "fail.h"

uint64_t roll(struct dice *d, uint64_t sides)
{
	uint64_t x = d->state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (x ^ x >> 31) % sides;
}

void shuffle(uint32_t *order, uint32_t n)
{
	struct dice dice = { .state = 1 };
	uint32_t i, j, old;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		j = (uint32_t)roll(&dice, i);
		old = order[i - 1];
		order[i - 1] = order[j];
		order[j] = old;
	}
}

static _Noreturn void dice_usage(const char *name, const char *about, int status)
{
	fprintf(status ? stderr : stdout,
		"Usage: %s [--count N] [--seed N]\n"
		"%s\n"
		"  --count N  how many; ten times as many where ODP_FULL is set\n"
		"  --seed N   the same as another run that had this seed\n",
		name, about);
	exit(status);
}

struct dice_run dice_run(int argc, char **argv, unsigned long count,
			 const char *about)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct dice_run run = { .count = count };
	int c;

	if (getrandom(&run.seed, sizeof(run.seed), 0) != sizeof(run.seed))
		test_fail("no random seed");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			run.count = strtoul(optarg, NULL, 0);
			break;
		case 's':
			run.seed = strtoull(optarg, NULL, 0);
			break;
		default:
			dice_usage(argv[0], about, c == 'h' ? 0 : 2);
		}
	}
	if (getenv("ODP_FULL"))
		run.count *= 10;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%s: %lu, --seed %" PRIu64 "\n", argv[0], run.count, run.seed);
	return run;
}
