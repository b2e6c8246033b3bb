// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The address space changes under a living MR: munmap, mremap, madvise,
 * mprotect. The MR follows; it needs no new registration.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

#define LEN (16 * PAGE)
#define RW (PROT_READ | PROT_WRITE)

static void expect_hole(struct env *e, struct ibv_mr *mr, uint8_t *at)
{
	expect_refused(&e->rc, "write into a hole",
		       do_write(&e->rc, env_buf(e), ref_r(mr, at), 8));
	expect_refused(&e->rc, "read out of a hole",
		       do_read(&e->rc, env_buf(e), ref_r(mr, at), 8));
	expect_refused(&e->rc, "add in a hole",
		       do_fetch_add(&e->rc, env_buf(e), ref_r(mr, at), 1));
}

static void munmap_and_map_again(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	int i;

	for (i = 0; i < 5; i++) {
		env_write_and_check(e, mr, mem, LEN, i);
		mem_unmap(mem + 4 * PAGE, 8 * PAGE);
		expect_pages(mr, mem + 3 * PAGE, "WFFFFFFFFW");
		expect_hole(e, mr, mem + 4 * PAGE);
		expect_hole(e, mr, mem + 11 * PAGE + 4000);
		env_read_and_check(e, mr, mem, 4 * PAGE, i);

		mem_map_at(mem + 4 * PAGE, 8 * PAGE, RW);
		memset(e->buf, 0xff, 8 * PAGE);
		expect_success("read of new memory",
			       do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + 4 * PAGE), 8 * PAGE));
		zeros_check("new memory", e->buf, 8 * PAGE);
		env_write_and_check(e, mr, mem, LEN, i + 10);
	}
}

/* A mapping put over another one without an munmap between. */
static void mapped_over(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	env_write_and_check(e, mr, mem, LEN, 1);
	mem_map_at(mem, LEN, RW);
	zeros_check("new mapping", mem, LEN);
	env_write_and_check(e, mr, mem + 100, 5000, 2);
	zeros_check("rest of the new mapping", mem + 5100, LEN - 5100);
}

/* The MR spans the old place and the new one. */
static void mremap_moves(void **state)
{
	struct env *e = *state;
	uint8_t *old = mem_free_range(4 * LEN, PAGE), *new = old + 2 * LEN;
	struct ibv_mr *mr = reg_odp(&e->rig, old, 4 * LEN, ACCESS_ALL);

	mem_map_at(old, LEN, RW);
	env_write_and_check(e, mr, old, LEN, 1);
	assert_ptr_equal(mremap(old, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED,
				new), new);
	expect_hole(e, mr, old);
	expect_hole(e, mr, old + LEN - 8);
	pattern_check("moved memory", new, LEN, 1, 0);
	env_read_and_check(e, mr, new, LEN, 1);
	env_write_and_check(e, mr, new, LEN, 2);

	mem_map_at(old, LEN, RW);
	env_write_and_check(e, mr, old, LEN, 3);
	pattern_check("moved memory", new, LEN, 2, 0);
}

static void mremap_grows_and_shrinks(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(2 * LEN, PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 2 * LEN, ACCESS_ALL);

	mem_map_at(mem, LEN, RW);
	env_write_and_check(e, mr, mem, LEN, 1);
	assert_ptr_equal(mremap(mem, LEN, 2 * LEN, 0), mem);
	env_write_and_check(e, mr, mem, 2 * LEN, 2);
	assert_ptr_equal(mremap(mem, 2 * LEN, PAGE, 0), mem);
	expect_hole(e, mr, mem + PAGE);
	env_read_and_check(e, mr, mem, PAGE, 2);
}

static void dontneed_private(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	env_write_and_check(e, mr, mem, LEN, 1);
	mem_cold(mem + PAGE, PAGE);
	expect_pages(mr, mem, "WFW");
	memset(e->buf, 0xff, PAGE);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + PAGE), PAGE));
	zeros_check("dropped page", e->buf, PAGE);
	pattern_check("page before", mem, PAGE, 1, 0);
	pattern_check("page behind", mem + 2 * PAGE, PAGE, 1, 2 * PAGE);
}

/* What the device wrote to a file's pages is in the file. */
static void dontneed_shared(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_shared(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	env_write_and_check(e, mr, mem, LEN, 1);
	mem_cold(mem, LEN);
	pattern_check("file", mem, LEN, 1, 0);
	mem_cold(mem, LEN);
	env_read_and_check(e, mr, mem, LEN, 1);
}

/* MADV_REMOVE takes the pages out of the file itself. */
static void file_is_punched(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_shared(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	env_write_and_check(e, mr, mem, LEN, 1);
	mem_advise(mem + PAGE, 2 * PAGE, MADV_REMOVE, "REMOVE");
	memset(e->buf, 0xff, 2 * PAGE);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + PAGE), 2 * PAGE));
	zeros_check("punched", e->buf, 2 * PAGE);
	env_write_and_check(e, mr, mem, LEN, 2);
}

