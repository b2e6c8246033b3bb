// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Runs a program whose processes carry an on-demand region (carrier.c), and watches
 * them: what they did, and, while an operation takes long, where all that have to do
 * with it are in the kernel.
 *
 *	watch LIBRARY SHARED DETAILS COMMAND...
 *
 * One line at the end: the command's status, processes that had a region,
 * operations, KiB compared, bytes wrong, operations refused and lost, slow ones and
 * those of them without a reason, the longest one in ms, each kind of wait's longest
 * in ms, why the longest took as long, and what trouble there was.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

#define PERIOD_NS 50000000ul
#define MS 1000000ul

static const char *const wait_names[] = {
	[WAIT_CPU] = "the processor", [WAIT_TOUCH] = "a page of its own",
	[WAIT_LOCK] = "the mmap_lock", [WAIT_PAGE] = "a new page",
	[WAIT_MACHINE] = "the machine",
};

static const char *const op_names[] = {
	[OP_WRITE] = "write", [OP_READ] = "read", [OP_VISIT] = "visit",
};

static struct shared *shared;
static FILE *details;
static uint64_t operated[SLOTS];	/* when its thread was last there */
static uint64_t next_look[SLOTS];	/* at the operation that began at... */
static uint64_t looked_at[SLOTS];

/* Of all processes. */
static struct {
	uint64_t carriers, ops, compared, wrong, refused, lost, slow, unnamed;
	uint64_t longest_wait[NR_WAITS];
	struct record longest;
	char trouble[sizeof(shared->slots[0].trouble)];
} sum;

/* Prints a file line by line, with something before each; does it wait for userfaultfd? */
static bool show_file(const char *before, const char *fmt, ...)
{
	char path[300], line[300];
	bool userfault = false;
	va_list args;
	FILE *f;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	f = fopen(path, "r");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		fprintf(details, "%s%s", before, line);
		userfault |= !!strstr(line, "handle_userfault");
	}
	fclose(f);
	return userfault;
}

/* The kernel's threads that do SoftRoCE's work. */
static bool works_for_us(const char *comm)
{
	return strstr(comm, "rxe") || strstr(comm, "odp");
}

static void read_comm(const char *dir, const char *id, char *comm, int room)
{
	char path[300];
	FILE *f;

	*comm = 0;
	snprintf(path, sizeof(path), "%s/%s/comm", dir, id);
	f = fopen(path, "r");
	if (!f)
		return;
	if (!fgets(comm, room, f))
		*comm = 0;
	comm[strcspn(comm, "\n")] = 0;
	fclose(f);
}

/* The state in a stat file: the letter behind the name. */
static char state_of(const char *dir, const char *id)
{
	char path[300], line[300], *p = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/stat", dir, id);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f))
		p = strrchr(line, ')');
	fclose(f);
	return p && p[1] ? p[2] : 0;
}

/*
 * Where the threads in a folder of /proc are; all, or those that work for us. Does
 * one of ours wait for userfaultfd?
 */
static bool show_threads(const char *dir, bool all)
{
	DIR *d = opendir(dir);
	bool userfault = false;
	struct dirent *e;
	char comm[64];

	while (d && (e = readdir(d))) {
		if (!isdigit(*e->d_name))
			continue;
		read_comm(dir, e->d_name, comm, sizeof(comm));
		if (!all && !works_for_us(comm))
			continue;
		fprintf(details, "    %s (%s) %c\n", e->d_name, comm,
			state_of(dir, e->d_name) ?: '?');
		userfault |= show_file("        ", "%s/%s/stack", dir,
				       e->d_name) && works_for_us(comm);
	}
	if (d)
		closedir(d);
	return userfault;
}

static void show_record(const char *how, int pid, const struct record *r)
{
	int i;

	fprintf(details, "process %d, %s of %u bytes at 0x%lx %s %lu ms; ",
		pid, op_names[r->op], r->len, r->addr, how, r->ns / MS);
	fprintf(details, "beside it was waited, in ms, for");
	for (i = 0; i < NR_WAITS; i++)
		fprintf(details, " %s %lu%s", wait_names[i],
			r->waited[i] / MS, i < NR_WAITS - 1 ? "," : "\n");
}

/* An operation takes long: a look before it is a slow one, and again and again. */
static void look(int i)
{
	struct slot *slot = &shared->slots[i];
	uint64_t since = slot->since, now = now_ns();
	struct record r;
	char dir[64];

	if (!since)
		return;
	if (since != looked_at[i]) {
		looked_at[i] = since;
		next_look[i] = since + SLOW_NS / 2;
	}
	if (now < next_look[i])
		return;
	next_look[i] = now + 2 * (now - since);
	r = record_of(shared, slot, now);
	show_record("has taken", slot->pid, &r);
	show_file("    ", "/proc/pressure/memory");
	snprintf(dir, sizeof(dir), "/proc/%d/task", slot->pid);
	if (show_threads(dir, true) && slot->since == since)
		slot->now.userfault = true;
	show_threads("/proc", false);
	fflush(details);
}

/*
 * Those beside it explain an operation if they waited for half of its time. A page
 * that userfaultfd brings is there when its owner likes.
 */
static bool has_reason(const struct record *r)
{
	uint64_t all = 0;
	int i;

	for (i = 0; i < WAIT_MACHINE; i++)
		all += r->waited[i];
	return r->userfault || 2 * all >= r->ns || 2 * r->waited[WAIT_MACHINE] >= r->ns;
}

