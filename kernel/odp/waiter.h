/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Waiters: those who are to come again when a page is there.
 */
#ifndef ODP_WAITER_H
#define ODP_WAITER_H

#include <linux/list.h>
#include <rdma/odp_mirror.h>

void odp_waiter_add(struct odp_waiter *waiter, struct list_head *waiters);
void odp_waiters_take(struct list_head *from, struct list_head *to);
void odp_waiters_wake(struct list_head *waiters);

#endif /* ODP_WAITER_H */
