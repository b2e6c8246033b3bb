// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that a driver has mapped by its page frame numbers (R10): regions over
 * it work where it is RAM, follow it when it is taken back, and copy what is
 * private.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "env.h"
#include "pages.h"

#define PAGES 16
#define LEN (PAGES * PAGE)
#define ROUNDS 100

static const struct way {
	const char *name;
	enum odp_selftest_map map;
	bool faults;		/* what was taken back comes again */
} ways[] = {
	{ "remap_pfn_range", ODP_SELFTEST_MAP_REMAP, false },
	{ "vmf_insert_pfn", ODP_SELFTEST_MAP_SMALL, true },
	{ "vmf_insert_pfn_pmd", ODP_SELFTEST_MAP_HUGE, true },
};

#define FOR_EACH_WAY(way) \
	for (way = ways; way < ways + NR(ways); way++)

/* A file's memory, shown in one of the ways; all 2 MiB of it. */
static uint8_t *show(int file, const struct way *way, int prot, int flags)
{
	uint8_t *at = mem_free_range(HUGE_2M, HUGE_2M);

	if (mmap(at, HUGE_2M, prot, flags | MAP_FIXED, file,
		 (off_t)way->map * HUGE_2M) != at)
		test_fail("%s: %s", way->name, strerror(errno));
	return at;
}

static uint8_t *show_shared(int file, const struct way *way)
{
	return show(file, way, PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* A file's memory and a region over it. */
struct shown {
	int file;
	uint8_t *mem;
	struct ibv_mr *mr;
};

static struct shown shown_open(struct env *e, const struct way *way)
{
	struct shown s = { .file = dev_file() };

	print_message("%s\n", way->name);
	s.mem = show_shared(s.file, way);
	s.mr = reg_odp(&e->rig, s.mem, HUGE_2M, ACCESS_ALL);
	return s;
}

static void shown_close(struct env *e, const struct shown *s)
{
	dereg(&e->rig, s->mr);
	mem_unmap(s->mem, HUGE_2M);
	close(s->file);
}

static void take_back(int file, bool for_good)
{
	__u32 arg = for_good;

	if (ioctl(file, ODP_SELFTEST_REVOKE, &arg))
		test_fail("revoke: %s", strerror(errno));
}

static void R10_data_goes_both_ways(void **state)
{
	struct env *e = *state;
	const struct way *way;
	struct shown s;

	FOR_EACH_WAY(way) {
		s = shown_open(e, way);

		/* The device comes first, then the process. */
		env_write_and_check(e, s.mr, s.mem + 100, LEN, 1);
		expect_state(way->name, s.mr, s.mem + PAGE,
			     PAGE_ACCESS | ODP_PAGE_MIRRORED | ODP_PAGE_SPECIAL,
			     PAGE_ACCESS | ODP_PAGE_MIRRORED | ODP_PAGE_SPECIAL);
		pattern_fill(s.mem + 12345, LEN, 2, 0);
		env_read_and_check(e, s.mr, s.mem + 12345, LEN, 2);
		expect_success("atomic", do_fetch_add(&e->rc, env_buf(e),
						      ref_r(s.mr, s.mem + 512),
						      0));
		env_write_and_check(e, s.mr, s.mem + HUGE_2M - 777, 777, 3);
		shown_close(e, &s);
	}
}

static void R10_what_is_taken_back_is_gone(void **state)
{
	struct env *e = *state;
	const struct way *way;
	struct shown s;

	FOR_EACH_WAY(way) {
		s = shown_open(e, way);
		env_write_and_check(e, s.mr, s.mem, LEN, 1);

		take_back(s.file, false);
		assert_int_equal(stats_of(s.mr).resident_pages, 0);
		expect_pages(s.mr, s.mem, "FFFFFFFF");
		if (way->faults) {
			env_read_and_check(e, s.mr, s.mem, LEN, 1);
			env_write_and_check(e, s.mr, s.mem, LEN, 2);
			take_back(s.file, true);
		}
		expect_refused(&e->rc, "what is taken back",
			       do_write(&e->rc, env_buf(e), ref_r(s.mr, s.mem), 64));
		expect_refused(&e->rc, "what is taken back",
			       do_read(&e->rc, env_buf(e), ref_r(s.mr, s.mem), 64));
		shown_close(e, &s);
	}
}

static void R10_read_only_maps_are_that(void **state)
{
	struct env *e = *state;
	const struct way *way;
	uint8_t *mem, *same;
	struct ibv_mr *mr;
	int file;

	FOR_EACH_WAY(way) {
		print_message("%s\n", way->name);
		file = dev_file();
		mem = show(file, way, PROT_READ, MAP_SHARED);
		same = show_shared(file, way);
		pattern_fill(same, LEN, 4, 0);
		mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);
		env_read_and_check(e, mr, mem, LEN, 4);
		expect_pages(mr, mem, "RRRRRRRR");
		expect_refused(&e->rc, "a write to a read-only map",
			       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 64));
		pattern_check("the memory", same, LEN, 4, 0);
		/* Which the process may change its mind about. */
		mem_protect(mem, HUGE_2M, PROT_READ | PROT_WRITE);
		env_write_and_check(e, mr, mem, LEN, 5);
		pattern_check("the memory", same, LEN, 5, 0);
		dereg(&e->rig, mr);
		mem_unmap(mem, HUGE_2M);
		mem_unmap(same, HUGE_2M);
		close(file);
	}
}

