// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Slow faults. A packet's worker leaves them here and goes on; threads of the
 * process that registered the memory (worker.c) do them, a turn at a time.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>

#include "events.h"
#include "fault.h"
#include "mirror.h"
#include "prefetch.h"
#include "slow.h"
#include "space.h"
#include "trace.h"
#include "waiter.h"

/* Faults of a process under way at most, and as many prefetches. */
#define ODP_ITEMS_MAX		4096
/* What waits for its next turn gets every so manieth one. */
#define ODP_AGAIN		4
/* How long an error waits for the access that caused it to come again. */
#define ODP_ERROR_AGE		(2 * HZ)

static struct odp_item *odp_item_alloc(struct odp_mirror *m, gfp_t gfp)
{
	struct odp_item *item = kzalloc(sizeof(*item), gfp | __GFP_ACCOUNT);

	if (!item)
		return NULL;
	INIT_LIST_HEAD(&item->list);
	INIT_LIST_HEAD(&item->waiters);
	/* The caller's module needs this one; a worker may not have a caller. */
	__module_get(THIS_MODULE);
	odp_mirror_get(m);
	item->m = m;

	return item;
}

/* odp_workers_exit() waits for whoever is still on the way out of here. */
static void odp_item_release(struct odp_mirror *m)
{
	odp_mirror_put(m);
	module_put(THIS_MODULE);
}

static void odp_item_free(struct odp_item *item)
{
	if (item->m)
		odp_item_release(item->m);
	kfree(item);
}

static unsigned long odp_item_key(const struct odp_item *item)
{
	return item->span.start >> PAGE_SHIFT;
}

/* Under the lock, after which the caller frees it. */
static void odp_item_remove(struct odp_slow *slow, struct odp_item *item)
{
	lockdep_assert_held(&slow->lock);
	list_del_init(&item->list);
	if (item->prefetch) {
		slow->nr_prefetches--;
		return;
	}
	if (item->err)
		slow->nr_failed--;
	xa_erase(&slow->items, odp_item_key(item));
	WRITE_ONCE(slow->nr_items, slow->nr_items - 1);
}

/**
 * odp_slow_wake - have somebody take up what was put into a queue
 * @slow: the space's, its lock held
 */
void odp_slow_wake(struct odp_slow *slow)
{
	struct odp_worker *worker;

	lockdep_assert_held(&slow->lock);
	worker = list_first_entry_or_null(&slow->idle, struct odp_worker,
					  idle_list);
	if (worker) {
		list_del_init(&worker->idle_list);
		vhost_task_wake(worker->task);
	} else {
		queue_delayed_work(odp_wq, &slow->kicker, ODP_TURN);
	}
}

/* An error that nobody asked for, in time or as long as there is room. Locked. */
static struct odp_item *odp_slow_expired(struct odp_slow *slow)
{
	struct odp_item *item;

	lockdep_assert_held(&slow->lock);
	item = list_first_entry_or_null(&slow->failed, struct odp_item, list);
	if (!item || (slow->nr_items < ODP_ITEMS_MAX &&
		      time_before(jiffies, item->since + ODP_ERROR_AGE)))
		return NULL;
	odp_item_remove(slow, item);

	return item;
}

/*
 * A new fault. Under the lock, where nothing can be taken back from a control group
 * that is full, as one that holds files always is: what is needed goes beyond its
 * bound for the while. There are no more than ODP_ITEMS_MAX of it.
 */
static struct odp_item *odp_slow_new(struct odp_mirror *m, struct odp_span span,
				     bool write)
{
	struct odp_slow *slow = &m->space->slow;
	struct odp_item *item;

	lockdep_assert_held(&slow->lock);
	if (slow->nr_items >= ODP_ITEMS_MAX)
		return NULL;
	item = odp_item_alloc(m, GFP_ATOMIC | __GFP_NOWARN);
	if (!item)
		return NULL;
	item->span = span;
	item->write = write;
	if (xa_err(xa_store(&slow->items, odp_item_key(item), item,
			    GFP_ATOMIC | __GFP_NOWARN))) {
		odp_item_free(item);
		return NULL;
	}
	WRITE_ONCE(slow->nr_items, slow->nr_items + 1);

	return item;
}

