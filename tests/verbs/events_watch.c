// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Watches: each invalidation of a range is told, once, in time, and with the
 * bytes that it touched, whether or not the device has pages there.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dice.h"
#include "env.h"
#include "queue.h"
#include "swap.h"

#define NR_PAGES 32
#define LEN (NR_PAGES * PAGE)

static struct odp_events *q;

static int setup(void **state)
{
	q = queue_setup(state);
	return 0;
}

static int teardown(void **state)
{
	return queue_teardown(state, q);
}

#define watch_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Only writes: a page that was read first is replaced when it is written. */
static void fill(uint8_t *mem, size_t npages)
{
	for (; npages; npages--, mem += PAGE)
		*(volatile uint8_t *)mem = 1;
}

/* Dropped pages, of which the device had none, some, or all. */
static void dropped_pages(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	watch(q, mr, mem, LEN, 11);
	queue_expect_none(q);
	mem_cold(mem + 5 * PAGE, 3 * PAGE);
	expect_hit(q, 11, mem + 5 * PAGE, 3 * PAGE, 1, ODP_CAUSE_CLEARED);

	fill(mem, NR_PAGES);
	queue_expect_none(q);
	mem_cold(mem + 17 * PAGE, PAGE);
	expect_hit(q, 11, mem + 17 * PAGE, PAGE, 1, ODP_CAUSE_CLEARED);

	env_write_and_check(e, mr, mem, LEN, 3);
	assert_int_equal(count_pages(mr, mem, NR_PAGES, ODP_PAGE_MIRRORED),
			 NR_PAGES);
	queue_expect_none(q);
	mem_cold(mem, LEN);
	expect_hit(q, 11, mem, LEN, 1, ODP_CAUSE_CLEARED);
	env_write_and_check(e, mr, mem, LEN, 4);
	queue_expect_none(q);
}

static void unmapped_and_moved(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(LEN, PAGE), *to;
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
	watch(q, mr, mem, LEN, 12);
	mem_unmap(mem + 3 * PAGE, 2 * PAGE);
	expect_hit(q, 12, mem + 3 * PAGE, 2 * PAGE, 1, ODP_CAUSE_UNMAPPED);

	env_write_and_check(e, mr, mem + 7 * PAGE, 4 * PAGE, 5);
	to = mremap(mem + 7 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE |
		    MREMAP_FIXED, mem_free_range(4 * PAGE, PAGE));
	assert_ptr_not_equal(to, MAP_FAILED);
	pattern_check("moved memory", to, 4 * PAGE, 5, 0);
	assert_true(queue_count(q, 12, mem + 7 * PAGE, 4 * PAGE) > 0);
	mem_unmap(to, 4 * PAGE);
	queue_expect_none(q);

	/* What is mapped over it takes away what was there. */
	mem_map_at(mem + 20 * PAGE, PAGE, PROT_READ);
	expect_hit(q, 12, mem + 20 * PAGE, PAGE, 1, ODP_CAUSE_UNMAPPED);
	mem_unmap(mem, LEN);
	assert_true(queue_count(q, 12, mem, LEN) > 0);
}

static void changed_rights(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	mem_touch(mem, LEN);
	watch(q, mr, mem, LEN, 13);
	mem_protect(mem + 9 * PAGE, 6 * PAGE, PROT_READ);
	expect_hit(q, 13, mem + 9 * PAGE, 6 * PAGE, 1, ODP_CAUSE_PROTECTED);
	mem_protect(mem + 9 * PAGE, 6 * PAGE, PROT_NONE);
	expect_hit(q, 13, mem + 9 * PAGE, 6 * PAGE, 1, ODP_CAUSE_PROTECTED);
}

static int heir(void *arg)
{
	pattern_check("memory of a forked process", arg, LEN, 6, 0);
	return 0;
}

static void copy_on_write(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_event event;
	pid_t pid;
	char c;
	int go[2];

	pattern_fill(mem, LEN, 6, 0);
	watch(q, mr, mem, LEN, 14);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) || heir(mem));
	}
	close(go[0]);
	event = queue_now(q);
	assert_int_equal(event.cookie, 14);
	assert_int_equal(event.causes, ODP_CAUSE_PROTECTED);
	queue_expect_none(q);

	mem[13 * PAGE + 8]++;
	expect_hit(q, 14, mem + 13 * PAGE, PAGE, 1, ODP_CAUSE_CLEARED);
	/* The device's writes copy as well. */
	env_write_and_check(e, mr, mem + 21 * PAGE, 2 * PAGE, 7);
	assert_int_equal(queue_count(q, 14, mem + 21 * PAGE, 2 * PAGE), 2);
	close(go[1]);
	child_wait_ok(pid);
	queue_expect_none(q);
}

