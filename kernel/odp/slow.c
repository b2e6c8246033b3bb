// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Slow faults. A packet's worker leaves them here and goes on; threads of the
 * process that registered the memory do them, see <rdma/odp_mirror.h>.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>

#include "fault.h"
#include "mirror.h"
#include "prefetch.h"
#include "slow.h"
#include "space.h"
#include "trace.h"

/* Workers of a process at most. */
#define ODP_WORKERS_MAX		16
/* Faults of a process under way at most, and as many prefetches. */
#define ODP_ITEMS_MAX		4096
/*
 * How long a worker may wait for one page while others have not had their turn,
 * and while they have.
 */
#define ODP_TURN		DIV_ROUND_UP(HZ, 50)
#define ODP_NEXT_TURN		DIV_ROUND_UP(HZ, 2)
/* What waits for its next turn gets every so manieth one. */
#define ODP_AGAIN		4
/* How long an error waits for the access that caused it to come again. */
#define ODP_ERROR_AGE		(2 * HZ)

/**
 * struct odp_worker - a thread of the process
 * @list: in slow->workers
 * @idle_list: in slow->idle
 * @space: for whom it works
 * @task: the thread
 * @span: of the fault that it is at
 * @write: the same
 */
struct odp_worker {
	struct list_head list;
	struct list_head idle_list;
	struct odp_space *space;
	struct vhost_task *task;
	struct odp_span span;
	bool write;
};

/**
 * struct odp_item - a slow fault, or a prefetch
 * @list: in slow->fresh, slow->again or slow->failed
 * @m: the mirror, to which it has a reference until it has failed
 * @span: a fault's critical pages
 * @write: a fault's
 * @prefetch: it is a prefetch
 * @how: how far that goes for a page
 * @va: where it goes on
 * @length: how much is left
 * @err: why it failed, at @since
 * @since: in jiffies
 * @waiters: whom to wake
 */
struct odp_item {
	struct list_head list;
	struct odp_mirror *m;
	struct odp_span span;
	bool write;
	bool prefetch;
	enum odp_prefetch how;
	u64 va;
	u64 length;
	int err;
	unsigned long since;
	struct list_head waiters;
};

/* Guards the lists of waiters, which may outlive the space they are in. */
static DEFINE_SPINLOCK(odp_waiters_lock);

/**
 * odp_waiter_init - get ready to wait
 * @waiter: the waiter
 * @wake: called once for each odp_mirror_ready() that returned -EINPROGRESS,
 *	under a spinlock
 */
void odp_waiter_init(struct odp_waiter *waiter,
		     void (*wake)(struct odp_waiter *waiter))
{
	INIT_LIST_HEAD(&waiter->list);
	waiter->wake = wake;
}
EXPORT_SYMBOL_GPL(odp_waiter_init);

/**
 * odp_waiter_cancel - wait no more
 * @waiter: the waiter; it is not being woken when this returns
 */
void odp_waiter_cancel(struct odp_waiter *waiter)
{
	spin_lock(&odp_waiters_lock);
	list_del_init(&waiter->list);
	spin_unlock(&odp_waiters_lock);
}
EXPORT_SYMBOL_GPL(odp_waiter_cancel);

static void odp_waiter_add(struct odp_waiter *waiter, struct list_head *waiters)
{
	if (!waiter)
		return;
	spin_lock(&odp_waiters_lock);
	list_move_tail(&waiter->list, waiters);
	spin_unlock(&odp_waiters_lock);
}

static void odp_waiters_take(struct list_head *from, struct list_head *to)
{
	spin_lock(&odp_waiters_lock);
	list_splice_tail_init(from, to);
	spin_unlock(&odp_waiters_lock);
}

static void odp_waiters_wake(struct list_head *waiters)
{
	struct odp_waiter *waiter;

	spin_lock(&odp_waiters_lock);
	while (!list_empty(waiters)) {
		waiter = list_first_entry(waiters, struct odp_waiter, list);
		list_del_init(&waiter->list);
		waiter->wake(waiter);
	}
	spin_unlock(&odp_waiters_lock);
}

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

/* odp_slow_exit() waits for whoever is still on the way out of here. */
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
	xa_erase(&slow->items, odp_item_key(item));
	WRITE_ONCE(slow->nr_items, slow->nr_items - 1);
}

