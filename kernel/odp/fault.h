/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Faults: bringing pages into the table.
 */
#ifndef ODP_FAULT_H
#define ODP_FAULT_H

#include <linux/list.h>

#include "around.h"

struct task_struct;

/* An access or prefetch tries this often before it does something else. */
#define ODP_ROUNDS	8

/**
 * enum odp_populate - what a fault does about pages that are not present
 * @ODP_POPULATE_NO: leaves them
 * @ODP_POPULATE_ASIDE: brings them in as long as it need not wait
 * @ODP_POPULATE_ALL: brings all of them in
 */
enum odp_populate {
	ODP_POPULATE_NO,
	ODP_POPULATE_ASIDE,
	ODP_POPULATE_ALL,
};

/**
 * struct odp_fault - one fault
 * @m: the mirror
 * @critical: the pages that must be had; possibly none
 * @span: the pages to look at; all critical ones are among them, and they do
 *	not leave one leaf
 * @write: for a write?
 * @populate: what to do about those of @span that are not present
 * @ahead: the critical pages are asked for before anything is looked at
 * @wait: wait for others, as long as it takes; else leave with -EINPROGRESS
 *	what cannot be had at once
 * @yields: stop waiting when others need the worker (-EINPROGRESS, too)
 * @list: while it may wait, in space->faulters
 * @task: who is at it
 * @since: since when, in jiffies
 * @yield: others do
 */
struct odp_fault {
	struct odp_mirror *m;
	struct odp_span critical;
	struct odp_span span;
	bool write;
	enum odp_populate populate;
	bool ahead;
	bool wait;
	bool yields;
	struct list_head list;
	struct task_struct *task;
	unsigned long since;
	bool yield;
};

struct odp_span odp_span_of(unsigned long va, u64 length);
int odp_fault_enter(struct odp_fault *f);
void odp_fault_leave(struct odp_fault *f);
int odp_fault_page(struct odp_fault *f, unsigned long va);
int odp_fault(struct odp_fault *f);

#endif /* ODP_FAULT_H */
