/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that the engine supports.
 */
#ifndef ODP_COMPAT_H
#define ODP_COMPAT_H

#include <linux/io.h>
#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>
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

/*
 * What a pgprot_t of follow_pfnmap_start() says of caching. Where an x86 has PAT
 * in a small entry, a huge one says that it is huge; of the types that Linux gives
 * to what is mapped for user space, none needs it.
 */
static inline pgprot_t odp_caching(pgprot_t prot)
{
#ifdef CONFIG_X86
	return __pgprot(pgprot_val(prot) & (_PAGE_PWT | _PAGE_PCD));
#else
	return prot;
#endif
}

#endif /* ODP_COMPAT_H */
