// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Faults against invalidations, step by step: the ladders of R11, the time
 * limit of R12, the retry check of R13, progress against all odds, and faults
 * against the tender (R15).
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "env.h"

#define PAGES 16
#define LIMIT_MS 300

/*
 * Limits are counted in jiffies, which lag behind the clock where a processor
 * gets its tick late: in an emulator on a busy machine by some of them.
 */
#define LIMIT_PASSED_MS (LIMIT_MS / 2)

struct race {
	uint8_t *mem;
	int dev;
	atomic_bool done;	/* the other thread may end */
};

static int race_setup(void **state)
{
	static struct race race;

	race.mem = mem_anon_aligned(PAGES * PAGE, HUGE_2M);
	race.dev = dev_open(race.mem, PAGES * PAGE, &dev_default);
	*state = &race;
	return 0;
}

static int race_teardown(void **state)
{
	struct race *r = *state;

	dev_close(r->dev);
	mem_release();
	return 0;
}

#define race_test(fn) \
	cmocka_unit_test_setup_teardown(fn, race_setup, race_teardown)

static void expect_zeros_read(struct job *job)
{
	assert_int_equal(job_wait(job), 0);
	zeros_check("what the device read", job->buf, job->len);
	job_free(job);
}

/*
 *	fault			CPU
 *	snapshot
 *				invalidate start, end
 *				the page is another now
 *	install: must be dropped
 */
