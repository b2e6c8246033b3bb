// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Hearing of a device's end before uverbs does. Uverbs waits for the calls that
 * are in the driver, and these may wait for pages; so they are ended first.
 */
#include "rxe.h"
#include "rxe_loc.h"

static int rxe_odp_client_add(struct ib_device *dev)
{
	return dev->ops.driver_id == RDMA_DRIVER_RXE ? 0 : -EOPNOTSUPP;
}

static void rxe_odp_client_remove(struct ib_device *dev, void *data)
{
	odp_device_kill(&to_rdev(dev)->odp);
}

static struct ib_client rxe_odp_client = {
	.name = "rxe_odp",
	.add = rxe_odp_client_add,
	.remove = rxe_odp_client_remove,
	.no_kverbs_req = true,
};

/**
 * rxe_odp_client_register - begin to hear of devices
 *
 * A device's clients hear of its end in the opposite order of registration, and
 * uverbs, which this module needs, was there before.
 *
 * Return: 0 or -ENOMEM.
 */
int rxe_odp_client_register(void)
{
	return ib_register_client(&rxe_odp_client);
}

/**
 * rxe_odp_client_unregister - hear of devices no more
 */
void rxe_odp_client_unregister(void)
{
	ib_unregister_client(&rxe_odp_client);
}
