// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Watches: each hears of the invalidations of a range, of which its space tells at
 * their end. A watch is its file's, and is freed when its last record was read, or
 * the file is closed; a mirror that goes only takes it out of the tree.
 */
#include <linux/interval_tree.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "events.h"
#include "mirror.h"
#include "space.h"
#include "watch.h"

/**
 * struct odp_watch - who wants to hear
 * @note: what it hears
 * @node: in all->tree; its range of virtual addresses
 * @all: the watches of its space
 * @list: in mirror->watches; empty once it has ended
 * @id: in events->watches
 * @causes: of which to hear
 */
struct odp_watch {
	struct odp_note note;
	struct interval_tree_node node;
	struct odp_watches *all;
	struct list_head list;
	u32 id;
	u32 causes;
};

static void odp_watches_free(struct kref *ref)
{
	kfree(container_of(ref, struct odp_watches, ref));
}

/**
 * odp_watches_put - give a reference back
 * @all: the watches of a space, or NULL
 */
void odp_watches_put(struct odp_watches *all)
{
	if (all)
		kref_put(&all->ref, odp_watches_free);
}

/* Those of a space that its caller keeps, or NULL. */
static struct odp_watches *odp_watches_of(struct odp_space *s)
{
	struct odp_watches *all;

	spin_lock(&s->lock);
	all = s->watches;
	spin_unlock(&s->lock);

	return all;
}

/* The same with a reference; @fresh, if there were none. Or NULL. */
static struct odp_watches *odp_watches_find(struct odp_space *s,
					    struct odp_watches *fresh)
{
	struct odp_watches *all;

	/* Who ends an invalidation under this lock later finds them. */
	spin_lock(&s->lock);
	if (!s->watches)
		s->watches = fresh;
	all = s->watches;
	if (all)
		kref_get(&all->ref);
	spin_unlock(&s->lock);

	return all;
}

/* The same, made if need be. NULL: there is no memory. */
static struct odp_watches *odp_watches_get(struct odp_space *s)
{
	struct odp_watches *all, *fresh;

	all = odp_watches_find(s, NULL);
	if (all)
		return all;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	kref_init(&fresh->ref);
	spin_lock_init(&fresh->lock);
	fresh->tree = RB_ROOT_CACHED;
	all = odp_watches_find(s, fresh);
	if (all != fresh)
		kfree(fresh);

	return all;
}

static u32 odp_cause(const struct mmu_notifier_range *range)
{
	switch (range->event) {
	case MMU_NOTIFY_UNMAP:
		return ODP_RECORD_CAUSE_UNMAPPED;
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_PROTECTION_PAGE:
	case MMU_NOTIFY_SOFT_DIRTY:
		return ODP_RECORD_CAUSE_PROTECTED;
	default:
		return ODP_RECORD_CAUSE_CLEARED;
	}
}

/**
 * odp_watches_tell - an invalidation has ended
 * @all: the watches of the space
 * @range: what was invalidated
 *
 * Neither sleeps nor allocates.
 */
void odp_watches_tell(struct odp_watches *all,
		      const struct mmu_notifier_range *range)
{
	unsigned long start = range->start, last = range->end - 1;
	struct odp_hits hits = { .count = 1, .causes = odp_cause(range) };
	struct interval_tree_node *node;
	struct odp_watch *w;

	spin_lock(&all->lock);
	for (node = interval_tree_iter_first(&all->tree, start, last); node;
	     node = interval_tree_iter_next(node, start, last)) {
		w = container_of(node, struct odp_watch, node);
		if (!(w->causes & hits.causes))
			continue;
		hits.start = max(start, node->start);
		hits.last = min(last, node->last);
		odp_note_hit(&w->note, &hits);
	}
	spin_unlock(&all->lock);
}

/* Under the lock of its space's watches. */
static void odp_watch_unlink(struct odp_watch *w)
{
	lockdep_assert_held(&w->all->lock);
	interval_tree_remove(&w->node, &w->all->tree);
	list_del_init(&w->list);
	w->all->nr--;
}

/* The same, and tell why. From then on it is its reader's. */
static void odp_watch_end(struct odp_watch *w, int err)
{
	odp_watch_unlink(w);
	odp_note_end(&w->note, ODP_RECORD_WATCH_ENDED, err);
}

/**
 * odp_watches_leave - end a mirror's watches
 * @m: the mirror, which gets no new ones
 */
void odp_watches_leave(struct odp_mirror *m)
{
	struct odp_watches *all = odp_watches_of(m->space);
	struct odp_watch *w;

	if (!all)
		return;

	do {
		spin_lock(&all->lock);
		w = list_first_entry_or_null(&m->watches, struct odp_watch,
					     list);
		if (w)
			odp_watch_end(w, -ECANCELED);
		spin_unlock(&all->lock);
	} while (w);
}

/**
 * odp_watches_orphan - end a space's watches
 * @s: the space, which is dead
 */
void odp_watches_orphan(struct odp_space *s)
{
	struct odp_watches *all = odp_watches_of(s);
	struct rb_node *first;

	if (!all)
		return;

	do {
		spin_lock(&all->lock);
		first = rb_first_cached(&all->tree);
		if (first)
			odp_watch_end(rb_entry(first, struct odp_watch, node.rb),
				      -ESRCH);
		spin_unlock(&all->lock);
	} while (first);
}

