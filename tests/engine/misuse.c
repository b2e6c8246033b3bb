// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What a mirror refuses, how a wait is cut short, and that prefetch does what
 * it says.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "env.h"
#include "uffd.h"

static void expect_no_mirror(const char *what, uintptr_t start, size_t len,
			     const struct dev_config *config, int want)
{
	int dev = dev_try_open((void *)start, len, config);

	if (dev != want)
		test_fail("a mirror of %s: %d, not %d", what, dev, want);
}

static void bad_ranges(void **state)
{
	int dev;

	(void)state;
	expect_no_mirror("nothing", PAGE, 0, &dev_default, -EINVAL);
	expect_no_mirror("kernel memory", UINTPTR_MAX - 2 * PAGE, PAGE,
			 &dev_default, -EINVAL);
	/* With five levels of page tables user space ends before 1 << 56. */
	expect_no_mirror("the end of user space and on", USER_SPACE_END,
			 (size_t)1 << 56, &dev_default, -EINVAL);
	expect_no_mirror("a range that wraps", PAGE, SIZE_MAX, &dev_default,
			 -EINVAL);
	dev = dev_open(NULL, USER_SPACE_END, &dev_default);
	dev_close(dev);
}

static int exit_at_once(void *arg)
{
	(void)arg;
	return 0;
}

static void no_such_process(void **state)
{
	struct dev_config config = dev_default;

	(void)state;
	config.pid = child_start(exit_at_once, NULL);
	child_wait_ok(config.pid);
	expect_no_mirror("a process that is gone", PAGE, PAGE, &config, -ESRCH);
}

/* One byte too far, on either side, in each call that takes a range. */
static void outside(void **state)
{
	uint8_t *mem = mem_anon(4 * PAGE), buf[2 * PAGE], states[4];
	uint8_t *start = mem + PAGE + 100;
	int dev = dev_open(start, PAGE, &dev_default);
	uint8_t *ranges[] = { start - 1, start + 1 };
	size_t i;

	(void)state;
	pattern_fill(mem, 4 * PAGE, 1, 0);
	for (i = 0; i < 2; i++) {
		uint8_t *at = ranges[i];

		assert_int_equal(dev_read(dev, at, buf, PAGE), -EINVAL);
		assert_int_equal(dev_write(dev, at, buf, PAGE), -EINVAL);
		assert_int_equal(dev_fault(dev, at, PAGE, false), -EINVAL);
		assert_int_equal(dev_prefetch(dev, at, PAGE, PREFETCH_READ),
				 -EINVAL);
	}
	assert_int_equal(dev_try_states(dev, mem, states, 1), -EINVAL);
	assert_int_equal(dev_try_states(dev, start, states, 0), -EINVAL);
	assert_int_equal(dev_read(dev, start, buf, (size_t)-PAGE), -EINVAL);
	assert_int_equal(dev_fault(dev, start, 0, false), -EINVAL);
	assert_int_equal(dev_prefetch(dev, start, 0, PREFETCH_READ), 0);
	assert_int_equal(dev_read(dev, start, buf, 0), 0);

	assert_int_equal(dev_read(dev, start, buf, PAGE), 0);
	pattern_check("the mirror", buf, PAGE, 1, (size_t)(start - mem));
	pattern_check("memory", mem, 4 * PAGE, 1, 0);
	dev_close(dev);
	mem_release();
}

/* The CPU may write, the device may not. */
static void read_only_mirror(void **state)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon(2 * PAGE), buf[PAGE] = { 1 };
	int dev;

	(void)state;
	config.read_only = true;
	dev = dev_open(mem, 2 * PAGE, &config);
	pattern_fill(mem, 2 * PAGE, 1, 0);
	assert_int_equal(dev_write(dev, mem, buf, PAGE), -EACCES);
	dev_read_and_check(dev, mem, 2 * PAGE, 1);
	dev_expect_pages(dev, mem, "rr");
	assert_int_equal(dev_write(dev, mem, buf, 1), -EACCES);
	assert_int_equal(dev_fault(dev, mem, PAGE, true), -EACCES);
	assert_int_equal(dev_prefetch(dev, mem, PAGE, PREFETCH_WRITE),
			 -EACCES);
	assert_int_equal(dev_prefetch(dev, mem, PAGE, PREFETCH_READ), 0);
	pattern_check("memory", mem, 2 * PAGE, 1, 0);
	dev_close(dev);
	mem_release();
}

/* A mirror that dies waits for nobody; what it has can still be used. */
static void kill_ends_a_wait(void **state)
{
	uint8_t *mem = mem_anon(4 * PAGE), *page = mem + PAGE, buf[PAGE];
	int dev = dev_open(mem, 4 * PAGE, &dev_default);
	struct uffd u;
	struct job job;
	int64_t start;

	(void)state;
	dev_write_and_check(dev, mem, PAGE, 1);
	uffd_open(&u, page, PAGE);
	job_write(&job, dev, page, PAGE, 2);
	job_go(&job);
	uffd_await_fault(&u);
	assert_false(job_done(&job));

	start = now_ms();
	assert_int_equal(dev_kill(dev), 0);
	assert_int_equal(job_wait(&job), -ECANCELED);
	assert_in_range(now_ms() - start, 0, PATIENCE_MS / 2);
	job_free(&job);
	uffd_close(&u);

	assert_int_equal(dev_kill(dev), 0);
	dev_read_and_check(dev, mem, PAGE, 1);
	assert_int_equal(dev_read(dev, mem + 2 * PAGE, buf, 1), -ECANCELED);
	assert_int_equal(dev_prefetch(dev, page, PAGE, PREFETCH_READ),
			 -ECANCELED);
	dev_close(dev);
	mem_release();
}

