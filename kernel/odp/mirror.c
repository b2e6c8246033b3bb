// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A mirror's life and death, and the module's.
 */
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "leaf.h"
#include "mirror.h"
#include "window.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct workqueue_struct *odp_wq;

static int odp_policy_check(const struct odp_policy *policy)
{
	if (policy->around > ODP_AROUND_POPULATE || !policy->max_pages ||
	    policy->max_pages > ODP_AROUND_MAX || !policy->limit_ms ||
	    policy->limit_ms > ODP_LIMIT_MAX_MS)
		return -EINVAL;
	return 0;
}

/**
 * odp_mirror_create - mirror a range of a process's address space
 * @attr: what and how
 *
 * Takes the same time and memory whatever the length: nothing is looked at,
 * nothing is pinned. May sleep.
 *
 * Return: the mirror, or ERR_PTR(): -EINVAL for an empty range, one that
 * wraps around or leaves the user address space, or a bad policy; -ENOMEM.
 */
struct odp_mirror *odp_mirror_create(const struct odp_mirror_attr *attr)
{
	struct odp_mirror *m;
	int err;

	if (!attr->length || attr->start >= TASK_SIZE_MAX ||
	    attr->length > TASK_SIZE_MAX - attr->start)
		return ERR_PTR(-EINVAL);
	err = odp_policy_check(&attr->policy);
	if (err)
		return ERR_PTR(err);

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);

	m->mm = attr->mm;
	mmgrab(m->mm);
	m->memcg = get_mem_cgroup_from_mm(m->mm);
	m->start = attr->start;
	m->last = attr->start + attr->length - 1;
	m->writable = attr->writable;
	m->policy = attr->policy;
	m->ops = attr->ops ?: &odp_leaf_ops;
	m->table = attr->table;
	m->probe = attr->probe;
	m->probe_arg = attr->probe_arg;
	m->total = attr->total;
	xa_init_flags(&m->windows, XA_FLAGS_ACCOUNT);
	mutex_init(&m->windows_lock);
	spin_lock_init(&m->lock);
	INIT_LIST_HEAD(&m->moved);
	INIT_LIST_HEAD(&m->faulters);
	INIT_WORK(&m->tender, odp_tend);
	init_waitqueue_head(&m->wait);

	return m;
}
EXPORT_SYMBOL_GPL(odp_mirror_create);

/**
 * odp_mirror_kill - let no fault be in flight any more
 * @m: the mirror
 *
 * Accesses that find their page go on; those that would have to fault end
 * with -ECANCELED, at once, even if they are waiting for a userfaultfd. When
 * this returns none is left. May sleep; may be called again.
 */
void odp_mirror_kill(struct odp_mirror *m)
{
	struct odp_faulter *faulter;

	spin_lock(&m->lock);
	WRITE_ONCE(m->dying, true);
	/*
	 * A fault that is about to sleep in the memory manager misses a
	 * wake-up, so go round until the last one has left.
	 */
	while (!list_empty(&m->faulters)) {
		list_for_each_entry(faulter, &m->faulters, list)
			wake_up_process(faulter->task);
		spin_unlock(&m->lock);
		wake_up_all(&m->wait);
		wait_event_timeout(m->wait, list_empty_careful(&m->faulters),
				   1);
		spin_lock(&m->lock);
	}
	spin_unlock(&m->lock);
}
EXPORT_SYMBOL_GPL(odp_mirror_kill);

/**
 * odp_mirror_destroy - end a mirror
 * @m: the mirror, which no access uses any more
 *
 * May sleep, for as long as an invalidation is under way.
 */
void odp_mirror_destroy(struct odp_mirror *m)
{
	odp_mirror_kill(m);
	disable_work_sync(&m->tender);
	odp_windows_destroy(m);
	xa_destroy(&m->windows);
	mutex_destroy(&m->windows_lock);
	mem_cgroup_put(m->memcg);
	mmdrop(m->mm);
	kfree(m);
}
EXPORT_SYMBOL_GPL(odp_mirror_destroy);

/**
 * odp_mirror_start - where a mirror begins
 * @m: the mirror
 *
 * Return: the virtual address of its first byte.
 */
u64 odp_mirror_start(const struct odp_mirror *m)
{
	return m->start;
}
EXPORT_SYMBOL_GPL(odp_mirror_start);

/**
 * odp_mirror_length - how much a mirror covers
 * @m: the mirror
 *
 * Return: that, in bytes.
 */
u64 odp_mirror_length(const struct odp_mirror *m)
{
	return m->last - m->start + 1;
}
EXPORT_SYMBOL_GPL(odp_mirror_length);

/**
 * odp_mirror_set_policy - say how a mirror deals with faults from now on
 * @m: the mirror
 * @policy: how
 *
 * Return: 0, or -EINVAL for a policy that there is not.
 */
