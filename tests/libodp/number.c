// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Regions by number: root looks at any process's, others at their own.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"
#include "nldev.h"

#define NR_PAGES 16
#define LEN (NR_PAGES * PAGE)
#define NOBODY 65534

/* The only region of a process. */
static struct od_region region_of(struct env *e, pid_t pid)
{
	struct od_region found = {};
	struct od_regions list;
	size_t i, nr = 0;

	if (od_regions_get(ibv_get_device_name(e->rig.ctx->device), &list))
		test_fail("no list of regions");
	for (i = 0; i < list.nr; i++) {
		if (list.region[i].pid == (uint32_t)pid) {
			found = list.region[i];
			nr++;
		}
	}
	od_regions_free(&list);
	if (nr != 1)
		test_fail("process %d has %zu regions, not one", pid, nr);
	return found;
}

static void the_list_tells_what_it_is(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct od_region r;

	reg_odp_iova(&e->rig, mem + 5, LEN - 5, 2 * GIB + 5, ACCESS_ALL);
	r = region_of(e, getpid());
	assert_string_equal(r.kind, "explicit");
	assert_string_equal(r.policy, "stream");
	assert_int_equal(strncmp(r.command, "test_libodp_num", 15), 0);
	assert_int_equal(r.va, (uintptr_t)mem + 5);
	assert_int_equal(r.iova, 2 * GIB + 5);
	assert_int_equal(r.bytes, LEN - 5);
	dereg_all(&e->rig);

	reg_odp(&e->rig, NULL, SIZE_MAX, ACCESS_ALL);
	r = region_of(e, getpid());
	assert_string_equal(r.kind, "implicit");
	assert_int_equal(r.va, 0);
	assert_int_equal(r.iova, 0);
}

static void number_and_handle_agree(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const uint32_t mrn = region_of(e, getpid()).mrn;
	struct odp_run a[NR_PAGES], b[NR_PAGES];
	struct odp_policy policy, policy_n;
	struct odp_stats stats, stats_n;
	size_t na, nb;

	env_write_and_check(e, mr, mem + 3 * PAGE, 5 * PAGE, 1);
	assert_int_equal(odp_mr_get_stats(mr, &stats), 0);
	assert_int_equal(odp_mrn_get_stats(e->rig.ctx, mrn, &stats_n), 0);
	assert_memory_equal(&stats, &stats_n, sizeof(stats));
	assert_true(stats.faults > 0);
	assert_int_equal(odp_mr_get_policy(mr, &policy), 0);
	assert_int_equal(odp_mrn_get_policy(e->rig.ctx, mrn, &policy_n), 0);
	assert_memory_equal(&policy, &policy_n, sizeof(policy));
	assert_int_equal(odp_mr_snapshot_runs(mr, (uintptr_t)mem, NR_PAGES, a,
					      NR_PAGES, &na), 0);
	assert_int_equal(odp_mrn_snapshot_runs(e->rig.ctx, mrn, (uintptr_t)mem,
					       NR_PAGES, b, NR_PAGES, &nb), 0);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na * sizeof(a[0]));
	expect_error("outside",
		     odp_mrn_snapshot_runs(e->rig.ctx, mrn, (uintptr_t)mem,
					   NR_PAGES + 1, b, NR_PAGES, &nb),
		     EINVAL);
}

/* There are pinned ones with numbers just below; they have no pages to see. */
static void pinned_regions_by_number(void **state)
{
	struct env *e = *state;
	const uint32_t mrn = (reg_odp(&e->rig, mem_anon(LEN), LEN, ACCESS_ALL),
			      region_of(e, getpid()).mrn);
	struct odp_stats stats;
	uint32_t back, found = 0;

	for (back = 1; back < 64 && back <= mrn; back++) {
		found += odp_mrn_get_stats(e->rig.ctx, mrn - back,
					   &stats) == EOPNOTSUPP;
	}
	assert_int_equal(found, 1);
}

struct child {
	int ready[2];
	uint8_t *mem;
};

/* Has 4 of 16 pages; 16 of them registered, under another address. */
static int register_and_wait(void *arg)
{
	struct child *child = arg;
	struct rig rig;

	rig_open(&rig);
	child->mem = mem_anon(LEN);
	mem_touch(child->mem, 4 * PAGE);
	reg_odp_iova(&rig, child->mem, LEN, GIB, ACCESS_ALL);
	if (write(child->ready[1], "", 1) != 1)
		return 1;
	pause();
	return 0;
}

