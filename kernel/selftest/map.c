// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * PFN maps for tests: RAM, mapped by remap_pfn_range(), or page by page or 2 MiB
 * at once by a fault handler, and taken back when the test says so.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "compat.h"
#include "map.h"
#include "odp_selftest_abi.h"

#define ODP_MAP_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define ODP_MAP_PAGES	BIT(ODP_MAP_ORDER)

/**
 * odp_map_init - begin without memory
 * @map: zeroed memory
 * @mapping: of the file that shows it
 */
void odp_map_init(struct odp_map *map, struct address_space *mapping)
{
	mutex_init(&map->lock);
	map->mapping = mapping;
}

/**
 * odp_map_destroy - give the memory back
 * @map: the map, of which no VMA is left
 */
void odp_map_destroy(struct odp_map *map)
{
	if (map->page)
		__free_pages(map->page, ODP_MAP_ORDER);
	mutex_destroy(&map->lock);
}

static int odp_map_alloc(struct odp_map *map)
{
	mutex_lock(&map->lock);
	if (!map->page)
		map->page = alloc_pages(GFP_KERNEL | __GFP_ZERO, ODP_MAP_ORDER);
	mutex_unlock(&map->lock);

	return map->page ? 0 : -ENOMEM;
}

static vm_fault_t odp_map_fault(struct vm_fault *vmf)
{
	struct odp_map *map = vmf->vma->vm_private_data;
	unsigned long index = vmf->pgoff & (ODP_MAP_PAGES - 1);

	if (READ_ONCE(map->gone))
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(map->page) + index);
}

static const struct vm_operations_struct odp_map_small_ops = {
	.fault = odp_map_fault,
};

/* The kernel asks even where a huge entry would leave the VMA. */
static vm_fault_t odp_map_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct odp_map *map = vma->vm_private_data;
	unsigned long pfn = page_to_pfn(map->page);
	unsigned long start = vmf->address & PMD_MASK;

	if (READ_ONCE(map->gone))
		return VM_FAULT_SIGBUS;
	if (order != ODP_MAP_ORDER || start < vma->vm_start ||
	    start + PMD_SIZE > vma->vm_end)
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, odp_pfn_arg(pfn),
				  vmf->flags & FAULT_FLAG_WRITE);
}

static const struct vm_operations_struct odp_map_huge_ops = {
	.fault = odp_map_fault,
	.huge_fault = odp_map_huge_fault,
};

/**
 * odp_map_mmap - map a file's memory, one of the ways of enum odp_selftest_map
 * @map: the file's
 * @vma: where; the offset says which way
 *
 * Return: 0; -EINVAL for a way that there is not, or that does not go with a
 * private mapping; -ENOMEM.
 */
int odp_map_mmap(struct odp_map *map, struct vm_area_struct *vma)
{
	unsigned long way = vma->vm_pgoff / ODP_MAP_PAGES;
	unsigned long first = vma->vm_pgoff % ODP_MAP_PAGES;
	int err;

	if (first + vma_pages(vma) > ODP_MAP_PAGES)
		return -EINVAL;
	err = odp_map_alloc(map);
	if (err)
		return err;

	if (way == ODP_SELFTEST_MAP_REMAP)
		return remap_pfn_range(vma, vma->vm_start,
				       page_to_pfn(map->page) + first,
				       vma->vm_end - vma->vm_start,
				       vma->vm_page_prot);
	if (way > ODP_SELFTEST_MAP_HUGE || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = map;
	vma->vm_ops = way == ODP_SELFTEST_MAP_HUGE ? &odp_map_huge_ops :
						     &odp_map_small_ops;

	return 0;
}

/**
 * odp_map_revoke - take back what is mapped
 * @map: the file's
 * @gone: nothing faults in any more
 */
void odp_map_revoke(struct odp_map *map, bool gone)
{
	WRITE_ONCE(map->gone, gone);
	unmap_mapping_range(map->mapping, 0, 0, 1);
}
