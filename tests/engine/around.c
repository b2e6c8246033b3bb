// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * R4: what a fault brings in beside its own page, going by the pages around: ahead
 * of streams, whichever way they go; as much again as was used; and of what is
 * there, more than the mirror has.
 */
#include <errno.h>

#include "dev.h"
#include "dice.h"
#include "env.h"

#define PAGES	512
#define LEN	(PAGES * PAGE)

static void write_page(int dev, uint8_t *mem, size_t i)
{
	uint8_t data[100];

	pattern_fill(data, sizeof(data), i, 0);
	assert_int_equal(dev_write(dev, mem + i * PAGE + i, data, sizeof(data)),
			 0);
}

static void check_page(const uint8_t *mem, size_t i)
{
	pattern_check("page", mem + i * PAGE + i, 100, i, 0);
}

/* Writes every page, the n-th at order(n); the faults that it takes. */
static uint64_t faults_of(size_t (*order)(size_t n))
{
	uint8_t *mem = mem_anon_small(LEN);
	int dev = dev_open(mem, LEN, &dev_default);
	uint64_t faults;
	size_t n;

	for (n = 0; n < PAGES; n++)
		write_page(dev, mem, order(n));
	for (n = 0; n < PAGES; n++)
		check_page(mem, n);
	faults = dev_stats(dev).faults;
	assert_int_equal(dev_stats(dev).resident_pages, PAGES);
	dev_close(dev);
	mem_release();

	return faults;
}

static size_t upwards(size_t n)
{
	return n;
}

static size_t downwards(size_t n)
{
	return PAGES - 1 - n;
}

/* Two up, two down, from the ends and the middle. */
static size_t four_streams(size_t n)
{
	const size_t at = n / 4, quarter = PAGES / 4;
	const size_t streams[] = {
		at, 2 * quarter - 1 - at, 2 * quarter + at, PAGES - 1 - at,
	};

	return streams[n % 4];
}

static size_t every_other(size_t n)
{
	return n < PAGES / 2 ? 2 * n : 2 * (n - PAGES / 2) + 1;
}

static void R4_streams_go_both_ways(void **state)
{
	(void)state;
	/* A lone one, 4 pages, 16, then thrice as many as there were, each time. */
	assert_in_range(faults_of(upwards), 4, 8);
	assert_in_range(faults_of(downwards), 4, 8);
	assert_in_range(faults_of(four_streams), 8, 32);
	/* No stream, until there are enough to tell; then much is there. */
	assert_in_range(faults_of(every_other), 33, PAGES / 4);
}

/* Never more than four times what was used, and few faults all the same. */
static void R4_random_pages_are_paid_for_by_use(void **state)
{
	uint8_t *mem = mem_anon_small(LEN);
	int dev = dev_open(mem, LEN, &dev_default);
	uint32_t order[PAGES], n;

	(void)state;
	shuffle(order, PAGES);
	for (n = 0; n < PAGES; n++) {
		write_page(dev, mem, order[n]);
		/* But for a chance neighbour, which may be a stream's beginning. */
		assert_in_range(dev_stats(dev).resident_pages, n + 1,
				4 * (n + 1) + 16);
		/* Nothing is known of so few. */
		if (n == 15)
			assert_in_range(dev_stats(dev).resident_pages, 16, 32);
	}
	for (n = 0; n < PAGES; n++)
		check_page(mem, n);
	assert_in_range(dev_stats(dev).faults, 32, PAGES / 4);
	dev_close(dev);
	mem_release();
}

/* What is there anyway serves the process's next mirror; nothing is made for it. */
static void R4_what_is_there_serves_the_next_mirror(void **state)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon_small(LEN);
	int first, next;

	(void)state;
	config.shared = true;
	pattern_fill(mem + 8 * PAGE, 2 * PAGE, 1, 0);
	first = dev_open(mem + 8 * PAGE, PAGE, &config);
	dev_read_and_check(first, mem + 8 * PAGE, PAGE, 1);
	assert_int_equal(dev_stats(first).faults, 1);

	next = dev_open(mem + 8 * PAGE, 3 * PAGE, &config);
	dev_expect_pages(next, mem + 8 * PAGE, "wwF");
	dev_read_and_check(next, mem + 8 * PAGE, 2 * PAGE, 1);
	assert_int_equal(dev_stats(next).faults, 0);
	/* The first one has no more rights by it. */
	assert_int_equal(dev_read(first, mem + 9 * PAGE, mem, 1), -EINVAL);
	dev_close(next);
	dev_close(first);
	mem_release();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R4_streams_go_both_ways),
		cmocka_unit_test(R4_random_pages_are_paid_for_by_use),
		cmocka_unit_test(R4_what_is_there_serves_the_next_mirror),
	};

	return ENV_MAIN(argc, argv, "around", tests);
}
