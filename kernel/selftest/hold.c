// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Hold points. The engine's probe stops whoever reaches an armed one until it
 * is released, or its time is over so that a failed test hangs nothing.
 */
#include <linux/jiffies.h>

#include "hold.h"

/* Find a point that holds this one, and take it. */
static struct odp_hold *odp_hold_take(struct odp_holds *holds, unsigned int point,
				      unsigned long start, unsigned long end)
{
	struct odp_hold *hold, *found = NULL;

	spin_lock(&holds->lock);
	for (hold = holds->slot; hold < holds->slot + ODP_SELFTEST_HOLDS; hold++)
		if (hold->arm.times && !READ_ONCE(hold->held) && hold->arm.point == point &&
		    start < hold->arm.end && end > hold->arm.start) {
			WRITE_ONCE(hold->held, true);
			hold->arm.times--;
			found = hold;
			break;
		}
	spin_unlock(&holds->lock);

	return found;
}

static void odp_hold_here(struct odp_holds *holds, unsigned int point,
			  unsigned long start, unsigned long end)
{
	struct odp_hold *hold = odp_hold_take(holds, point, start, end);

	if (!hold)
		return;
	wake_up_all(&holds->wait);
	wait_event_timeout(holds->wait, !READ_ONCE(hold->held),
			   msecs_to_jiffies(hold->arm.timeout_ms));
	WRITE_ONCE(hold->held, false);
	wake_up_all(&holds->wait);
}

static void odp_hold_snapshot(void *arg, unsigned long start, unsigned long end)
{
	odp_hold_here(arg, ODP_SELFTEST_SNAPSHOT, start, end);
}

static void odp_hold_invalidate(void *arg, unsigned long start,
				unsigned long end, bool blockable)
{
	if (blockable)
		odp_hold_here(arg, ODP_SELFTEST_INVALIDATE, start, end);
}

const struct odp_probe odp_hold_probe = {
	.snapshot_taken = odp_hold_snapshot,
	.invalidated = odp_hold_invalidate,
};

/**
 * odp_holds_init - begin with no point armed
 * @holds: zeroed memory
 */
void odp_holds_init(struct odp_holds *holds)
{
	spin_lock_init(&holds->lock);
	init_waitqueue_head(&holds->wait);
}

/**
 * odp_hold_arm - arm a point
 * @holds: the mirror's
 * @arm: which and where
 *
 * Return: 0, or -EINVAL.
 */
int odp_hold_arm(struct odp_holds *holds, const struct odp_selftest_hold *arm)
{
	if (arm->slot >= ODP_SELFTEST_HOLDS ||
	    arm->point > ODP_SELFTEST_INVALIDATE)
		return -EINVAL;
	spin_lock(&holds->lock);
	holds->slot[arm->slot].arm = *arm;
	spin_unlock(&holds->lock);

	return 0;
}

/**
 * odp_hold_await - wait until somebody is held
 * @holds: the mirror's
 * @which: the point, and how long to wait
 *
 * Return: 0, -ETIMEDOUT, -EINVAL or -ERESTARTSYS.
 */
int odp_hold_await(struct odp_holds *holds,
		   const struct odp_selftest_hold *which)
{
	long left;

	if (which->slot >= ODP_SELFTEST_HOLDS)
		return -EINVAL;
	left = wait_event_interruptible_timeout(holds->wait,
						READ_ONCE(holds->slot[which->slot].held),
						msecs_to_jiffies(which->timeout_ms));
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

/**
 * odp_hold_release - let whoever is held go on
 * @holds: the mirror's
 * @which: the point
 *
 * Return: 0, or -EINVAL.
 */
int odp_hold_release(struct odp_holds *holds,
		     const struct odp_selftest_hold *which)
{
	if (which->slot >= ODP_SELFTEST_HOLDS)
		return -EINVAL;
	WRITE_ONCE(holds->slot[which->slot].held, false);
	wake_up_all(&holds->wait);

	return 0;
}

/**
 * odp_holds_release_all - disarm all points and let everybody go on
 * @holds: the mirror's
 */
void odp_holds_release_all(struct odp_holds *holds)
{
	struct odp_hold *hold;

	spin_lock(&holds->lock);
	for (hold = holds->slot; hold < holds->slot + ODP_SELFTEST_HOLDS; hold++) {
		hold->arm.times = 0;
		WRITE_ONCE(hold->held, false);
	}
	spin_unlock(&holds->lock);
	wake_up_all(&holds->wait);
}