static int wait_to_die(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static bool reports_death(void *arg)
{
	struct job *job = arg;
	uint8_t state;

	return dev_try_states(job->dev, job->va, &state, 1) == -ESRCH;
}

static void report_of_the_dead(void **state)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon(PAGE), buf[PAGE];
	struct job job = { .va = mem };

	(void)state;
	mem_touch(mem, PAGE);
	config.pid = child_start(wait_to_die, NULL);
	job.dev = dev_open(mem, PAGE, &config);
	dev_expect_pages(job.dev, mem, "R");
	child_kill(config.pid);
	if (!wait_until(reports_death, &job))
		test_fail("a dead process has pages");
	assert_int_equal(dev_read(job.dev, mem, buf, PAGE), -ESRCH);
	assert_int_equal(dev_prefetch(job.dev, mem, PAGE, PREFETCH_READ),
			 -ESRCH);
	dev_close(job.dev);
	mem_release();
}

static uint64_t prefetched(int dev)
{
	return dev_stats(dev).prefetched_pages;
}

static void prefetch_brings_pages(void **state)
{
	uint8_t *mem = mem_anon(8 * PAGE);
	int dev = dev_open(mem, 8 * PAGE, &dev_default);

	(void)state;
	mem_touch(mem, 2 * PAGE);
	assert_int_equal(dev_prefetch(dev, mem, 8 * PAGE, PREFETCH_NO_FAULT),
			 0);
	dev_expect_pages(dev, mem, "wwFFFFFF");
	assert_int_equal(prefetched(dev), 2);
	assert_int_equal(dev_prefetch(dev, mem, 4 * PAGE, PREFETCH_READ), 0);
	dev_expect_pages(dev, mem, "wwrrFFFF");
	assert_int_equal(prefetched(dev), 4);
	assert_int_equal(dev_prefetch(dev, mem + PAGE, 5 * PAGE,
				      PREFETCH_WRITE), 0);
	dev_expect_pages(dev, mem, "wwwwwwFF");
	assert_int_equal(dev_stats(dev).faults, 0);
	assert_int_equal(dev_stats(dev).failed_faults, 0);

	/* What is there needs nothing any more. */
	dev_write_and_check(dev, mem, 6 * PAGE, 1);
	assert_int_equal(dev_stats(dev).faults, 0);
	dev_close(dev);
	mem_release();
}

/* A hole at the start, in the middle, at the end; a page that is read-only. */
static void prefetch_passes_holes(void **state)
{
	uint8_t *mem = mem_anon(8 * PAGE);
	int dev = dev_open(mem, 8 * PAGE, &dev_default);

	(void)state;
	mem_unmap(mem, PAGE);
	mem_protect(mem + 3 * PAGE, PAGE, PROT_NONE);
	mem_touch(mem + 5 * PAGE, PAGE);
	mem_protect(mem + 5 * PAGE, PAGE, PROT_READ);
	mem_unmap(mem + 7 * PAGE, PAGE);
	assert_int_equal(dev_prefetch(dev, mem, 8 * PAGE, PREFETCH_NO_FAULT),
			 0);
	dev_expect_pages(dev, mem, "FFFFFrFF");
	assert_int_equal(dev_prefetch(dev, mem, 8 * PAGE, PREFETCH_READ),
			 -EFAULT);
	dev_expect_pages(dev, mem, "FrrFrrrF");
	assert_int_equal(dev_prefetch(dev, mem, 8 * PAGE, PREFETCH_WRITE),
			 -EFAULT);
	dev_expect_pages(dev, mem, "FwwFwrwF");
	dev_close(dev);
	mem_release();
}

static bool has_no_table(void *arg)
{
	return !dev_stats(*(int *)arg).table_bytes;
}

/* Looking at pages that are not there takes no leaves for them. */
static void R15_no_table_for_what_is_not_there(void **state)
{
	uint8_t *mem = mem_anon(8 * HUGE_2M);
	int dev = dev_open(mem, 8 * HUGE_2M, &dev_default);

	(void)state;
	assert_int_equal(dev_prefetch(dev, mem, 8 * HUGE_2M,
				      PREFETCH_NO_FAULT), 0);
	assert_int_equal(dev_stats(dev).leaves, 0);
	if (!wait_until(has_no_table, &dev))
		test_fail("an empty window stays");
	dev_close(dev);
	mem_release();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ranges),
		cmocka_unit_test(no_such_process),
		cmocka_unit_test(outside),
		cmocka_unit_test(read_only_mirror),
		cmocka_unit_test(kill_ends_a_wait),
		cmocka_unit_test(report_of_the_dead),
		cmocka_unit_test(prefetch_brings_pages),
		cmocka_unit_test(prefetch_passes_holes),
		cmocka_unit_test(R15_no_table_for_what_is_not_there),
	};

	return ENV_MAIN(argc, argv, "misuse", tests);
}
