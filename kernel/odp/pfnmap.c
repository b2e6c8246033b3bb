// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * PFN maps: memory that a driver has mapped without struct pages, by entries of
 * 4 KiB, 2 MiB or 1 GiB. Whoever maps it tells the notifier before it takes it
 * back, which is all that keeps it. What a private PFN map has copied is a page
 * like any other.
 *
 * RAM is touched where the kernel has it mapped. All else, a device's own memory,
 * is iomem.c's, and reads FAULT unless the administrator says otherwise: to read it
 * may do something to the device.
 */
#include <linux/hmm.h>
#include <linux/ioport.h>
#include <linux/mm.h>

#include "iomem.h"
#include "pfnmap.h"
#include "snap.h"

/* What is poisoned the kernel may have no mapping of. */
static bool odp_pfn_is_good(unsigned long pfn)
{
	return pfn_valid(pfn) && !PageHWPoison(pfn_to_page(pfn));
}

/*
 * What may be done with a page that is mapped: 0, ODP_PFN_IO or HMM_PFN_ERROR. A
 * private map's copies are not special: RAM, or nothing of ours.
 */
static unsigned long odp_pfnmap_sort(const struct follow_pfnmap_args *args)
{
	if (page_is_ram(args->pfn))
		return odp_pfn_is_good(args->pfn) ? 0 : HMM_PFN_ERROR;
	return args->special && odp_has_iomem() ? ODP_PFN_IO : HMM_PFN_ERROR;
}

/* In the words of hmm_range_fault(). */
static unsigned long odp_pfnmap_look(struct vm_area_struct *vma,
				     unsigned long va)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = va };
	unsigned long word;

	if (follow_pfnmap_start(&args))
		return 0;
	word = args.pfn | HMM_PFN_VALID | odp_pfnmap_sort(&args);
	if (args.writable)
		word |= HMM_PFN_WRITE;
	if (args.special)
		word |= ODP_PFN_SPECIAL;
	follow_pfnmap_end(&args);

	return word & HMM_PFN_ERROR ? HMM_PFN_ERROR : word;
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

/* How a page is cached. -ENOENT: it is no longer there. */
static int odp_pfnmap_caching(struct mm_struct *mm, unsigned long va,
			      unsigned long pfn, pgprot_t *prot)
{
	struct follow_pfnmap_args args = {
		.vma = vma_lookup(mm, va),
		.address = va,
	};
	int err;

	if (!args.vma || follow_pfnmap_start(&args))
		return -ENOENT;
	*prot = odp_caching(args.pgprot);
	err = args.pfn == pfn ? 0 : -ENOENT;
	follow_pfnmap_end(&args);

	return err;
}

/* How many pages from the first on can be mapped at once; 0: not even that one. */
static unsigned long odp_pfnmap_run(struct mm_struct *mm, unsigned long va,
				    unsigned long npages,
				    const unsigned long *pfns, pgprot_t *prot)
{
	unsigned long i, pfn = odp_pfn(pfns[0]);
	pgprot_t next;

	for (i = 0; i < npages; i++, pfn++) {
		/* What has gone meanwhile, an invalidation has passed. */
		if (!(pfns[i] & ODP_PFN_IO) || odp_pfn(pfns[i]) != pfn ||
		    odp_pfnmap_caching(mm, va + (i << PAGE_SHIFT), pfn, &next))
			break;
		if (i && pgprot_val(next) != pgprot_val(*prot))
			break;
		*prot = next;
	}

	return i;
}

/**
 * odp_pfnmap_map - make pages that are not the kernel's ready to be touched
 * @mm: whose; its mmap lock held
 * @start: the first page
 * @npages: how many
 * @pfns: odp_snap_walk()'s words about them
 *
 * Return: 0; -ENOMEM; -EFAULT if they may no longer be touched.
 */
int odp_pfnmap_map(struct mm_struct *mm, unsigned long start,
		   unsigned long npages, const unsigned long *pfns)
{
	unsigned long i, run;
	pgprot_t prot;
	int err = 0;

	for (i = 0; i < npages && !err; i += run ?: 1) {
		run = odp_pfnmap_run(mm, start + (i << PAGE_SHIFT), npages - i,
				     pfns + i, &prot);
		if (run)
			err = odp_iomem_map(odp_pfn(pfns[i]), run, prot);
	}

	return err;
}

/**
 * odp_pfnmap_check - can a page of a PFN map be had as it is?
 * @vma: the VMA; under the mmap lock
 * @va: an address in the page
 * @write: for a write?
 *
 * Return: 0; -ENOENT if a fault might change that it cannot; -EFAULT if it may
 * not be touched, or is broken.
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
 * @fn: touches it, which is not the kernel's if @io; under the page table's lock,
 *	for which who takes it back waits
 * @arg: passed to @fn
 *
 * Return: -ENOENT if there is no such page here now, or one that can be pinned;
 * what @fn returned.
 */
int odp_pfnmap_touch(struct vm_area_struct *vma, unsigned long va, bool write,
		     int (*fn)(unsigned long pfn, bool io, void *arg),
		     void *arg)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = va };
	unsigned long sort;
	int err = -ENOENT;

	if (follow_pfnmap_start(&args))
		return -ENOENT;
	sort = odp_pfnmap_sort(&args);
	if (args.special && (args.writable || !write) &&
	    !(sort & HMM_PFN_ERROR))
		err = fn(args.pfn, sort & ODP_PFN_IO, arg);
	follow_pfnmap_end(&args);

	return err;
}
