// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Windows: made when the device first touches an aligned GiB, told of every
 * page that the kernel takes back, and freed by the space's tender.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mirror.h"
#include "probe.h"
#include "space.h"
#include "trace.h"
#include "window.h"

/* Under a reference: who retires a window forgets the hint when there is none. */
static void odp_window_hint(struct odp_window *w)
{
	if (rcu_access_pointer(w->space->hint) != w)
		rcu_assign_pointer(w->space->hint, w);
}

/**
 * odp_window_next - go through the windows of a range
 * @s: the space
 * @index: where to look on, as va >> ODP_WINDOW_SHIFT; moved behind what is
 *	found
 * @last: where the range ends, the same way
 *
 * Return: the next window, to be given back with odp_window_put(), or NULL.
 */
struct odp_window *odp_window_next(struct odp_space *s, unsigned long *index,
				   unsigned long last)
{
	struct odp_window *w;

	if (*index > last)
		return NULL;
	/* Under the lock, no window that is there is on its way out. */
	spin_lock(&s->lock);
	if (*index == last)
		w = odp_window_find(s, last << ODP_WINDOW_SHIFT);
	else
		w = xa_find(&s->windows, index, last, XA_PRESENT);
	if (w)
		refcount_inc(&w->refs);
	spin_unlock(&s->lock);
	++*index;

	return w;
}

static struct odp_window *odp_window_alloc(struct odp_space *s,
					   unsigned long va)
{
	unsigned int nr_slots = 0;
	struct odp_window *w;

	if (odp_space_has_leaves(s))
		nr_slots = ODP_WINDOW_SIZE / ODP_LEAF_SIZE;
	w = kzalloc(struct_size(w, slot, nr_slots), GFP_KERNEL_ACCOUNT);
	if (!w)
		return NULL;
	w->nr_slots = nr_slots;
	w->space = s;
	w->start = ALIGN_DOWN(va, ODP_WINDOW_SIZE);
	w->end = w->start + ODP_WINDOW_SIZE;
	w->table = nr_slots ? w : s->table;
	refcount_set(&w->refs, 1);
	spin_lock_init(&w->lock);
	INIT_LIST_HEAD(&w->blind_list);
	INIT_LIST_HEAD(&w->untidy_list);

	return w;
}

/* Under windows_lock. */
static struct odp_window *odp_window_make(struct odp_space *s,
					  unsigned long va)
{
	unsigned long index = va >> ODP_WINDOW_SHIFT;
	struct odp_window *w;
	int err;

	lockdep_assert_held(&s->windows_lock);
	err = xa_reserve(&s->windows, index, GFP_KERNEL);
	if (err)
		return ERR_PTR(err);
	w = odp_window_alloc(s, va);
	if (!w) {
		xa_release(&s->windows, index);
		return ERR_PTR(-ENOMEM);
	}

	/*
	 * An invalidation that has not been counted yet will find the window.
	 * The window knows nothing of those that have, nor which ends are theirs.
	 */
	spin_lock(&s->lock);
	w->blind = s->nr_active;
	if (w->blind)
		list_add(&w->blind_list, &s->blind);
	/* Reserved: it does not fail. */
	xa_store(&s->windows, index, w, GFP_ATOMIC);
	spin_unlock(&s->lock);

	return w;
}

/**
 * odp_window_get - the window of an address, made if need be
 * @s: the space
 * @va: the address, one of user space
 *
 * The caller holds a reference on the mm's users (mmget()), and no lock.
 *
 * Return: the window, to be given back with odp_window_put(), or ERR_PTR().
 */
struct odp_window *odp_window_get(struct odp_space *s, unsigned long va)
{
	struct mem_cgroup *memcg;
	struct odp_window *w;

	rcu_read_lock();
	w = odp_window_find(s, va);
	if (w && !refcount_inc_not_zero(&w->refs))
		w = NULL;
	rcu_read_unlock();
	if (w) {
		odp_window_hint(w);
		return w;
	}

	memcg = set_active_memcg(s->memcg);
	mutex_lock(&s->windows_lock);
	w = odp_window_find(s, va);
	if (!w)
		w = odp_window_make(s, va);
	if (!IS_ERR(w)) {
		refcount_inc(&w->refs);
		odp_window_hint(w);
	}
	mutex_unlock(&s->windows_lock);
	set_active_memcg(memcg);

	return w;
}

