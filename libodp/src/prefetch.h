/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Advice to the kernel, by whichever way the device has, and its answers.
 */
#ifndef LIBODP_PREFETCH_H
#define LIBODP_PREFETCH_H

#include <stddef.h>
#include <stdint.h>
#include <infiniband/odp.h>

/*
 * ibv_advise_mr(3), or without the provider's help where it has none.
 * Returns 0 or an errno: EOPNOTSUPP if there is no way.
 */
int advise(struct ibv_pd *pd, enum ibv_advise_mr_advice advice, uint32_t flags,
	   struct ibv_sge *sges, uint32_t nr_sges);

/* The first error that a range was left with, or 0. */
int ranges_error(const struct odp_range *ranges, size_t nr_ranges);

#endif /* LIBODP_PREFETCH_H */
