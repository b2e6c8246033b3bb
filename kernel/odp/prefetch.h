/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Prefetch: bringing pages in before an access needs them.
 */
#ifndef ODP_PREFETCH_H
#define ODP_PREFETCH_H

#include <rdma/odp_mirror.h>

int odp_prefetch_check(const struct odp_mirror *m, u64 va, u64 length,
		       enum odp_prefetch how);
int odp_prefetch_turn(struct odp_mirror *m, u64 *va, u64 *length,
		      enum odp_prefetch how, bool *missed);
int odp_prefetch(struct odp_mirror *m, u64 *va, u64 *length,
		 enum odp_prefetch how, bool wait, bool *missed);

#endif /* ODP_PREFETCH_H */
