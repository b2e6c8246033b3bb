// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Workers: threads of a process that do its slow faults. <rdma/odp_mirror.h>
 * says why they are that.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>

#include "fault.h"
#include "mirror.h"
#include "slow.h"
#include "space.h"
#include "trace.h"
#include "worker.h"

/* Of a process at most. */
#define ODP_WORKERS_MAX	16

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

/* Take the next item, or become idle. */
static struct odp_item *odp_worker_next(struct odp_worker *worker, bool *alone)
{
	struct odp_slow *slow = &worker->space->slow;
	struct odp_item *item;

	spin_lock(&slow->lock);
	item = odp_slow_take(slow);
	if (item)
		list_del_init(&worker->idle_list);
	else if (list_empty(&worker->idle_list))
		list_add(&worker->idle_list, &slow->idle);
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
		WRITE_ONCE(slow->nr_workers, slow->nr_workers + 1);
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
	WRITE_ONCE(slow->nr_workers, slow->nr_workers - 1);
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
	err = odp_item_run(item);
	trace_odp_slow_end(item->m, item->turn_span.start,
			   item->turn_span.npages, err);
	odp_item_ran(item, err);

	return true;
}

/* The process dies, and its threads with it. The last one clears up. */
static void odp_worker_killed(void *arg)
{
	struct odp_worker *worker = arg;
	struct odp_slow *slow = &worker->space->slow;
	bool last;

	spin_lock(&slow->lock);
	list_del_init(&worker->idle_list);
	WRITE_ONCE(slow->nr_workers, slow->nr_workers - 1);
	last = !slow->nr_workers;
	if (!last && odp_slow_turn(slow))
		odp_slow_wake(slow);
	spin_unlock(&slow->lock);
	if (last)
		odp_slow_clear(slow);
}

/**
 * odp_workers_staff - see to it that a space has a worker
 * @s: the space
 *
 * The worker is made by the process whose memory it is; for others there is
 * none, and their faults that wait are done by whoever meets them.
 *
 * Return: 0; -ENOMEM; -EAGAIN if the process may have no more threads.
 */
int odp_workers_staff(struct odp_space *s)
{
	if (current->mm != s->mm || (current->flags & PF_KTHREAD) ||
	    READ_ONCE(s->slow.nr_workers))
		return 0;
	return odp_worker_hire(s);
}

/* Wake whoever waits and should not. Returns whether to come again. */
static bool odp_workers_kick(struct odp_space *s, unsigned long turn)
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
static void odp_workers_kicker(struct work_struct *work)
{
	struct odp_space *s = container_of(to_delayed_work(work),
					   struct odp_space, slow.kicker);
	unsigned long turn;

	spin_lock(&s->slow.lock);
	turn = odp_slow_turn(&s->slow);
	spin_unlock(&s->slow.lock);
	odp_slow_feed(&s->slow);
	if (odp_workers_kick(s, turn))
		queue_delayed_work(odp_wq, &s->slow.kicker, ODP_TURN);
}

/**
 * odp_workers_init - begin with none
 * @s: the space
 */
void odp_workers_init(struct odp_space *s)
{
	INIT_LIST_HEAD(&s->slow.workers);
	INIT_LIST_HEAD(&s->slow.idle);
	INIT_DELAYED_WORK(&s->slow.kicker, odp_workers_kicker);
}

/**
 * odp_workers_exit - let the workers go
 * @s: the space, of which there is no mirror: they have nothing to do
 */
void odp_workers_exit(struct odp_space *s)
{
	struct odp_worker *worker, *next;

	disable_delayed_work_sync(&s->slow.kicker);
	list_for_each_entry_safe(worker, next, &s->slow.workers, list) {
		vhost_task_stop(worker->task);
		kfree(worker);
	}
}
