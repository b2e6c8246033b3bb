// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Spaces: one for each address space that has mirrors, found through the
 * mmu_notifier that it is. It outlives its last mirror by a second, so that
 * one who registers memory for each transfer finds the table as it was.
 */
#include <linux/hashtable.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "leaf.h"
#include "probe.h"
#include "space.h"
#include "window.h"
#include "worker.h"

/* How long a space waits for a new view. */
#define ODP_SPACE_LINGER	HZ

/* Shared spaces, by mm. */
static DEFINE_HASHTABLE(odp_spaces, 8);
static DEFINE_MUTEX(odp_spaces_lock);

static struct odp_space *odp_space_of(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct odp_space, notifier);
}

/* That we take a page from the CPU takes nothing from us. */
static bool odp_space_takes(const struct odp_space *s,
			    const struct mmu_notifier_range *range)
{
	return range->event == MMU_NOTIFY_EXCLUSIVE && range->owner == s;
}

static int odp_space_invalidate_start(struct mmu_notifier *notifier,
				      const struct mmu_notifier_range *range)
{
	struct odp_space *s = odp_space_of(notifier);

	if (!odp_space_takes(s, range))
		odp_windows_invalidate(s, range);

	return 0;
}

static void odp_space_invalidate_end(struct mmu_notifier *notifier,
				     const struct mmu_notifier_range *range)
{
	struct odp_space *s = odp_space_of(notifier);

	if (!odp_space_takes(s, range))
		odp_windows_quieten(s, range);
}

/* Reclaim asks before it takes a page that the CPU has not used. */
static odp_young_t
odp_space_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
		      unsigned long start, unsigned long end)
{
	return odp_leaf_young(odp_space_of(notifier), start, end, true);
}

static odp_young_t
odp_space_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
		     unsigned long address)
{
	return odp_leaf_young(odp_space_of(notifier), address,
			      address + PAGE_SIZE, false);
}

/* The address space goes: nothing is mirrored any more, and nothing will be. */
static void odp_space_release(struct mmu_notifier *notifier,
			      struct mm_struct *mm)
{
	struct odp_space *s = odp_space_of(notifier);
	unsigned int views;

	spin_lock(&s->lock);
	WRITE_ONCE(s->dead, true);
	views = s->views;
	spin_unlock(&s->lock);
	odp_windows_zap(s);
	odp_watches_orphan(s);
	wake_up_all(&s->wait);
	if (!views && !s->private)
		mod_delayed_work(odp_wq, &s->closer, 0);
}

static void odp_space_free(struct odp_space *s)
{
	disable_delayed_work_sync(&s->closer);
	odp_workers_exit(s);
	odp_slow_exit(&s->slow);
	disable_work_sync(&s->tender);
	odp_windows_destroy(s);
	odp_watches_put(s->watches);
	xa_destroy(&s->windows);
	mutex_destroy(&s->windows_lock);
	mutex_destroy(&s->attached_lock);
	mem_cgroup_put(s->memcg);
	mmdrop(s->mm);
	kfree(s);
}

static void odp_space_free_work(struct work_struct *work)
{
	odp_space_free(container_of(work, struct odp_space, freer));
}

/* No notifier runs any more. Not for here, which is a place without sleep. */
static void odp_space_free_notifier(struct mmu_notifier *notifier)
{
	queue_work(odp_wq, &odp_space_of(notifier)->freer);
}

/* Is it time for a space to go? If not yet, come again. Under the lock. */
static bool odp_space_is_over(struct odp_space *s)
{
	unsigned long end = s->idle_since + ODP_SPACE_LINGER;

	lockdep_assert_held(&s->lock);
	if (s->views || s->state != ODP_SPACE_OPEN)
		return false;
	if (s->dead || time_after_eq(jiffies, end))
		return true;
	queue_delayed_work(odp_wq, &s->closer, end - jiffies);

	return false;
}

static void odp_space_close_work(struct work_struct *work)
{
	struct odp_space *s = container_of(to_delayed_work(work),
					   struct odp_space, closer);
	bool close;

	spin_lock(&s->lock);
	close = odp_space_is_over(s);
	if (close)
		s->state = ODP_SPACE_CLOSED;
	spin_unlock(&s->lock);
	if (!close)
		return;

	mutex_lock(&odp_spaces_lock);
	hash_del(&s->node);
	mutex_unlock(&odp_spaces_lock);
	mmu_notifier_put(&s->notifier);
}

static struct odp_space *odp_space_alloc(struct mm_struct *mm)
{
	struct odp_space *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	s->mm = mm;
	mmgrab(mm);
	s->memcg = get_mem_cgroup_from_mm(mm);
	s->ops = &odp_leaf_ops;
	xa_init_flags(&s->windows, XA_FLAGS_ACCOUNT);
	mutex_init(&s->windows_lock);
	spin_lock_init(&s->lock);
	INIT_HLIST_NODE(&s->node);
	INIT_LIST_HEAD(&s->blind);
	INIT_LIST_HEAD(&s->untidy);
	INIT_LIST_HEAD(&s->faulters);
	init_waitqueue_head(&s->wait);
	INIT_WORK(&s->tender, odp_tend);
	INIT_DELAYED_WORK(&s->closer, odp_space_close_work);
	INIT_WORK(&s->freer, odp_space_free_work);
	odp_slow_init(&s->slow);
	odp_workers_init(s);
	INIT_LIST_HEAD(&s->attached);
	mutex_init(&s->attached_lock);

	return s;
}

static struct mmu_notifier *odp_space_alloc_notifier(struct mm_struct *mm)
{
	struct odp_space *s = odp_space_alloc(mm);

	return s ? &s->notifier : ERR_PTR(-ENOMEM);
}

