/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The ODP engine's events: files that tell of prefetches that have ended and of
 * memory that changed.
 */
#ifndef RDMA_ODP_EVENTS_H
#define RDMA_ODP_EVENTS_H

#include <linux/types.h>
#include <rdma/odp_mirror.h>
#include <rdma/odp_record_abi.h>

struct file;
struct odp_events;

/**
 * DOC: Events
 *
 * An *events* file (events.c) is a queue of *notes*. A note is memory for what is
 * to be told of one thing, and comes with the thing: a prefetch is accepted with
 * its note, a watch has one in it. So nothing is allocated where something
 * happens, and nothing is lost. What happens again before it was read is merged
 * into the note: the count says how often.
 *
 * A *watch* (watch.c) hears of all invalidations of a range, whether or not the
 * table has pages there. It belongs to a mirror, and ends with it. All watches of a
 * space stand in one interval tree.
 *
 * Watches are told at the *end* of an invalidation. Who is told at the start and
 * looks at the memory at once may still see what was there before, and will not
 * be told again.
 *
 * A file holds its notes and nothing else: no mirror, space, device or process.
 * Those end their notes when they go, and the file stays until it is closed.
 */

/* So many watches and prefetches whose end was not read a file has at most. */
#define ODP_NOTES_MAX	16384

/* So many watches a space has at most: an invalidation may have to tell all. */
#define ODP_WATCHES_MAX	16384

#define ODP_CAUSES_ALL \
	(ODP_RECORD_CAUSE_UNMAPPED | ODP_RECORD_CAUSE_CLEARED | \
	 ODP_RECORD_CAUSE_PROTECTED)

struct file *odp_events_file(struct odp_device *device);
struct odp_events *odp_events_of(struct file *file,
				 const struct odp_device *device);

/**
 * struct odp_watch_attr - what to watch
 * @va: the first byte's virtual address
 * @length: in bytes, not 0
 * @name: what records call the first byte
 * @cookie: what they call the watch
 * @causes: which invalidations to tell of, a set of enum odp_record_cause; 0: of all
 */
struct odp_watch_attr {
	u64 va;
	u64 length;
	u64 name;
	u64 cookie;
	u32 causes;
};

int odp_events_watch(struct odp_events *events, struct odp_mirror *mirror,
		     const struct odp_watch_attr *attr, u32 *id);
int odp_events_unwatch(struct odp_events *events, u32 id);
int odp_mirror_prefetch_notify(struct odp_mirror *mirror, u64 va, u64 length,
			       enum odp_prefetch how,
			       struct odp_events *events, u64 cookie);

#endif /* RDMA_ODP_EVENTS_H */
