// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Pages that are taken from the CPU, and a kernel that wants them (R7): to swap
 * them out, to merge them, or because there is no memory left.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knob.h"
#include "memcg.h"
#include "pagemap.h"
#include "swap.h"
#include "take.h"

#define PAGES 16
#define LEN (PAGES * PAGE)
#define KSM "/sys/kernel/mm/ksm/"
#define LIMIT (64 * MIB)

static struct memcg group;

/* Has a child run @fn in a control group of its own; how it ended. */
static int in_a_group(int (*fn)(void *arg))
{
	int status;
	pid_t pid;

	pid = child_start(fn, NULL);
	if (waitpid(pid, &status, 0) != pid)
		test_fail("waitpid failed");
	return status;
}

static int group_setup(void **state)
{
	struct rig rig;
	bool can;

	(void)state;
	rig_open(&rig);
	can = can_take(rig.ctx);
	rig_close(&rig);
	return can && !memcg_open(&group, "odp_exclusive") ? -1 : 0;
}

static int group_teardown(void **state)
{
	(void)state;
	if (group.dir[0])
		memcg_close(&group);
	return 0;
}

#define group_test(fn) \
	cmocka_unit_test_setup_teardown(fn, group_setup, group_teardown)

/* In the child: an environment, and memory whose pages a device has taken. */
static struct ibv_mr *take_all(struct env **e, uint8_t **mem)
{
	struct ibv_mr *mr;
	void *state;
	size_t i;

	if (!memcg_add(&group, getpid()))
		test_fail("no control group");
	if (env_setup(&state))
		test_fail("no environment");
	*e = state;
	*mem = mem_anon(LEN);
	pattern_fill(*mem, LEN, 1, 0);
	mr = reg_odp(&(*e)->rig, *mem, LEN, ACCESS_ALL);
	if (set_exclusive(mr))
		test_fail("no policy");
	for (i = 0; i < LEN; i += PAGE)
		device_adds(*e, mr, *mem + i, 0);
	for (i = 0; i < LEN; i += PAGE)
		expect_taken(mr, *mem + i, true);
	return mr;
}

/* To /proc, what was taken looks the same as what was swapped out. */
static bool all_swapped(void *arg)
{
	struct ibv_mr *mr = arg;
	uint8_t *mem = mr->addr;
	size_t i;

	memcg_set(&group, "memory.reclaim", "1M");
	for (i = 0; i < LEN; i += PAGE)
		if (is_taken(mr, mem + i) || !page_is_swapped(mem + i))
			return false;
	return true;
}

static int be_swapped_out(void *arg)
{
	struct ibv_mr *mr;
	uint64_t was;
	uint8_t *mem;
	struct env *e;

	(void)arg;
	mr = take_all(&e, &mem);
	if (!wait_until(all_swapped, mr))
		test_fail("the pages stay");
	pattern_fill(e->buf, PAGE, 1, 0);
	was = mem_load(e->buf);
	assert_int_equal(device_adds(e, mr, mem, 5), was);
	assert_int_equal(mem_load(mem), was + 5);
	memcpy(mem, &was, sizeof(was));
	pattern_check("what was swapped out", mem, LEN, 1, 0);
	return 0;
}

static void R7_swapped_out(void **state)
{
	(void)state;
	skip_unless(group.dir[0]);
	if (!swap_open())
		skip_because("no swap could be set up on zram");
	assert_int_equal(in_a_group(be_swapped_out), 0);
}

static int run_out_of_memory(void *arg)
{
	struct ibv_mr *mr;
	uint8_t *mem;
	struct env *e;

	(void)arg;
	mr = take_all(&e, &mem);
	expect_taken(mr, mem, true);
	mem = mem_anon(2 * LIMIT);
	memset(mem, 1, 2 * LIMIT);
	return CHILD_FAILED;
}

static bool group_is_empty(void *arg)
{
	(void)arg;
	return memcg_bytes(&group) < (int64_t)(LIMIT / 8);
}

static void R7_out_of_memory(void **state)
{
	int status, kills;

	(void)state;
	skip_unless(group.dir[0]);
	kills = memcg_oom_kills(&group);
	memcg_set(&group, "memory.swap.max", "0");
	if (!memcg_set_bytes(&group, "memory.max", LIMIT))
		test_fail("memory.max cannot be set");
	status = in_a_group(run_out_of_memory);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(memcg_oom_kills(&group) > kills);
	/* Nobody keeps what was taken. */
	assert_true(wait_until(group_is_empty, NULL));
}

static bool all_merged(void *arg)
{
	uint8_t *mem = arg;
	size_t i;

	for (i = 0; i < LEN; i += PAGE)
		if (!page_is_merged(mem + i))
			return false;
	return true;
}

/* Pages that are one are told apart before one is taken; then merged again. */
static void R7_merged_with_others(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_exclusive(e, mem, LEN);
	uint64_t was;
	bool merged;
	size_t i;
	int round;

	if (!knob_set(KSM "run", "1"))
		skip_because("this kernel has no KSM");
	for (i = 0; i < LEN; i += PAGE)
		pattern_fill(mem + i, PAGE, 7, 0);
	was = mem_load(mem);
	mem_advise(mem, LEN, MADV_MERGEABLE, "MERGEABLE");
	for (round = 0; round < 2; round++) {
		merged = wait_until(all_merged, mem);
		if (!merged)
			knob_set(KSM "run", "0");
		assert_true(merged);
		assert_int_equal(device_adds(e, mr, mem + PAGE, 3), was);
		assert_int_equal(mem_load(mem + PAGE), was + 3);
		assert_int_equal(mem_load(mem), was);
		device_adds(e, mr, mem + PAGE, -3ULL);
		expect_taken(mr, mem + PAGE, true);
		/* Taken, it is no page that could be merged. */
		assert_int_equal(mem_load(mem + PAGE), was);
	}
	knob_set(KSM "run", "0");
	for (i = 0; i < LEN; i += PAGE)
		pattern_check("each page", mem + i, PAGE, 7, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		group_test(R7_swapped_out),
		group_test(R7_out_of_memory),
		env_test(R7_merged_with_others),
	};
	int status = ENV_MAIN(argc, argv, "exclusive_mm", tests);

	swap_close();
	return status;
}
