// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Policies: which there are, that each does what it says, and that they can be
 * changed.
 */
#include <errno.h>

#include "dev.h"
#include "env.h"

#define PAGES	512
#define LIMIT_MAX_MS 600000	/* ODP_LIMIT_MAX_MS */

static void expect_policy(int dev, const struct dev_config *config)
{
	struct odp_selftest_policy policy = dev_policy(dev);

	assert_int_equal(policy.around, config->around);
	assert_int_equal(policy.max_pages, config->max_pages);
	assert_int_equal(policy.limit_ms, config->limit_ms);
}

static void bad_policies(void **state)
{
	static const struct {
		uint32_t around, max_pages, limit_ms;
	} bad[] = {
		{ AROUND_POPULATE + 1, 1, 1 },
		{ AROUND_NONE, 0, 1 },
		{ AROUND_NONE, 513, 1 },
		{ AROUND_NONE, 1, 0 },
		{ AROUND_NONE, 1, LIMIT_MAX_MS + 1 },
	};
	struct dev_config config = dev_default;
	int dev = dev_open((void *)PAGE, PAGE, &dev_default);
	size_t i;

	(void)state;
	for (i = 0; i < NR(bad); i++) {
		config.around = bad[i].around;
		config.max_pages = bad[i].max_pages;
		config.limit_ms = bad[i].limit_ms;
		assert_int_equal(dev_try_open((void *)PAGE, PAGE, &config),
				 -EINVAL);
		assert_int_equal(dev_set_policy(dev, &config), -EINVAL);
		expect_policy(dev, &dev_default);
	}
	dev_close(dev);
}

/* One access to the page in the middle, by that policy. */
static struct odp_selftest_stats one_read(uint8_t *mem, uint32_t around,
					  uint32_t max_pages)
{
	struct dev_config config = dev_default;
	struct odp_selftest_stats stats;
	uint8_t byte;
	int dev;

	config.around = around;
	config.max_pages = max_pages;
	dev = dev_open(mem, PAGES * PAGE, &config);
	assert_int_equal(dev_read(dev, mem + PAGES / 2 * PAGE, &byte, 1), 0);
	stats = dev_stats(dev);
	assert_int_equal(stats.faults, 1);
	assert_int_equal(stats.faulted_pages, 1);
	dev_close(dev);

	return stats;
}

static void policies_look_around(void **state)
{
	uint8_t *mem = mem_anon_small(PAGES * PAGE);

	(void)state;
	/* Nothing is there but what the access itself brings in. */
	assert_int_equal(one_read(mem, AROUND_SNAPSHOT, 512).around_pages, 0);
	assert_int_equal(one_read(mem, AROUND_STREAM, 512).around_pages, 0);

	mem_touch(mem, PAGES * PAGE);
	assert_int_equal(one_read(mem, AROUND_NONE, 512).around_pages, 0);
	assert_int_equal(one_read(mem, AROUND_SNAPSHOT, 512).around_pages, 63);
	assert_int_equal(one_read(mem, AROUND_SNAPSHOT, 16).around_pages, 15);
	assert_int_equal(one_read(mem, AROUND_SNAPSHOT, 1).around_pages, 0);
	/* A lone fault begins with a small look. */
	assert_int_equal(one_read(mem, AROUND_STREAM, 512).around_pages, 7);
	mem_release();
}

static void policy_populate(void **state)
{
	(void)state;
	assert_int_equal(one_read(mem_anon_small(PAGES * PAGE), AROUND_POPULATE, 512)
			 .around_pages, 511);
	assert_int_equal(one_read(mem_anon_small(PAGES * PAGE), AROUND_POPULATE, 32)
			 .around_pages, 31);
	mem_release();
}

/* How many faults it takes to write to untouched memory page by page. */
static uint64_t faults_of_a_stream(uint32_t around)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon_small(PAGES * PAGE);
	uint64_t faults;
	size_t i;
	int dev;

	config.around = around;
	dev = dev_open(mem, PAGES * PAGE, &config);
	for (i = 0; i < PAGES; i++)
		assert_int_equal(dev_write(dev, mem + i * PAGE, "x", 1), 0);
	faults = dev_stats(dev).faults;
	assert_int_equal(dev_stats(dev).resident_pages, PAGES);
	dev_close(dev);

	return faults;
}

static void policy_stream(void **state)
{
	(void)state;
	assert_int_equal(faults_of_a_stream(AROUND_NONE), PAGES);
	assert_int_equal(faults_of_a_stream(AROUND_SNAPSHOT), PAGES);
	/* The first lone one, then 16 pages, then thrice as many each time. */
	assert_in_range(faults_of_a_stream(AROUND_STREAM), 3, 8);
	assert_int_equal(faults_of_a_stream(AROUND_POPULATE), 1);
	mem_release();
}

/* The next fault goes by the new policy; what is there stays. */
static void policy_changes(void **state)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon_small(PAGES * PAGE);
	uint8_t byte;
	int dev;

	(void)state;
	mem_touch(mem, PAGES * PAGE);
	config.around = AROUND_NONE;
	dev = dev_open(mem, PAGES * PAGE, &config);
	expect_policy(dev, &config);
	assert_int_equal(dev_read(dev, mem, &byte, 1), 0);
	assert_int_equal(dev_stats(dev).resident_pages, 1);

	config.around = AROUND_POPULATE;
	config.max_pages = 128;
	config.limit_ms = 77;
	assert_int_equal(dev_set_policy(dev, &config), 0);
	expect_policy(dev, &config);
	assert_int_equal(dev_stats(dev).resident_pages, 1);
	assert_int_equal(dev_read(dev, mem + 256 * PAGE, &byte, 1), 0);
	assert_int_equal(dev_stats(dev).resident_pages, 129);
	dev_close(dev);
	mem_release();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_policies),
		cmocka_unit_test(policies_look_around),
		cmocka_unit_test(policy_populate),
		cmocka_unit_test(policy_stream),
		cmocka_unit_test(policy_changes),
	};

	return ENV_MAIN(argc, argv, "policy", tests);
}