/*
 * How long may workers wait, if somebody else waits for them? Else 0. Under the
 * lock.
 */
static unsigned long odp_slow_turn(const struct odp_slow *slow)
{
	lockdep_assert_held(&slow->lock);
	if (!list_empty(&slow->idle))
		return 0;
	if (!list_empty(&slow->fresh))
		return ODP_TURN;
	return list_empty(&slow->again) ? 0 : ODP_NEXT_TURN;
}

/* Have somebody take up what was put into the queue. Under the lock. */
static void odp_slow_wake(struct odp_slow *slow)
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

/* Errors that nobody asked for. Under the lock. */
static struct odp_item *odp_slow_expired(struct odp_slow *slow)
{
	struct odp_item *item;

	lockdep_assert_held(&slow->lock);
	item = list_first_entry_or_null(&slow->failed, struct odp_item, list);
	if (!item || time_before(jiffies, item->since + ODP_ERROR_AGE))
		return NULL;
	odp_item_remove(slow, item);

	return item;
}

/* A new fault. Under the lock. */
static struct odp_item *odp_slow_new(struct odp_mirror *m, struct odp_span span,
				     bool write)
{
	struct odp_slow *slow = &m->space->slow;
	struct odp_item *item;

	lockdep_assert_held(&slow->lock);
	if (slow->nr_items >= ODP_ITEMS_MAX)
		return NULL;
	item = odp_item_alloc(m, GFP_NOWAIT | __GFP_NOWARN);
	if (!item)
		return NULL;
	item->span = span;
	item->write = write;
	if (xa_err(xa_store(&slow->items, odp_item_key(item), item,
			    GFP_NOWAIT | __GFP_NOWARN))) {
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
	} else if (slow->nr_items) {
		/* Come again when something has been done. */
		odp_waiter_add(waiter, &slow->starved);
	} else {
		return -ENOMEM;
	}

	return -EINPROGRESS;
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
 * Return: -EINPROGRESS if it is under way now; why it failed, if it was and
 * did; -ESRCH if the process has no worker any more; -ENOMEM.
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
 * odp_mirror_prefetch_later - have a range's pages brought in
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes
 * @how: how far to go for a page
 *
 * The process's workers do it, as long as the mirror lives. Does not wait for
 * any page.
 *
 * Return: 0; -EINVAL, -EACCES as odp_mirror_prefetch(); -EBUSY if the process
 * has too many of them under way; -ESRCH if it has no worker any more; -ENOMEM.
 */
int odp_mirror_prefetch_later(struct odp_mirror *m, u64 va, u64 length,
			      enum odp_prefetch how)
{
	struct odp_slow *slow = &m->space->slow;
	struct odp_item *item;
	int err;

	if (!length)
		return 0;
	err = odp_prefetch_check(m, va, length, how);
	if (err)
		return err;
	item = odp_item_alloc(m, GFP_KERNEL);
	if (!item)
		return -ENOMEM;
	item->prefetch = true;
	item->how = how;
	item->va = va;
	item->length = length;

	spin_lock(&slow->lock);
	if (!slow->nr_workers) {
		err = -ESRCH;
	} else if (slow->nr_prefetches >= ODP_ITEMS_MAX) {
		err = -EBUSY;
	} else {
		slow->nr_prefetches++;
		list_add_tail(&item->list, &slow->fresh);
		odp_slow_wake(slow);
	}
	spin_unlock(&slow->lock);
	if (err)
		odp_item_free(item);

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_prefetch_later);

/* One turn. -EINPROGRESS: not done yet, and others shall have theirs. */
static int odp_item_run(struct odp_worker *worker, struct odp_item *item)
{
	struct odp_fault f = {
		.m = item->m,
		.critical = worker->span,
		.write = worker->write,
		.wait = true,
		.yields = true,
	};
	unsigned int round;
	bool populate;
	int err = -EAGAIN;

	if (item->prefetch)
		return odp_prefetch_turn(item->m, &item->va, &item->length,
					 item->how);

	for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++) {
		f.span = odp_around_span(f.m, f.critical, f.write, &populate);
		f.populate = populate ? ODP_POPULATE_ASIDE : ODP_POPULATE_NO;
		err = odp_fault(&f);
	}

	/* The page was there; whoever comes for it can pin it. */
	return err == -EAGAIN || err == -ETIMEDOUT ? 0 : err;
}

