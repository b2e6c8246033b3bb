// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Atomics that take their page from the CPU (R7), and give back just that (R8):
 * to the process they are one step, and nothing is lost in either direction.
 * Twins of the kernel's own HMM tests exclusive, exclusive_mprotect and
 * exclusive_cow are among these.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"
#include "pages.h"
#include "take.h"
#include "uffd.h"

#define PAGES 16
#define LEN (PAGES * PAGE)
#define STREAM 200

static void R7_the_kernel_says_whether_it_can(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_policy policy;
	bool can = can_take(e->rig.ctx);

	assert_int_equal(set_exclusive(mr), can ? 0 : EOPNOTSUPP);
	assert_int_equal(odp_mr_get_policy(mr, &policy), 0);
	assert_int_equal(policy.flags, can ? ODP_POLICY_EXCLUSIVE : 0);
	policy.flags = ODP_POLICY_EXCLUSIVE << 1;
	assert_int_equal(odp_mr_set_policy(mr, &policy), EINVAL);
	/* Atomics do without. */
	assert_int_equal(stats_of(mr).exclusive_takes, 0);
	device_adds(e, mr, mem, 1);
	assert_int_equal(mem_load(mem), 1);
}

static void R7_a_stream_keeps_the_page(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);
	uint64_t before;
	int i;

	pattern_fill(mem, LEN, 1, 0);
	before = mem_load(mem + PAGE);
	for (i = 0; i < STREAM; i++)
		assert_int_equal(device_adds(e, mr, mem + PAGE, 3),
				 before + 3 * i);
	assert_int_equal(stats_of(mr).exclusive_takes, 1);
	expect_taken(mr, mem + PAGE, true);
	expect_state("a page beside it", mr, mem, ODP_PAGE_EXCLUSIVE, 0);

	/* What is not atomic goes by the same page. */
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(mr, mem + PAGE + 8), PAGE - 8));
	pattern_check("what the device reads", e->buf, PAGE - 8, 1, PAGE + 8);
	expect_taken(mr, mem + PAGE, true);
	assert_int_equal(mem_load(mem + PAGE), before + 3 * STREAM);
	expect_taken(mr, mem + PAGE, false);
	pattern_check("before it", mem, PAGE, 1, 0);
	pattern_check("behind it", mem + PAGE + 8, LEN - PAGE - 8, 1, PAGE + 8);
}

/* A processor's own, which is one instruction and no locked one. */
static void increment(uint64_t *word)
{
#if defined(__x86_64__)
	asm volatile("incq %0" : "+m" (*word) : : "cc", "memory");
#else
	(*(volatile uint64_t *)word)++;
#endif
}

struct racer {
	uint64_t *word;
	atomic_bool stop;
	uint64_t done;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	int i;

	while (!atomic_load_explicit(&racer->stop, memory_order_relaxed)) {
		for (i = 0; i < 8; i++)
			increment(racer->word);
		racer->done += 8;
	}
	return NULL;
}

/*
 * Whether an update of a word is lost between the CPU and the device, which
 * does @turns of them, or until one is lost for @ms; how many it took.
 */
static bool loses_updates(struct env *e, struct ibv_mr *mr, uint8_t *mem,
			  int *turns, int64_t ms)
{
	struct racer racer = { .word = (uint64_t *)mem };
	int64_t deadline = now_ms() + ms;
	const uint64_t one = 1ULL << 40;
	uint64_t was, last = 0;
	pthread_t thread;
	int i, lost = 0;

	memset(mem, 0, sizeof(uint64_t));
	if (pthread_create(&thread, NULL, race, &racer))
		test_fail("no thread");
	for (i = 0; ms ? !lost && now_ms() < deadline : i < *turns; i++) {
		was = device_adds(e, mr, mem, one) / one;
		lost += i && was != last + 1;
		last = was;
	}
	atomic_store(&racer.stop, true);
	pthread_join(thread, NULL);
	assert_true(racer.done > 0);
	*turns = i;
	return lost || mem_load(mem) != racer.done + i * one;
}

static void R7_no_update_is_lost(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);
	struct ibv_mr *plain = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	int turns;

#if !defined(__x86_64__)
	skip_because("this processor increments in steps");
#endif
	if (get_nprocs() == 1)
		skip_because("one processor does one thing at a time");
	/* Without the policy it takes so long until one is. */
	if (!loses_updates(e, plain, mem, &turns, PATIENCE_MS))
		test_fail("%d atomics and no update lost", turns);
	turns = turns * 4 + STREAM;
	assert_false(loses_updates(e, mr, mem, &turns, 0));
	print_message("%d atomics took the page %d times\n", turns,
		      (int)stats_of(mr).exclusive_takes);
	assert_true(stats_of(mr).exclusive_takes > 1);
}

