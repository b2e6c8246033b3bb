/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A mirror from the inside.
 */
#ifndef ODP_MIRROR_INTERNAL_H
#define ODP_MIRROR_INTERNAL_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/odp_mirror.h>

/* What struct odp_stats reports, as it is counted. */
struct odp_counters {
	atomic64_t faults;
	atomic64_t faulted_pages;
	atomic64_t around_pages;
	atomic64_t prefetched_pages;
	atomic64_t invalidations;
	atomic64_t invalidated_pages;
	atomic64_t collisions;
	atomic64_t failed_faults;
	atomic64_t pinned_fallbacks;
	atomic64_t resident_pages;
	atomic64_t huge_entries;
	atomic64_t windows;
	atomic64_t leaves;
	atomic64_t table_bytes;
};

/**
 * struct odp_mirror - one memory region's view of an address space
 * @mm: whose; held with mmgrab()
 * @memcg: pays for windows and leaves
 * @start: the first byte
 * @last: the last byte
 * @writable: may the device write?
 * @policy: how to deal with faults
 * @ops: the table of entries: the engine's leaves or the device's own
 * @table: passed to @ops; the engine's leaves take the window instead
 * @probe: a test's, or NULL
 * @probe_arg: passed to @probe
 * @windows: all windows, by va >> ODP_WINDOW_SHIFT
 * @windows_lock: held to make a window and to unmake one
 * @lock: guards @moved and @faulters
 * @moved: windows that wait for the tender
 * @faulters: faults in flight, struct odp_faulter
 * @dying: no fault may start
 * @sweep: some window may be empty
 * @tender: waits for invalidations to end and frees what is empty
 * @wait: a window became quiet, a fault ended, or the mirror is dying
 * @count: counters
 */
struct odp_mirror {
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
	unsigned long start;
	unsigned long last;
	bool writable;
	struct odp_policy policy;
	const struct odp_table_ops *ops;
	void *table;
	const struct odp_probe *probe;
	void *probe_arg;

	struct xarray windows;
	struct mutex windows_lock;

	spinlock_t lock;
	struct list_head moved;
	struct list_head faulters;
	bool dying;
	bool sweep;
	struct work_struct tender;
	wait_queue_head_t wait;

	struct odp_counters count;
};

/**
 * struct odp_faulter - a fault in flight
 * @list: in mirror->faulters
 * @task: who is at it
 */
struct odp_faulter {
	struct list_head list;
	struct task_struct *task;
};

extern struct workqueue_struct *odp_wq;

/* Is every byte of [@va, @va + @length), which is not empty, the mirror's? */
static inline bool odp_mirror_covers(const struct odp_mirror *m, u64 va,
				     u64 length)
{
	return va >= m->start && va <= m->last && length - 1 <= m->last - va;
}

static inline bool odp_mirror_dying(const struct odp_mirror *m)
{
	return READ_ONCE(m->dying);
}

int odp_faulter_enter(struct odp_mirror *m, struct odp_faulter *faulter);
void odp_faulter_leave(struct odp_mirror *m, struct odp_faulter *faulter);

#endif /* ODP_MIRROR_INTERNAL_H */
