/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that the engine supports.
 */
#ifndef ODP_COMPAT_H
#define ODP_COMPAT_H

#include <linux/io.h>
#include <linux/mmu_notifier.h>
#include <linux/swap.h>

/*
 * make_device_exclusive() as it is since 6.15, when this name came with it. What
 * was there before took the page from all who map it.
 */
#ifdef SWP_DEVICE_EXCLUSIVE
#define ODP_HAS_EXCLUSIVE	1
#else
#define ODP_HAS_EXCLUSIVE	0
#endif

/* What a notifier says of age: an int once, a bool now. */
#define odp_young_t \
	typeof(((struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0))

/* ioremap_prot() takes a pgprot_t now, and took its value once. */
static inline void __iomem *odp_ioremap(resource_size_t phys,
					unsigned long size, pgprot_t prot)
{
	void __iomem *(*by_value)(resource_size_t phys, unsigned long size,
				  unsigned long prot);

	return ioremap_prot(phys, size,
			    __builtin_choose_expr(__same_type(&ioremap_prot,
							      by_value),
						  pgprot_val(prot), prot));
}

#endif /* ODP_COMPAT_H */
