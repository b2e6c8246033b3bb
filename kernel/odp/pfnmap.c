// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * PFN maps: memory that a driver has mapped without struct pages, by entries of
 * 4 KiB, 2 MiB or 1 GiB. Whoever maps it tells the notifier before it takes it
 * back, which is all that keeps it. What a private PFN map has copied is a page
 * like any other.
 *
 * Only RAM is touched. A device's own memory reads FAULT: the kernel has no
 * mapping of it, and to read it may do something to the device.
 */
#include <linux/hmm.h>
#include <linux/ioport.h>
#include <linux/mm.h>

#include "pfnmap.h"
#include "snap.h"

/* And is it good? What is poisoned the kernel may have no mapping of. */
static bool odp_pfn_is_ram(unsigned long pfn)
{
	return pfn_valid(pfn) && page_is_ram(pfn) &&
	       !PageHWPoison(pfn_to_page(pfn));
}

/* In the words of hmm_range_fault(). */
static unsigned long odp_pfnmap_look(struct vm_area_struct *vma,
				     unsigned long va)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = va };
	unsigned long word;

	if (follow_pfnmap_start(&args))
		return 0;
	word = args.pfn | HMM_PFN_VALID;
	if (args.writable)
		word |= HMM_PFN_WRITE;
	if (args.special)
		word |= ODP_PFN_SPECIAL;
	follow_pfnmap_end(&args);

	return odp_pfn_is_ram(args.pfn) ? word : HMM_PFN_ERROR;
}

/**
 * odp_pfnmap_walk - look at a part of a PFN map, as odp_snap_walk() does at all
 * @vma: the VMA; under the mmap lock
 * @start: the first page
 * @end: behind the last; both in the VMA
 * @pfns: one word a page is put here
 */
void odp_pfnmap_walk(struct vm_area_struct *vma, unsigned long start,
		     unsigned long end, unsigned long *pfns)
{
	for (; start < end; start += PAGE_SIZE)
		*pfns++ = odp_pfnmap_look(vma, start);
}

/**
 * odp_pfnmap_check - can a page of a PFN map be had as it is?
 * @vma: the VMA; under the mmap lock
 * @va: an address in the page
 * @write: for a write?
 *
 * Return: 0; -ENOENT if a fault might change that it cannot; -EFAULT if it is a
 * device's own memory, or broken.
 */
int odp_pfnmap_check(struct vm_area_struct *vma, unsigned long va, bool write)
{
	unsigned long word = odp_pfnmap_look(vma, va & PAGE_MASK);

	if (word & HMM_PFN_ERROR)
		return -EFAULT;
	return word & (write ? HMM_PFN_WRITE : HMM_PFN_VALID) ? 0 : -ENOENT;
}

/**
 * odp_pfnmap_touch - touch a page that cannot be pinned, past all invalidations
 * @vma: the VMA; under the mmap lock
 * @va: an address in the page
 * @write: for a write?
 * @fn: touches it; under the page table's lock, for which who takes it back waits
 * @arg: passed to @fn
 *
 * Return: -ENOENT if there is no such page here now, or one that can be pinned;
 * what @fn returned.
 */
int odp_pfnmap_touch(struct vm_area_struct *vma, unsigned long va, bool write,
		     int (*fn)(struct page *page, void *arg), void *arg)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = va };
	int err = -ENOENT;

	if (follow_pfnmap_start(&args))
		return -ENOENT;
	if (args.special && (args.writable || !write) &&
	    odp_pfn_is_ram(args.pfn))
		err = fn(pfn_to_page(args.pfn), arg);
	follow_pfnmap_end(&args);

	return err;
}
