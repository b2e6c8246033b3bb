// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A key-value store that is larger than memory: a table of 64 GiB, one on-demand
 * region, that clients read and write by RDMA, and of which no more is in memory
 * than a control group allows. The table is a sparse file that is mapped, so the
 * kernel takes pages back by writing them there; no swap is needed. A key is an
 * index: the store needs no hash table, as places that nobody uses cost nothing.
 *
 * The same cannot be had with a pinned region, as two processes show that try.
 *
 * Needs root, for the control group. Exits with 0 only if no value was wrong, more was put than
 * fits, the bound held, and pinning failed.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "example.h"

#define CGROUPS "/sys/fs/cgroup"
#define NOBODY 65534
#define VALUE_LEN (16 * KIB)

/* What an ordinary user may lock if nobody says otherwise. */
#define USUAL_MEMLOCK (8 * MIB)

/* How often to look at how much is in memory: after so many operations. */
#define LOOK_EVERY 128

struct store {
	const char *device;
	const char *folder;
	size_t len;
	size_t bound;
	uint64_t keys;
	uint8_t *table;
	struct ibv_mr *mr;
	struct link client;
	uint64_t operations;
	uint64_t wrong;
	size_t most;		/* bytes of the table that were in memory */
};

static char group[64];
static pid_t group_owner;

static bool group_write(const char *dir, const char *file, const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return done;
}

/* The number behind a word in a file of the group, or the first of all. */
static size_t group_read(const char *file, const char *word)
{
	char path[128], name[64];
	size_t number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	f = fopen(path, "r");
	if (!f)
		err(EXIT_FAILURE, "%s", path);
	if (word)
		while (fscanf(f, "%63s %zu", name, &number) == 2 &&
		       strcmp(name, word))
			;
	else if (fscanf(f, "%zu", &number) != 1)
		errx(EXIT_FAILURE, "%s holds no number", path);
	fclose(f);
	return number;
}

/* A group is removed when nobody is in it any more. */
static void group_leave(void)
{
	char self[16];

	if (getpid() != group_owner)
		return;
	snprintf(self, sizeof(self), "%d", getpid());
	group_write(CGROUPS, "cgroup.procs", self);
	rmdir(group);
}

static void group_enter(size_t bound)
{
	char self[16], bytes[32];

	group_owner = getpid();
	snprintf(self, sizeof(self), "%d", group_owner);
	snprintf(bytes, sizeof(bytes), "%zu", bound);
	snprintf(group, sizeof(group), CGROUPS "/odp-store-%s", self);
	group_write(CGROUPS, "cgroup.subtree_control", "+memory");
	if (mkdir(group, 0755))
		err(EXIT_FAILURE, "%s (it takes root, and cgroup v2)", group);
	atexit(group_leave);
	if (!group_write(group, "memory.max", bytes) ||
	    !group_write(group, "cgroup.procs", self))
		err(EXIT_FAILURE, "the memory controller of %s", group);
}

/* Bytes of the table that are in memory: no other file is mapped in the group. */
static size_t resident(void)
{
	return group_read("memory.stat", "file_mapped");
}

static void open_table(struct store *s)
{
	int fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)s->len))
		err(EXIT_FAILURE, "a file in %s; --folder names another place",
		    s->folder);
	s->table = mmap(NULL, s->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0);
	if (s->table == MAP_FAILED)
		err(EXIT_FAILURE, "mmap of %zu GiB", s->len / GIB);
	close(fd);
	/* What lies around a value is not what is asked for next. */
	if (madvise(s->table, s->len, MADV_RANDOM))
		err(EXIT_FAILURE, "madvise");
	s->mr = ibv_reg_mr(s->client.pd, s->table, s->len,
			   ACCESS | IBV_ACCESS_ON_DEMAND);
	if (!s->mr)
		err(EXIT_FAILURE, "ibv_reg_mr of %zu GiB, on demand",
		    s->len / GIB);
}

/* Keys are drawn from all that there are. One drawn twice has one value. */
static uint64_t key_at(const struct store *s, uint64_t i)
{
	return pattern_word(0, i) % (s->len / VALUE_LEN);
}

static uint64_t value_of(uint64_t key, uint64_t version)
{
	return 2 * key + version;
}

static void one_more(struct store *s)
{
	size_t now;

	if (++s->operations % LOOK_EVERY)
		return;
	now = resident();
	if (now > s->most)
		s->most = now;
}

static void put(struct store *s, uint64_t key, uint64_t version)
{
	pattern_fill(s->client.buf, VALUE_LEN, value_of(key, version));
	peer_write(&s->client, s->table + key * VALUE_LEN, s->mr, VALUE_LEN);
	one_more(s);
}

static void get(struct store *s, uint64_t key, uint64_t version)
{
	memset(s->client.buf, 0, VALUE_LEN);
	peer_read(&s->client, s->table + key * VALUE_LEN, s->mr, VALUE_LEN);
	s->wrong += !pattern_is(s->client.buf, VALUE_LEN,
				value_of(key, version));
	one_more(s);
}

