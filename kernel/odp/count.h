/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Counting what mirrors do.
 */
#ifndef ODP_COUNT_H
#define ODP_COUNT_H

#include <linux/list.h>
#include <rdma/odp_mirror.h>

struct odp_space;

/**
 * struct odp_attach - a device that has mirrors of a space
 * @space: the space
 * @totals: the device's
 * @space_list: in space->attached
 * @totals_list: in @totals->attached
 * @views: its mirrors
 * @invalidations: the space's when the device came to it
 * @invalidated_pages: the same
 */
struct odp_attach {
	struct odp_space *space;
	struct odp_totals *totals;
	struct list_head space_list;
	struct list_head totals_list;
	unsigned int views;
	u64 invalidations;
	u64 invalidated_pages;
};

struct odp_attach *odp_attach(struct odp_space *s, struct odp_totals *totals);
void odp_detach(struct odp_attach *attach);

#endif /* ODP_COUNT_H */