/* Meanwhile somebody may have come who needs more. Under the lock. */
static bool odp_item_grew(const struct odp_item *item,
			  const struct odp_worker *worker)
{
	return !item->prefetch && (item->write != worker->write ||
				   item->span.npages != worker->span.npages);
}

/* An item has had its turn. */
static void odp_item_ran(struct odp_worker *worker, struct odp_item *item,
			 int err)
{
	struct odp_slow *slow = &worker->space->slow;
	struct odp_mirror *m = item->m;
	LIST_HEAD(waiters);

	spin_lock(&slow->lock);
	if (err == -EINPROGRESS || (!err && odp_item_grew(item, worker))) {
		list_add_tail(&item->list, &slow->again);
		spin_unlock(&slow->lock);
		return;
	}
	odp_waiters_take(&item->waiters, &waiters);
	odp_waiters_take(&slow->starved, &waiters);
	item->m = NULL;
	if (item->prefetch || !err || err == -ECANCELED || err == -EINTR) {
		odp_item_remove(slow, item);
		kfree(item);
	} else {
		item->err = err;
		item->since = jiffies;
		list_add_tail(&item->list, &slow->failed);
	}
	spin_unlock(&slow->lock);

	odp_waiters_wake(&waiters);
	odp_item_release(m);
}

/* Whose turn is it? Under the lock. */
static struct odp_item *odp_slow_next(struct odp_slow *slow)
{
	struct list_head *first = &slow->fresh, *second = &slow->again;

	lockdep_assert_held(&slow->lock);
	if (++slow->taken % ODP_AGAIN == 0)
		swap(first, second);
	return list_first_entry_or_null(first, struct odp_item, list) ?:
	       list_first_entry_or_null(second, struct odp_item, list);
}

/* Take the next item, or become idle. */
static struct odp_item *odp_worker_next(struct odp_worker *worker, bool *alone)
{
	struct odp_slow *slow = &worker->space->slow;
	struct odp_item *item;

	spin_lock(&slow->lock);
	item = odp_slow_next(slow);
	if (item) {
		list_del_init(&worker->idle_list);
		list_del_init(&item->list);
		worker->span = item->span;
		worker->write = item->write;
	} else if (list_empty(&worker->idle_list)) {
		list_add(&worker->idle_list, &slow->idle);
	}
	*alone = list_empty(&slow->idle);
	spin_unlock(&slow->lock);

	return item;
}

static bool odp_worker_run(void *arg);
static void odp_worker_killed(void *arg);

/* One more thread of the current process. */
static int odp_worker_hire(struct odp_space *s)
{
	struct odp_slow *slow = &s->slow;
	struct odp_worker *worker;
	struct vhost_task *task;
	bool full;
	int err;

	spin_lock(&slow->lock);
	full = slow->nr_workers >= ODP_WORKERS_MAX;
	if (!full)
		slow->nr_workers++;
	spin_unlock(&slow->lock);
	if (full)
		return 0;

	err = -ENOMEM;
	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		goto err_count;
	INIT_LIST_HEAD(&worker->idle_list);
	worker->space = s;
	task = vhost_task_create(odp_worker_run, odp_worker_killed, worker,
				 "odp-worker");
	if (IS_ERR_OR_NULL(task)) {
		err = task ? PTR_ERR(task) : -EAGAIN;
		goto err_free;
	}
	worker->task = task;
	spin_lock(&slow->lock);
	list_add(&worker->list, &slow->workers);
	spin_unlock(&slow->lock);
	vhost_task_start(task);

	return 0;

err_free:
	kfree(worker);
err_count:
	spin_lock(&slow->lock);
	slow->nr_workers--;
	spin_unlock(&slow->lock);
	return err;
}

