// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Snapshots. The walk faults nothing in: what is not present, or may not be
 * touched, reads FAULT, and the walk goes on behind it. That is how a region
 * may begin in a hole, end in one, and cross any number of VMAs.
 */
#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "leaf.h"
#include "pfnmap.h"
#include "snap.h"
#include "space.h"
#include "window.h"

/*
 * Device memory that the CPU cannot touch is reported to its owner only, which
 * we are not: such a page reads FAULT, and a fault brings it back.
 */
static char odp_no_owner;

/*
 * Pages of struct page that are not to be touched all the same: of secretmem, for the
 * kernel has no mapping of them and would oops; and of PCI devices, which lend them
 * to other devices (p2pmem). What else sysfs shows is no pages.
 */
static bool odp_vma_is_barred(struct vm_area_struct *vma)
{
	unsigned long magic;

	if (!vma->vm_file)
		return false;
	magic = file_inode(vma->vm_file)->i_sb->s_magic;
	return magic == SECRETMEM_MAGIC ||
	       (magic == SYSFS_MAGIC && !odp_vma_is_pfnmap(vma));
}

/**
 * odp_vma_suits - may a device touch this VMA's pages at all?
 * @vma: the VMA; under the mmap lock
 * @write: to write?
 *
 * A VMA that cannot be read gives no access at all (R5). Return addresses on a
 * shadow stack are the processor's to write, although the VMA has VM_WRITE. Of
 * PFN maps each page says for itself.
 */
bool odp_vma_suits(struct vm_area_struct *vma, bool write)
{
	vm_flags_t need = VM_READ | (write ? VM_WRITE : 0);
	vm_flags_t bar = write ? VM_SHADOW_STACK : 0;

	return (vma->vm_flags & need) == need && !(vma->vm_flags & bar) &&
	       !odp_vma_is_barred(vma);
}

/* What of hmm_range_fault()'s words about this VMA's pages may stand. */
static unsigned long odp_vma_mask(struct vm_area_struct *vma)
{
	if (!odp_vma_suits(vma, false))
		return 0;
	/* Elsewhere pages have no write access where the VMA has none. */
	return vma->vm_flags & VM_SHADOW_STACK ? ~HMM_PFN_WRITE : ~0ul;
}

/**
 * odp_snap_walk - look at a range of the CPU page table
 * @mm: whose; its mmap lock held
 * @start: the first page
 * @npages: how many
 * @pfns: one word a page is put here, for odp_hmm_state()
 *
 * Return: 0, or what hmm_range_fault() fails with.
 */
int odp_snap_walk(struct mm_struct *mm, unsigned long start,
		  unsigned long npages, unsigned long *pfns)
{
	/* Our sequences are the windows' own; this one never moves. */
	struct mmu_interval_notifier notifier = { .mm = mm };
	unsigned long end = start + (npages << PAGE_SHIFT);
	struct hmm_range range = {
		.notifier = &notifier,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = &odp_no_owner,
	};
	unsigned long mask, first, last, *part, i;
	struct vm_area_struct *vma;
	int err;

	memset(pfns, 0, npages * sizeof(*pfns));
	err = hmm_range_fault(&range);
	if (err)
		return err;

	for (first = start; first < end; first = last) {
		vma = find_vma(mm, first);
		if (!vma || vma->vm_start >= end)
			break;
		first = max(vma->vm_start, first);
		last = min(vma->vm_end, end);
		part = &pfns[(first - start) >> PAGE_SHIFT];
		if (odp_vma_is_pfnmap(vma))
			odp_pfnmap_walk(vma, first, last, part);
		mask = odp_vma_mask(vma);
		for (i = 0; mask != ~0ul && i < (last - first) >> PAGE_SHIFT; i++)
			part[i] &= mask;
	}

	return 0;
}

/**
 * odp_snap_hole - how far is there no memory?
 * @mm: whose; its mmap lock held
 * @va: from here on
 * @length: how far to look, in bytes
 *
 * Return: how many bytes, up to @length, are in no VMA.
 */