/* What a process did whose thread was there until then. */
static void add_up(struct slot *slot, uint64_t until)
{
	struct record r;
	uint32_t i;

	/* It was killed in the midst of one; it may have taken long to die. */
	if (slot->since && slot->since < until) {
		r = record_of(shared, slot, until);
		record_keep(slot, &r);
		slot->ops[r.op]++;
	}
	for (i = 0; i < NR_OPS; i++)
		sum.ops += slot->ops[i];
	for (i = 0; i < NR_WAITS; i++) {
		if (slot->waits.longest[i] > sum.longest_wait[i])
			sum.longest_wait[i] = slot->waits.longest[i];
	}
	sum.carriers++;
	sum.compared += slot->compared;
	sum.wrong += slot->wrong;
	sum.refused += slot->refused;
	sum.lost += slot->lost;
	sum.slow += slot->nr_slow;
	for (i = 0; i < slot->nr_slow && i < SLOW_MAX; i++) {
		show_record("took", slot->pid, &slot->slow[i]);
		sum.unnamed += !has_reason(&slot->slow[i]);
	}
	if (slot->longest.ns > sum.longest.ns)
		sum.longest = slot->longest;
	if (*slot->trouble && !*sum.trouble)
		memcpy(sum.trouble, slot->trouble, sizeof(sum.trouble));
}

static bool is_there(const char *dir, int id)
{
	char name[16], state;

	snprintf(name, sizeof(name), "%d", id);
	state = state_of(dir, name);
	return state && state != 'Z' && state != 'X';
}

static bool operates(const struct slot *slot)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "/proc/%d/task", slot->pid);
	return slot->thread && is_there(dir, slot->thread);
}

/* Processes that have ended make room for others. */
static void harvest(bool all)
{
	struct slot *slot;
	uint64_t now;
	int i;

	for (i = 0; i < SLOTS; i++) {
		slot = &shared->slots[i];
		if (!slot->pid)
			continue;
		now = now_ns();
		if (operates(slot)) {
			operated[i] = now;
			look(i);
		}
		if (is_there("/proc", slot->pid) && !all)
			continue;
		if (all)
			kill(slot->pid, SIGKILL);
		add_up(slot, operated[i]);
		operated[i] = 0;
		memset((char *)slot + sizeof(slot->pid), 0,
		       sizeof(*slot) - sizeof(slot->pid));
		slot->pid = 0;
	}
}

/* Sleeps until the next look. How late it is, is the machine's fault. */
static void nap(void)
{
	const struct timespec t = { .tv_nsec = PERIOD_NS };

	wait_next(&shared->machine, WAIT_MACHINE, PERIOD_NS);
	nanosleep(&t, NULL);
	wait_next(&shared->machine, WAIT_NONE, 0);
}

static pid_t start(const char *library, const char *file, char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid)
		return pid;
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv("LD_PRELOAD", library, 1);
	setenv(SHARED_FILE, file, 1);
	execvp(*argv, argv);
	err(2, "%s", *argv);
}

static void share(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*shared)))
		err(2, "%s", file);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		      fd, 0);
	if (shared == MAP_FAILED)
		err(2, "%s", file);
	close(fd);
	shared->machine.now = WAIT_NONE;
}

/* Neither memory nor a processor is to be waited for here. */
static void come_first(void)
{
	const struct sched_param param = { .sched_priority = 50 };

	if (mlockall(MCL_CURRENT | MCL_FUTURE) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		err(2, "real-time priority");
}

static void print_why(const struct record *r)
{
	const char *comma = "";
	int i;

	if (r->userfault) {
		printf("userfaultfd");
		comma = ", ";
	}
	for (i = 0; i < NR_WAITS; i++) {
		if (!r->ns || r->waited[i] * 10 < r->ns)
			continue;
		printf("%s%s %lu %%", comma, wait_names[i],
		       r->waited[i] * 100 / r->ns);
		comma = ", ";
	}
	/* Readers want something in each field. */
	if (!*comma)
		printf("-");
}

static void print_sum(int status)
{
	const uint64_t columns[] = {
		sum.carriers, sum.ops, sum.compared / 1024, sum.wrong,
		sum.refused, sum.lost, sum.slow, sum.unnamed,
		sum.longest.ns / MS,
	};
	size_t i;

	printf("%d", status);
	for (i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		printf("\t%lu", columns[i]);
	for (i = 0; i < NR_WAITS; i++)
		printf("\t%lu", sum.longest_wait[i] / MS);
	printf("\t");
	print_why(&sum.longest);
	printf("\t%s\n", *sum.trouble ? sum.trouble : "-");
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 5)
		errx(2, "usage: watch LIBRARY SHARED DETAILS COMMAND...");
	share(argv[2]);
	details = fopen(argv[3], "a");
	if (!details)
		err(2, "%s", argv[3]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = start(argv[1], argv[2], argv + 4);
	come_first();
	while (waitpid(pid, &status, WNOHANG) != pid) {
		harvest(false);
		nap();
	}
	harvest(true);
	while (wait(NULL) > 0)
		;
	fclose(details);
	sum.longest_wait[WAIT_MACHINE] = shared->machine.longest[WAIT_MACHINE];

	print_sum(WIFEXITED(status) ? WEXITSTATUS(status) :
				      128 + WTERMSIG(status));
	return 0;
}
