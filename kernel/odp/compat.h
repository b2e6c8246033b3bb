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
#define odp_ioremap(phys, size, prot)					\
	ioremap_prot(phys, size, _Generic(&ioremap_prot,		\
		void __iomem *(*)(resource_size_t, unsigned long,	\
				  unsigned long): pgprot_val(prot),	\
		default: (prot)))

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
