/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Snapshots: what the CPU page table says of a range at one moment.
 */
#ifndef ODP_SNAP_H
#define ODP_SNAP_H

#include <linux/hmm.h>
#include <linux/types.h>
#include <rdma/odp_mirror.h>

#include "leaf.h"

struct mm_struct;
struct odp_window;
struct vm_area_struct;

/**
 * struct odp_snap - a snapshot that a fault wants to install
 * @window: whose
 * @seq: the window's sequence from before it was taken
 * @start: the first page
 * @npages: how many; they do not leave one leaf
 * @pfns: what hmm_range_fault() says of each, and ODP_PFN_* bits
 */
struct odp_snap {
	struct odp_window *window;
	unsigned long seq;
	unsigned long start;
	unsigned long npages;
	unsigned long *pfns;
};

/* Of ours in the words of hmm_range_fault(): above all pfns, below its flags. */
#define ODP_PFN_SPECIAL		BIT(48)	/* no struct page may be taken from it */
#define ODP_PFN_EXCLUSIVE	BIT(49)	/* it was taken from the CPU */
#define ODP_PFN_IO		BIT(50)	/* it is not the kernel's */
#define ODP_PFN_OURS		(ODP_PFN_SPECIAL | ODP_PFN_EXCLUSIVE | ODP_PFN_IO)

/* The page frame in a word of a snapshot. */
static inline unsigned long odp_pfn(unsigned long word)
{
	return word & ~(HMM_PFN_FLAGS | ODP_PFN_OURS);
}

/**
 * odp_hmm_state - translate what hmm_range_fault() says of a page
 * @hmm_pfn: its word
 *
 * Return: a set of ODP_PAGE_READ, _WRITE, _HUGE, _SPECIAL, _EXCLUSIVE and _IO; 0
 * for FAULT.
 */
static inline unsigned int odp_hmm_state(unsigned long hmm_pfn)
{
	unsigned int state = ODP_PAGE_READ;

	if (!(hmm_pfn & HMM_PFN_VALID) || (hmm_pfn & HMM_PFN_ERROR))
		return 0;
	if (hmm_pfn & HMM_PFN_WRITE)
		state |= ODP_PAGE_WRITE;
	if (hmm_pfn_to_map_order(hmm_pfn) >= ODP_LEAF_ORDER)
		state |= ODP_PAGE_HUGE;
	if (hmm_pfn & ODP_PFN_SPECIAL)
		state |= ODP_PAGE_SPECIAL;
	if (hmm_pfn & ODP_PFN_EXCLUSIVE)
		state |= ODP_PAGE_EXCLUSIVE;
	if (hmm_pfn & ODP_PFN_IO)
		state |= ODP_PAGE_IO;

	return state;
}

bool odp_vma_suits(struct vm_area_struct *vma, bool write);
int odp_snap_walk(struct mm_struct *mm, unsigned long start,
		  unsigned long npages, unsigned long *pfns);
u64 odp_snap_hole(struct mm_struct *mm, unsigned long va, u64 length);
int odp_snap_take(struct odp_snap *snap);
int odp_snap_install(const struct odp_snap *snap);
bool odp_snap_has(const struct odp_snap *snap, unsigned long start,
		  unsigned long npages, bool write);

#endif /* ODP_SNAP_H */
