// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What can be had at once. A packet's worker, which is everybody's, asks for a
 * page only where nobody can keep it waiting: neither a userfaultfd nor a file
 * server, a disk, a frozen file system or a holder of the mmap lock. All else is
 * a slow fault.
 */
#include <linux/cpuset.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <rdma/odp_mirror.h>

#include "pfnmap.h"
#include "quick.h"
#include "snap.h"

/* How often and how long to try for the mmap lock: half a millisecond in all. */
#define ODP_QUICK_SPINS	100
#define ODP_QUICK_NAPS	5

/*
 * Take the mmap lock for reading, if it can be had soon: who holds it may itself
 * wait for a page that never comes.
 */
static bool odp_quick_lock(struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; i < ODP_QUICK_SPINS; i++) {
		if (mmap_read_trylock(mm))
			return true;
		cpu_relax();
	}
	for (i = 0; i < ODP_QUICK_NAPS; i++) {
		usleep_range(50, 100);
		if (mmap_read_trylock(mm))
			return true;
	}

	return false;
}

/**
 * odp_lock - take the mmap lock for reading
 * @mm: the address space
 * @wait: for as long as it takes?
 *
 * Return: 0; -EINTR; -EINPROGRESS if the caller does not wait and the lock was
 * not to be had soon.
 */
int odp_lock(struct mm_struct *mm, bool wait)
{
	if (wait)
		return mmap_read_lock_killable(mm);
	return odp_quick_lock(mm) ? 0 : -EINPROGRESS;
}

/**
 * odp_quick_welcome - may others than its own threads allocate for a process?
 * @mm: the process's
 *
 * Not if it has a memory policy, or a cpuset that leaves nodes out: these would
 * be passed over.
 */
bool odp_quick_welcome(struct mm_struct *mm)
{
	bool welcome = true;
#if defined(CONFIG_NUMA) && defined(CONFIG_MEMCG) && defined(CONFIG_CPUSETS)
	struct task_struct *owner;

	if (nr_online_nodes == 1)
		return true;
	rcu_read_lock();
	owner = rcu_dereference(mm->owner);
	if (owner)
		welcome = !READ_ONCE(owner->mempolicy) &&
			  nodes_subset(node_states[N_MEMORY],
				       owner->mems_allowed);
	rcu_read_unlock();
#endif
	return welcome;
}

/* Is a page of a file in the page cache, and nobody at it? */
static bool odp_quick_cached(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	bool cached;

	if (IS_ERR(folio))
		return false;
	cached = folio_test_uptodate(folio) && !folio_test_locked(folio);
	folio_put(folio);

	return cached;
}

/* What tmpfs does not have it makes, unless it is in swap. */
static bool odp_quick_tmpfs(struct address_space *mapping, pgoff_t index)
{
	void *entry = xa_load(&mapping->i_pages, index);

	return !entry || (!xa_is_value(entry) &&
			  odp_quick_cached(mapping, index));
}

/**
 * odp_quick_vma - can a fault wait for nobody?
 * @vma: the VMA; under the mmap lock
 * @va: an address in it
 * @write: for a write?
 *
 * Of files, those pages that are in the page cache and that the generic code
 * maps; not for writing through to the file, about which file systems are asked
 * first (page_mkwrite).
 */
bool odp_quick_vma(struct vm_area_struct *vma, unsigned long va, bool write)
{
	struct address_space *mapping;
	pgoff_t index;

	/* A driver's fault handler may do anything. */
	if (odp_vma_is_pfnmap(vma))
		return false;
	if (vma_is_anonymous(vma) || is_vm_hugetlb_page(vma))
		return true;
	if (!vma->vm_file)
		return false;
	mapping = vma->vm_file->f_mapping;
	index = linear_page_index(vma, va);
	if (mapping->host->i_sb->s_magic == TMPFS_MAGIC)
		return odp_quick_tmpfs(mapping, index);
	if (vma->vm_ops->map_pages != filemap_map_pages)
		return false;
	if (write && (vma->vm_flags & VM_SHARED))
		return false;

	return odp_quick_cached(mapping, index);
}

/**
 * odp_quick_fault - have the CPU page table give access to a page, at once
 * @vma: the VMA, for which odp_quick_vma() said yes; under the mmap lock, which
 *	stays held
 * @va: an address in the page
 * @write: for a write?
 *
 * Return: 0 (which the next invalidation may undo), -EFAULT if there is no such
 * access, -EINPROGRESS if it takes longer.
 */
int odp_quick_fault(struct vm_area_struct *vma, unsigned long va, bool write)
{
	/* NOWAIT: never drops the mmap lock, never tells a userfaultfd. */
	unsigned int flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT |
			     FAULT_FLAG_REMOTE | (write ? FAULT_FLAG_WRITE : 0);
	vm_fault_t ret = handle_mm_fault(vma, va, flags, NULL);

	/* The process itself may find memory where we do not. */
	if (ret & (VM_FAULT_RETRY | VM_FAULT_OOM))
		return -EINPROGRESS;
	return ret & VM_FAULT_ERROR ? -EFAULT : 0;
}

/* Does the CPU page table give access to a page as it is? */
static bool odp_quick_present(struct mm_struct *mm, unsigned long va,
			      bool write)
{
	unsigned long pfn;

	return !odp_snap_walk(mm, va & PAGE_MASK, 1, &pfn) &&
	       (odp_hmm_state(pfn) & (write ? ODP_PAGE_WRITE : ODP_PAGE_READ));
}

/**
 * odp_quick_page - odp_quick_fault() for any address
 * @mm: the address space; its mmap lock held
 * @va: the address
 * @write: for a write?
 *
 * Return: as odp_quick_fault().
 */
int odp_quick_page(struct mm_struct *mm, unsigned long va, bool write)
{
	struct vm_area_struct *vma = vma_lookup(mm, va);

	if (!vma || !odp_vma_suits(vma, write))
		return -EFAULT;
	/* A page that needs no fault may need no file either. */
	if (!vma_is_anonymous(vma) && odp_quick_present(mm, va, write))
		return 0;
	if (!odp_quick_vma(vma, va, write))
		return -EINPROGRESS;

	return odp_quick_fault(vma, va, write);
}
