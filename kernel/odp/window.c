// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Windows: made when the device first touches an aligned GiB, told by the
 * kernel of every page that it takes back, waited for and freed by the
 * mirror's tender.
 */
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mirror.h"
#include "trace.h"
#include "window.h"

/**
 * odp_window_find - the window of an address
 * @m: the mirror
 * @va: the address
 *
 * Under rcu_read_lock().
 *
 * Return: the window or NULL.
 */
struct odp_window *odp_window_find(struct odp_mirror *m, unsigned long va)
{
	return xa_load(&m->windows, va >> ODP_WINDOW_SHIFT);
}

/* Have the tender look at a window that an invalidation moved. */
static void odp_window_tend(struct odp_window *w)
{
	struct odp_mirror *m = w->mirror;

	spin_lock(&m->lock);
	if (list_empty(&w->moved))
		list_add_tail(&w->moved, &m->moved);
	spin_unlock(&m->lock);
	queue_work(odp_wq, &m->tender);
}

/*
 * An invalidation starts. It may come from the OOM reaper, which cannot wait;
 * nothing here does, but for a test's probe.
 */
static bool odp_window_invalidate(struct mmu_interval_notifier *notifier,
				  const struct mmu_notifier_range *range,
				  unsigned long seq)
{
	struct odp_window *w = container_of(notifier, struct odp_window,
					    notifier);
	struct odp_mirror *m = w->mirror;
	unsigned long start = max(range->start, w->start);
	unsigned long end = min(range->end, w->end);
	unsigned long gone;
	bool tend;

	spin_lock(&w->lock);
	mmu_interval_set_seq(notifier, seq);
	w->quiet = false;
	tend = w->waiters;
	spin_unlock(&w->lock);

	gone = m->ops->zap(w->table, start, end);
	if (gone) {
		odp_count(m, invalidations, 1);
		odp_count(m, invalidated_pages, gone);
	}
	trace_odp_invalidate(m, start, end, gone);
	if (gone || tend)
		odp_window_tend(w);
	if (m->probe && m->probe->invalidated)
		m->probe->invalidated(m->probe_arg, start, end,
				      mmu_notifier_range_blockable(range));

	return true;
}

static const struct mmu_interval_notifier_ops odp_window_ops = {
	.invalidate = odp_window_invalidate,
};

static struct odp_window *odp_window_make(struct odp_mirror *m,
					  unsigned long va)
{
	unsigned long floor = ALIGN_DOWN(va, ODP_WINDOW_SIZE);
	unsigned int nr_slots = 0;
	unsigned long start, end;
	struct odp_window *w;
	int err;

	start = max(floor, m->start & PAGE_MASK);
	end = min(floor + ODP_WINDOW_SIZE, (m->last | ~PAGE_MASK) + 1);
	if (m->ops == &odp_leaf_ops)
		nr_slots = DIV_ROUND_UP(end - (start & PMD_MASK),
					ODP_LEAF_SIZE);

	w = kzalloc(struct_size(w, slot, nr_slots), GFP_KERNEL_ACCOUNT);
	if (!w)
		return ERR_PTR(-ENOMEM);
	w->nr_slots = nr_slots;
	w->mirror = m;
	w->start = start;
	w->end = end;
	w->table = nr_slots ? w : m->table;
	refcount_set(&w->refs, 1);
	spin_lock_init(&w->lock);
	INIT_LIST_HEAD(&w->moved);

	err = xa_reserve(&m->windows, va >> ODP_WINDOW_SHIFT, GFP_KERNEL);
	if (err)
		goto err_free;
	err = mmu_interval_notifier_insert(&w->notifier, m->mm, start,
					   end - start, &odp_window_ops);
	if (err)
		goto err_release;

	/* Reserved: it does not fail. */
	xa_store(&m->windows, va >> ODP_WINDOW_SHIFT, w, GFP_KERNEL);
	odp_count(m, windows, 1);
	odp_count(m, table_bytes, ksize(w));
	return w;

err_release:
	xa_release(&m->windows, va >> ODP_WINDOW_SHIFT);
err_free:
	kfree(w);
	return ERR_PTR(err);
}

/**
 * odp_window_get - the window of an address, made if need be
 * @m: the mirror
 * @va: the address, which the mirror covers
 *
 * The caller holds a reference on the mm's users (mmget()), and no lock.
 *
 * Return: the window, to be given back with odp_window_put(), or ERR_PTR().
 */
struct odp_window *odp_window_get(struct odp_mirror *m, unsigned long va)
{
	struct mem_cgroup *memcg;
	struct odp_window *w;

	rcu_read_lock();
	w = odp_window_find(m, va);
	if (w && !refcount_inc_not_zero(&w->refs))
		w = NULL;
	rcu_read_unlock();
	if (w)
		return w;

	memcg = set_active_memcg(m->memcg);
	mutex_lock(&m->windows_lock);
	w = odp_window_find(m, va);
	if (!w)
		w = odp_window_make(m, va);
	if (!IS_ERR(w))
		refcount_inc(&w->refs);
	mutex_unlock(&m->windows_lock);
	set_active_memcg(memcg);

	return w;
}

/**
 * odp_window_put - give a window back
 * @w: the window
 */
