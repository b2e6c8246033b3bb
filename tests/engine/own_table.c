// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * R17: a device keeps its pages in a table of its own; the engine does the
 * rest.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "dev.h"
#include "env.h"

#define PAGES 32

static int own_open(const void *mem, size_t len)
{
	struct dev_config config = dev_default;

	config.own_table = true;
	return dev_open(mem, len, &config);
}

static void R17_pages_come_and_go(void **state)
{
	uint8_t *mem = mem_anon(PAGES * PAGE);
	int dev = own_open(mem, PAGES * PAGE);

	(void)state;
	assert_int_equal(dev_own_pages(dev, mem, PAGES * PAGE), 0);
	assert_int_equal(dev_fault(dev, mem, PAGES * PAGE, true), 0);
	assert_int_equal(dev_own_pages(dev, mem, PAGES * PAGE), PAGES);

	mem_advise(mem + 4 * PAGE, 8 * PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	assert_int_equal(dev_own_pages(dev, mem, PAGES * PAGE), PAGES - 8);
	assert_int_equal(dev_stats(dev).invalidated_pages, 8);
	assert_int_equal(dev_fault(dev, mem + 5 * PAGE, PAGE, false), 0);
	assert_int_equal(dev_own_pages(dev, mem + 5 * PAGE, PAGE), 1);

	mem_unmap(mem, PAGES * PAGE);
	assert_int_equal(dev_own_pages(dev, mem, PAGES * PAGE), 0);
	assert_int_equal(dev_fault(dev, mem, PAGE, false), -EFAULT);
	dev_close(dev);
	mem_release();
}

static void R17_stale_snapshot_is_not_installed(void **state)
{
	uint8_t *mem = mem_anon(PAGES * PAGE);
	int dev = own_open(mem, PAGES * PAGE);
	struct job job;

	(void)state;
	mem_touch(mem, PAGES * PAGE);
	dev_hold(dev, 0, ODP_SELFTEST_SNAPSHOT, mem, PAGES * PAGE, 2);
	job_fault(&job, dev, mem, PAGES * PAGE);
	job_go(&job);
	dev_await(dev, 0);
	mem_advise(mem, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	dev_release(dev, 0);

	dev_await(dev, 0);
	assert_int_equal(dev_own_pages(dev, mem, PAGES * PAGE), 0);
	dev_release(dev, 0);
	assert_int_equal(job_wait(&job), 0);
	assert_int_equal(dev_own_pages(dev, mem, PAGES * PAGE), PAGES);
	assert_int_equal(dev_stats(dev).collisions, 1);
	dev_close(dev);
	mem_release();
}

static void R17_engine_touches_no_memory(void **state)
{
	uint8_t *mem = mem_anon(PAGE), buf[PAGE];
	int dev = own_open(mem, PAGE);

	(void)state;
	assert_int_equal(dev_read(dev, mem, buf, PAGE), -EOPNOTSUPP);
	assert_int_equal(dev_write(dev, mem, buf, PAGE), -EOPNOTSUPP);
	dev_close(dev);
	mem_release();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R17_pages_come_and_go),
		cmocka_unit_test(R17_stale_snapshot_is_not_installed),
		cmocka_unit_test(R17_engine_touches_no_memory),
	};

	return ENV_MAIN(argc, argv, "own_table", tests);
}