/* A page that a private map has copied is a page like any other. */
static void R10_private_maps_are_copied(void **state)
{
	struct env *e = *state;
	const struct way *way = &ways[0];
	int file = dev_file();
	uint8_t *mem, *same = show_shared(file, way);
	struct ibv_mr *mr;

	pattern_fill(same, LEN, 6, 0);
	mem = show(file, way, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);
	env_read_and_check(e, mr, mem, LEN, 6);
	expect_state("a page of the map", mr, mem,
		     PAGE_ACCESS | ODP_PAGE_SPECIAL,
		     ODP_PAGE_READ | ODP_PAGE_SPECIAL);

	env_write_and_check(e, mr, mem + PAGE, 2 * PAGE, 7);
	expect_state("a copied page", mr, mem + PAGE,
		     PAGE_ACCESS | ODP_PAGE_SPECIAL, PAGE_ACCESS);
	expect_state("the next but one", mr, mem + 3 * PAGE,
		     PAGE_ACCESS | ODP_PAGE_SPECIAL,
		     ODP_PAGE_READ | ODP_PAGE_SPECIAL);
	pattern_check("the memory behind it", same, LEN, 6, 0);

	/* The copies go with the map: that is what the driver asked for. */
	take_back(file, true);
	expect_pages(mr, mem, "FFFF");
	dereg(&e->rig, mr);
	mem_unmap(mem, HUGE_2M);
	mem_unmap(same, HUGE_2M);
	close(file);
}

static int wait_for_the_end(void *arg)
{
	(void)arg;
	pause();
	return CHILD_FAILED;
}

/*
 * The kernel makes such a copy from the current address space, whose else's page it
 * may be: a device's access from another process is refused rather than wrong.
 */
static void R10_copies_are_made_at_home(void **state)
{
	const struct way *way = &ways[0];
	struct dev_config config = dev_default;
	int file = dev_file(), dev;
	uint8_t *mem, *same = show_shared(file, way), buf[PAGE];

	(void)state;
	pattern_fill(same, LEN, 6, 0);
	mem = show(file, way, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	config.pid = child_start(wait_for_the_end, NULL);
	dev = dev_open(mem, LEN, &config);
	dev_read_and_check(dev, mem, LEN, 6);
	memset(buf, 0x11, PAGE);
	assert_int_equal(dev_write(dev, mem, buf, PAGE), -EFAULT);
	dev_read_and_check(dev, mem, LEN, 6);
	dev_close(dev);
	child_kill(config.pid);
	pattern_check("the memory", same, LEN, 6, 0);
	mem_unmap(mem, HUGE_2M);
	mem_unmap(same, HUGE_2M);
	close(file);
}

struct revoker {
	int file;
	atomic_int turn;	/* of the writes; negative to stop */
};

/* Once in each write, at any moment: more often, and no peer would get through. */
static void *revoke_in_turn(void *arg)
{
	struct revoker *revoker = arg;
	int turn, last = 0;

	while ((turn = atomic_load(&revoker->turn)) >= 0) {
		usleep(1000 * (rand() % 8));
		if (turn != last)
			take_back(revoker->file, false);
		last = turn;
	}
	return NULL;
}

static void R10_taken_back_under_traffic(void **state)
{
	struct env *e = *state;
	struct revoker revoker;
	const struct way *way;
	pthread_t thread;
	struct shown s;
	int i;

	FOR_EACH_WAY(way) {
		if (!way->faults)
			continue;
		s = shown_open(e, way);
		revoker = (struct revoker) { .file = s.file };
		if (pthread_create(&thread, NULL, revoke_in_turn, &revoker))
			test_fail("no thread");
		for (i = 0; i < ROUNDS; i++) {
			atomic_store(&revoker.turn, i + 1);
			env_write_and_check(e, s.mr, s.mem + i * 64, LEN, i);
		}
		atomic_store(&revoker.turn, -1);
		pthread_join(thread, NULL);
		print_message("%s: %llu pages taken back\n", way->name,
			      (unsigned long long)
			      stats_of(s.mr).invalidated_pages);
		assert_true(stats_of(s.mr).invalidated_pages > 0);
		shown_close(e, &s);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R10_data_goes_both_ways),
		env_test(R10_what_is_taken_back_is_gone),
		env_test(R10_read_only_maps_are_that),
		env_test(R10_private_maps_are_copied),
		cmocka_unit_test(R10_copies_are_made_at_home),
		env_test(R10_taken_back_under_traffic),
	};

	return ENV_MAIN(argc, argv, "pfnmap", tests);
}