void odp_window_put(struct odp_window *w)
{
	struct odp_mirror *m = w->mirror;
	bool empty;

	if (READ_ONCE(w->untidy) && xchg(&w->untidy, false))
		odp_window_tend(w);

	/* The tender may free it from here on. */
	rcu_read_lock();
	refcount_dec(&w->refs);
	/* Pairs with odp_window_retire(): one of the two sees the other. */
	smp_mb__after_atomic();
	empty = w->nr_slots && !READ_ONCE(w->nr_leaves);
	rcu_read_unlock();

	if (empty)
		WRITE_ONCE(m->sweep, true);
	if (READ_ONCE(m->sweep))
		queue_work(odp_wq, &m->tender);
}

/**
 * odp_window_begin - note a window's sequence, if it is quiet
 * @w: the window
 * @seq: the sequence is put here, for mmu_interval_read_retry()
 *
 * Return: whether it is quiet; if not, odp_window_wait_quiet() waits.
 */
bool odp_window_begin(struct odp_window *w, unsigned long *seq)
{
	bool quiet;

	spin_lock(&w->lock);
	quiet = w->quiet;
	*seq = w->seq;
	spin_unlock(&w->lock);

	return quiet;
}

/**
 * odp_window_wait_quiet - wait for invalidations to end
 * @w: the window; the caller holds no lock
 *
 * Return: 0 once the window was quiet for at least a moment; -ETIMEDOUT after
 * the policy's time limit; -ECANCELED if the mirror is dying.
 */
int odp_window_wait_quiet(struct odp_window *w)
{
	struct odp_mirror *m = w->mirror;
	unsigned long limit = msecs_to_jiffies(READ_ONCE(m->policy.limit_ms));
	unsigned int settled;
	long left;

	spin_lock(&w->lock);
	w->waiters++;
	settled = w->settled;
	spin_unlock(&w->lock);

	odp_window_tend(w);
	left = wait_event_timeout(m->wait, READ_ONCE(w->settled) != settled ||
				  odp_mirror_dying(m), limit);

	spin_lock(&w->lock);
	w->waiters--;
	spin_unlock(&w->lock);

	if (odp_mirror_dying(m))
		return -ECANCELED;
	return left ? 0 : -ETIMEDOUT;
}

/* Wait for the invalidations of a window to end, for as long as it takes. */
static void odp_window_settle(struct odp_window *w)
{
	unsigned long seq = mmu_interval_read_begin(&w->notifier);

	spin_lock(&w->lock);
	if (!mmu_interval_read_retry(&w->notifier, seq)) {
		w->seq = seq;
		w->quiet = true;
	}
	WRITE_ONCE(w->settled, w->settled + 1);
	spin_unlock(&w->lock);
	wake_up_all(&w->mirror->wait);
}

static void odp_window_free(struct odp_window *w)
{
	odp_count(w->mirror, windows, -1);
	odp_count(w->mirror, table_bytes, -(long)ksize(w));
	kfree_rcu(w, rcu);
}

/*
 * Let nobody come to a window any more, if nothing is in it and nobody is at
 * it. A fault may still have put something in just before it left, so look into
 * the window only once nobody is at it. Under windows_lock.
 */
static bool odp_window_retire(struct odp_window *w)
{
	bool empty;

	if (!w->nr_slots)
		return false;
	/* Pairs with odp_window_put(), which tells the tender to come again. */
	smp_mb();
	if (!refcount_dec_if_one(&w->refs))
		return false;
	spin_lock(&w->lock);
	empty = !w->nr_leaves;
	spin_unlock(&w->lock);
	if (!empty)
		refcount_set(&w->refs, 1);

	return empty;
}

/* Free a window if nothing is in it and nobody is at it. */
static void odp_window_prune(struct odp_window *w)
{
	struct odp_mirror *m = w->mirror;
	bool last;

	if (w->nr_slots)
		odp_leaf_prune(w);

	mutex_lock(&m->windows_lock);
	last = odp_window_retire(w);
	if (last)
		xa_erase(&m->windows, w->start >> ODP_WINDOW_SHIFT);
	mutex_unlock(&m->windows_lock);
	if (!last)
		return;

	mmu_interval_notifier_remove(&w->notifier);
	spin_lock(&m->lock);
	list_del_init(&w->moved);
	spin_unlock(&m->lock);
	odp_window_free(w);
}

static struct odp_window *odp_next_moved(struct odp_mirror *m)
{
	struct odp_window *w;

	spin_lock(&m->lock);
	w = list_first_entry_or_null(&m->moved, struct odp_window, moved);
	if (w)
		list_del_init(&w->moved);
	spin_unlock(&m->lock);

	return w;
}

/**
 * odp_tend - a mirror's tender
 * @work: mirror->tender
 *
 * Makes moved windows quiet again, oldest first: as the kernel numbers
 * invalidations of all windows of an mm together, none waits for a younger
 * one. Only the tender frees windows while the mirror lives.
 */
void odp_tend(struct work_struct *work)
{
	struct odp_mirror *m = container_of(work, struct odp_mirror, tender);
	struct odp_window *w;
	unsigned long index;

	while ((w = odp_next_moved(m))) {
		odp_window_settle(w);
		odp_window_prune(w);
	}

	if (!xchg(&m->sweep, false))
		return;
	xa_for_each(&m->windows, index, w)
		if (!READ_ONCE(w->nr_leaves))
			odp_window_prune(w);
}

/**
 * odp_windows_destroy - forget all windows
 * @m: the mirror, which nobody uses any more and whose tender is disabled
 */
void odp_windows_destroy(struct odp_mirror *m)
{
	struct odp_window *w;
	unsigned long index;

	xa_for_each(&m->windows, index, w) {
		mmu_interval_notifier_remove(&w->notifier);
		if (w->nr_slots)
			odp_leaf_destroy(w);
		odp_window_free(w);
		cond_resched();
	}
}
