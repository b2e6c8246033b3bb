/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A mirror from the inside.
 */
#ifndef ODP_MIRROR_INTERNAL_H
#define ODP_MIRROR_INTERNAL_H

#include <linux/cache.h>
#include <linux/kref.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <rdma/odp_mirror.h>

#include "device.h"

/**
 * struct odp_mirror - one memory region's view of a space
 * @space: what it views
 * @start: the first byte
 * @last: the last byte
 * @writable: may the device write?
 * @dying: no fault may start
 * @policy: how to deal with faults
 * @ref: the region's reference, and one of each fault that may wait
 * @slow_done: slow faults that have brought their pages in
 * @watches: who wants to hear of invalidations, under the lock of the space's
 * @attach: what it counts for its device through, or NULL
 * @device: whose it is; NULL once it is destroyed, of which faults that still
 *	wait may not know
 * @invalidations: the space's when the mirror was made
 * @invalidated_pages: the same
 * @count: counters
 */
struct odp_mirror {
	struct odp_space *space;
	unsigned long start;
	unsigned long last;
	bool writable;
	bool dying;
	struct odp_policy policy;
	struct kref ref;
	atomic_t slow_done;
	struct list_head watches;
	struct odp_attach *attach;
	struct odp_device __rcu *device;
	u64 invalidations;
	u64 invalidated_pages;
	struct odp_counters count ____cacheline_aligned;
};

/* Is every byte of [@va, @va + @length), which is not empty, the mirror's? */
static inline bool odp_mirror_covers(const struct odp_mirror *m, u64 va,
				     u64 length)
{
	return va >= m->start && va <= m->last && length - 1 <= m->last - va;
}

/* The same, and may the device do that? 0, -EINVAL or -EACCES. */
static inline int odp_mirror_check(const struct odp_mirror *m, u64 va,
				   u64 length, bool write)
{
	if (!odp_mirror_covers(m, va, length))
		return -EINVAL;
	return write && !READ_ONCE(m->writable) ? -EACCES : 0;
}

/* Is it about to go, or its device? */
static inline bool odp_mirror_dying(const struct odp_mirror *m)
{
	const struct odp_device *device;
	bool dying;

	if (READ_ONCE(m->dying))
		return true;
	rcu_read_lock();
	device = rcu_dereference(m->device);
	dying = device && READ_ONCE(device->dying);
	rcu_read_unlock();

	return dying;
}

/* Mirrors of a device fault side by side: each processor has its counters. */
static inline struct odp_counters *odp_shard(struct odp_device *device)
{
	return &device->shard[raw_smp_processor_id() % ODP_SHARDS];
}

static inline void odp_count_at(struct odp_mirror *m, size_t offset, s64 n)
{
	struct odp_device *device;

	atomic64_add(n, (void *)&m->count + offset);
	rcu_read_lock();
	device = rcu_dereference(m->device);
	if (device)
		atomic64_add(n, (void *)odp_shard(device) + offset);
	rcu_read_unlock();
}

/* Add @n to a counter of @m, and to the same one of its device. */
#define odp_count(m, counter, n) \
	odp_count_at(m, offsetof(struct odp_counters, counter), n)

#endif /* ODP_MIRROR_INTERNAL_H */
