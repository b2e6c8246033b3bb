// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Exclusive access: for its atomics a device takes a page from the CPU, whose
 * page table then has a device-exclusive entry. A CPU that touches the page
 * faults, and the kernel tells the notifier before it gives the page back: the
 * entry in the leaf goes, for which the leaf's lock is needed, under which an
 * atomic is done. So to the CPU each is one step, whatever it does meanwhile.
 */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

#include "compat.h"
#include "exclusive.h"
#include "leaf.h"
#include "mirror.h"
#include "quick.h"
#include "snap.h"
#include "space.h"
#include "window.h"

/**
 * odp_has_exclusive - can devices take pages from the CPU on this kernel?
 */
bool odp_has_exclusive(void)
{
	return ODP_HAS_EXCLUSIVE;
}
EXPORT_SYMBOL_GPL(odp_has_exclusive);

#if ODP_HAS_EXCLUSIVE

/*
 * Install a page that the CPU has no access to, and go by it. The folio's lock
 * is held: a CPU that wants it back waits, so the device gets its turn.
 */
static int odp_exclusive_install(struct odp_fault *f, struct odp_snap *snap,
				 int (*fn)(void *arg), void *arg)
{
	int ret = odp_snap_install(snap);

	if (ret < 0)
		return ret;
	odp_count(f->m, exclusive_takes, 1);
	ret = fn(arg);

	/* It was unmapped in between. */
	return ret == -ENOENT ? -EAGAIN : ret;
}

/* With the mmap lock, which may be dropped and taken again. */
static int odp_exclusive_take(struct odp_fault *f, struct odp_window *w,
			      unsigned long va, int (*fn)(void *arg), void *arg)
{
	struct odp_space *s = f->m->space;
	unsigned long pfn;
	struct odp_snap snap = {
		.window = w,
		.start = va & PAGE_MASK,
		.npages = 1,
		.pfns = &pfn,
	};
	struct vm_area_struct *vma;
	struct folio *folio;
	struct page *page;
	int err;

	/* What is there and writable, nobody has to be waited for. */
	err = odp_fault_page(f, va);
	if (err)
		return err;
	vma = vma_lookup(s->mm, va);
	if (!vma || !odp_vma_suits(vma, true))
		return -EFAULT;
	if (!vma_is_anonymous(vma))
		return -EOPNOTSUPP;
	if (!odp_window_begin(w, &snap.seq))
		return -EAGAIN;

	page = make_device_exclusive(s->mm, va, s, &folio);
	/* It has gone again, and what it comes back as is another round's. */
	if (PTR_ERR_OR_ZERO(page) == -EFAULT)
		return -EAGAIN;
	if (IS_ERR(page))
		return PTR_ERR(page);
	pfn = page_to_pfn(page) | HMM_PFN_VALID | HMM_PFN_WRITE |
	      ODP_PFN_EXCLUSIVE;
	err = odp_exclusive_install(f, &snap, fn, arg);
	folio_unlock(folio);
	folio_put(folio);

	return err;
}

/**
 * odp_exclusive - take a page from the CPU and touch it, one round
 * @f: the fault, for a write to the page
 * @va: an address in the page
 * @fn: touches it by its entry; -ENOENT if that has gone
 * @arg: passed to @fn
 *
 * The caller holds no lock, and keeps the mirror.
 *
 * Return: -EAGAIN if the round was lost to an invalidation; -EOPNOTSUPP if the
 * page is not anonymous memory, or is hugetlb; as odp_fault(); what @fn
 * returned.
 */
int odp_exclusive(struct odp_fault *f, unsigned long va, int (*fn)(void *arg),
		  void *arg)
{
	struct mm_struct *mm = f->m->space->mm;
	struct odp_window *w;
	int err;

	/* What is there already need not be allocated. */
	if (!f->wait && !odp_quick_welcome(mm) &&
	    odp_leaf_lacks(f->m->space, va, va + 1, odp_pte_need(true)) == va)
		return -EINPROGRESS;
	err = odp_fault_enter(f);
	if (err)
		return err;
	w = odp_window_get(f->m->space, va);
	if (IS_ERR(w)) {
		err = PTR_ERR(w);
		goto out;
	}
	err = odp_lock(mm, f->wait);
	if (err)
		goto out_window;
	err = odp_exclusive_take(f, w, va, fn, arg);
	mmap_read_unlock(mm);
	/* Who waits lets an invalidation end first. */
	if (err == -EAGAIN && f->wait)
		err = odp_window_wait_quiet(w, f->m) ?: -EAGAIN;
out_window:
	odp_window_put(w);
out:
	odp_fault_leave(f);
	return err;
}

#else

int odp_exclusive(struct odp_fault *f, unsigned long va, int (*fn)(void *arg),
		  void *arg)
{
	return -EOPNOTSUPP;
}

#endif
