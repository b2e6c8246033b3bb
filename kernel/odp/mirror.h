/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A mirror from the inside.
 */
#ifndef ODP_MIRROR_INTERNAL_H
#define ODP_MIRROR_INTERNAL_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/odp_mirror.h>

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
 * @total: counts for all mirrors of a device, or NULL
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
	struct odp_counters *total;

	struct xarray windows;
	struct mutex windows_lock; /* making and unmaking @windows */

	spinlock_t lock; /* @moved, @faulters, @dying */
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

static inline void odp_count_at(struct odp_mirror *m, size_t offset, s64 n)
{
	atomic64_add(n, (void *)&m->count + offset);
	if (m->total)
		atomic64_add(n, (void *)m->total + offset);
}

/* Add @n to a counter of @m, and to the same one of its device. */
#define odp_count(m, counter, n) \
	odp_count_at(m, offsetof(struct odp_counters, counter), n)

int odp_faulter_enter(struct odp_mirror *m, struct odp_faulter *faulter);
void odp_faulter_leave(struct odp_mirror *m, struct odp_faulter *faulter);

#endif /* ODP_MIRROR_INTERNAL_H */