u64 odp_snap_hole(struct mm_struct *mm, unsigned long va, u64 length)
{
	struct vm_area_struct *vma = find_vma(mm, va);

	if (!vma)
		return length;
	if (va >= vma->vm_start)
		return 0;
	return min_t(u64, length, vma->vm_start - va);
}

/**
 * odp_snap_take - take a snapshot to install
 * @snap: all but @snap->pfns' contents filled in; the mmap lock held
 *
 * Return: as odp_snap_walk(), or odp_pfnmap_map().
 */
int odp_snap_take(struct odp_snap *snap)
{
	struct mm_struct *mm = snap->window->space->mm;
	int err;

	err = odp_snap_walk(mm, snap->start, snap->npages, snap->pfns);
	if (err || !odp_has_iomem())
		return err;
	return odp_pfnmap_map(mm, snap->start, snap->npages, snap->pfns);
}

/**
 * odp_snap_install - put a snapshot into the table, at the process's cost
 * @snap: the snapshot
 *
 * Return: as struct odp_table_ops says of @install.
 */
int odp_snap_install(const struct odp_snap *snap)
{
	struct odp_space *s = snap->window->space;
	struct mem_cgroup *memcg = set_active_memcg(s->memcg);
	int ret = s->ops->install(snap->window->table, snap);

	set_active_memcg(memcg);

	return ret;
}

/**
 * odp_snap_has - does a snapshot give access to certain pages?
 * @snap: the snapshot
 * @start: the first of them; they are in the snapshot
 * @npages: how many
 * @write: to write?
 */
bool odp_snap_has(const struct odp_snap *snap, unsigned long start,
		  unsigned long npages, bool write)
{
	unsigned long need = HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0);
	unsigned long i = (start - snap->start) >> PAGE_SHIFT;

	for (; npages; npages--, i++)
		if ((snap->pfns[i] & (need | HMM_PFN_ERROR)) != need)
			return false;
	return true;
}

/**
 * odp_snap_stale - has an invalidation passed a snapshot?
 * @snap: the snapshot
 *
 * The caller holds the lock that its table's zap operation takes, and installs
 * nothing if this returns true.
 *
 * The sequence moves under another lock, the window's. It suffices: an
 * invalidation moves the sequence before it zaps. If it had the table's lock
 * before the caller, the caller sees that; if not, it will find what the caller
 * installs.
 */
bool odp_snap_stale(const struct odp_snap *snap)
{
	return READ_ONCE(snap->window->seq) != snap->seq;
}
EXPORT_SYMBOL_GPL(odp_snap_stale);

/**
 * odp_snap_start - where a snapshot begins
 * @snap: the snapshot
 *
 * Return: the virtual address of its first page.
 */
unsigned long odp_snap_start(const struct odp_snap *snap)
{
	return snap->start;
}
EXPORT_SYMBOL_GPL(odp_snap_start);

/**
 * odp_snap_npages - how long a snapshot is
 * @snap: the snapshot
 *
 * Return: its pages.
 */
unsigned long odp_snap_npages(const struct odp_snap *snap)
{
	return snap->npages;
}
EXPORT_SYMBOL_GPL(odp_snap_npages);

/**
 * odp_snap_page - what a snapshot says of a page
 * @snap: the snapshot
 * @index: which page
 * @pfn: its pfn is put here, unless it reads FAULT
 *
 * Return: a set of ODP_PAGE_READ, _WRITE, _HUGE, _SPECIAL, _EXCLUSIVE and _IO; 0
 * for FAULT.
 */
unsigned int odp_snap_page(const struct odp_snap *snap, unsigned long index,
			   unsigned long *pfn)
{
	*pfn = odp_pfn(snap->pfns[index]);
	return odp_hmm_state(snap->pfns[index]);
}
EXPORT_SYMBOL_GPL(odp_snap_page);