static void paged_out(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	if (!swap_open())
		skip_because("no swap could be set up on zram");
	env_write_and_check(e, mr, mem, LEN, 8);
	watch(q, mr, mem, LEN, 15);
	mem_page_out(mem, LEN);
	assert_true(queue_count(q, 15, mem, LEN) > 0);
	/* They come back, and nothing is invalidated by that. */
	env_read_and_check(e, mr, mem, LEN, 8);
	queue_expect_none(q);
}

/* Only those hear whose bytes it touches, and of these alone. */
static void several_watches(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_event events[8];
	size_t nr, i;
	const struct {
		size_t start, len;	/* in bytes; a hit is of pages 8 to 15 */
		size_t hit, hit_len;
	} w[] = {
		{ 0, 8 * PAGE, 0, 0 },
		{ 16 * PAGE, 16 * PAGE, 0, 0 },
		{ 0, 8 * PAGE + 1, 8 * PAGE, 1 },
		{ 16 * PAGE - 1, PAGE, 16 * PAGE - 1, 1 },
		{ 10 * PAGE + 100, 50, 10 * PAGE + 100, 50 },
		{ 0, LEN, 8 * PAGE, 8 * PAGE },
	};

	for (i = 0; i < NR(w); i++)
		watch(q, mr, mem + w[i].start, w[i].len, i);
	mem_cold(mem + 8 * PAGE, 8 * PAGE);
	assert_int_equal(odp_events_read(q, events, 8, &nr), 0);
	assert_int_equal(nr, 4);
	for (i = 0; i < nr; i++) {
		const uint64_t c = events[i].cookie;

		assert_in_range(c, 2, 5);
		assert_int_equal(events[i].addr, (uintptr_t)mem + w[c].hit);
		assert_int_equal(events[i].length, w[c].hit_len);
		assert_int_equal(events[i].count, 1);
		assert_true(!i || c != events[i - 1].cookie);
	}
	queue_expect_none(q);
}

static void chosen_causes(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(LEN, PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const struct odp_watch_attr attr = {
		.addr = (uintptr_t)mem,
		.length = LEN,
		.cookie = 16,
		.causes = ODP_CAUSE_UNMAPPED,
	};
	uint32_t id;

	mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
	mem_touch(mem, LEN);
	assert_int_equal(odp_mr_watch(mr, q, &attr, &id), 0);
	mem_cold(mem, LEN);
	mem_touch(mem, LEN);
	mem_protect(mem, LEN, PROT_READ);
	queue_expect_none(q);
	mem_unmap(mem + PAGE, PAGE);
	expect_hit(q, 16, mem + PAGE, PAGE, 1, ODP_CAUSE_UNMAPPED);
}

/* Bytes are named as the region's peers name them. */
static void other_names(void **state)
{
	struct env *e = *state;
	const uint64_t iova = 0x7700000000 + 123;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp_iova(&e->rig, mem + 123, LEN - 123, iova,
					 ACCESS_ALL);
	struct ibv_mr *all = reg_odp(&e->rig, NULL, SIZE_MAX, ACCESS_ALL);

	watch(q, mr, (void *)(uintptr_t)iova, LEN - 123, 17);
	mem_cold(mem, LEN);
	expect_hit(q, 17, (void *)(uintptr_t)iova, LEN - 123, 1,
		   ODP_CAUSE_CLEARED);
	dereg(&e->rig, mr);
	expect_end(q, 17, ECANCELED);

	watch(q, all, mem, LEN, 18);
	mem_cold(mem + 2 * PAGE, PAGE);
	expect_hit(q, 18, mem + 2 * PAGE, PAGE, 1, ODP_CAUSE_CLEARED);
}

/* What was not read is merged, and wakes nobody again. */
static void merged(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	assert_true(epoll >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, odp_events_fd(q), &ev),
			 0);
	mem_touch(mem, LEN);
	watch(q, mr, mem, LEN, 19);
	assert_int_equal(epoll_wait(epoll, &ev, 1, 0), 0);

	mem_cold(mem + 9 * PAGE, PAGE);
	assert_int_equal(epoll_wait(epoll, &ev, 1, 0), 1);
	mem_cold(mem + 4 * PAGE, PAGE);
	mem_protect(mem + 25 * PAGE, 2 * PAGE, PROT_READ);
	mem_cold(mem + 9 * PAGE, PAGE);
	assert_int_equal(epoll_wait(epoll, &ev, 1, 0), 0);
	expect_hit(q, 19, mem + 4 * PAGE, 23 * PAGE, 4,
		   ODP_CAUSE_CLEARED | ODP_CAUSE_PROTECTED);

	/* What was read is not told again. */
	mem_cold(mem + 30 * PAGE, PAGE);
	assert_int_equal(epoll_wait(epoll, &ev, 1, 0), 1);
	expect_hit(q, 19, mem + 30 * PAGE, PAGE, 1, ODP_CAUSE_CLEARED);
	close(epoll);
}

