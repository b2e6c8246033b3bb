/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Windows: the parts of a space that the device has touched.
 */
#ifndef ODP_WINDOW_H
#define ODP_WINDOW_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "leaf.h"
#include "space.h"

struct mmu_notifier_range;

#define ODP_WINDOW_SHIFT	30
#define ODP_WINDOW_SIZE		BIT(ODP_WINDOW_SHIFT)

/**
 * struct odp_window - the part of a space in an aligned GiB
 * @space: whose
 * @start: its first page
 * @end: behind its last page
 * @table: what @space->ops get: the device's, or this window
 * @refs: faults and invalidations in flight, and one for @space->windows
 * @lock: guards what follows, and is held to put a leaf in its slot: an
 *	invalidation either finds the leaf, or the leaf's maker finds that the
 *	sequence moved
 * @seq: moves with each invalidation
 * @nr_active: invalidations that have started and not ended
 * @blind: made while invalidations were under way that it did not see start:
 *	as long as one of them may be, not quiet. Changes under @space->lock, too
 * @blind_list: in @space->blind
 * @nr_leaves: leaves in @slot
 * @untidy: a leaf may be empty; set by whoever has a reference
 * @untidy_list: in @space->untidy, under @space->lock
 * @ahead: a hint: so many faults to come had better ask for their pages before
 *	they look
 * @rcu: for freeing
 * @nr_slots: of @slot
 * @slot: the leaves, NULL where nothing is mirrored
 */
struct odp_window {
	struct odp_space *space;
	unsigned long start;
	unsigned long end;
	void *table;
	refcount_t refs;
	spinlock_t lock; /* the sequence, and what is in @slot */
	unsigned long seq;
	unsigned int nr_active;
	bool blind;
	struct list_head blind_list;
	unsigned int nr_leaves;
	bool untidy;
	struct list_head untidy_list;
	unsigned int ahead;
	struct rcu_head rcu;
	unsigned int nr_slots;
	struct odp_leaf __rcu *slot[] __counted_by(nr_slots);
};

static inline unsigned int odp_window_slot(const struct odp_window *w,
					   unsigned long va)
{
	return (va - w->start) >> ODP_LEAF_SHIFT;
}

/**
 * odp_window_find - the window of an address
 * @s: the space
 * @va: the address
 *
 * Under rcu_read_lock(), @s->windows_lock or @s->lock.
 *
 * Return: the window or NULL.
 */
static inline struct odp_window *odp_window_find(struct odp_space *s,
						 unsigned long va)
{
	struct odp_window *w;

	w = rcu_dereference_check(s->hint,
				  lockdep_is_held(&s->windows_lock) ||
				  lockdep_is_held(&s->lock));
	if (w && w->start == ALIGN_DOWN(va, ODP_WINDOW_SIZE))
		return w;
	return xa_load(&s->windows, va >> ODP_WINDOW_SHIFT);
}

/**
 * odp_leaf_find - the leaf of an address
 * @s: the space
 * @va: the address
 *
 * Under rcu_read_lock(). The leaf found may have just died: then it has no
 * valid entry.
 *
 * Return: the leaf or NULL.
 */
static inline struct odp_leaf *odp_leaf_find(struct odp_space *s,
					     unsigned long va)
{
	struct odp_window *w = odp_window_find(s, va);

	if (!w || !w->nr_slots)
		return NULL;
	return rcu_dereference(w->slot[odp_window_slot(w, va)]);
}

struct odp_window *odp_window_get(struct odp_space *s, unsigned long va);
struct odp_window *odp_window_next(struct odp_space *s, unsigned long *index,
				   unsigned long last);
void odp_window_put(struct odp_window *w);
bool odp_window_begin(struct odp_window *w, unsigned long *seq);
int odp_window_wait_quiet(struct odp_window *w, struct odp_mirror *m);
void odp_windows_invalidate(struct odp_space *s,
			    const struct mmu_notifier_range *range);
void odp_windows_quieten(struct odp_space *s,
			 const struct mmu_notifier_range *range);
void odp_windows_zap(struct odp_space *s);
void odp_tend(struct work_struct *work);
void odp_windows_destroy(struct odp_space *s);

#endif /* ODP_WINDOW_H */
