// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A memory control group of the test's own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knob.h"
#include "memcg.h"

#define ROOT "/sys/fs/cgroup"

static const char *path_of(const struct memcg *g, const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", g->dir, file);
	return path;
}

bool memcg_open(struct memcg *g, const char *name)
{
	knob_set(ROOT "/cgroup.subtree_control", "+memory");
	snprintf(g->dir, sizeof(g->dir), ROOT "/%s", name);
	return (!mkdir(g->dir, 0755) || errno == EEXIST) &&
	       !access(path_of(g, "memory.max"), W_OK);
}

void memcg_close(struct memcg *g)
{
	rmdir(g->dir);
	g->dir[0] = '\0';
}

bool memcg_set(const struct memcg *g, const char *file, const char *value)
{
	return knob_set(path_of(g, file), value);
}

bool memcg_set_bytes(const struct memcg *g, const char *file, int64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, bytes);
	return memcg_set(g, file, text);
}

bool memcg_add(const struct memcg *g, pid_t pid)
{
	return memcg_set_bytes(g, "cgroup.procs", pid);
}

int64_t memcg_bytes(const struct memcg *g)
{
	return knob_number(path_of(g, "memory.current"));
}

int memcg_oom_kills(const struct memcg *g)
{
	char text[512];
	const char *at;

	if (!knob_get(path_of(g, "memory.events"), text, sizeof(text)))
		return 0;
	at = strstr(text, "oom_kill ");
	return at ? atoi(at + strlen("oom_kill ")) : 0;
}
