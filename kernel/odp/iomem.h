/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Memory that is not the kernel's: a device's own, mostly.
 */
#ifndef ODP_IOMEM_H
#define ODP_IOMEM_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <rdma/odp_mirror.h>

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

int odp_iomem_map(unsigned long pfn, unsigned long npages, pgprot_t prot);
int odp_iomem_visit(unsigned long pfn, unsigned long offset, size_t bytes,
		    unsigned int how, odp_visit_fn fn, void *arg);
void odp_iomem_exit(void);

#endif /* ODP_IOMEM_H */
