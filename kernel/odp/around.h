/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Fault-around: how far a fault looks beyond its critical pages.
 */
#ifndef ODP_AROUND_H
#define ODP_AROUND_H

#include <linux/types.h>

struct odp_mirror;

/**
 * struct odp_span - neighbouring pages of one leaf
 * @start: the first
 * @npages: how many
 */
struct odp_span {
	unsigned long start;
	unsigned long npages;
};

struct odp_span odp_around_mine(const struct odp_mirror *m,
				struct odp_span span);
struct odp_span odp_around_span(struct odp_mirror *m, struct odp_span critical,
				bool write, bool *populate);

#endif /* ODP_AROUND_H */
