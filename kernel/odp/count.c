// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Counting what mirrors do. What faults do is counted as it happens; what stands
 * in the tables is counted when somebody asks, so that nobody pays for it else.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "leaf.h"
#include "mirror.h"
#include "space.h"
#include "window.h"

/* Add up the table of a range. */
static void odp_tally_range(struct odp_space *s, unsigned long start,
			    unsigned long last, struct odp_tally *tally)
{
	unsigned long index = start >> ODP_WINDOW_SHIFT;
	struct odp_window *w;

	while ((w = odp_window_next(s, &index, last >> ODP_WINDOW_SHIFT))) {
		tally->windows++;
		tally->bytes += ksize(w);
		if (w->nr_slots)
			odp_leaf_tally(w, max(start, w->start),
				       min(last, w->end - 1), tally);
		odp_window_put(w);
		cond_resched();
	}
}

static void odp_stats_add_tally(struct odp_stats *stats,
				const struct odp_tally *tally)
{
	stats->resident_pages += tally->pages;
	stats->huge_entries += tally->huge;
	stats->windows += tally->windows;
	stats->leaves += tally->leaves;
	stats->table_bytes += tally->bytes;
}

static void odp_stats_add(struct odp_stats *stats, const struct odp_counters *c)
{
	u64 faults = atomic64_read(&c->faults);
	u64 local = atomic64_read(&c->local_faults);

	stats->faults += faults;
	stats->local_faults += local;
	/* Read apart from each other while both may grow. */
	stats->remote_faults += faults > local ? faults - local : 0;
	stats->slow_faults += atomic64_read(&c->slow_faults);
	stats->rnr_naks += atomic64_read(&c->rnr_naks);
	stats->parked += atomic64_read(&c->parked);
	stats->exclusive_takes += atomic64_read(&c->exclusive_takes);
	stats->faulted_pages += atomic64_read(&c->faulted_pages);
	stats->around_pages += atomic64_read(&c->around_pages);
	stats->prefetched_pages += atomic64_read(&c->prefetched_pages);
	stats->collisions += atomic64_read(&c->collisions);
	stats->failed_faults += atomic64_read(&c->failed_faults);
	stats->pinned_fallbacks += atomic64_read(&c->pinned_fallbacks);
}

/**
 * odp_mirror_stats - read a mirror's own counters
 * @m: the mirror
 * @stats: filled in; each counter is exact, but they are not read at once
 *
 * May sleep.
 */
void odp_mirror_stats(struct odp_mirror *m, struct odp_stats *stats)
{
	struct odp_space *s = m->space;
	struct odp_tally tally = {};

	odp_tally_range(s, m->start, m->last, &tally);
	*stats = (struct odp_stats) {
		.invalidations = atomic64_read(&s->invalidations) -
				 m->invalidations,
		.invalidated_pages = atomic64_read(&s->invalidated_pages) -
				     m->invalidated_pages,
	};
	odp_stats_add(stats, &m->count);
	odp_stats_add_tally(stats, &tally);
}
EXPORT_SYMBOL_GPL(odp_mirror_stats);

/**
 * odp_mirror_count_rnr - a peer was told to come again later
 * @m: the mirror
 */
void odp_mirror_count_rnr(struct odp_mirror *m)
{
	odp_count(m, rnr_naks, 1);
}
EXPORT_SYMBOL_GPL(odp_mirror_count_rnr);

/**
 * odp_mirror_count_parked - a work request of the owner's was put aside
 * @m: the mirror
 */
void odp_mirror_count_parked(struct odp_mirror *m)
{
	odp_count(m, parked, 1);
}
EXPORT_SYMBOL_GPL(odp_mirror_count_parked);

/**
 * odp_device_stats - read what all mirrors of a device did
 * @device: the device's
 * @stats: filled in; the table is that of all processes that have mirrors
 *
 * May sleep.
 */
void odp_device_stats(struct odp_device *device, struct odp_stats *stats)
{
	struct odp_tally tally = {};
	struct odp_attach *attach;
	unsigned int i;

	mutex_lock(&device->lock);
	*stats = (struct odp_stats) {
		.invalidations = device->invalidations,
		.invalidated_pages = device->invalidated_pages,
	};
	list_for_each_entry(attach, &device->attached, device_list) {
		odp_tally_range(attach->space, 0, TASK_SIZE_MAX - 1, &tally);
		stats->invalidations +=
			atomic64_read(&attach->space->invalidations) -
			attach->invalidations;
		stats->invalidated_pages +=
			atomic64_read(&attach->space->invalidated_pages) -
			attach->invalidated_pages;
	}
	mutex_unlock(&device->lock);
	for (i = 0; i < ODP_SHARDS; i++)
		odp_stats_add(stats, &device->shard[i]);
	odp_stats_add_tally(stats, &tally);
}
EXPORT_SYMBOL_GPL(odp_device_stats);
