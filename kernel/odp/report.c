// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Reports: the page states of a range, for people to look at. Nothing is
 * faulted in and nothing is installed.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fault.h"
#include "leaf.h"
#include "mirror.h"
#include "quick.h"
#include "snap.h"
#include "space.h"

static unsigned int odp_report_state(struct odp_mirror *m, unsigned long va,
				     unsigned long hmm_pfn)
{
	unsigned int state = odp_hmm_state(hmm_pfn);
	u64 pte;

	pte = odp_leaf_peek(m->space, va);
	/* The CPU page table shows no page, but there is one. */
	if (pte & ODP_PTE_EXCLUSIVE)
		state |= ODP_PAGE_READ | ODP_PAGE_WRITE | ODP_PAGE_EXCLUSIVE;
	if (!state)
		return 0;
	if (!READ_ONCE(m->writable))
		state &= ~ODP_PAGE_WRITE;
	if (pte)
		state |= ODP_PAGE_MIRRORED;
	if (pte & ODP_PTE_DIRTY)
		state |= ODP_PAGE_DIRTY;

	return state;
}

static int odp_report_span(struct odp_mirror *m, struct odp_span span,
			   const unsigned long *pfns, odp_report_fn fn,
			   void *arg)
{
	unsigned int state, run_state = 0;
	unsigned long i, run = 0;
	int ret;

	for (i = 0; i < span.npages; i++) {
		state = odp_report_state(m, span.start + (i << PAGE_SHIFT),
					 pfns[i]);
		if (run && state != run_state) {
			ret = fn(run, run_state, arg);
			if (ret)
				return ret;
			run = 0;
		}
		run_state = state;
		run++;
	}

	return fn(run, run_state, arg);
}

/* Report the pages of the next leaf, or the next hole. */
static int odp_report_next(struct odp_mirror *m, unsigned long *va, u64 *npages,
			   unsigned int how, unsigned long *pfns,
			   odp_report_fn fn, void *arg)
{
	struct odp_span span = odp_span_of(*va, *npages << PAGE_SHIFT);
	struct mm_struct *mm = m->space->mm;
	u64 done;
	int ret;

	ret = odp_lock(mm, !(how & ODP_ACCESS_NOWAIT));
	if (ret)
		return ret;
	done = odp_snap_hole(mm, *va, *npages << PAGE_SHIFT) >> PAGE_SHIFT;
	ret = done ? 0 : odp_snap_walk(mm, span.start, span.npages, pfns);
	mmap_read_unlock(mm);
	if (ret)
		return ret;

	if (done) {
		ret = fn(done, 0, arg);
	} else {
		ret = odp_report_span(m, span, pfns, fn, arg);
		done = span.npages;
	}
	*va += done << PAGE_SHIFT;
	*npages -= done;

	return ret;
}

/**
 * odp_mirror_report - tell the state of every page of a range
 * @m: the mirror
 * @va: an address in the first page
 * @length: in bytes, not 0; every page that holds one of them is told of
 * @how: ODP_ACCESS_NOWAIT or 0
 * @fn: told of runs of pages, upwards
 * @arg: passed to @fn
 *
 * Each run is true of one moment, runs apart may be true of different ones.
 * May sleep.
 *
 * Return: 0; -EINVAL if the range is empty or leaves the mirror; -ESRCH if the
 * address space is gone; -ENOMEM; -EINTR; -ECANCELED if the mirror is dying;
 * -EINPROGRESS with ODP_ACCESS_NOWAIT; what @fn returned.
 */
int odp_mirror_report(struct odp_mirror *m, u64 va, u64 length,
		      unsigned int how, odp_report_fn fn, void *arg)
{
	unsigned long *pfns, next = va & PAGE_MASK;
	u64 npages;
	int ret = 0;

	if (!length || !odp_mirror_covers(m, va, length))
		return -EINVAL;
	npages = (PAGE_ALIGN(va + length) - next) >> PAGE_SHIFT;

	pfns = kmalloc_array(ODP_LEAF_PAGES, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return -ENOMEM;
	if (!mmget_not_zero(m->space->mm)) {
		ret = -ESRCH;
		goto out;
	}
	while (npages && !ret) {
		if (fatal_signal_pending(current))
			ret = -EINTR;
		else if (odp_mirror_dying(m))
			ret = -ECANCELED;
		else
			ret = odp_report_next(m, &next, &npages, how, pfns, fn,
					      arg);
		cond_resched();
	}
	mmput_async(m->space->mm);
out:
	kfree(pfns);
	return ret;
}
EXPORT_SYMBOL_GPL(odp_mirror_report);

/**
 * odp_mirror_check_dax - is nothing but persistent memory mapped in a range?
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes, not 0
 *
 * Pages need not be present. May sleep, but waits for nobody.
 *
 * Return: 0 if so, holes included; -EINVAL if not, or if the range is empty or
 * leaves the mirror; -ESRCH if the address space is gone; -EINPROGRESS if the
 * mmap lock was not to be had soon.
 */
int odp_mirror_check_dax(struct odp_mirror *m, u64 va, u64 length)
{
	struct mm_struct *mm = m->space->mm;
	struct vm_area_struct *vma;
	int err;

	if (!length || !odp_mirror_covers(m, va, length))
		return -EINVAL;
	if (!mmget_not_zero(mm))
		return -ESRCH;

	err = odp_lock(mm, false);
	if (err)
		goto out;
	for (vma = find_vma(mm, va); vma && vma->vm_start < va + length;
	     vma = find_vma(mm, vma->vm_end)) {
		if (!vma_is_dax(vma)) {
			err = -EINVAL;
			break;
		}
	}
	mmap_read_unlock(mm);
out:
	mmput_async(mm);

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_check_dax);
