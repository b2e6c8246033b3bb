/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Random runs that a seed repeats.
 */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

/* What a thread draws from; the same for the same state. */
struct dice {
	uint64_t state;
};

/* A number below @sides, which is not 0. */
uint64_t roll(struct dice *d, uint64_t sides);

/* A permutation of 0 to @n - 1, the same each time. */
void shuffle(uint32_t *order, uint32_t n);

/* One of the numbers that follow. */
#define one_of(d, ...) \
	((const uint64_t[]){ __VA_ARGS__ }[roll(d, sizeof((uint64_t[]){ \
						__VA_ARGS__ }) / 8)])

/* How long a run is and what it draws. */
struct dice_run {
	unsigned long count;
	uint64_t seed;
};

/*
 * A test's run from its command line, --count N and --seed N. Without them it
 * is @count long, and the seed is of the moment. The environment variable
 * ODP_FULL makes it ten times as long. Prints what is needed to repeat it, or,
 * where the command line is wrong or asks for help, @about and ends.
 */
struct dice_run dice_run(int argc, char **argv, unsigned long count,
			 const char *about);

#endif /* TESTS_DICE_H */
