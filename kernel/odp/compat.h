/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that the engine supports.
 */
#ifndef ODP_COMPAT_H
#define ODP_COMPAT_H

#include <linux/mmu_notifier.h>

/* What a notifier says of age: an int once, a bool now. */
#define odp_young_t \
	typeof(((struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0))

#endif /* ODP_COMPAT_H */
