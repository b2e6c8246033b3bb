/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Slow faults: those that wait for others, done by threads of the process.
 */
#ifndef ODP_SLOW_H
#define ODP_SLOW_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/odp_mirror.h>

#include "around.h"

struct odp_space;

/**
 * struct odp_slow - the slow faults of a space
 * @lock: guards all below but @kicker
 * @items: faults, by page: under way, or failed and not asked for since
 * @nr_items: how many
 * @nr_prefetches: how many more are in the queues or under way
 * @fresh: what no worker has taken up yet
 * @again: what has had a turn and needs another
 * @taken: how often a worker took something up
 * @failed: what has failed, oldest first
 * @starved: those who wait and for whom there was no room
 * @workers: all workers, dead ones too
 * @idle: those without work
 * @nr_workers: those alive, or about to be
 * @kicker: makes workers that wait go on to the next item in turn, and wakes
 *	whoever waits for a dying mirror's pages
 */
struct odp_slow {
	spinlock_t lock; /* see above */
	struct xarray items;
	unsigned int nr_items;
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

void odp_slow_init(struct odp_space *s);
int odp_slow_staff(struct odp_space *s);
void odp_slow_exit(struct odp_space *s);
void odp_slow_forget(struct odp_mirror *m);
int odp_slow_request(struct odp_mirror *m, struct odp_span span, bool write,
		     bool ahead, struct odp_waiter *waiter, bool *fresh);

#endif /* ODP_SLOW_H */
