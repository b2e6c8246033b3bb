/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Spaces: the mirror of one address space, which all views of it share.
 */
#ifndef ODP_SPACE_H
#define ODP_SPACE_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/odp_mirror.h>

#include "slow.h"
#include "watch.h"

enum odp_space_state {
	ODP_SPACE_NEW,		/* its first view is on its way */
	ODP_SPACE_OPEN,
	ODP_SPACE_CLOSED,
};

/**
 * struct odp_space - the mirror of one address space
 * @notifier: hears of invalidations, of their ends, and of the end
 * @mm: whose; held with mmgrab()
 * @memcg: pays for windows, leaves and slow faults
 * @ops: the table of entries: the engine's leaves or a device's own
 * @table: passed to @ops; the engine's leaves take the window instead
 * @probe: a test's, or NULL
 * @probe_arg: passed to @probe
 * @private: one mirror's alone, because of its @ops or @probe
 * @node: among all spaces that are shared
 * @windows: all windows, by va >> ODP_WINDOW_SHIFT
 * @hint: the window that was asked for last, or NULL; found by odp_window_find()
 *	without a walk
 * @windows_lock: held to make a window and to unmake one
 * @lock: guards what follows, to @watches
 * @views: mirrors that live
 * @idle_since: when there was the last one, in jiffies
 * @state: whether new views may come
 * @nr_active: invalidations that have started and not ended
 * @blind: windows made while @nr_active was not 0
 * @untidy: windows in which a leaf may be empty
 * @faulters: faults that may be waiting, struct odp_faulter
 * @dead: the address space is gone
 * @watches: who wants to hear of invalidations; NULL if nobody ever did
 * @wait: a window became quiet, or a mirror is dying
 * @sweep: some window may be empty
 * @tender: frees what is empty
 * @closer: ends the space some time after its last view
 * @freer: frees it, once no notifier runs any more
 * @slow: its slow faults
 * @invalidations: times the kernel took pages back
 * @invalidated_pages: pages so taken
 * @attached: devices that have views, struct odp_attach
 * @attached_lock: guards @attached
 */
struct odp_space {
	struct mmu_notifier notifier;
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
	const struct odp_table_ops *ops;
	void *table;
#ifdef ODP_SELFTEST
	const struct odp_probe *probe;
	void *probe_arg;
#endif
	bool private;
	struct hlist_node node;

	struct xarray windows;
	struct odp_window __rcu *hint;
	struct mutex windows_lock; /* making and unmaking @windows */

	spinlock_t lock; /* see above */
	unsigned int views;
	unsigned long idle_since;
	enum odp_space_state state;
	unsigned int nr_active;
	struct list_head blind;
	struct list_head untidy;
	struct list_head faulters;
	bool dead;
	struct odp_watches *watches;

	wait_queue_head_t wait;
	bool sweep;
	struct work_struct tender;
	struct delayed_work closer;
	struct work_struct freer;
	struct odp_slow slow;

	atomic64_t invalidations;
	atomic64_t invalidated_pages;
	struct list_head attached;
	struct mutex attached_lock; /* @attached */
};

extern struct workqueue_struct *odp_wq;
extern const struct odp_table_ops odp_leaf_ops;

/**
 * odp_space_has_leaves - does the engine keep a space's entries, or a device?
 * @s: the space
 */
static inline bool odp_space_has_leaves(const struct odp_space *s)
{
	return s->ops == &odp_leaf_ops;
}

struct odp_space *odp_space_get(const struct odp_mirror_attr *attr);
void odp_space_put(struct odp_space *s);
void odp_spaces_exit(void);

#endif /* ODP_SPACE_H */
