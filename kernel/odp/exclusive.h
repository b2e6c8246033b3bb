/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Exclusive access: pages that the device takes from the CPU.
 */
#ifndef ODP_EXCLUSIVE_H
#define ODP_EXCLUSIVE_H

#include "fault.h"

int odp_exclusive(struct odp_fault *f, unsigned long va, int (*fn)(void *arg),
		  void *arg);

#endif /* ODP_EXCLUSIVE_H */