/* All values, some of them a second time, and all of them again. */
static void use(struct store *s)
{
	uint64_t i, key;

	for (i = 0; i < s->keys; i++)
		put(s, key_at(s, i), 0);
	for (i = 0; i < s->keys; i++)
		get(s, key_at(s, i), 0);
	for (i = 0; i < s->keys; i++) {
		key = key_at(s, i);
		if (key % 2)
			put(s, key, 1);
	}
	for (i = 0; i < s->keys; i++) {
		key = key_at(s, i);
		get(s, key, key % 2);
	}
}

static void show(struct store *s)
{
	size_t bound = group_read("memory.max", NULL), before = resident();
	struct odp_stats stats;

	say("table: %zu GiB, %zu KiB of it in memory; memory.max of the group: %zu MiB",
	    s->len / GIB, before / KIB, bound / MIB);
	use(s);
	stats = stats_of(s->mr);
	claim(!s->wrong, "%llu operations on %llu keys, %llu values wrong",
	      (unsigned long long)s->operations, (unsigned long long)s->keys,
	      (unsigned long long)s->wrong);
	claim(s->keys * VALUE_LEN > bound && stats.invalidated_pages,
	      "values: %llu MiB; the kernel took %llu pages back from the device",
	      (unsigned long long)(s->keys * VALUE_LEN / MIB),
	      (unsigned long long)stats.invalidated_pages);
	claim(s->most && s->most <= bound,
	      "in memory: %zu MiB at most, %zu MiB now, %llu MiB of it in the device's table",
	      s->most / MIB, resident() / MIB,
	      (unsigned long long)(stats.resident_pages * PAGE / MIB));
	say("the group had %zu MiB at most; now %zu KiB of page tables, %llu KiB of the device's",
	    group_read("memory.peak", NULL) / MIB,
	    group_read("memory.stat", "pagetables") / KIB,
	    (unsigned long long)(stats.table_bytes / KIB));
}

/*
 * A process of some user pins a table as large: memory, as of a file that would
 * be refused. It exits with an errno, or does not live to do that. It is the
 * one to be killed if the group has no room.
 */
static int pin(const struct store *s, uid_t user)
{
	const struct rlimit usual = { USUAL_MEMLOCK, USUAL_MEMLOCK };
	static struct link link;
	struct ibv_mr *mr;
	int status;
	pid_t pid = fork();
	void *mem;

	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (pid) {
		if (waitpid(pid, &status, 0) != pid)
			err(EXIT_FAILURE, "waitpid");
		return status;
	}
	mem = mmap(NULL, s->len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED ||
	    !group_write("/proc/self", "oom_score_adj", "1000") ||
	    setrlimit(RLIMIT_MEMLOCK, &usual) ||
	    setresuid(user, user, user) || link_open(&link, s->device))
		_exit(0);
	mr = ibv_reg_mr(link.pd, mem, s->len, ACCESS);
	_exit(mr ? 0 : errno);
}

static void show_pinned(const struct store *s)
{
	size_t kills = group_read("memory.events", "oom_kill");
	int status = pin(s, NOBODY);

	claim(WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM,
	      "pinned, by an ordinary user: %s (RLIMIT_MEMLOCK is %zu MiB)",
	      WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "killed",
	      USUAL_MEMLOCK / MIB);
	status = pin(s, 0);
	kills = group_read("memory.events", "oom_kill") - kills;
	claim(WIFSIGNALED(status) && kills,
	      "pinned, by root: %s (the group is full; its OOM killer came %zu times)",
	      WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) :
	      strerror(WEXITSTATUS(status)), kills);
}

/* A number of something between 1 and a million. */
static size_t to_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || !n || n > 1000000)
		errx(EXIT_FAILURE, "'%s' is no number from 1 to 1000000", text);
	return n;
}

int main(int argc, char **argv)
{
	static const char *device = "rxe0", *folder = "/var/tmp";
	static const char *table = "64", *bound = "8", *keys = "576";
	static const struct example_option options[] = {
		DEVICE_OPTION(&device),
		FOLDER_OPTION(&folder),
		{ "table", "GIB", "the table's size", &table },
		{ "bound", "MIB", "memory.max of the group", &bound },
		{ "keys", "N", "how many keys are drawn", &keys },
		{}
	};
	static struct store store;

	take_options(argc, argv,
		     "Puts values all over a table that is far larger than memory and gets them again, by\n"
		     "RDMA, in a control group that bounds what is in memory. Takes root, for the group.",
		     options);
	store.device = device;
	store.folder = folder;
	store.len = to_number(table) * GIB;
	store.bound = to_number(bound) * MIB;
	store.keys = to_number(keys);

	peer_open(&store.client, store.device);
	group_enter(store.bound);
	open_table(&store);
	show(&store);
	show_pinned(&store);
	if (ibv_dereg_mr(store.mr))
		errx(EXIT_FAILURE, "ibv_dereg_mr");
	munmap(store.table, store.len);
	link_close(&store.client);
	return verdict();
}
