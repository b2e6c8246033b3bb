/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the examples share: their options, a peer whose requests must succeed,
 * data that does not repeat, and what an example claims.
 */
#ifndef EXAMPLES_EXAMPLE_H
#define EXAMPLES_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/odp.h>

#include "link.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define PAGE (4 * KIB)

/* What a peer may do with a region. */
#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_READ)

/* An option that takes a value: of --@name @value, which is *@to until it is given. */
struct example_option {
	const char *name;
	const char *value;
	const char *text;
	const char **to;
};

#define MAX_OPTIONS 8

#define DEVICE_OPTION(to) { "device", "NAME", "the RDMA device", to }
#define FOLDER_OPTION(to) { "folder", "PATH", "a folder on a disk", to }

/* Takes these, up to one without a name, and --help, or says so and exits. */
void take_options(int argc, char **argv, const char *about,
		  const struct example_option *list);

/* Opens the device and connects the peer, or says why not and exits. */
void peer_open(struct link *peer, const char *device);

/*
 * The peer writes its buffer's first @len bytes to @to, or reads as many bytes
 * from @from into it, by the region's key. Exits if that fails.
 */
void peer_write(struct link *peer, void *to, const struct ibv_mr *mr,
		size_t len);
void peer_read(struct link *peer, const void *from, const struct ibv_mr *mr,
	       size_t len);

/* A word that depends on all bits of @seed and @index: data, and dice. */
uint64_t pattern_word(uint64_t seed, uint64_t index);

/* Bytes that do not repeat, others for each seed; @len in words of 8. */
void pattern_fill(void *buf, size_t len, uint64_t seed);
bool pattern_is(const void *buf, size_t len, uint64_t seed);

/* Counters of a region, or exits. */
struct odp_stats stats_of(struct ibv_mr *mr);

/* Prints a line, at once. */
__attribute__((format(printf, 1, 2)))
void say(const char *fmt, ...);

/* The same, and whether that is what should have been seen. */
__attribute__((format(printf, 2, 3)))
bool claim(bool seen, const char *fmt, ...);

/* The last words, and the exit status: 0 if all that was claimed was seen. */
int verdict(void);

#endif /* EXAMPLES_EXAMPLE_H */