static void mprotect_down_and_up(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	int i;

	for (i = 0; i < 5; i++) {
		env_write_and_check(e, mr, mem, LEN, i);
		mem_protect(mem + PAGE, PAGE, PROT_READ);
		expect_pages(mr, mem, "WRW");
		expect_refused(&e->rc, "write to a page made read-only",
			       do_write(&e->rc, env_buf(e),
					ref_r(mr, mem + PAGE), 8));
		env_read_and_check(e, mr, mem, LEN, i);

		mem_protect(mem + PAGE, PAGE, PROT_NONE);
		expect_pages(mr, mem, "WFW");
		expect_hole(e, mr, mem + PAGE);

		mem_protect(mem + PAGE, PAGE, RW);
		env_read_and_check(e, mr, mem, LEN, i);
	}
}

/*
 * The device mirrors a page that is writable and clean, and then writes to it:
 * the page is dirty now, and may not be thrown away.
 */
static void madv_free_then_device_write(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	size_t i;

	pattern_fill(mem, LEN, 1, 0);
	mem_advise(mem, LEN, MADV_FREE, "FREE");
	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, mem),
				       LEN));
	for (i = 0; i < LEN; i += 2 * PAGE)
		env_write_and_check(e, mr, mem + i, PAGE, i + 2);

	/* Has the kernel reclaim what it may: the clean pages. */
	mem_page_out(mem, LEN);
	for (i = 0; i < LEN; i += 2 * PAGE)
		pattern_check("page that the device wrote", mem + i, PAGE,
			      i + 2, 0);
}

/* A thread that takes pages away all the time. */
struct storm {
	uint8_t *mem;
	pthread_t thread;
	atomic_bool stop;
	bool started;
};

static void *storm_run(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->stop))
		madvise(s->mem, LEN, MADV_DONTNEED);
	return NULL;
}

static struct storm storm;

static void storm_start(uint8_t *mem)
{
	storm = (struct storm) { .mem = mem };
	if (pthread_create(&storm.thread, NULL, storm_run, &storm))
		test_fail("no thread");
	storm.started = true;
}

static void storm_stop(void)
{
	if (!storm.started)
		return;
	atomic_store(&storm.stop, true);
	pthread_join(storm.thread, NULL);
	storm.started = false;
}

static int storm_teardown(void **state)
{
	storm_stop();
	return env_teardown(state);
}

/* A stale page would show as data that went elsewhere. */
static void R11_no_stale_page_in_a_storm(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_shared(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_stats stats;
	int i;

	storm_start(mem);
	for (i = 0; i < 200; i++) {
		env_write_and_check(e, mr, mem + 100, LEN - 200, i);
		env_read_and_check(e, mr, mem + 100, LEN - 200, i);
	}
	storm_stop();
	stats = stats_of(mr);
	print_message("%llu invalidations, %llu collisions, %llu fallbacks\n",
		      (unsigned long long)stats.invalidations,
		      (unsigned long long)stats.collisions,
		      (unsigned long long)stats.pinned_fallbacks);
	assert_true(stats.invalidations > 0);
	assert_int_equal(stats.failed_faults, 0);
}

/* A snapshot ends, with an answer or at its time limit. */
static void R12_snapshot_ends_in_a_storm(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_shared(LEN), states[LEN / PAGE];
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	int64_t start;
	int i, err;

	storm_start(mem);
	for (i = 0; i < 100; i++) {
		start = now_ms();
		err = odp_mr_snapshot(mr, (uintptr_t)mem, LEN / PAGE, states);
		assert_true(!err || err == ETIMEDOUT);
		assert_true(now_ms() - start < PATIENCE_MS);
	}
}

#define storm_test(fn) \
	cmocka_unit_test_setup_teardown(fn, env_setup, storm_teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(munmap_and_map_again),
		env_test(mapped_over),
		env_test(mremap_moves),
		env_test(mremap_grows_and_shrinks),
		env_test(dontneed_private),
		env_test(dontneed_shared),
		env_test(file_is_punched),
		env_test(mprotect_down_and_up),
		env_test(madv_free_then_device_write),
		storm_test(R11_no_stale_page_in_a_storm),
		storm_test(R12_snapshot_ends_in_a_storm),
	};

	return ENV_MAIN(argc, argv, "vma_events", tests);
}