static void R7_mprotect_takes_it_back(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);

	device_adds(e, mr, mem, 5);
	expect_taken(mr, mem, true);
	mem_protect(mem, LEN, PROT_READ);
	expect_taken(mr, mem, false);
	assert_int_equal(mem_load(mem), 5);
	expect_refused(&e->rc, "an atomic on what is read-only",
		       do_fetch_add(&e->rc, env_buf(e), ref_r(mr, mem), 1));
	assert_int_equal(mem_load(mem), 5);
	mem_protect(mem, LEN, PROT_READ | PROT_WRITE);
	assert_int_equal(device_adds(e, mr, mem, 1), 5);
	assert_int_equal(mem_load(mem), 6);
}

struct heir {
	const uint8_t *at;
	uint64_t value;
};

static int check_value(void *arg)
{
	struct heir *heir = arg;

	return mem_load(heir->at) == heir->value ? 0 : CHILD_FAILED;
}

/* A child sees what was there when it was made, whoever wrote that. */
static void R7_fork_takes_it_back(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);
	struct heir heir = { mem, 7 };

	device_adds(e, mr, mem, 7);
	expect_taken(mr, mem, true);
	child_wait_ok(child_start(check_value, &heir));
	expect_taken(mr, mem, false);
	assert_int_equal(device_adds(e, mr, mem, 1), 7);
	assert_int_equal(mem_load(mem), 8);
}

struct late_heir {
	struct heir heir;
	int go[2];
};

static int check_later(void *arg)
{
	struct late_heir *late = arg;
	char c;

	close(late->go[1]);
	if (read(late->go[0], &c, 1) != 0)
		return CHILD_FAILED;
	return check_value(&late->heir);
}

/* A page that is shared until somebody writes is not taken from the other. */
static void R7_cow_is_broken_first(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);
	struct late_heir late = { .heir = { mem, 9 } };
	pid_t pid;

	memcpy(mem, &late.heir.value, sizeof(uint64_t));
	if (pipe(late.go))
		test_fail("pipe: %s", strerror(errno));
	pid = child_start(check_later, &late);
	assert_int_equal(device_adds(e, mr, mem, 1), 9);
	expect_taken(mr, mem, true);
	close(late.go[1]);
	child_wait_ok(pid);
	close(late.go[0]);
	assert_int_equal(mem_load(mem), 10);
}

static void R7_mremap_takes_it_along(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN), *to = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);

	device_adds(e, mr, mem, 11);
	if (mremap(mem, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		test_fail("mremap: %s", strerror(errno));
	assert_int_equal(mem_load(to), 11);
	expect_state("what is not there", mr, mem, 0xff, 0);
	mem_map_at(mem, PAGE, PROT_READ | PROT_WRITE);
	assert_int_equal(device_adds(e, mr, mem, 1), 0);
	assert_int_equal(mem_load(mem), 1);
	assert_int_equal(mem_load(to), 11);
}

static void R7_memory_that_goes(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);

	device_adds(e, mr, mem, 13);
	mem_cold(mem, PAGE);
	expect_taken(mr, mem, false);
	assert_int_equal(device_adds(e, mr, mem, 1), 0);
	assert_int_equal(mem_load(mem), 1);

	/* Paged out or not, it is what it was. */
	device_adds(e, mr, mem, 1);
	mem_page_out(mem, LEN);
	assert_int_equal(device_adds(e, mr, mem, 1), 2);
	assert_int_equal(mem_load(mem), 3);

	/* And what is taken may go with its region, or with the process. */
	device_adds(e, mr, mem, 1);
	dereg(&e->rig, mr);
	assert_int_equal(mem_load(mem), 4);
}

static int take_and_die(void *arg)
{
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr;
	struct env *e;
	void *state;

	(void)arg;
	env_setup(&state);
	e = state;
	mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	if (set_exclusive(mr))
		return CHILD_FAILED;
	device_adds(e, mr, mem, 1);
	if (!is_taken(mr, mem))
		return CHILD_FAILED;
	kill(getpid(), SIGKILL);
	return CHILD_FAILED;
}

