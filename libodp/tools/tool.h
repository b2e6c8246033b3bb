/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What both tools need: opening a device, reading numbers, writing them so
 * that they are easy to read.
 */
#ifndef ODP_TOOLS_TOOL_H
#define ODP_TOOLS_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <infiniband/odp.h>

#define EXIT_USAGE 2

/* Prints what --version does; the exit status. */
int tool_version(const char *tool);

/*
 * The name of the device with that name; with NULL, of the only one that there
 * is. To be freed. Prints a sentence and returns NULL if that fails.
 */
char *tool_device(const char *name);

/*
 * Opens the device with that name; with NULL, the only one that there is.
 * Prints a sentence and returns NULL if that fails.
 */
struct ibv_context *tool_open(const char *name);

/* Says what an error of a libodp function about a region means. */
void tool_explain(int err, const char *device, uint32_t mrn);

/* A number: all of @text, decimal or 0x..., between @min and @max. */
bool tool_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* The same with K, M, G or T behind it: a number of bytes, at least 1. */
bool tool_bytes(const char *text, uint64_t *value);

/* A number in five characters at most, such as 1.5G. */
struct short_text {
	char text[8];
};

struct short_text short_bytes(uint64_t bytes);	/* 1K is 1024 */
struct short_text short_count(double count);	/* 1k is 1000 */

/* The exit status at the end: 1, after a sentence, if output was lost. */
int tool_exit_status(void);

#endif /* ODP_TOOLS_TOOL_H */