/* Have the tender look for empty leaves. */
static void odp_window_tend(struct odp_window *w)
{
	struct odp_space *s = w->space;

	spin_lock(&s->lock);
	if (list_empty(&w->untidy_list))
		list_add_tail(&w->untidy_list, &s->untidy);
	spin_unlock(&s->lock);
	queue_work(odp_wq, &s->tender);
}

/**
 * odp_window_put - give a window back
 * @w: the window
 */
void odp_window_put(struct odp_window *w)
{
	struct odp_space *s = w->space;
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

	if (empty) {
		WRITE_ONCE(s->sweep, true);
		queue_work(odp_wq, &s->tender);
	}
}

static bool odp_window_is_quiet(const struct odp_window *w)
{
	lockdep_assert_held(&w->lock);
	return !w->nr_active && !w->blind;
}

/**
 * odp_window_begin - note a window's sequence, if it is quiet
 * @w: the window
 * @seq: the sequence is put here, for odp_snap_stale()
 *
 * Return: whether it is quiet; if not, odp_window_wait_quiet() waits.
 */
bool odp_window_begin(struct odp_window *w, unsigned long *seq)
{
	bool quiet;

	spin_lock(&w->lock);
	quiet = odp_window_is_quiet(w);
	*seq = w->seq;
	spin_unlock(&w->lock);

	return quiet;
}

/* May a wait for a quiet window end? */
static bool odp_window_settled(struct odp_window *w, struct odp_mirror *m)
{
	unsigned long seq;

	return odp_window_begin(w, &seq) || odp_mirror_dying(m) ||
	       READ_ONCE(w->space->dead);
}

/**
 * odp_window_wait_quiet - wait for invalidations to end
 * @w: the window; the caller holds no lock
 * @m: for which mirror
 *
 * Return: 0 once the window was quiet for at least a moment; -ETIMEDOUT after
 * the policy's time limit; -ECANCELED if the mirror is dying; -EINTR.
 */
int odp_window_wait_quiet(struct odp_window *w, struct odp_mirror *m)
{
	unsigned long limit = msecs_to_jiffies(READ_ONCE(m->policy.limit_ms));
	long left;

	left = wait_event_killable_timeout(w->space->wait,
					   odp_window_settled(w, m), limit);
	if (odp_mirror_dying(m))
		return -ECANCELED;
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}

/* Move the sequence and take out what is mirrored of a range. */
static void odp_window_zap(struct odp_window *w, unsigned long start,
			   unsigned long end, bool active)
{
	struct odp_space *s = w->space;
	unsigned long gone;

	start = max(start, w->start);
	end = min(end, w->end);
	spin_lock(&w->lock);
	WRITE_ONCE(w->seq, w->seq + 1);
	if (active && !w->blind)
		w->nr_active++;
	spin_unlock(&w->lock);

	gone = s->ops->zap(w->table, start, end);
	if (gone) {
		atomic64_inc(&s->invalidations);
		atomic64_add(gone, &s->invalidated_pages);
	}
	trace_odp_invalidate(s, start, end, gone);
}

/**
 * odp_windows_invalidate - an invalidation starts
 * @s: the space
 * @range: what is invalidated
 *
 * It may come from the OOM reaper, which cannot wait; nothing here does, but
 * for a test's probe.
 */
void odp_windows_invalidate(struct odp_space *s,
			    const struct mmu_notifier_range *range)
{
	unsigned long last = (range->end - 1) >> ODP_WINDOW_SHIFT;
	unsigned long index = range->start >> ODP_WINDOW_SHIFT;
	struct odp_window *w;

	spin_lock(&s->lock);
	s->nr_active++;
	spin_unlock(&s->lock);

	while ((w = odp_window_next(s, &index, last))) {
		odp_window_zap(w, range->start, range->end, true);
		odp_probe_invalidated(s, max(range->start, w->start), min(range->end, w->end),
				      mmu_notifier_range_blockable(range));
		odp_window_put(w);
	}
}

/* Windows that saw no start of what is now over see from here on. */
static void odp_windows_unblind(struct odp_space *s)
{
	struct odp_window *w, *next;

	lockdep_assert_held(&s->lock);
	list_for_each_entry_safe(w, next, &s->blind, blind_list) {
		list_del_init(&w->blind_list);
		spin_lock(&w->lock);
		w->blind = false;
		spin_unlock(&w->lock);
	}
}

