/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Windows: where the kernel tells a mirror that it takes pages back.
 */
#ifndef ODP_WINDOW_H
#define ODP_WINDOW_H

#include <linux/mmu_notifier.h>
#include <linux/refcount.h>

#include "leaf.h"

struct odp_mirror;

#define ODP_WINDOW_SHIFT	30
#define ODP_WINDOW_SIZE		BIT(ODP_WINDOW_SHIFT)

/**
 * struct odp_window - the part of a mirror in an aligned GiB
 * @notifier: tells of invalidations
 * @mirror: whose
 * @start: its first page
 * @end: behind its last page
 * @table: what @mirror->ops get: the device's, or this window
 * @refs: faults in flight, and one for @mirror->windows
 * @lock: guards what follows, and is held to put a leaf in its slot: an
 *	invalidation either finds the leaf, or the leaf's maker finds that the
 *	sequence moved
 * @seq: while @quiet, what mmu_interval_read_retry() compares with
 * @quiet: no invalidation is under way
 * @waiters: faults that wait for that
 * @settled: how often the tender has looked
 * @moved: in @mirror->moved
 * @nr_leaves: leaves in @slot; changes under @lock
 * @untidy: a fault may have left an empty leaf behind
 * @rcu: for freeing
 * @nr_slots: of @slot
 * @slot: the leaves, NULL where nothing is mirrored
 */
struct odp_window {
	struct mmu_interval_notifier notifier;
	struct odp_mirror *mirror;
	unsigned long start;
	unsigned long end;
	void *table;
	refcount_t refs;
	spinlock_t lock; /* the sequence, and what is in @slot */
	unsigned long seq;
	bool quiet;
	unsigned int waiters;
	unsigned int settled;
	struct list_head moved;
	unsigned int nr_leaves;
	bool untidy;
	struct rcu_head rcu;
	unsigned int nr_slots;
	struct odp_leaf __rcu *slot[] __counted_by(nr_slots);
};

static inline unsigned int odp_window_slot(const struct odp_window *w,
					   unsigned long va)
{
	return (va >> ODP_LEAF_SHIFT) - (w->start >> ODP_LEAF_SHIFT);
}

struct odp_window *odp_window_find(struct odp_mirror *m, unsigned long va);
struct odp_window *odp_window_get(struct odp_mirror *m, unsigned long va);
void odp_window_put(struct odp_window *w);
bool odp_window_begin(struct odp_window *w, unsigned long *seq);
int odp_window_wait_quiet(struct odp_window *w);
void odp_tend(struct work_struct *work);
void odp_windows_destroy(struct odp_mirror *m);

#endif /* ODP_WINDOW_H */