static int odp_slow_add(struct odp_mirror *m, struct odp_span span, bool write,
			struct odp_waiter *waiter)
{
	struct odp_slow *slow = &m->space->slow;
	struct mem_cgroup *memcg;
	struct odp_item *item;

	if (!slow->nr_workers)
		return -ESRCH;
	memcg = set_active_memcg(m->space->memcg);
	item = odp_slow_new(m, span, write);
	set_active_memcg(memcg);
	if (item) {
		list_add_tail(&item->list, &slow->fresh);
		odp_waiter_add(waiter, &item->waiters);
		odp_slow_wake(slow);
	} else {
		/* Come again when something has been done, or before long. */
		odp_waiter_add(waiter, &slow->starved);
		if (slow->nr_items == slow->nr_failed)
			queue_delayed_work(odp_wq, &slow->kicker, ODP_TURN);
	}

	return -EINPROGRESS;
}

/**
 * odp_slow_feed - have those come again for whom there was no room
 * @slow: the space's
 */
void odp_slow_feed(struct odp_slow *slow)
{
	LIST_HEAD(waiters);

	odp_waiters_take(&slow->starved, &waiters);
	odp_waiters_wake(&waiters);
}

/**
 * odp_slow_request - leave a fault that would wait to the process's workers
 * @m: the mirror
 * @span: the critical pages
 * @write: for a write?
 * @ahead: for an access that is yet to come, and to be told why it failed
 * @waiter: woken once when it has ended, or NULL
 * @fresh: whether it was not under way before is put here
 *
 * Does not sleep.
 *
 * Return: -EINPROGRESS if it is under way now, or will be when there is memory
 * for it; why it failed, if it was under way and did; -ESRCH if the process has
 * no worker any more.
 */
int odp_slow_request(struct odp_mirror *m, struct odp_span span, bool write,
		     bool ahead, struct odp_waiter *waiter, bool *fresh)
{
	struct odp_slow *slow = &m->space->slow;
	struct odp_item *item, *old, *done = NULL;
	int err = -EINPROGRESS;

	*fresh = false;
	spin_lock(&slow->lock);
	old = odp_slow_expired(slow);
	item = xa_load(&slow->items, span.start >> PAGE_SHIFT);
	if (!item) {
		err = odp_slow_add(m, span, write, waiter);
		*fresh = true;
	} else if (item->err) {
		err = item->err;
		if (!ahead) {
			odp_item_remove(slow, item);
			done = item;
		}
	} else {
		item->write |= write;
		item->span.npages = max(item->span.npages, span.npages);
		odp_waiter_add(waiter, &item->waiters);
	}
	spin_unlock(&slow->lock);

	if (old)
		odp_item_free(old);
	if (done)
		odp_item_free(done);
	if (*fresh)
		trace_odp_slow(m, span.start, span.npages, err);

	return err;
}

/**
 * odp_mirror_slow_faults - how many slow faults does a process have under way?
 * @m: one of its mirrors
 *
 * Return: that, as it was a moment ago.
 */
unsigned int odp_mirror_slow_faults(const struct odp_mirror *m)
{
	return READ_ONCE(m->space->slow.nr_items);
}
EXPORT_SYMBOL_GPL(odp_mirror_slow_faults);

/**
 * odp_mirror_slow_done - how many slow faults have brought a mirror's pages in?
 * @m: the mirror
 *
 * Return: that; whether it changed says whether it is worth while to come soon.
 */
unsigned int odp_mirror_slow_done(const struct odp_mirror *m)
{
	return atomic_read(&m->slow_done);
}
EXPORT_SYMBOL_GPL(odp_mirror_slow_done);

/**
 * odp_slow_prefetch - leave a prefetch to the process's workers
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes, not 0, and all of it the mirror's
 * @how: how far to go for a page
 * @answer: for odp_slow_await(), or NULL if nobody waits
 * @note: who is told when it has ended, or NULL; the caller's on failure
 *
 * Return: 0; -EBUSY if the process has too many under way for which nobody
 * waits; -ESRCH if it has no worker any more; -ENOMEM.
 */
int odp_slow_prefetch(struct odp_mirror *m, u64 va, u64 length,
		      enum odp_prefetch how, struct odp_answer *answer,
		      struct odp_note *note)
{
	struct odp_slow *slow = &m->space->slow;
	struct odp_item *item;
	int err = 0;

