/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The kinds of memory, and what the files that list them share.
 */
#ifndef MATRIX_KINDS_H
#define MATRIX_KINDS_H

#include "cell.h"

/* What the plainest memory is. */
#define PLAIN (HAS_CPU | HAS_DEVICE | HAS_WRITE | HAS_ROOM | IS_ANON | \
	       IS_PRIVATE | IS_SMALL_STEP | IS_UNLOCKED | IS_PAGED | \
	       IS_EXPANDABLE | IS_COLLAPSIBLE | IS_LONE | IS_MOVABLE | \
	       IS_HINTED)

/* Small kinds are as long as one huge page. */
#define SMALL_PAGES (HUGE_2M / PAGE)

/* The pages looked at: at the edges of all that events cut at. */
extern const size_t probes_small[];
extern const size_t probes_huge[];
extern const size_t probes_part[];
extern const size_t probes_few[];

extern const struct kind kinds_anon[];
extern const size_t nr_kinds_anon;
extern const struct kind kinds_file[];
extern const size_t nr_kinds_file;
extern const struct kind kinds_driver[];
extern const size_t nr_kinds_driver;
extern const struct kind kinds_odd[];
extern const size_t nr_kinds_odd;

/* Maps a cell's memory where it is to be, whole huge pages of a huge kind. */
void kind_map(struct cell *c, int prot, int flags, int fd);

/* Pages that the device may not touch at all. */
void kind_refuse(struct cell *c, char cpu);

#endif /* MATRIX_KINDS_H */
