/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Watches: who wants to hear of invalidations of a range.
 */
#ifndef ODP_WATCH_H
#define ODP_WATCH_H

#include <linux/kref.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>

struct mmu_notifier_range;
struct odp_events;
struct odp_mirror;
struct odp_space;

/**
 * struct odp_watches - the watches of a space
 * @ref: the space's, and one of each watch
 * @lock: guards what follows, and mirrors' lists of watches
 * @tree: the watches, by range
 * @nr: how many
 *
 * Made with the first watch. It stays as long as the space or any of its watches:
 * one that has ended may be read later.
 */
struct odp_watches {
	struct kref ref;
	spinlock_t lock; /* see above */
	struct rb_root_cached tree;
	unsigned int nr;
};

void odp_watches_tell(struct odp_watches *all,
		      const struct mmu_notifier_range *range);
void odp_watches_leave(struct odp_mirror *m);
void odp_watches_orphan(struct odp_space *s);
void odp_watches_put(struct odp_watches *all);
void odp_events_unwatch_all(struct odp_events *events);

#endif /* ODP_WATCH_H */