static void R11_invalidated_between_snapshot_and_install(void **state)
{
	struct race *r = *state;
	struct job job;

	pattern_fill(r->mem, PAGE, 1, 0);
	dev_hold(r->dev, 0, ODP_SELFTEST_SNAPSHOT, r->mem, PAGE, 1);
	job_read(&job, r->dev, r->mem, PAGE);
	job_go(&job);
	dev_await(r->dev, 0);

	mem_advise(r->mem, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	pattern_fill(r->mem, PAGE, 2, 0);
	dev_release(r->dev, 0);

	assert_int_equal(job_wait(&job), 0);
	pattern_check("what the device read", job.buf, PAGE, 2, 0);
	job_free(&job);
	assert_int_equal(dev_stats(r->dev).collisions, 1);
	dev_write_and_check(r->dev, r->mem, PAGE, 3);
}

/* The same with a write: the child's copy must not see it. */
static int child_checks(void *arg)
{
	uint8_t *mem = arg;
	char c;

	if (read(STDIN_FILENO, &c, 1) != 1)
		return 1;
	pattern_check("the child's copy", mem, PAGE, 1, 0);
	return 0;
}

static void R11_fork_between_snapshot_and_install(void **state)
{
	struct race *r = *state;
	int pipes[2], saved;
	struct job job;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	saved = dup(STDIN_FILENO);
	dup2(pipes[0], STDIN_FILENO);

	pattern_fill(r->mem, PAGE, 1, 0);
	dev_hold(r->dev, 0, ODP_SELFTEST_SNAPSHOT, r->mem, PAGE, 1);
	job_write(&job, r->dev, r->mem, PAGE, 2);
	job_go(&job);
	dev_await(r->dev, 0);
	child = child_start(child_checks, r->mem);
	dev_release(r->dev, 0);

	assert_int_equal(job_wait(&job), 0);
	pattern_check("the parent's memory", r->mem, PAGE, 2, 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	child_wait_ok(child);
	job_free(&job);
	assert_true(dev_stats(r->dev).collisions >= 1);

	dup2(saved, STDIN_FILENO);
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
}

/*
 *	CPU 0			CPU 1			fault
 *	invalidate start
 *							must wait
 *				invalidate elsewhere:
 *				start, end
 *							must still wait
 *	the page goes
 *	invalidate end
 *							snapshot
 */
static void R11_other_invalidation_ends_meanwhile(void **state)
{
	struct race *r = *state;
	uint8_t *page = r->mem, *other = r->mem + 8 * PAGE;
	struct job drop, job;

	pattern_fill(r->mem, PAGES * PAGE, 1, 0);
	dev_read_and_check(r->dev, r->mem, PAGES * PAGE, 1);

	job_drop(&drop, page, PAGE);
	job_read(&job, r->dev, page, PAGE);
	dev_hold(r->dev, 0, ODP_SELFTEST_INVALIDATE, page, PAGE, 1);
	dev_hold(r->dev, 1, ODP_SELFTEST_SNAPSHOT, page, PAGE, 1);
	job_go(&drop);
	dev_await(r->dev, 0);
	job_go(&job);
	mem_advise(other, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	assert_false(job_done(&drop));
	dev_expect_pages(r->dev, page, "Ww");
	dev_release(r->dev, 0);

	assert_int_equal(job_wait(&drop), 0);
	dev_await(r->dev, 1);
	dev_release(r->dev, 1);
	expect_zeros_read(&job);
}

/* Two overlapping invalidations at once: both must have ended. */
static void R11_overlapping_invalidations(void **state)
{
	struct race *r = *state;
	struct job drop[2], job;

	pattern_fill(r->mem, PAGES * PAGE, 1, 0);
	dev_read_and_check(r->dev, r->mem, PAGES * PAGE, 1);

	job_drop(&drop[0], r->mem, 2 * PAGE);
	job_drop(&drop[1], r->mem + PAGE, 2 * PAGE);
	job_read(&job, r->dev, r->mem + PAGE, PAGE);
	dev_hold(r->dev, 0, ODP_SELFTEST_INVALIDATE, r->mem, PAGE, 1);
	job_go(&drop[0]);
	dev_await(r->dev, 0);
	dev_hold(r->dev, 1, ODP_SELFTEST_INVALIDATE, r->mem + 2 * PAGE, PAGE, 1);
	job_go(&drop[1]);
	dev_await(r->dev, 1);

	job_go(&job);
	dev_release(r->dev, 0);
	assert_int_equal(job_wait(&drop[0]), 0);
	/* The second one still owns the page. */
	assert_false(job_done(&drop[1]));
	dev_expect_unmirrored(r->dev, r->mem + PAGE, 2);
	dev_release(r->dev, 1);

	assert_int_equal(job_wait(&drop[1]), 0);
	expect_zeros_read(&job);
}

/* The invalidation of the first page has started, and does not end. */
static int held_open(struct race *r, struct job *drop,
		     const struct dev_config *config)
{
	int dev = dev_open(r->mem, PAGES * PAGE, config);

	pattern_fill(r->mem, PAGES * PAGE, 1, 0);
	if (config->own_table)
		assert_int_equal(dev_fault(dev, r->mem, PAGES * PAGE, false), 0);
	else
		dev_read_and_check(dev, r->mem, PAGES * PAGE, 1);

	job_drop(drop, r->mem, PAGE);
	dev_hold(dev, 0, ODP_SELFTEST_INVALIDATE, r->mem, PAGE, 1);
	job_go(drop);
	dev_await(dev, 0);
	return dev;
}

/* A device that keeps its own table is told so at the limit, and not before. */
static void R12_waiter_has_a_time_limit(void **state)
{
	struct dev_config config = dev_default;
	struct race *r = *state;
	struct job drop;
	int64_t start;
	int dev;

	config.limit_ms = LIMIT_MS;
	config.own_table = true;
	dev = held_open(r, &drop, &config);
	start = now_ms();
	assert_int_equal(dev_fault(dev, r->mem, PAGE, false), -ETIMEDOUT);
	assert_in_range(now_ms() - start, LIMIT_PASSED_MS, PATIENCE_MS);
	assert_int_equal(dev_stats(dev).failed_faults, 1);

	dev_release(dev, 0);
	assert_int_equal(job_wait(&drop), 0);
	assert_int_equal(dev_fault(dev, r->mem, PAGE, false), 0);
	dev_close(dev);
}

/* To pin a page would not take it from the CPU. */
static void R12_at_the_limit_no_page_is_taken(void **state)
{
	struct dev_config config = dev_default;
	const uint64_t value = 0x0123456789abcdef;
	struct race *r = *state;
	struct job drop;
	int64_t start;
	int dev, err;

	config.limit_ms = LIMIT_MS;
	dev = held_open(r, &drop, &config);
	config.exclusive = true;
	err = dev_set_policy(dev, &config);
	start = now_ms();
	if (err != -EOPNOTSUPP) {
		assert_int_equal(err, 0);
		assert_int_equal(dev_atomic_write(dev, r->mem + PAGE, value),
				 -ETIMEDOUT);
		assert_in_range(now_ms() - start, LIMIT_PASSED_MS,
				PATIENCE_MS);
	}
	dev_release(dev, 0);
	assert_int_equal(job_wait(&drop), 0);
	if (!err) {
		assert_int_equal(dev_atomic_write(dev, r->mem + PAGE, value), 0);
		assert_true(mem_load(r->mem + PAGE) == value);
	}
	dev_close(dev);
	if (err)
		skip_because("this kernel takes no page from the CPU");
}

/* At the limit an access pins its page, and so ends well. */
static void R12_at_the_limit_pages_are_pinned(void **state)
{
	struct dev_config config = dev_default;
	struct race *r = *state;
	uint8_t buf[PAGE];
	struct job drop;
	int64_t start;
	int dev;

	config.limit_ms = LIMIT_MS;
	dev = held_open(r, &drop, &config);
	start = now_ms();
	assert_int_equal(dev_read(dev, r->mem, buf, PAGE), 0);
	assert_in_range(now_ms() - start, LIMIT_PASSED_MS, PATIENCE_MS);
	pattern_check("what is there until the page goes", buf, PAGE, 1, 0);
	assert_int_equal(dev_stats(dev).pinned_fallbacks, 1);
	assert_int_equal(dev_stats(dev).failed_faults, 0);

	/* What is mirrored is still there, and afterwards all is well. */
	assert_int_equal(dev_read(dev, r->mem + 8 * PAGE, buf, PAGE), 0);
	pattern_check("a page that stayed", buf, PAGE, 1, 8 * PAGE);
	dev_release(dev, 0);
	assert_int_equal(job_wait(&drop), 0);
	assert_int_equal(dev_read(dev, r->mem, buf, PAGE), 0);
	zeros_check("what the device read", buf, PAGE);
	dev_close(dev);
}

/* No page of a snapshot that moved is to be seen, not even one that did not. */
static void R13_no_part_of_a_moved_snapshot_is_installed(void **state)
{
	struct dev_config config = dev_default;
	struct race *r = *state;
	struct job job;

	config.around = AROUND_SNAPSHOT;
	assert_int_equal(dev_set_policy(r->dev, &config), 0);
	mem_touch(r->mem, PAGES * PAGE);
	dev_hold(r->dev, 0, ODP_SELFTEST_SNAPSHOT, r->mem, PAGE, 2);
	job_read(&job, r->dev, r->mem, PAGE);
	job_go(&job);
	dev_await(r->dev, 0);
	dev_expect_pages(r->dev, r->mem, "WWWWWWWWWWWWWWWW");
	mem_advise(r->mem + 4 * PAGE, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	dev_release(r->dev, 0);

	/* Held again, in its second round: the first has left nothing. */
	dev_await(r->dev, 0);
	dev_expect_pages(r->dev, r->mem, "WWWWFWWWWWWWWWWW");
	assert_int_equal(dev_stats(r->dev).collisions, 1);
	assert_int_equal(dev_stats(r->dev).resident_pages, 0);
	dev_release(r->dev, 0);

	assert_int_equal(job_wait(&job), 0);
	job_free(&job);
	dev_expect_pages(r->dev, r->mem, "wwwwFwwwwwwwwwww");
	assert_int_equal(dev_stats(r->dev).collisions, 1);
}

/* A fault that loses every round pins its page for once, and gets there. */
static void progress_by_pinning(void **state)
{
	struct race *r = *state;
	struct job job;
	int round;

	mem_touch(r->mem, PAGES * PAGE);
	dev_hold(r->dev, 0, ODP_SELFTEST_SNAPSHOT, r->mem, PAGE, 1000);
	job_write(&job, r->dev, r->mem + 100, 200, 7);
	job_go(&job);
	for (round = 0; round < 8; round++) {
		dev_await(r->dev, 0);
		mem_advise(r->mem, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
		dev_release(r->dev, 0);
	}

	assert_int_equal(job_wait(&job), 0);
	job_free(&job);
	pattern_check("memory", r->mem + 100, 200, 7, 0);
	zeros_check("before", r->mem, 100);
	zeros_check("behind", r->mem + 300, PAGE - 300);
	assert_int_equal(dev_stats(r->dev).pinned_fallbacks, 1);
	assert_int_equal(dev_stats(r->dev).collisions, 8);
	assert_int_equal(dev_stats(r->dev).failed_faults, 0);
}

#define CHASE_MS 3000

/* Takes the page away until the reader says that it is done. */
static void *taker(void *arg)
{
	struct race *r = arg;

	while (!r->done)
		mem_advise(r->mem, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	return NULL;
}

static bool nothing_left(void *arg)
{
	struct odp_selftest_stats stats = dev_stats(*(int *)arg);

	return !stats.resident_pages && !stats.leaves && !stats.windows &&
	       !stats.table_bytes;
}

/* The tender frees the window again and again, just as it is filled. */
static void R15_window_goes_as_faults_come(void **state)
{
	struct race *r = *state;
	int64_t end = now_ms() + CHASE_MS;
	pthread_t thread;
	uint8_t byte;

	r->done = false;
	assert_int_equal(pthread_create(&thread, NULL, taker, r), 0);
	while (now_ms() < end)
		assert_int_equal(dev_read(r->dev, r->mem, &byte, 1), 0);
	r->done = true;
	pthread_join(thread, NULL);

	mem_unmap(r->mem, PAGES * PAGE);
	if (!wait_until(nothing_left, &r->dev))
		test_fail("%llu pages, %llu leaves, %llu windows are left",
			  dev_stats(r->dev).resident_pages,
			  dev_stats(r->dev).leaves, dev_stats(r->dev).windows);
}

/*
 * A window that the tender looks at, and finds in use after all, hears of every
 * invalidation all the same: the device never reads what was there before. One
 * leaf becomes empty, which calls the tender; sooner or later after that the
 * other one's page goes.
 */
static void R11_window_hears_while_it_is_tended(void **state)
{
	uint8_t *mem = mem_anon_aligned(2 * HUGE_2M, HUGE_2M), byte;
	uint8_t *other = mem + HUGE_2M;
	int64_t end = now_ms() + CHASE_MS;
	volatile unsigned int wait;
	uint64_t i, got;
	int dev;

	(void)state;
	mem_advise(mem, 2 * HUGE_2M, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	dev = dev_open(mem, 2 * HUGE_2M, &dev_default);
	for (i = 0; now_ms() < end; i++) {
		memcpy(other, &i, sizeof(i));
		assert_int_equal(dev_read(dev, other, &got, sizeof(got)), 0);
		if (got != i)
			test_fail("the device read %llu, not %llu",
				  (unsigned long long)got,
				  (unsigned long long)i);
		assert_int_equal(dev_read(dev, mem, &byte, 1), 0);
		mem_advise(mem, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
		for (wait = i % 256 * 8; wait; wait--)
			;
		mem_advise(other, PAGE, MADV_DONTNEED, "MADV_DONTNEED");
	}
	/* Nor does it miss an end: it would never be quiet again. */
	assert_int_equal(dev_stats(dev).pinned_fallbacks, 0);
	dev_close(dev);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		race_test(R11_invalidated_between_snapshot_and_install),
		race_test(R11_fork_between_snapshot_and_install),
		race_test(R11_other_invalidation_ends_meanwhile),
		race_test(R11_overlapping_invalidations),
		race_test(R11_window_hears_while_it_is_tended),
		race_test(R12_waiter_has_a_time_limit),
		race_test(R12_at_the_limit_pages_are_pinned),
		race_test(R12_at_the_limit_no_page_is_taken),
		race_test(R13_no_part_of_a_moved_snapshot_is_installed),
		race_test(progress_by_pinning),
		race_test(R15_window_goes_as_faults_come),
	};

	return ENV_MAIN(argc, argv, "races", tests);
}