	item = odp_item_alloc(m, GFP_KERNEL);
	if (!item)
		return -ENOMEM;
	item->prefetch = true;
	item->how = how;
	item->va = va;
	item->length = length;
	item->answer = answer;
	item->note = note;

	spin_lock(&slow->lock);
	if (!slow->nr_workers) {
		err = -ESRCH;
	} else if (slow->nr_prefetches >= ODP_ITEMS_MAX && !answer) {
		err = -EBUSY;
	} else {
		slow->nr_prefetches++;
		if (answer) {
			*answer = (struct odp_answer) { .item = item };
			list_add(&item->list, &slow->fresh);
		} else {
			list_add_tail(&item->list, &slow->fresh);
		}
		odp_slow_wake(slow);
	}
	spin_unlock(&slow->lock);
	if (err)
		odp_item_free(item);

	return err;
}

/**
 * odp_slow_await - wait for a prefetch
 * @m: the mirror
 * @answer: as given to odp_slow_prefetch(), which returned 0
 *
 * Return: what became of it; -EINTR for a fatal signal and -ECANCELED for a
 * mirror that is dying, after which it goes on without us as long as it can.
 */
int odp_slow_await(struct odp_mirror *m, struct odp_answer *answer)
{
	struct odp_slow *slow = &m->space->slow;
	int err;

	err = wait_event_killable(m->space->wait, !READ_ONCE(answer->item) ||
				  odp_mirror_dying(m));
	spin_lock(&slow->lock);
	if (answer->item) {
		answer->item->answer = NULL;
		answer->err = err ? -EINTR : -ECANCELED;
	}
	spin_unlock(&slow->lock);

	return answer->err;
}

/* It has ended. Under the lock. */
static void odp_item_answer(struct odp_item *item, int err)
{
	struct odp_answer *answer = item->answer;

	lockdep_assert_held(&item->m->space->slow.lock);
	if (item->note) {
		if (!err && item->missed && item->how != ODP_PREFETCH_NO_FAULT)
			odp_note_prefetched(item->note, -EFAULT);
		else
			odp_note_prefetched(item->note, err);
	}
	if (!answer)
		return;
	answer->err = err;
	answer->missed = item->missed;
	WRITE_ONCE(answer->item, NULL);
	wake_up_all(&item->m->space->wait);
}

/**
 * odp_item_run - give an item a turn
 * @item: the item, which the caller has taken
 *
 * Return: 0 when it is done; -EINPROGRESS if not, and others shall have their
 * turn; else why it failed.
 */
int odp_item_run(struct odp_item *item)
{
	struct odp_fault f = {
		.m = item->m,
		.critical = item->turn_span,
		.write = item->turn_write,
		.wait = true,
		.yields = true,
	};
	unsigned int round;
	bool populate;
	int err = -EAGAIN;

	if (item->prefetch)
		return odp_prefetch_turn(item->m, &item->va, &item->length,
					 item->how, &item->missed);

	for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++) {
		f.span = odp_around_span(f.m, f.critical, f.write, &populate);
		f.populate = populate ? ODP_POPULATE_ASIDE : ODP_POPULATE_NO;
		err = odp_fault(&f);
	}

	/* The page was there; whoever comes for it can pin it. */
	return err == -EAGAIN || err == -ETIMEDOUT ? 0 : err;
}

/* Meanwhile somebody may have come who needs more. Under the lock. */
static bool odp_item_grew(const struct odp_item *item)
{
	return item->write != item->turn_write ||
	       item->span.npages != item->turn_span.npages;
}

/**
 * odp_item_ran - an item has had its turn
 * @item: the item, which is the caller's no more
 * @err: as odp_item_run() returned it
 */
void odp_item_ran(struct odp_item *item, int err)
{
	struct odp_mirror *m = item->m;
	struct odp_slow *slow = &m->space->slow;
	LIST_HEAD(waiters);

	spin_lock(&slow->lock);
	if (err == -EINPROGRESS || (!err && odp_item_grew(item))) {
		list_add_tail(&item->list, &slow->again);
		spin_unlock(&slow->lock);
		return;
	}
	if (!err)
		atomic_inc(&m->slow_done);
	odp_item_answer(item, err);
	odp_waiters_take(&item->waiters, &waiters);
	odp_waiters_take(&slow->starved, &waiters);
	item->m = NULL;
	if (item->prefetch || !err || err == -ECANCELED || err == -EINTR) {
		odp_item_remove(slow, item);
		kfree(item);
	} else {
		item->err = err;
		item->since = jiffies;
		slow->nr_failed++;
		list_add_tail(&item->list, &slow->failed);
	}
	spin_unlock(&slow->lock);

	odp_waiters_wake(&waiters);
	odp_item_release(m);
}

