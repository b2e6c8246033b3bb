// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The test's side of a cell: an owner and a queue pair to it, how long things
 * take, and what is left afterwards. What is late is said, then the pages are
 * let come so that it ends: other cells follow.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knob.h"
#include "memcg.h"
#include "nic.h"
#include "stuck.h"

#define ADDRESS "203.0.113.1"
#define REFCNT "/sys/module/rdma_rxe/refcnt"
/* What a group without processes keeps: page cache, and what is not exact. */
#define CRUMBS (4 * MIB)

struct memcg cells_group;
static struct board *board;
/* Without any cell. */
static int64_t refcnt;
static char resources[256];

static const struct pair_config rc = {
	.type = IBV_QPT_RC,
	.mtu = IBV_MTU_1024,
	.forever = true,
};

/* How many objects the device has: a few are the kernel's own. */
static void list_resources(char *text, size_t room)
{
	FILE *f = popen("rdma resource show " STUCK_NIC, "re");
	const char *counts = NULL;

	if (f && fgets(text, room, f))
		counts = strchr(text, ' ');
	if (!counts)
		test_fail("rdma resource show " STUCK_NIC ": failed");
	/* The device's number is new with each device. */
	memmove(text, counts, strlen(counts) + 1);
	pclose(f);
}

void cells_open(void)
{
	nic_add(STUCK_NIC, ADDRESS);
	refcnt = knob_number(REFCNT);
	list_resources(resources, sizeof(resources));
	if (!memcg_open(&cells_group, "odp_stuck"))
		test_fail("no memory cgroup: %s", strerror(errno));
	board = mem_shared(PAGE);
}

void cells_close(void)
{
	memcg_close(&cells_group);
	nic_del(STUCK_NIC);
}

static bool readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

/* Says that something is late, and ends what makes it so. */
static void is_late(struct cell *c, const char *what)
{
	printf("LATE: %s, %s: %s takes more than %d ms\n", c->kind->name,
	       c->action, what, LIMIT_MS);
	c->late = true;
	c->kind->release();
}

static void expect_soon(struct cell *c, int fd, const char *what)
{
	if (readable(fd, LIMIT_MS))
		return;
	is_late(c, what);
	if (!readable(fd, PATIENCE_MS))
		test_fail("%s, %s: %s does not end with the page there either",
			  c->kind->name, c->action, what);
}

void cell_order(struct cell *c, owner_fn fn)
{
	if (write(c->sock, &fn, sizeof(fn)) != sizeof(fn))
		test_fail("%s: the owner is gone", c->action);
}

/* The owner says that it is ready for the next. */
static void obeyed(struct cell *c)
{
	char c1;

	if (!readable(c->sock, PATIENCE_MS) || read(c->sock, &c1, 1) != 1)
		test_fail("%s, %s: the owner failed", c->kind->name, c->action);
}

void cell_tell(struct cell *c, owner_fn fn)
{
	cell_order(c, fn);
	obeyed(c);
}

void cell_tell_soon(struct cell *c, owner_fn fn)
{
	cell_order(c, fn);
	expect_soon(c, c->sock, "it");
	obeyed(c);
}

struct job {
	struct cell *c;
	void (*fn)(struct cell *c);
	int done;
};

static void *job_run(void *arg)
{
	struct job *job = arg;

	job->fn(job->c);
	eventfd_write(job->done, 1);
	return NULL;
}

void cell_soon(struct cell *c, const char *what, void (*fn)(struct cell *c))
{
	struct job job = { c, fn, eventfd(0, EFD_CLOEXEC) };
	pthread_t thread;

	if (job.done < 0 || pthread_create(&thread, NULL, job_run, &job))
		test_fail("no thread");
	expect_soon(c, job.done, what);
	pthread_join(thread, NULL);
	close(job.done);
}

void cell_dead_soon(struct cell *c, const char *what)
{
	expect_soon(c, c->pidfd, what);
	while (waitpid(c->owner, NULL, 0) < 0) {
		if (errno != EINTR)
			test_fail("waitpid: %s", strerror(errno));
	}
	close(c->pidfd);
	close(c->sock);
	c->owner = 0;
}

