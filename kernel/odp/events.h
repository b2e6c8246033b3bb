/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Events from the inside: notes, and the file that they are read from.
 */
#ifndef ODP_EVENTS_INTERNAL_H
#define ODP_EVENTS_INTERNAL_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <rdma/odp_events.h>

/**
 * struct odp_hits - invalidations that have not been read
 * @count: how many
 * @start: the first byte that any of them touched
 * @last: the last one
 * @causes: a set of enum odp_record_cause
 */
struct odp_hits {
	u64 count;
	unsigned long start;
	unsigned long last;
	u32 causes;
};

/**
 * struct odp_note - what is to be told of one thing
 * @list: in events->ready, while there is something to be told
 * @events: the file
 * @cookie: what the user calls it
 * @name: added to an address, what the user calls that
 * @hits: told first
 * @end: told last: ODP_RECORD_PREFETCHED or ODP_RECORD_WATCH_ENDED; 0 before
 * @err: with @end: 0 or a negative errno
 * @free: called when that has been read
 *
 * All but the constants are guarded by events->lock.
 */
struct odp_note {
	struct list_head list;
	struct odp_events *events;
	u64 cookie;
	u64 name;
	struct odp_hits hits;
	enum odp_record_kind end;
	int err;
	void (*free)(struct odp_note *note);
};

/**
 * struct odp_events - an events file
 * @ref: the file's, and one of each prefetch under way
 * @mutex: held to read, to watch and to unwatch: what has been found stays
 * @watches: all watches that were not read to their end, by number
 * @next: where to look for the next number
 * @device_list: in device->events, under odp_events_mutex
 * @device: whose, only for comparison; NULL once it is gone
 * @lock: guards what follows, and the notes
 * @ready: notes with something to be told, oldest first
 * @nr_notes: all notes
 * @gone: there will be no new ones
 * @closed: nobody will read any more
 * @wait: those who wait for a record
 */
struct odp_events {
	struct kref ref;
	struct mutex mutex; /* see above */
	struct xarray watches;
	u32 next;
	struct list_head device_list;
	const struct odp_device *device;

	spinlock_t lock; /* see above */
	struct list_head ready;
	unsigned int nr_notes;
	bool gone;
	bool closed;
	wait_queue_head_t wait;
};

int odp_note_init(struct odp_note *note, struct odp_events *events, u64 cookie);
void odp_note_drop(struct odp_note *note);
void odp_note_hit(struct odp_note *note, const struct odp_hits *hits);
void odp_note_end(struct odp_note *note, enum odp_record_kind end, int err);
struct odp_note *odp_note_prefetch(struct odp_events *events, u64 cookie);
void odp_note_cancel(struct odp_note *note);
void odp_note_prefetched(struct odp_note *note, int err);
void odp_events_hang_up(struct odp_device *device);

#endif /* ODP_EVENTS_INTERNAL_H */