int odp_mirror_set_policy(struct odp_mirror *m, const struct odp_policy *policy)
{
	int err = odp_policy_check(policy);

	if (err)
		return err;
	WRITE_ONCE(m->policy.around, policy->around);
	WRITE_ONCE(m->policy.max_pages, policy->max_pages);
	WRITE_ONCE(m->policy.limit_ms, policy->limit_ms);

	return 0;
}
EXPORT_SYMBOL_GPL(odp_mirror_set_policy);

/**
 * odp_mirror_get_policy - tell how a mirror deals with faults
 * @m: the mirror
 * @policy: filled in
 */
void odp_mirror_get_policy(const struct odp_mirror *m,
			   struct odp_policy *policy)
{
	policy->around = READ_ONCE(m->policy.around);
	policy->max_pages = READ_ONCE(m->policy.max_pages);
	policy->limit_ms = READ_ONCE(m->policy.limit_ms);
}
EXPORT_SYMBOL_GPL(odp_mirror_get_policy);

/**
 * odp_mirror_set_writable - say whether the device may write from now on
 * @m: the mirror
 * @writable: may it?
 *
 * An access under way may still go by the old answer.
 */
void odp_mirror_set_writable(struct odp_mirror *m, bool writable)
{
	WRITE_ONCE(m->writable, writable);
}
EXPORT_SYMBOL_GPL(odp_mirror_set_writable);

/**
 * odp_counters_read - read counters
 * @c: the counters
 * @stats: filled in; each counter is exact, but they are not read at once
 */
void odp_counters_read(const struct odp_counters *c, struct odp_stats *stats)
{
	*stats = (struct odp_stats) {
		.faults = atomic64_read(&c->faults),
		.faulted_pages = atomic64_read(&c->faulted_pages),
		.around_pages = atomic64_read(&c->around_pages),
		.prefetched_pages = atomic64_read(&c->prefetched_pages),
		.invalidations = atomic64_read(&c->invalidations),
		.invalidated_pages = atomic64_read(&c->invalidated_pages),
		.collisions = atomic64_read(&c->collisions),
		.failed_faults = atomic64_read(&c->failed_faults),
		.pinned_fallbacks = atomic64_read(&c->pinned_fallbacks),
		.resident_pages = atomic64_read(&c->resident_pages),
		.huge_entries = atomic64_read(&c->huge_entries),
		.windows = atomic64_read(&c->windows),
		.leaves = atomic64_read(&c->leaves),
		.table_bytes = atomic64_read(&c->table_bytes),
	};
}
EXPORT_SYMBOL_GPL(odp_counters_read);

/**
 * odp_mirror_stats - read a mirror's own counters
 * @m: the mirror
 * @stats: filled in as by odp_counters_read()
 */
void odp_mirror_stats(const struct odp_mirror *m, struct odp_stats *stats)
{
	odp_counters_read(&m->count, stats);
}
EXPORT_SYMBOL_GPL(odp_mirror_stats);

/**
 * odp_faulter_enter - a fault begins
 * @m: the mirror
 * @faulter: on the caller's stack, until odp_faulter_leave()
 *
 * Until then the address space lives, and odp_mirror_kill() waits.
 *
 * Return: 0; -ECANCELED if the mirror is dying; -ESRCH if the address space
 * is gone.
 */
int odp_faulter_enter(struct odp_mirror *m, struct odp_faulter *faulter)
{
	int err = 0;

	faulter->task = current;
	spin_lock(&m->lock);
	if (m->dying)
		err = -ECANCELED;
	else if (!mmget_not_zero(m->mm))
		err = -ESRCH;
	else
		list_add(&faulter->list, &m->faulters);
	spin_unlock(&m->lock);

	return err;
}

/**
 * odp_faulter_leave - a fault has ended
 * @m: the mirror
 * @faulter: as given to odp_faulter_enter(), which returned 0
 */
void odp_faulter_leave(struct odp_mirror *m, struct odp_faulter *faulter)
{
	bool last;

	/* The last one tears the address space down, which is not for here. */
	mmput_async(m->mm);
	spin_lock(&m->lock);
	list_del(&faulter->list);
	last = m->dying && list_empty(&m->faulters);
	if (last)
		wake_up_all(&m->wait);
	spin_unlock(&m->lock);
}

static int __init odp_init(void)
{
	int err;

	odp_wq = alloc_workqueue("odp", WQ_UNBOUND, 0);
	if (!odp_wq)
		return -ENOMEM;

	err = odp_leaf_init();
	if (err)
		goto err_wq;

	return 0;

err_wq:
	destroy_workqueue(odp_wq);
	return err;
}

static void __exit odp_exit(void)
{
	/* Windows and leaves that wait for their grace period. */
	rcu_barrier();
	odp_leaf_exit();
	destroy_workqueue(odp_wq);
}

module_init(odp_init);
module_exit(odp_exit);

MODULE_DESCRIPTION("On-demand paging for devices that look pages up when they need them");
MODULE_LICENSE("Dual BSD/GPL");
