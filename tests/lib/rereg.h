/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Registering an MR anew. The distribution's provider has no ibv_rereg_mr(),
 * so the command goes to the kernel directly.
 */
#ifndef TESTS_REREG_H
#define TESTS_REREG_H

#include <stdint.h>
#include <infiniband/verbs.h>

/*
 * Changes what @flags (IBV_REREG_MR_*) tell; a translation is one of a page.
 * Returns 0 or an errno.
 */
int rereg(struct ibv_mr *mr, uint32_t flags, struct ibv_pd *pd, void *start,
	  uint32_t access);

#endif /* TESTS_REREG_H */
