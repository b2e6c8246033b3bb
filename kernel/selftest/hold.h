/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Hold points: a race is played step by step, not waited for.
 */
#ifndef ODP_SELFTEST_HOLD_H
#define ODP_SELFTEST_HOLD_H

#include <linux/spinlock.h>
#include <linux/wait.h>
#include <rdma/odp_mirror.h>

#include "odp_selftest_abi.h"

/**
 * struct odp_hold - one hold point
 * @arm: where, and how many more to hold (@arm.times)
 * @held: somebody is
 */
struct odp_hold {
	struct odp_selftest_hold arm;
	bool held;
};

/**
 * struct odp_holds - a mirror's hold points
 * @lock: guards @slot
 * @wait: one was armed, reached or released
 * @slot: the points
 */
struct odp_holds {
	spinlock_t lock;
	wait_queue_head_t wait;
	struct odp_hold slot[ODP_SELFTEST_HOLDS];
};

extern const struct odp_probe odp_hold_probe;

void odp_holds_init(struct odp_holds *holds);
int odp_hold_arm(struct odp_holds *holds, const struct odp_selftest_hold *arm);
int odp_hold_await(struct odp_holds *holds,
		   const struct odp_selftest_hold *which);
int odp_hold_release(struct odp_holds *holds,
		     const struct odp_selftest_hold *which);
void odp_holds_release_all(struct odp_holds *holds);

#endif /* ODP_SELFTEST_HOLD_H */
