// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The module: what all spaces share.
 */
#include <linux/module.h>

#include "iomem.h"
#include "leaf.h"
#include "space.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct workqueue_struct *odp_wq;

static int __init odp_init(void)
{
	int err;

	odp_wq = alloc_workqueue("odp", WQ_UNBOUND, 0);
	if (!odp_wq)
		return -ENOMEM;

	err = odp_leaf_init();
	if (err)
		goto err_wq;

	return 0;

err_wq:
	destroy_workqueue(odp_wq);
	return err;
}

static void __exit odp_exit(void)
{
	odp_spaces_exit();
	/* Windows and leaves that wait for their grace period. */
	rcu_barrier();
	odp_leaf_exit();
	odp_iomem_exit();
	destroy_workqueue(odp_wq);
}

module_init(odp_init);
module_exit(odp_exit);

MODULE_DESCRIPTION("On-demand paging for devices that look pages up when they need them");
MODULE_LICENSE("Dual BSD/GPL");
