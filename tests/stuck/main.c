// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Pages that never come: whatever is done to the objects and the process that
 * wait for one is done within a second, and nothing is left of them. One test
 * for each way to wait for a page of the kind that the command line names.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "knob.h"
#include "memcg.h"
#include "nic.h"
#include "stuck.h"

static void post(struct cell *c, enum ibv_wr_opcode opcode)
{
	stuck_post(c->qp, opcode, ref_l(c->mr, c->mem), c->b->owner_mem);
}

static void peer_writes(struct cell *c)
{
	post(c, IBV_WR_RDMA_WRITE);
}

static void peer_sends(struct cell *c)
{
	cell_tell(c, owner_recv);
	post(c, IBV_WR_SEND);
}

static void owner_reads(struct cell *c)
{
	cell_tell(c, owner_read);
}

static void owner_writes(struct cell *c)
{
	cell_tell(c, owner_write);
}

static void owner_prefetches(struct cell *c)
{
	cell_tell(c, owner_prefetch);
}

/* Ways to wait for a page. */
static const struct way {
	const char *name;
	void (*go)(struct cell *c);
	bool reads;		/* it reads the page */
	bool in_short;		/* with some of the actions only */
} ways[] = {
	{ "peer_writes", peer_writes, false, false },
	{ "peer_sends", peer_sends, false, true },
	{ "owner_reads_into", owner_reads, false, false },
	{ "owner_writes_from", owner_writes, true, true },
	{ "owner_prefetches", owner_prefetches, false, true },
};

static void be_killed(struct cell *c)
{
	kill(c->owner, SIGKILL);
	cell_dead_soon(c, "SIGKILL");
}

static void be_oom_killed(struct cell *c)
{
	int kills = memcg_oom_kills(&cells_group);

	if (!memcg_set_bytes(&cells_group, "memory.max",
			     memcg_bytes(&cells_group) + 2 * MIB))
		test_fail("memory.max cannot be set");
	/* Where there is no swap there is no such file. */
	memcg_set(&cells_group, "memory.swap.max", "0");
	cell_order(c, owner_eat);
	cell_dead_soon(c, "OOM kill");
	assert_int_equal(memcg_oom_kills(&cells_group), kills + 1);
}

static void leave_peer(struct cell *c)
{
	cell_soon(c, "leaving the peer", cell_leave);
}

static void unplug(struct cell *c)
{
	nic_unplug(STUCK_NIC);
	(void)c;
}

static bool contexts_are_cut_off(void)
{
	return shell_try("grep -q 'rxe_disassociate_ucontext' /proc/kallsyms");
}

/*
 * Where rxe cannot cut contexts off, removing its device waits until the last
 * one is closed: then the owner has to go.
 */
static void be_unplugged(struct cell *c)
{
	leave_peer(c);
	if (!contexts_are_cut_off())
		kill(c->owner, SIGKILL);
	cell_soon(c, "rdma link del", unplug);
	assert_false(nic_is_there(STUCK_NIC));
}

/* What happens while a page is waited for: in the owner or in the test. */
static const struct action {
	const char *name;
	owner_fn in_owner;
	void (*in_test)(struct cell *c);
	bool in_short;
} actions[] = {
	{ "destroy_qp", owner_destroy_qp, NULL, true },
	{ "reset_qp", owner_reset_qp, NULL, false },
	{ "err_qp", owner_err_qp, NULL, false },
	{ "dereg_mr", owner_dereg, NULL, true },
	{ "rereg_mr", owner_rereg, NULL, false },
	{ "close", owner_close, NULL, false },
	{ "kill", NULL, be_killed, true },
	{ "oom_kill", NULL, be_oom_killed, false },
	{ "peer_leaves", NULL, leave_peer, false },
	{ "link_del", NULL, be_unplugged, true },
};

/* A test, as cmocka knows it. */
static struct entry {
	const struct kind *kind;
	const struct way *way;
	char name[64];
} entries[16];

static const char *action_filter;
static const char *absent;	/* why this machine cannot have the kind */
static struct cell cell;

/* Whether all was done in time. */
static bool run_cell(const struct kind *kind, const struct way *way,
		     const struct action *action)
{
	int64_t start;
	bool good;

	cell_open(&cell, kind, action->name);
	kind->stick(cell.b, cell.owner);
	way->go(&cell);
	kind->await();
	start = now_ms();
	if (action->in_owner)
		cell_tell_soon(&cell, action->in_owner);
	else
		action->in_test(&cell);
	good = cell_finish(&cell);
	print_message("%-18s %4d ms%s\n", action->name,
		      (int)(now_ms() - start), good ? "" : ": late");
	return good;
}

static void run_way(void **state)
{
	const struct entry *e = *state;
	size_t i, late = 0;

	if (absent)
		skip_because("%s", absent);
	for (i = 0; i < NR(actions); i++) {
		if (e->way->in_short && !actions[i].in_short)
			continue;
		if (fnmatch(action_filter, actions[i].name, 0))
			continue;
		late += !run_cell(e->kind, e->way, &actions[i]);
		if (!nic_is_there(STUCK_NIC))
			nic_plug(STUCK_NIC);
	}
	if (late)
		test_fail("%zu actions waited for a page", late);
}

static int abandon(void **state)
{
	(void)state;
	if (!absent)
		cell_abandon(&cell);
	return 0;
}

static int run_kind(int argc, char **argv, const struct kind *kind)
{
	struct CMUnitTest tests[NR(ways)] = {};
	size_t i, n = 0;
	int status;

	for (i = 0; i < NR(ways); i++) {
		if (ways[i].reads && !kind->for_reads)
			continue;
		entries[n] = (struct entry) { .kind = kind, .way = &ways[i] };
		snprintf(entries[n].name, sizeof(entries[n].name),
			 "R18_%s_%s", kind->name, ways[i].name);
		tests[n] = (struct CMUnitTest) {
			.name = entries[n].name,
			.test_func = run_way,
			.teardown_func = abandon,
			.initial_state = &entries[n],
		};
		n++;
	}
	absent = kind->open();
	if (absent)
		return env_main(argc, argv, kind->name, tests, n);
	cells_open();
	status = env_main(argc, argv, kind->name, tests, n);
	cells_close();
	kind->close();
	return status;
}

int main(int argc, char **argv)
{
	static const struct kind *const kinds[] = {
		&kind_userfaultfd, &kind_fuse, &kind_frozen, &kind_swap,
	};
	const char *name = argc > 1 ? argv[1] : "";
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	action_filter = argc > 3 ? argv[3] : "*";
	for (i = 0; i < NR(kinds); i++)
		if (!strcmp(kinds[i]->name, name))
			return run_kind(argc - 1, argv + 1, kinds[i]);
	fprintf(stderr, "Usage: %s KIND [TEST [ACTION]]\n", argv[0]);
	return EXIT_FAILURE;
}