/* When the call returns, the event is there; when it is read, so is the change. */
static void in_time(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	uint32_t order[NR_PAGES];
	size_t round, i;

	shuffle(order, NR_PAGES);
	watch(q, mr, mem, LEN, 20);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < NR_PAGES; i++) {
			uint8_t *page = mem + order[i] * PAGE;

			fill(page, 1);
			mem_cold(page, PAGE);
			expect_hit(q, 20, page, PAGE, 1, ODP_CAUSE_CLEARED);
		}
	}
}

static void not_watched_any_more(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	uint32_t a, b;

	a = watch(q, mr, mem, LEN, 21);
	b = watch(q, mr, mem, LEN, 22);
	assert_int_not_equal(a, b);
	mem_cold(mem, LEN);
	/* What it has heard goes with it. */
	assert_int_equal(odp_events_unwatch(q, a), 0);
	expect_hit(q, 22, mem, LEN, 1, ODP_CAUSE_CLEARED);
	expect_error("again", odp_events_unwatch(q, a), ENOENT);
	mem_cold(mem, PAGE);
	expect_hit(q, 22, mem, PAGE, 1, ODP_CAUSE_CLEARED);
	assert_int_equal(odp_events_unwatch(q, b), 0);
	mem_cold(mem, PAGE);
	queue_expect_none(q);
}

#define STORM 10000
#define STORMERS 3

/* Drops pages of its own that are never there, a few at a time. */
struct stormer {
	pthread_t thread;
	uint8_t *mem;
	uint64_t seed;
	uint64_t told;
};

static void *storm(void *arg)
{
	struct stormer *s = arg;
	struct dice d = { s->seed };
	size_t first, i;

	for (i = 0; i < STORM; i++) {
		first = roll(&d, NR_PAGES);
		if (madvise(s->mem + first * PAGE,
			    (1 + roll(&d, NR_PAGES - first)) * PAGE,
			    MADV_DONTNEED))
			return s;
	}
	return NULL;
}

/* However fast they come, and whoever reads, none is lost, and none is made up. */
static void none_lost_in_a_storm(void **state)
{
	struct env *e = *state;
	struct stormer s[STORMERS] = {};
	struct odp_event event;
	uint64_t total = 0;
	void *failed;
	size_t i;

	for (i = 0; i < STORMERS; i++) {
		s[i].mem = mem_anon(LEN);
		s[i].seed = 100 + i;
		watch(q, reg_odp(&e->rig, s[i].mem, LEN, ACCESS_ALL), s[i].mem,
		      LEN, i);
	}
	for (i = 0; i < STORMERS; i++)
		assert_int_equal(pthread_create(&s[i].thread, NULL, storm,
						&s[i]), 0);
	while (total < STORM * STORMERS) {
		event = queue_next(q);
		assert_int_equal(event.kind, ODP_EVENT_INVALIDATED);
		assert_in_range(event.cookie, 0, STORMERS - 1);
		s[event.cookie].told += event.count;
		total += event.count;
	}
	for (i = 0; i < STORMERS; i++) {
		assert_int_equal(pthread_join(s[i].thread, &failed), 0);
		assert_null(failed);
	}
	queue_expect_none(q);
	for (i = 0; i < STORMERS; i++)
		assert_int_equal(s[i].told, STORM);
}

static int last_teardown(void **state)
{
	swap_close();
	return teardown(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		watch_test(dropped_pages),
		watch_test(unmapped_and_moved),
		watch_test(changed_rights),
		watch_test(copy_on_write),
		cmocka_unit_test_setup_teardown(paged_out, setup,
						last_teardown),
		watch_test(several_watches),
		watch_test(chosen_causes),
		watch_test(other_names),
		watch_test(merged),
		watch_test(in_time),
		watch_test(not_watched_any_more),
		watch_test(none_lost_in_a_storm),
	};

	return ENV_MAIN(argc, argv, "events_watch", tests);
}