static void another_process(void **state)
{
	struct env *e = *state;
	struct odp_run runs[NR_PAGES];
	struct odp_stats stats;
	struct od_region r;
	struct child child;
	char byte;
	size_t nr;
	pid_t pid;

	assert_int_equal(pipe(child.ready), 0);
	pid = child_start(register_and_wait, &child);
	assert_int_equal(read(child.ready[0], &byte, 1), 1);
	r = region_of(e, pid);
	assert_int_equal(r.iova, GIB);
	assert_int_equal(odp_mrn_snapshot_runs(e->rig.ctx, r.mrn, r.iova,
					       NR_PAGES, runs, NR_PAGES, &nr),
			 0);
	assert_int_equal(nr, 2);
	assert_int_equal(runs[0].npages, 4);
	assert_int_equal(runs[0].state, PAGE_RW);
	assert_int_equal(runs[1].npages, 12);
	assert_int_equal(runs[1].state, ODP_PAGE_FAULT);
	assert_int_equal(odp_mrn_get_stats(e->rig.ctx, r.mrn, &stats), 0);

	child_kill(pid);
	expect_error("gone", odp_mrn_get_stats(e->rig.ctx, r.mrn, &stats),
		     ENOENT);
	close(child.ready[0]);
	close(child.ready[1]);
}

/* Who looks at much memory of another process does not hold it up. */
static void R18_a_long_look_is_taken_in_parts(void **state)
{
	const uint64_t npages = 32 * TIB / PAGE;
	struct env *e = *state;
	struct odp_run run;
	struct ibv_mr *mr;
	uint64_t va, end;
	int64_t start;
	uint32_t mrn;
	size_t nr;
	void *mem;

	mem = mmap(NULL, 32 * TIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	mr = reg_odp(&e->rig, mem, 32 * TIB, ACCESS_ALL);
	mrn = region_of(e, getpid()).mrn;
	end = (uintptr_t)mem + 32 * TIB;

	/* One run, if there were time for it. */
	start = now_ms();
	assert_int_equal(odp_mrn_snapshot_runs(e->rig.ctx, mrn, (uintptr_t)mem,
					       npages, &run, 1, &nr), 0);
	assert_true(now_ms() - start < 1000);
	assert_int_equal(nr, 1);
	assert_int_equal(run.state, ODP_PAGE_FAULT);
	assert_in_range(run.npages, 1, npages);

	va = (uintptr_t)mem + run.npages * PAGE;
	if (va < end)
		assert_int_equal(odp_mrn_snapshot_runs(e->rig.ctx, mrn, va, 1,
						       &run, 1, &nr), 0);
	dereg(&e->rig, mr);
	munmap(mem, 32 * TIB);
}

struct looker {
	struct env *e;
	pid_t pid;
	uint32_t mrn;
	bool may;
	struct child *child;
};

static int look_as_nobody(void *arg)
{
	struct looker *look = arg;
	struct ibv_context *ctx = look->e->rig.ctx;
	const int err = look->may ? 0 : EPERM;
	struct odp_policy policy;
	struct odp_stats stats;
	struct odp_run run;
	size_t nr;

	if (setgid(NOBODY) || setuid(NOBODY))
		return 1;
	expect_error("stats", odp_mrn_get_stats(ctx, look->mrn, &stats), err);
	expect_error("policy", odp_mrn_get_policy(ctx, look->mrn, &policy),
		     err);
	expect_error("runs", odp_mrn_snapshot_runs(ctx, look->mrn, GIB, 1,
						   &run, 1, &nr), err);
	assert_int_equal(region_of(look->e, look->pid).has_place, look->may);
	return 0;
}

static void ordinary_users_may_not_see_others(void **state)
{
	struct env *e = *state;
	struct looker look = { .e = e, .pid = getpid() };

	reg_odp_iova(&e->rig, mem_anon(LEN), LEN, GIB, ACCESS_ALL);
	look.mrn = region_of(e, getpid()).mrn;
	child_wait_ok(child_start(look_as_nobody, &look));
}

static int register_as_nobody(void *arg)
{
	const struct looker *look = arg;

	if (setgid(NOBODY) || setuid(NOBODY))
		return 1;
	/* What changes its user is its user's secret, until it says otherwise. */
	if (look->may && prctl(PR_SET_DUMPABLE, 1))
		return 1;
	return register_and_wait(look->child);
}

static void look_at_ones_own(struct env *e, bool may)
{
	struct child child;
	struct looker look = { .e = e, .may = may, .child = &child };
	char byte;

	assert_int_equal(pipe(child.ready), 0);
	look.pid = child_start(register_as_nobody, &look);
	assert_int_equal(read(child.ready[0], &byte, 1), 1);
	look.mrn = region_of(e, look.pid).mrn;
	child_wait_ok(child_start(look_as_nobody, &look));
	child_kill(look.pid);
	close(child.ready[0]);
	close(child.ready[1]);
}

static void ordinary_users_see_their_own(void **state)
{
	look_at_ones_own(*state, true);
}

/* As ptrace(2) has it. */
static void secrets_are_kept_from_their_own_user(void **state)
{
	look_at_ones_own(*state, false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(the_list_tells_what_it_is),
		env_test(number_and_handle_agree),
		env_test(pinned_regions_by_number),
		env_test(another_process),
		env_test(R18_a_long_look_is_taken_in_parts),
		env_test(ordinary_users_may_not_see_others),
		env_test(ordinary_users_see_their_own),
		env_test(secrets_are_kept_from_their_own_user),
	};

	return ENV_MAIN(argc, argv, "libodp_number", tests);
}