static void owner_start(struct cell *c)
{
	struct owner_job job = { .kind = c->kind, .b = c->b };
	owner_fn go = NULL;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		test_fail("socketpair: %s", strerror(errno));
	job.sock = ends[1];
	c->sock = ends[0];
	c->owner = child_start(owner_run, &job);
	close(ends[1]);
	c->pidfd = (int)syscall(SYS_pidfd_open, c->owner, 0);
	if (c->pidfd < 0 || !memcg_add(&cells_group, c->owner))
		test_fail("owner: %s", strerror(errno));
	cell_tell(c, go);
}

void cell_open(struct cell *c, const struct kind *kind, const char *action)
{
	static unsigned int nr_cells;

	*c = (struct cell) { .kind = kind, .action = action, .b = board };
	*board = (struct board) { .cell = nr_cells++ };
	memcg_set(&cells_group, "memory.max", "max");
	memcg_set(&cells_group, "memory.swap.max", "max");
	/* Before the test has anything of the device that a child inherits. */
	owner_start(c);
	rig_open(&c->rig);
	c->mem = mem_anon(STUCK_LEN);
	c->mr = reg_pinned(&c->rig, c->mem, STUCK_LEN, ACCESS_ALL);
	c->cq = cq_create(&c->rig, 16);
	c->qp = qp_create(&c->rig, c->rig.pd, c->cq, NULL, IBV_QPT_RC);
	board->test_mem = ref_r(c->mr, c->mem);
	board->test_qpn = c->qp->qp_num;
	qp_connect(&c->rig, c->qp, board->owner_qpn, &rc);
	cell_tell(c, owner_connect);
}

void cell_leave(struct cell *c)
{
	if (c->qp)
		ibv_destroy_qp(c->qp);
	if (c->cq)
		cq_destroy(c->cq);
	rig_close(&c->rig);
	c->qp = NULL;
	c->cq = NULL;
	mem_unmap(c->mem, STUCK_LEN);
}

/* What the kernel still has of the owner's memory, or NULL. */
static const char *memory_left(void)
{
	static char text[64];
	int64_t n = memcg_bytes(&cells_group);

	snprintf(text, sizeof(text), "%" PRId64 " bytes of the owner", n);
	return n > (int64_t)CRUMBS ? text : NULL;
}

/* The same of its objects. */
static const char *objects_left(void)
{
	static char text[256];
	int64_t n;

	if (!nic_is_there(STUCK_NIC))
		return NULL;
	n = nic_counter(STUCK_NIC, "odp_table_bytes");
	if (n) {
		snprintf(text, sizeof(text), "%" PRId64 " bytes of tables", n);
		return text;
	}
	if (knob_number(REFCNT) != refcnt)
		return "a reference to rdma_rxe";
	list_resources(text, sizeof(text));
	return strcmp(text, resources) ? text : NULL;
}

/* Asks again and again until nothing is left, or until it is too late. */
struct look {
	const char *(*what)(void);
	const char *left;
	int64_t deadline;
};

static bool look_again(void *arg)
{
	struct look *look = arg;

	look->left = look->what();
	return !look->left || now_ms() > look->deadline;
}

static void nothing_left_soon(struct cell *c, const char *(*what)(void))
{
	struct look look = { what, NULL, now_ms() + LIMIT_MS };

	wait_until(look_again, &look);
	if (!look.left)
		return;
	printf("LEFT: %s, %s: %s\n", c->kind->name, c->action, look.left);
	is_late(c, "giving it back");
	look.deadline = now_ms() + PATIENCE_MS;
	wait_until(look_again, &look);
	if (look.left)
		test_fail("%s, %s: with the page there, too, stays %s",
			  c->kind->name, c->action, look.left);
}

bool cell_finish(struct cell *c)
{
	if (c->owner) {
		shutdown(c->sock, SHUT_WR);
		cell_dead_soon(c, "exit");
	}
	nothing_left_soon(c, memory_left);
	cell_soon(c, "leaving the peer", cell_leave);
	nothing_left_soon(c, objects_left);
	c->kind->release();
	return !c->late;
}

void cell_abandon(struct cell *c)
{
	if (c->kind)
		c->kind->release();
	if (c->owner)
		child_kill(c->owner);
	if (c->rig.ctx)
		cell_leave(c);
}
