// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events: accesses, and who writes after a fork.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "events.h"

static void run_first_read(struct cell *c)
{
	cell_read_all(c);
	cell_expect_huge(c);
	if (cell_has(c, HAS_DEVICE) && !dev_stats(c->dev).faults)
		test_fail("a page came without a fault");
}

static void run_first_write(struct cell *c)
{
	cell_write_all(c);
	cell_look(c);
	cell_expect_huge(c);
	if (cell_has(c, HAS_WRITE) && !dev_stats(c->dev).faults)
		test_fail("a page came without a fault");
}

/*
 * How many pages of a private mapping, or of a file that shares its blocks, the
 * device may read, but not yet write.
 */
static uint64_t count_cow(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);
	uint64_t n = 0;
	uint8_t state;

	for (; i < c->pages; i = cell_next_probe(c, i + 1)) {
		dev_states(c->dev, cell_at(c, i), &state, 1);
		n += (state & STATE_MIRRORED) && !(state & STATE_WRITE);
	}
	return cell_has(c, IS_PRIVATE) || c->twin >= 0 ? n : 0;
}

/* The page that the device has read is replaced by one that it may write. */
static void run_write_after_read(struct cell *c)
{
	struct mark m;

	cell_read_all(c);
	m = cell_mark(c, 0, c->pages);
	m.mirrored = count_cow(c);
	cell_write_all(c);
	cell_look(c);
	if (m.mirrored)
		cell_expect_some_taken(c, &m, m.mirrored);
	else
		cell_expect_none_taken(c, &m);
}

/* A child that looks at its memory when told to, or writes to it. */
struct child {
	struct cell *c;
	int to[2];
	bool writes;
	pid_t pid;
};

static int child_main(void *arg)
{
	struct child *child = arg;
	char byte;

	close(child->to[1]);
	if (read(child->to[0], &byte, 1) != 1)
		return 1;
	if (child->writes)
		cell_store(child->c, 0, child->c->pages);
	/* What the parent has written meanwhile is seen where it is shared. */
	else if (cell_has(child->c, IS_SHARED))
		cell_renew(child->c, 0, child->c->pages);
	cell_look(child->c);
	return 0;
}

/*
 * Forking write-protects what is private, and so takes it from the mirror; what
 * is shared it does not touch. The child's writes may: of a file whose blocks
 * another one has, they take pages back, so they wait for join_child().
 */
static void fork_child(struct cell *c, struct child *child, bool writes)
{
	struct mark m;

	*child = (struct child) { .c = c, .writes = writes };
	if (pipe(child->to))
		test_fail("pipe: %s", strerror(errno));
	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	child->pid = child_start(child_main, child);
	close(child->to[0]);
	if (cell_has(c, IS_PRIVATE))
		cell_expect_taken(c, &m);
	else
		cell_expect_none_taken(c, &m);
	c->cut = c->cut || (cell_has(c, IS_PRIVATE) && c->unit == 1);
}

static void join_child(struct child *child)
{
	if (write(child->to[1], "", 1) != 1)
		test_fail("pipe: %s", strerror(errno));
	child_wait_ok(child->pid);
	close(child->to[1]);
}

static void run_fork_parent_writes(struct cell *c)
{
	struct child child;

	fork_child(c, &child, false);
	cell_read_all(c);
	cell_store(c, 0, c->pages);
	cell_read_all(c);
	join_child(&child);
}

static void run_fork_device_writes(struct cell *c)
{
	struct child child;

	fork_child(c, &child, false);
	cell_write(c, 0, c->pages);
	cell_look(c);
	join_child(&child);
}

static void run_fork_child_writes(struct cell *c)
{
	struct child child;

	fork_child(c, &child, true);
	join_child(&child);
	if (cell_has(c, IS_SHARED))
		cell_renew(c, 0, c->pages);
	cell_read_all(c);
}

#define WRITES (HAS_CPU | HAS_DEVICE | HAS_WRITE)

const struct event events_access[] = {
	{ .name = "first_read", .run = run_first_read },
	{ .name = "first_write", .run = run_first_write },
	{ .name = "write_after_read", .needs = WRITES,
	  .run = run_write_after_read },
	{ .name = "fork_parent_writes", .needs = WRITES,
	  .run = run_fork_parent_writes },
	{ .name = "fork_child_writes", .needs = WRITES,
	  .run = run_fork_child_writes },
	{ .name = "fork_device_writes", .needs = WRITES,
	  .run = run_fork_device_writes },
};

const size_t nr_events_access = NR(events_access);