/**
 * odp_slow_take - whose turn is it?
 * @slow: the space's, its lock held
 *
 * Return: an item, for odp_item_run() and odp_item_ran(); or NULL.
 */
struct odp_item *odp_slow_take(struct odp_slow *slow)
{
	struct list_head *first = &slow->fresh, *second = &slow->again;
	struct odp_item *item;

	lockdep_assert_held(&slow->lock);
	if (++slow->taken % ODP_AGAIN == 0)
		swap(first, second);
	item = list_first_entry_or_null(first, struct odp_item, list) ?:
	       list_first_entry_or_null(second, struct odp_item, list);
	if (!item)
		return NULL;
	list_del_init(&item->list);
	item->turn_span = item->span;
	item->turn_write = item->write;

	return item;
}

/* What nobody is at, of a mirror or, if @m is NULL, of all. Under the lock. */
static void odp_slow_abandon(struct odp_slow *slow, const struct odp_mirror *m,
			     struct list_head *orphans,
			     struct list_head *waiters)
{
	struct odp_item *item, *next;

	lockdep_assert_held(&slow->lock);
	list_splice_tail_init(&slow->fresh, &slow->again);
	list_for_each_entry_safe(item, next, &slow->again, list) {
		if (m && item->m != m)
			continue;
		odp_item_answer(item, m ? -ECANCELED : -ESRCH);
		odp_waiters_take(&item->waiters, waiters);
		odp_item_remove(slow, item);
		list_add_tail(&item->list, orphans);
	}
	odp_waiters_take(&slow->starved, waiters);
}

static void odp_items_free(struct list_head *items)
{
	struct odp_item *item, *next;

	list_for_each_entry_safe(item, next, items, list)
		odp_item_free(item);
}

/**
 * odp_slow_clear - nobody is left to do what waits
 * @slow: the space's
 */
void odp_slow_clear(struct odp_slow *slow)
{
	LIST_HEAD(orphans);
	LIST_HEAD(waiters);

	spin_lock(&slow->lock);
	odp_slow_abandon(slow, NULL, &orphans, &waiters);
	spin_unlock(&slow->lock);
	odp_waiters_wake(&waiters);
	odp_items_free(&orphans);
}

/**
 * odp_slow_forget - let nobody wait for a mirror's pages
 * @m: the mirror, which is dying
 */
void odp_slow_forget(struct odp_mirror *m)
{
	struct odp_slow *slow = &m->space->slow;
	LIST_HEAD(orphans);
	LIST_HEAD(waiters);
	bool busy;

	spin_lock(&slow->lock);
	busy = slow->nr_items > slow->nr_failed || slow->nr_prefetches ||
	       !list_empty(&slow->starved);
	if (busy)
		odp_slow_abandon(slow, m, &orphans, &waiters);
	spin_unlock(&slow->lock);
	if (busy) {
		odp_waiters_wake(&waiters);
		odp_items_free(&orphans);
	}

	/* Those that somebody is at. */
	spin_lock(&m->space->lock);
	if (!list_empty(&m->space->faulters))
		mod_delayed_work(odp_wq, &slow->kicker, 0);
	spin_unlock(&m->space->lock);
}

/**
 * odp_slow_init - begin with no slow faults
 * @slow: the space's
 */
void odp_slow_init(struct odp_slow *slow)
{
	spin_lock_init(&slow->lock);
	xa_init_flags(&slow->items, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&slow->fresh);
	INIT_LIST_HEAD(&slow->again);
	INIT_LIST_HEAD(&slow->failed);
	INIT_LIST_HEAD(&slow->starved);
}

/**
 * odp_slow_exit - forget errors that nobody asked for
 * @slow: the space's, which has no worker and no other item any more
 */
void odp_slow_exit(struct odp_slow *slow)
{
	odp_items_free(&slow->failed);
	xa_destroy(&slow->items);
}