/**
 * odp_windows_quieten - an invalidation has ended
 * @s: the space
 * @range: as it was told to odp_windows_invalidate()
 */
void odp_windows_quieten(struct odp_space *s,
			 const struct mmu_notifier_range *range)
{
	unsigned long last = (range->end - 1) >> ODP_WINDOW_SHIFT;
	unsigned long index = range->start >> ODP_WINDOW_SHIFT;
	struct odp_watches *watches;
	struct odp_window *w;

	while ((w = odp_window_next(s, &index, last))) {
		spin_lock(&w->lock);
		/* A blind one did not count it; a new one is blind. */
		if (!w->blind)
			w->nr_active--;
		spin_unlock(&w->lock);
		odp_window_put(w);
	}

	spin_lock(&s->lock);
	if (!--s->nr_active)
		odp_windows_unblind(s);
	watches = s->watches;
	spin_unlock(&s->lock);
	if (watches)
		odp_watches_tell(watches, range);
	/* Pairs with the waiter's own: it sees the count, or is seen. */
	if (wq_has_sleeper(&s->wait))
		wake_up_all(&s->wait);
}

/**
 * odp_windows_zap - take out all that is mirrored
 * @s: the space, which is dead
 */
void odp_windows_zap(struct odp_space *s)
{
	unsigned long index = 0;
	struct odp_window *w;

	while ((w = odp_window_next(s, &index, ULONG_MAX))) {
		odp_window_zap(w, w->start, w->end, false);
		odp_window_put(w);
	}
}

/*
 * Take a window out of its space, if nothing is in it and nobody is at it. A
 * fault may still have put something in just before it left, so look into the
 * window only once nobody is at it; and let no invalidation pass by meanwhile.
 */
static bool odp_window_retire(struct odp_window *w)
{
	struct odp_space *s = w->space;
	bool empty = false;

	lockdep_assert_held(&s->windows_lock);
	spin_lock(&s->lock);
	/* Pairs with odp_window_put(), which tells the tender to come again. */
	smp_mb();
	if (!refcount_dec_if_one(&w->refs))
		goto out;
	spin_lock(&w->lock);
	empty = !w->nr_leaves;
	spin_unlock(&w->lock);
	if (empty) {
		xa_erase(&s->windows, w->start >> ODP_WINDOW_SHIFT);
		if (rcu_access_pointer(s->hint) == w)
			RCU_INIT_POINTER(s->hint, NULL);
		list_del_init(&w->blind_list);
		list_del_init(&w->untidy_list);
	} else {
		refcount_set(&w->refs, 1);
	}
out:
	spin_unlock(&s->lock);
	return empty;
}

/* Free a window if nothing is in it and nobody is at it. */
static void odp_window_prune(struct odp_window *w)
{
	struct odp_space *s = w->space;
	bool last;

	odp_leaf_prune(w);

	mutex_lock(&s->windows_lock);
	last = odp_window_retire(w);
	mutex_unlock(&s->windows_lock);
	if (last)
		kfree_rcu(w, rcu);
}

static struct odp_window *odp_next_untidy(struct odp_space *s)
{
	struct odp_window *w;

	spin_lock(&s->lock);
	w = list_first_entry_or_null(&s->untidy, struct odp_window,
				     untidy_list);
	if (w)
		list_del_init(&w->untidy_list);
	spin_unlock(&s->lock);

	return w;
}

/**
 * odp_tend - a space's tender
 * @work: space->tender
 *
 * Only the tender frees windows while the space lives.
 */
void odp_tend(struct work_struct *work)
{
	struct odp_space *s = container_of(work, struct odp_space, tender);
	struct odp_window *w;
	unsigned long index;

	while ((w = odp_next_untidy(s)))
		odp_window_prune(w);

	if (!xchg(&s->sweep, false))
		return;
	xa_for_each(&s->windows, index, w)
		if (w->nr_slots && !READ_ONCE(w->nr_leaves))
			odp_window_prune(w);
}

/**
 * odp_windows_destroy - forget all windows
 * @s: the space, which nobody uses any more and whose tender is disabled
 */
void odp_windows_destroy(struct odp_space *s)
{
	struct odp_window *w;
	unsigned long index;

	xa_for_each(&s->windows, index, w) {
		if (odp_space_has_leaves(s))
			odp_leaf_destroy(w);
		kfree_rcu(w, rcu);
		cond_resched();
	}
}