static void R7_a_process_that_is_killed(void **state)
{
	struct rig rig;
	pid_t pid;
	int status;
	bool can;

	(void)state;
	rig_open(&rig);
	can = can_take(rig.ctx);
	rig_close(&rig);
	skip_unless(can);
	pid = child_start(take_and_die, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void expect_untakable(struct env *e, const char *what, uint8_t *mem)
{
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);

	pattern_fill(mem, LEN, 1, 0);
	expect_refused(&e->rc, what,
		       do_fetch_add(&e->rc, env_buf(e), ref_r(mr, mem), 1));
	pattern_check(what, mem, LEN, 1, 0);
	env_write_and_check(e, mr, mem, LEN, 2);
	assert_int_equal(stats_of(mr).exclusive_takes, 0);
}

/* It is only anonymous memory that a process has for itself. */
static void R7_memory_that_cannot_be_taken(void **state)
{
	expect_untakable(*state, "shared memory", mem_shared(LEN));
	if (mem_reserve_hugetlb(1))
		expect_untakable(*state, "hugetlb", mem_hugetlb(HUGE_2M));
	else
		part_is_skipped("no hugetlb page is to be had");
}

/* What is not there is waited for as ever. */
static void R7_a_page_that_comes_late(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);
	struct uffd uffd;
	uint64_t was;

	uffd_open(&uffd, mem, LEN);
	uffd_serve(&uffd, 1);
	was = device_adds(e, mr, mem + 3 * PAGE, 5);
	pattern_check("what was there", (uint8_t *)&was, 8, 1, 3 * PAGE);
	/* Whoever brought it may still be looking at it, and have it back. */
	assert_true(stats_of(mr).exclusive_takes > 0);
	assert_int_equal(stats_of(mr).slow_faults, 1);
	assert_int_equal(mem_load(mem + 3 * PAGE), was + 5);
	uffd_close(&uffd);
}

static uint8_t *mem_thp(void)
{
	uint8_t *mem = mem_anon_aligned(HUGE_2M, HUGE_2M);

	pattern_fill(mem, HUGE_2M, 1, 0);
	if (!mem_collapse(mem, HUGE_2M))
		test_fail("no huge page");
	return mem;
}

/* Whoever takes nothing leaves the page in one piece, too. */
static void R8_a_huge_page_that_is_not_taken(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_thp();
	struct ibv_mr *mr = reg_odp(&e->rig, mem, HUGE_2M, ACCESS_ALL);
	uint8_t *at = mem + 7 * PAGE + 64;
	uint64_t was = device_adds(e, mr, at, 5);

	assert_int_equal(mem_load(at), was + 5);
	memcpy(at, &was, sizeof(was));
	pattern_check("all of it", mem, HUGE_2M, 1, 0);
	expect_state("it", mr, at, ODP_PAGE_HUGE | ODP_PAGE_EXCLUSIVE,
		     ODP_PAGE_HUGE);
}

/* The page that was touched comes back, not the others of its large folio. */
static void R8_just_the_page_that_faulted(void **state)
{
	static const unsigned int pages[] = { 1, 7, 255, 511 };
	struct env *e = *state;
	uint8_t *mem = mem_thp();
	struct ibv_mr *mr = reg_exclusive(e, mem, HUGE_2M);
	uint64_t was[4];
	size_t i;

	for (i = 0; i < 4; i++)
		was[i] = device_adds(e, mr, mem + pages[i] * PAGE, i + 1);
	for (i = 0; i < 4; i++)
		expect_taken(mr, mem + pages[i] * PAGE, true);

	/* Another one of the folio is none of theirs. */
	pattern_check("a page beside", mem, PAGE, 1, 0);
	assert_int_equal(mem_load(mem + pages[1] * PAGE), was[1] + 2);
	for (i = 0; i < 4; i++)
		expect_taken(mr, mem + pages[i] * PAGE, i != 1);
	for (i = 0; i < 4; i++) {
		assert_int_equal(mem_load(mem + pages[i] * PAGE), was[i] + i + 1);
		memcpy(mem + pages[i] * PAGE, &was[i], sizeof(was[i]));
	}
	pattern_check("all of it", mem, HUGE_2M, 1, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R7_the_kernel_says_whether_it_can),
		env_test(R7_a_stream_keeps_the_page),
		env_test(R7_no_update_is_lost),
		env_test(R7_mprotect_takes_it_back),
		env_test(R7_fork_takes_it_back),
		env_test(R7_cow_is_broken_first),
		env_test(R7_mremap_takes_it_along),
		env_test(R7_memory_that_goes),
		cmocka_unit_test(R7_a_process_that_is_killed),
		env_test(R7_memory_that_cannot_be_taken),
		env_test(R7_a_page_that_comes_late),
		env_test(R8_a_huge_page_that_is_not_taken),
		env_test(R8_just_the_page_that_faulted),
	};

	return ENV_MAIN(argc, argv, "exclusive", tests);
}
