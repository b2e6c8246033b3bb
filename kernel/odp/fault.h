/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Faults: bringing pages into the table.
 */
#ifndef ODP_FAULT_H
#define ODP_FAULT_H

#include "around.h"

/* An access or prefetch tries this often before it does something else. */
#define ODP_ROUNDS	8

/**
 * enum odp_populate - what a fault does about pages that are not present
 * @ODP_POPULATE_NO: leaves them
 * @ODP_POPULATE_ASIDE: brings them in as long as it need not wait
 * @ODP_POPULATE_WAIT: waits for each
 */
enum odp_populate {
	ODP_POPULATE_NO,
	ODP_POPULATE_ASIDE,
	ODP_POPULATE_WAIT,
};

struct odp_span odp_span_of(unsigned long va, u64 length);
int odp_fault_page(struct odp_mirror *m, unsigned long va, bool write);
int odp_fault(struct odp_mirror *m, struct odp_span critical,
	      struct odp_span span, bool write, enum odp_populate populate);

#endif /* ODP_FAULT_H */