/* Shared spaces are found by these. */
static const struct mmu_notifier_ops odp_space_ops = {
	.release = odp_space_release,
	.invalidate_range_start = odp_space_invalidate_start,
	.invalidate_range_end = odp_space_invalidate_end,
	.clear_flush_young = odp_space_clear_young,
	.clear_young = odp_space_clear_young,
	.test_young = odp_space_test_young,
	.alloc_notifier = odp_space_alloc_notifier,
	.free_notifier = odp_space_free_notifier,
};

static const struct mmu_notifier_ops odp_space_private_ops = {
	.release = odp_space_release,
	.invalidate_range_start = odp_space_invalidate_start,
	.invalidate_range_end = odp_space_invalidate_end,
	.clear_flush_young = odp_space_clear_young,
	.clear_young = odp_space_clear_young,
	.test_young = odp_space_test_young,
};

/*
 * One more view, unless the space is closed. Returns what it was. Under the lock
 * of all spaces.
 */
static enum odp_space_state odp_space_join(struct odp_space *s)
{
	enum odp_space_state was;

	lockdep_assert_held(&odp_spaces_lock);
	spin_lock(&s->lock);
	was = s->state;
	if (was != ODP_SPACE_CLOSED) {
		s->state = ODP_SPACE_OPEN;
		s->views++;
	}
	spin_unlock(&s->lock);
	if (was == ODP_SPACE_NEW)
		hash_add(odp_spaces, &s->node, (unsigned long)s->mm);

	return was;
}

/* Who finds a space does not stop the process's page faults for it. */
static struct odp_space *odp_space_find(struct mm_struct *mm)
{
	struct odp_space *s;

	mutex_lock(&odp_spaces_lock);
	hash_for_each_possible(odp_spaces, s, node, (unsigned long)mm)
		if (s->mm == mm && odp_space_join(s) == ODP_SPACE_OPEN)
			break;
	mutex_unlock(&odp_spaces_lock);

	return s;
}

/*
 * Whoever is first keeps the reference on the notifier that all views together
 * have; whoever finds the space closed comes too late.
 */
static struct odp_space *odp_space_get_shared(struct mm_struct *mm)
{
	struct mmu_notifier *notifier;
	enum odp_space_state was;
	struct odp_space *s;

	for (;;) {
		s = odp_space_find(mm);
		if (s)
			return s;
		notifier = mmu_notifier_get(&odp_space_ops, mm);
		if (IS_ERR(notifier))
			return ERR_CAST(notifier);
		s = odp_space_of(notifier);
		mutex_lock(&odp_spaces_lock);
		was = odp_space_join(s);
		mutex_unlock(&odp_spaces_lock);
		if (was == ODP_SPACE_NEW)
			return s;
		mmu_notifier_put(notifier);
		if (was == ODP_SPACE_OPEN)
			return s;
		/* Whoever closes it is about to let go. */
		cond_resched();
	}
}

static struct odp_space *odp_space_get_private(const struct odp_mirror_attr *attr)
{
	struct odp_space *s = odp_space_alloc(attr->mm);
	int err;

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->private = true;
	s->views = 1;
	if (attr->ops) {
		s->ops = attr->ops;
		s->table = attr->table;
	}
	odp_probe_init(s, attr);
	s->notifier.ops = &odp_space_private_ops;
	err = mmu_notifier_register(&s->notifier, attr->mm);
	if (err) {
		odp_space_free(s);
		return ERR_PTR(err);
	}

	return s;
}

/**
 * odp_space_get - the space of an address space, made if need be
 * @attr: of the mirror that is to be its view
 *
 * A device with a table of its own gets a space of its own, and so does a test.
 * The caller holds a reference on the mm's users, and no lock.
 *
 * Return: the space, to be given back with odp_space_put(), or ERR_PTR().
 */
struct odp_space *odp_space_get(const struct odp_mirror_attr *attr)
{
	struct odp_space *s;
	int err;

	if (attr->ops || odp_probe_is_asked_for(attr))
		return odp_space_get_private(attr);

	s = odp_space_get_shared(attr->mm);
	if (IS_ERR(s))
		return s;
	err = odp_workers_staff(s);
	if (err) {
		odp_space_put(s);
		return ERR_PTR(err);
	}

	return s;
}

/**
 * odp_space_put - a view is gone
 * @s: the space
 *
 * May sleep. When this returns, nobody calls a table's or a test's operations
 * any more.
 */
void odp_space_put(struct odp_space *s)
{
	if (s->private) {
		mmu_notifier_unregister(&s->notifier, s->mm);
		odp_space_free(s);
		return;
	}

	spin_lock(&s->lock);
	/* Under the lock, beyond which somebody else may end the space. */
	if (!--s->views) {
		s->idle_since = jiffies;
		if (s->dead)
			mod_delayed_work(odp_wq, &s->closer, 0);
		else
			queue_delayed_work(odp_wq, &s->closer,
					   ODP_SPACE_LINGER);
	}
	spin_unlock(&s->lock);
}

/**
 * odp_spaces_exit - end the spaces that still wait for a view
 */
void odp_spaces_exit(void)
{
	struct odp_space *s;
	int i;

	mutex_lock(&odp_spaces_lock);
	hash_for_each(odp_spaces, i, s, node) {
		spin_lock(&s->lock);
		s->idle_since = jiffies - ODP_SPACE_LINGER;
		mod_delayed_work(odp_wq, &s->closer, 0);
		spin_unlock(&s->lock);
	}
	mutex_unlock(&odp_spaces_lock);
	/* The closers, then the notifiers that they put, then the freers. */
	flush_workqueue(odp_wq);
	mmu_notifier_synchronize();
	flush_workqueue(odp_wq);
}
