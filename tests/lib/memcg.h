/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A memory control group of the test's own.
 */
#ifndef TESTS_MEMCG_H
#define TESTS_MEMCG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct memcg {
	char dir[64];
};

/* Makes it, or takes the one that is there; whether it could. */
bool memcg_open(struct memcg *g, const char *name);

/* Removes it, if no process is in it. */
void memcg_close(struct memcg *g);

/* Writes one of its files, such as memory.max; whether it could. */
bool memcg_set(const struct memcg *g, const char *file, const char *value);
bool memcg_set_bytes(const struct memcg *g, const char *file, int64_t bytes);

/* Puts a process into it; whether it could. */
bool memcg_add(const struct memcg *g, pid_t pid);

/* What is charged to it now. */
int64_t memcg_bytes(const struct memcg *g);

/* How many processes the kernel has killed there for lack of memory. */
int memcg_oom_kills(const struct memcg *g);

#endif /* TESTS_MEMCG_H */
