// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Waiters: those who are to come again when a page is there. Nobody holds them,
 * and they hold nobody.
 */
#include <linux/module.h>
#include <linux/spinlock.h>

#include "waiter.h"

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

/**
 * odp_waiter_add - let somebody wait
 * @waiter: the waiter, or NULL
 * @waiters: with whom
 */
void odp_waiter_add(struct odp_waiter *waiter, struct list_head *waiters)
{
	if (!waiter)
		return;
	spin_lock(&odp_waiters_lock);
	list_move_tail(&waiter->list, waiters);
	spin_unlock(&odp_waiters_lock);
}

/**
 * odp_waiters_take - take over all who wait somewhere
 * @from: where
 * @to: a list of the caller's, for odp_waiters_wake()
 */
void odp_waiters_take(struct list_head *from, struct list_head *to)
{
	spin_lock(&odp_waiters_lock);
	list_splice_tail_init(from, to);
	spin_unlock(&odp_waiters_lock);
}

/**
 * odp_waiters_wake - have all come again who wait somewhere
 * @waiters: where
 */
void odp_waiters_wake(struct list_head *waiters)
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