/* The thread's loop calls this; on false it sleeps until it is woken. */
static bool odp_worker_run(void *arg)
{
	struct odp_worker *worker = arg;
	struct odp_item *item;
	bool alone;
	int err;

	item = odp_worker_next(worker, &alone);
	if (!item)
		return false;
	__set_current_state(TASK_RUNNING);

	/* This one may take for ever. Without help, workers take turns. */
	if (alone)
		odp_worker_hire(worker->space);
	err = odp_item_run(worker, item);
	trace_odp_slow_end(item->m, worker->span.start, worker->span.npages,
			   err);
	odp_item_ran(worker, item, err);

	return true;
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

/* The process dies, and its threads with it. The last one clears up. */
static void odp_worker_killed(void *arg)
{
	struct odp_worker *worker = arg;
	struct odp_slow *slow = &worker->space->slow;
	LIST_HEAD(orphans);
	LIST_HEAD(waiters);

	spin_lock(&slow->lock);
	list_del_init(&worker->idle_list);
	if (!--slow->nr_workers)
		odp_slow_abandon(slow, NULL, &orphans, &waiters);
	else if (odp_slow_turn(slow))
		odp_slow_wake(slow);
	spin_unlock(&slow->lock);

	odp_waiters_wake(&waiters);
	odp_items_free(&orphans);
}

/**
 * odp_slow_staff - see to it that a space has a worker
 * @s: the space
 *
 * The worker is made by the process whose memory it is; for others there is
 * none, and their faults that wait are done by whoever meets them.
 *
 * Return: 0; -ENOMEM; -EAGAIN if the process may have no more threads.
 */
int odp_slow_staff(struct odp_space *s)
{
	if (current->mm != s->mm || (current->flags & PF_KTHREAD) ||
	    READ_ONCE(s->slow.nr_workers))
		return 0;
	return odp_worker_hire(s);
}

/* Wake whoever waits and should not. Returns whether to come again. */
static bool odp_slow_kick_all(struct odp_space *s, unsigned long turn)
{
	bool again = turn;
	struct odp_fault *f;

	spin_lock(&s->lock);
	list_for_each_entry(f, &s->faulters, list) {
		if (odp_mirror_dying(f->m)) {
			again = true;
		} else if (turn && f->yields &&
			   time_after_eq(jiffies, f->since + turn)) {
			WRITE_ONCE(f->yield, true);
		} else {
			continue;
		}
		wake_up_process(f->task);
	}
	spin_unlock(&s->lock);
	wake_up_all(&s->wait);

	return again;
}

/*
 * A fault that is about to sleep in the memory manager misses a wake-up, so this
 * comes again until there is no need for it.
 */
static void odp_slow_kicker(struct work_struct *work)
{
	struct odp_space *s = container_of(to_delayed_work(work),
					   struct odp_space, slow.kicker);
	unsigned long turn;

	spin_lock(&s->slow.lock);
	turn = odp_slow_turn(&s->slow);
	spin_unlock(&s->slow.lock);
	if (odp_slow_kick_all(s, turn))
		queue_delayed_work(odp_wq, &s->slow.kicker, ODP_TURN);
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

	spin_lock(&slow->lock);
	odp_slow_abandon(slow, m, &orphans, &waiters);
	spin_unlock(&slow->lock);
	odp_waiters_wake(&waiters);
	odp_items_free(&orphans);

	/* Those that somebody is at. */
	spin_lock(&m->space->lock);
	if (!list_empty(&m->space->faulters))
		mod_delayed_work(odp_wq, &slow->kicker, 0);
	spin_unlock(&m->space->lock);
}

/**
 * odp_slow_init - begin with no slow faults
 * @s: the space
 */
void odp_slow_init(struct odp_space *s)
{
	struct odp_slow *slow = &s->slow;

	spin_lock_init(&slow->lock);
	xa_init_flags(&slow->items, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&slow->fresh);
	INIT_LIST_HEAD(&slow->again);
	INIT_LIST_HEAD(&slow->failed);
	INIT_LIST_HEAD(&slow->starved);
	INIT_LIST_HEAD(&slow->workers);
	INIT_LIST_HEAD(&slow->idle);
	INIT_DELAYED_WORK(&slow->kicker, odp_slow_kicker);
}

/**
 * odp_slow_exit - let the workers go
 * @s: the space, of which there is no mirror: they have nothing to do
 */
void odp_slow_exit(struct odp_space *s)
{
	struct odp_slow *slow = &s->slow;
	struct odp_worker *worker, *next;

	disable_delayed_work_sync(&slow->kicker);
	list_for_each_entry_safe(worker, next, &slow->workers, list) {
		vhost_task_stop(worker->task);
		kfree(worker);
	}
	odp_items_free(&slow->failed);
	xa_destroy(&slow->items);
}
