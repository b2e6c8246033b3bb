/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that the engine supports.
 */
#ifndef ODP_COMPAT_H
#define ODP_COMPAT_H

#include <linux/kconfig.h>
#include <linux/mmu_notifier.h>
#include <linux/version.h>

/*
 * make_device_exclusive() as it is since 6.15. What was there before took all
 * mappings of a page for those of one process.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define ODP_HAS_EXCLUSIVE	IS_ENABLED(CONFIG_DEVICE_PRIVATE)
#else
#define ODP_HAS_EXCLUSIVE	0
#endif

/* What a notifier says of age: an int once, a bool now. */
#define odp_young_t \
	typeof(((struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0))

#endif /* ODP_COMPAT_H */
