// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events: the kernel moves pages to other places in memory, and takes them
 * away for a moment to see who wants them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "events.h"
#include "machine.h"

#define BALANCING	"/proc/sys/kernel/numa_balancing"
#define SCAN		"/sys/kernel/debug/sched/numa_balancing/"

#define MPOL_MF_MOVE_ALL 4

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

/* To the last node: where the pages are already, if there is just one. */
static void move_pages_to(struct cell *c, int node)
{
	size_t i = cell_next_probe(c, 0);
	int status;
	void *at;

	for (; i < c->pages; i = cell_next_probe(c, i + 1)) {
		at = cell_at(c, i);
		if (syscall(SYS_move_pages, 0, 1UL, &at, &node, &status,
			    MPOL_MF_MOVE_ALL) < 0)
			test_fail("move_pages: %s", strerror(errno));
	}
}

static void run_move_pages(struct cell *c)
{
	int last = machine_nodes() - 1;
	struct mark m;

	move_pages_to(c, 0);
	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	move_pages_to(c, last);
	if (last)
		cell_expect_some_taken(c, &m, 1);
	else
		cell_expect_none_taken(c, &m);
	/* A huge page for which there is no room elsewhere goes in pieces. */
	c->cut = c->cut || last;
}

static void run_compact(struct cell *c)
{
	cell_warm(c);
	if (!knob_set("/proc/sys/vm/compact_memory", "1"))
		test_fail("compact_memory: %s", strerror(errno));
	c->cut = true;
}

static const char *absent_soft_offline(void)
{
	return access("/proc/sys/vm/memory_failure_recovery", F_OK) ?
	       "this kernel retires no memory (MEMORY_FAILURE)" : NULL;
}

/* The kernel retires a page of memory; what it held goes elsewhere. */
static void run_soft_offline(struct cell *c)
{
	size_t i = cell_next_probe(c, c->pages / 2);
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, i, 1);
	mem_advise(cell_at(c, i), PAGE, MADV_SOFT_OFFLINE, "SOFT_OFFLINE");
	cell_expect_some_taken(c, &m, m.mirrored);
	c->cut = true;
}

/* Runs, so that the scheduler wonders where its memory is. */
static void *spin(void *arg)
{
	atomic_bool *stop = arg;

	while (!atomic_load(stop))
		;
	return NULL;
}

struct hint {
	struct cell *c;
	const struct mark *m;
};

static bool is_hinted(void *arg)
{
	struct hint *h = arg;

	return dev_stats(h->c->dev).invalidated_pages > h->m->invalidated;
}

static const char *absent_numa_hint(void)
{
	if (access(BALANCING, W_OK) || access(SCAN "scan_delay_ms", W_OK))
		return "this kernel has no NUMA balancing";
	return NULL;
}

/*
 * To switch NUMA balancing on and off patches the scheduler's code while it
 * runs. Under TCG a CPU was seen to run into the breakpoint that such patching
 * uses after it had been taken away, which is an oops; so there no other CPU
 * runs meanwhile.
 */
static bool switch_balancing(bool on)
{
	bool alone = machine_is_emulated(), done;

	if (alone && !machine_one_processor(true))
		return false;
	done = knob_borrow(BALANCING, on ? "1" : "0");
	return (!alone || machine_one_processor(false)) && done;
}

/*
 * Pages become PROT_NONE for a moment, on a machine of one node, too, if the
 * process has two threads. The device's access makes them what they were.
 */
static void run_numa_hint(struct cell *c)
{
	atomic_bool stop = false;
	struct hint h = { .c = c };
	pthread_t thread;
	struct mark m;
	bool hinted;

	/* What the page table makes of a page that is clean is another matter. */
	cell_read_all(c);
	cell_write_all(c);
	m = cell_mark(c, 0, c->pages);
	h.m = &m;
	if (!knob_borrow(SCAN "scan_delay_ms", "10") ||
	    !knob_borrow(SCAN "scan_period_min_ms", "10") ||
	    !knob_borrow(SCAN "scan_period_max_ms", "20") ||
	    !switch_balancing(true))
		test_fail("NUMA balancing: %s", strerror(errno));
	if (pthread_create(&thread, NULL, spin, &stop))
		test_fail("no thread");
	hinted = wait_until(is_hinted, &h);
	if (!switch_balancing(false))
		test_fail("NUMA balancing stays on");
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	if (!hinted)
		test_fail("NUMA balancing leaves the pages alone");
	c->cut = true;
}

#define MOVES (HAS_CPU | HAS_DEVICE | IS_MOVABLE)

const struct event events_move[] = {
	{ .name = "move_pages", .needs = MOVES, .run = run_move_pages },
	{ .name = "compact", .needs = HAS_DEVICE, .run = run_compact },
	{ .name = "soft_offline", .needs = MOVES, .absent = absent_soft_offline,
	  .run = run_soft_offline },
	{ .name = "numa_hint", .needs = MOVES | IS_HINTED | HAS_WRITE,
	  .absent = absent_numa_hint, .run = run_numa_hint },
};

const size_t nr_events_move = NR(events_move);
