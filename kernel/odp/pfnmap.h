/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * PFN maps: memory that a driver has mapped without struct pages.
 */
#ifndef ODP_PFNMAP_H
#define ODP_PFNMAP_H

#include <linux/mm.h>

/* Is this VMA for odp_pfnmap_walk() to look at, and not for hmm_range_fault()? */
static inline bool odp_vma_is_pfnmap(const struct vm_area_struct *vma)
{
	return vma->vm_flags & (VM_IO | VM_PFNMAP);
}

void odp_pfnmap_walk(struct vm_area_struct *vma, unsigned long start,
		     unsigned long end, unsigned long *pfns);
int odp_pfnmap_map(struct mm_struct *mm, unsigned long start,
		   unsigned long npages, const unsigned long *pfns);
int odp_pfnmap_touch(struct vm_area_struct *vma, unsigned long va, bool write,
		     int (*fn)(unsigned long pfn, bool io, void *arg),
		     void *arg);
int odp_pfnmap_check(struct vm_area_struct *vma, unsigned long va, bool write);

#endif /* ODP_PFNMAP_H */
