// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events: the process whose memory is mirrored ends, or becomes another. It is
 * a child, with the same memory at the same addresses.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "machine.h"

/* What a process may have that is to run out of memory. */
#define MEMORY_LIMIT (8 * MIB)

/* A child, told to end by a byte; @gone is closed when its memory has gone. */
struct victim {
	struct cell *c;
	int (*end)(void);
	int go[2];
	int gone[2];
	pid_t pid;
	/* The test's own, while the cell is about the child's memory. */
	struct page *page;
	uint64_t refused;
	int dev;
};

static int victim_main(void *arg)
{
	struct victim *v = arg;
	char byte;

	close(v->go[1]);
	close(v->gone[0]);
	if (read(v->go[0], &byte, 1) != 1)
		return 1;
	return v->end();
}

/* The cell becomes one of the child's memory. */
static void victim_start(struct cell *c, struct victim *v, int (*end)(void))
{
	struct dev_config config = dev_default;

	*v = (struct victim) {
		.c = c, .end = end, .dev = c->dev, .refused = c->refused,
	};
	if (pipe2(v->go, O_CLOEXEC) || pipe2(v->gone, O_CLOEXEC))
		test_fail("pipe: %s", strerror(errno));
	v->page = malloc(c->total * sizeof(*v->page));
	if (!v->page)
		test_fail("no memory for a model");
	memcpy(v->page, c->page, c->total * sizeof(*v->page));
	v->pid = child_start(victim_main, v);
	close(v->go[0]);
	close(v->gone[1]);
	config.pid = v->pid;
	c->dev = dev_open(c->mem, c->total * PAGE, &config);
	cell_read_all(c);
	cell_write(c, 0, c->pages / 2);
	cell_read_all(c);
}

static void victim_go(struct victim *v)
{
	if (write(v->go[1], "", 1) != 1)
		test_fail("pipe: %s", strerror(errno));
}

/* Waits until the child has exited, or runs another program. */
static void victim_await(struct victim *v)
{
	struct pollfd pfd = { .fd = v->gone[0] };

	if (poll(&pfd, 1, PATIENCE_MS) != 1)
		test_fail("the child lives");
}

static bool is_refused(void *arg)
{
	struct cell *c = arg;
	int err = dev_write(c->dev, c->mem, "x", 1);
	char byte;

	if (err == -ESRCH || err == -EFAULT)
		err = dev_read(c->dev, c->mem, &byte, 1);
	return err == -ESRCH || err == -EFAULT;
}

static bool has_no_table(void *arg)
{
	struct odp_selftest_stats stats = dev_stats(*(int *)arg);

	return !stats.table_bytes && !stats.resident_pages;
}

/* The memory is gone, and so is the mirror; the parent's is as it was. */
static void victim_finish(struct victim *v)
{
	struct cell *c = v->c;

	if (!wait_until(is_refused, c))
		test_fail("the memory of a dead process can be had");
	if (!wait_until(has_no_table, &c->dev))
		test_fail("a table of dead memory is left");
	assert_int_equal(dev_stats(c->dev).pinned_fallbacks, 0);
	dev_close(c->dev);
	close(v->go[1]);
	close(v->gone[0]);

	c->dev = v->dev;
	c->refused = v->refused;
	if (cell_has(c, IS_PRIVATE)) {
		memcpy(c->page, v->page, c->total * sizeof(*c->page));
		/* Forking has made all of it copy-on-write. */
		c->cut = c->cut || c->unit == 1;
	}
	free(v->page);
}

static int end_by_exit(void)
{
	return 0;
}

static void run_exit(struct cell *c)
{
	struct victim v;

	victim_start(c, &v, end_by_exit);
	victim_go(&v);
	child_wait_ok(v.pid);
	victim_finish(&v);
}

static int end_by_exec(void)
{
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 1;
}

static void run_exec(struct cell *c)
{
	struct victim v;

	victim_start(c, &v, end_by_exec);
	victim_go(&v);
	victim_await(&v);
	assert_int_equal(waitpid(v.pid, NULL, WNOHANG), 0);
	victim_finish(&v);
	child_kill(v.pid);
}

static int end_by_hunger(void)
{
	for (;;)
		memset(malloc(MIB), 1, MIB);
	return 1;
}

static bool is_reaped(void *arg)
{
	return !dev_stats(*(int *)arg).resident_pages;
}

/* The OOM reaper leaves alone what is shared, and hugetlb. */
static bool is_for_the_reaper(struct cell *c)
{
	return cell_has(c, HAS_DEVICE | IS_PRIVATE) && c->unit == 1;
}

/*
 * A fault in flight keeps the dead process's memory alive, so that the OOM
 * reaper comes for it: its invalidations cannot wait for anything.
 */
static void run_oom(struct cell *c)
{
	bool reaped = is_for_the_reaper(c);
	size_t at = cell_next_probe(c, c->pages / 2);
	struct dev_config config = dev_default;
	int kills, held = -1, status, err;
	struct victim v;
	struct job job;

	victim_start(c, &v, end_by_hunger);
	if (!machine_confine(v.pid, MEMORY_LIMIT))
		test_fail("no memory cgroup: %s", strerror(errno));
	kills = machine_oom_kills();
	if (reaped) {
		config.pid = v.pid;
		held = dev_open(c->mem, c->total * PAGE, &config);
		dev_hold(held, 0, ODP_SELFTEST_SNAPSHOT, cell_at(c, at), PAGE,
			 1);
		job_read(&job, held, cell_at(c, at), PAGE);
		job_go(&job);
		dev_await(held, 0);
	}

	victim_go(&v);
	assert_int_equal(waitpid(v.pid, &status, 0), v.pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(machine_oom_kills(), kills + 1);
	if (reaped) {
		if (!wait_until(is_reaped, &c->dev))
			test_fail("the OOM reaper left pages in the mirror");
		assert_false(job_done(&job));
		dev_release(held, 0);
		err = job_wait(&job);
		job_free(&job);
		dev_close(held);
		/* The table is paid for by a cgroup that is full. */
		if (err && err != -ESRCH && err != -EFAULT && err != -ENOMEM)
			test_fail("fault in dead memory: %s", strerror(-err));
	}
	victim_finish(&v);
}

/* The victim's memory is written from here. */
static const char *impossible_victim(const struct kind *kind)
{
	return (kind->props & IS_PRIVATE) && (kind->props & (IS_PFN | IS_DAX)) ?
	       "the kernel copies such pages in their own process only" : NULL;
}

const struct event events_process[] = {
	{ .name = "exit", .impossible = impossible_victim, .run = run_exit },
	{ .name = "exec", .impossible = impossible_victim, .run = run_exec },
	{ .name = "oom", .impossible = impossible_victim, .run = run_oom },
};

const size_t nr_events_process = NR(events_process);