/* Its number is free. Under the file's mutex, or when that is closed. */
static void odp_watch_free(struct odp_note *note)
{
	struct odp_watch *w = container_of(note, struct odp_watch, note);

	xa_erase(&note->events->watches, w->id);
	odp_watches_put(w->all);
	kfree(w);
}

/* End one without a record. Under the same. */
static void odp_watch_remove(struct odp_watch *w)
{
	spin_lock(&w->all->lock);
	if (!list_empty(&w->list))
		odp_watch_unlink(w);
	spin_unlock(&w->all->lock);
	odp_note_drop(&w->note);
	odp_watch_free(&w->note);
}

static struct odp_watch *odp_watch_make(struct odp_mirror *m,
					const struct odp_watch_attr *attr)
{
	struct odp_watch *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);

	if (!w)
		return NULL;
	w->all = odp_watches_get(m->space);
	if (!w->all) {
		kfree(w);
		return NULL;
	}
	INIT_LIST_HEAD(&w->list);
	w->note.name = attr->name - attr->va;
	w->note.free = odp_watch_free;
	w->node.start = attr->va;
	w->node.last = attr->va + attr->length - 1;
	w->causes = attr->causes ?: ODP_CAUSES_ALL;

	return w;
}

/* From here on it hears. */
static int odp_watch_link(struct odp_watch *w, struct odp_mirror *m)
{
	struct odp_watches *all = w->all;
	int err = 0;

	spin_lock(&all->lock);
	if (READ_ONCE(m->space->dead)) {
		err = -ESRCH;
	} else if (odp_mirror_dying(m)) {
		err = -ECANCELED;
	} else if (all->nr >= ODP_WATCHES_MAX) {
		err = -ENOSPC;
	} else {
		interval_tree_insert(&w->node, &all->tree);
		list_add(&w->list, &m->watches);
		all->nr++;
	}
	spin_unlock(&all->lock);

	return err;
}

/* Under the file's mutex. */
static int odp_watch_start(struct odp_watch *w, struct odp_events *ev,
			   struct odp_mirror *m, u64 cookie)
{
	int err;

	lockdep_assert_held(&ev->mutex);
	err = odp_note_init(&w->note, ev, cookie);
	if (err)
		return err;
	err = xa_alloc_cyclic(&ev->watches, &w->id, w, xa_limit_31b, &ev->next,
			      GFP_KERNEL);
	if (err < 0)
		goto err_note;
	err = odp_watch_link(w, m);
	if (err)
		goto err_id;

	return 0;

err_id:
	xa_erase(&ev->watches, w->id);
err_note:
	odp_note_drop(&w->note);
	return err;
}

/**
 * odp_events_watch - hear of the invalidations of a range
 * @events: the file that tells of them
 * @m: a mirror of the range, which the caller keeps from being destroyed
 *	meanwhile; the watch ends with it
 * @attr: what to watch
 * @id: its number is put here, for odp_events_unwatch()
 *
 * Each invalidation that ends after this has returned is told of before it has
 * ended for whoever caused it. May sleep.
 *
 * Return: 0; -EINVAL if the range is empty or not the mirror's, or for an unknown
 * cause; -ENOSPC if the file or the space has too many; -ESRCH if the memory is
 * gone; -ECANCELED if the mirror is dying; -EIO if the file's device is gone;
 * -ENOMEM; -EINTR.
 */
int odp_events_watch(struct odp_events *events, struct odp_mirror *m,
		     const struct odp_watch_attr *attr, u32 *id)
{
	struct odp_watch *w;
	int err;

	if (!attr->length || !odp_mirror_covers(m, attr->va, attr->length) ||
	    attr->causes & ~ODP_CAUSES_ALL)
		return -EINVAL;
	w = odp_watch_make(m, attr);
	if (!w)
		return -ENOMEM;

	err = -EINTR;
	if (mutex_lock_killable(&events->mutex))
		goto err_free;
	err = odp_watch_start(w, events, m, attr->cookie);
	if (!err)
		*id = w->id;
	mutex_unlock(&events->mutex);
	if (err)
		goto err_free;

	return 0;

err_free:
	odp_watches_put(w->all);
	kfree(w);
	return err;
}
EXPORT_SYMBOL_GPL(odp_events_watch);

/**
 * odp_events_unwatch - hear no more
 * @events: the file
 * @id: the watch's number
 *
 * What it has heard and was not read is dropped. May sleep.
 *
 * Return: 0; -ENOENT if there is none; -EINTR.
 */
int odp_events_unwatch(struct odp_events *events, u32 id)
{
	struct odp_watch *w;

	if (mutex_lock_killable(&events->mutex))
		return -EINTR;
	w = xa_load(&events->watches, id);
	if (w)
		odp_watch_remove(w);
	mutex_unlock(&events->mutex);

	return w ? 0 : -ENOENT;
}
EXPORT_SYMBOL_GPL(odp_events_unwatch);

/**
 * odp_events_unwatch_all - a file is closed
 * @events: the file, which nobody uses any more
 */
void odp_events_unwatch_all(struct odp_events *events)
{
	struct odp_watch *w;
	unsigned long id;

	xa_for_each(&events->watches, id, w) {
		odp_watch_remove(w);
		cond_resched();
	}
}
