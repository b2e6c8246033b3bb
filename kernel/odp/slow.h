/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Slow faults: those that wait for others.
 */
#ifndef ODP_SLOW_H
#define ODP_SLOW_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/odp_mirror.h>

#include "around.h"

struct odp_note;
struct odp_space;
struct vhost_task;

/*
 * How long a worker may wait for one page while others have not had their turn,
 * and while they have.
 */
#define ODP_TURN	DIV_ROUND_UP(HZ, 50)
#define ODP_NEXT_TURN	DIV_ROUND_UP(HZ, 2)

/**
 * struct odp_answer - what a prefetch came to, for one who waits for it
 * @item: the prefetch; NULL when it has ended
 * @err: how
 * @missed: some page could not be had
 */
struct odp_answer {
	struct odp_item *item;
	int err;
	bool missed;
};

/**
 * struct odp_item - a slow fault, or a prefetch
 * @list: in slow->fresh, slow->again or slow->failed
 * @m: the mirror, to which it has a reference until it has failed
 * @span: a fault's critical pages
 * @write: a fault's
 * @turn_span: the same, as it was when its turn began
 * @turn_write: the same
 * @prefetch: it is a prefetch
 * @how: how far that goes for a page
 * @va: where it goes on
 * @length: how much is left
 * @missed: it has passed over a page
 * @answer: who waits for it, or NULL
 * @note: who is told when it has ended, or NULL
 * @err: why it failed, at @since
 * @since: in jiffies
 * @waiters: whom to wake
 */
struct odp_item {
	struct list_head list;
	struct odp_mirror *m;
	struct odp_span span;
	bool write;
	struct odp_span turn_span;
	bool turn_write;
	bool prefetch;
	enum odp_prefetch how;
	u64 va;
	u64 length;
	bool missed;
	struct odp_answer *answer;
	struct odp_note *note;
	int err;
	unsigned long since;
	struct list_head waiters;
};

/**
 * struct odp_worker - a thread of the process
 * @list: in slow->workers
 * @idle_list: in slow->idle
 * @space: for whom it works
 * @task: the thread
 */
struct odp_worker {
	struct list_head list;
	struct list_head idle_list;
	struct odp_space *space;
	struct vhost_task *task;
};

/**
 * struct odp_slow - the slow faults of a space
 * @lock: guards all below but @kicker
 * @items: faults, by page: under way, or failed and not asked for since
 * @nr_items: how many
 * @nr_failed: how many of these have failed
 * @nr_prefetches: how many more are in the queues or under way
 * @fresh: what no worker has taken up yet
 * @again: what has had a turn and needs another
 * @taken: how often a worker took something up
 * @failed: what has failed, oldest first
 * @starved: those who wait and for whom there was no room, or no memory
 * @workers: all workers, dead ones too
 * @idle: those without work
 * @nr_workers: those alive, or about to be
 * @kicker: makes workers that wait go on to the next item in turn, and wakes
 *	whoever is starved, or waits for a dying mirror's pages
 */
struct odp_slow {
	spinlock_t lock; /* see above */
	struct xarray items;
	unsigned int nr_items;
	unsigned int nr_failed;
	unsigned int nr_prefetches;
	struct list_head fresh;
	struct list_head again;
	unsigned int taken;
	struct list_head failed;
	struct list_head starved;
	struct list_head workers;
	struct list_head idle;
	unsigned int nr_workers;
	struct delayed_work kicker;
};

void odp_slow_init(struct odp_slow *slow);
void odp_slow_exit(struct odp_slow *slow);
void odp_slow_wake(struct odp_slow *slow);
void odp_slow_feed(struct odp_slow *slow);
struct odp_item *odp_slow_take(struct odp_slow *slow);
int odp_item_run(struct odp_item *item);
void odp_item_ran(struct odp_item *item, int err);
void odp_slow_clear(struct odp_slow *slow);
void odp_slow_forget(struct odp_mirror *m);
int odp_slow_prefetch(struct odp_mirror *m, u64 va, u64 length,
		      enum odp_prefetch how, struct odp_answer *answer,
		      struct odp_note *note);
int odp_slow_await(struct odp_mirror *m, struct odp_answer *answer);
int odp_slow_request(struct odp_mirror *m, struct odp_span span, bool write,
		     bool ahead, struct odp_waiter *waiter, bool *fresh);

#endif /* ODP_SLOW_H */
