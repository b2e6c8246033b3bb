// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Faults: bringing pages into the table. The flow is drawn in
 * <rdma/odp_mirror.h>.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fault.h"
#include "leaf.h"
#include "mirror.h"
#include "snap.h"
#include "trace.h"
#include "window.h"

/* So many pages can be snapshot at once when there is no memory for more. */
#define ODP_FEW	8

/**
 * odp_span_of - the pages of a range, as far as its first leaf goes
 * @va: the first byte
 * @length: in bytes, not 0
 *
 * Return: the span.
 */
struct odp_span odp_span_of(unsigned long va, u64 length)
{
	unsigned long leaf_end = ALIGN(va + 1, ODP_LEAF_SIZE);
	unsigned long end = min(PAGE_ALIGN(va + length), leaf_end);
	unsigned long start = va & PAGE_MASK;

	return (struct odp_span) {
		.start = start,
		.npages = (end - start) >> PAGE_SHIFT,
	};
}

/**
 * odp_fault_page - have the CPU page table give access to a page
 * @m: the mirror; its mm's mmap lock held, and still or again held on return
 * @va: an address in the page
 * @write: for a write?
 *
 * Waits for whatever the page needs, userfaultfd included;
 * odp_mirror_kill() ends the wait.
 *
 * Return: 0 (which the next invalidation may undo), -EFAULT if there is no
 * page or no such access to it, -ENOMEM, -ECANCELED if the mirror is dying,
 * -EINTR.
 */
int odp_fault_page(struct odp_mirror *m, unsigned long va, bool write)
{
	unsigned int flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE |
			     FAULT_FLAG_REMOTE |
			     (write ? FAULT_FLAG_WRITE : 0);
	struct vm_area_struct *vma;
	vm_fault_t ret;

	do {
		if (odp_mirror_dying(m))
			return -ECANCELED;
		if (fatal_signal_pending(current))
			return -EINTR;
		vma = vma_lookup(m->mm, va);
		if (!vma || !odp_vma_suits(vma, write))
			return -EFAULT;

		ret = handle_mm_fault(vma, va, flags, NULL);
		/* Either has dropped the lock. */
		if (ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED))
			mmap_read_lock(m->mm);
		flags |= FAULT_FLAG_TRIED;
	} while (ret & VM_FAULT_RETRY);

	return ret & VM_FAULT_ERROR ? vm_fault_to_errno(ret, 0) : 0;
}

static int odp_fault_critical(struct odp_mirror *m, struct odp_span critical,
			      bool write)
{
	unsigned long va = critical.start;
	int err = 0;

	mmap_read_lock(m->mm);
	for (; critical.npages && !err; critical.npages--, va += PAGE_SIZE)
		err = odp_fault_page(m, va, write);
	mmap_read_unlock(m->mm);

	return err;
}

/*
 * Bring in one page of a snapshot in passing. A write fault only where the
 * page is private: a shared file's page would become dirty for nothing.
 * Returns whether to go on.
 */
static bool odp_populate_aside(struct vm_area_struct *vma, unsigned long va,
			       unsigned int state, bool write)
{
	/* NOWAIT: never drops the mmap lock, never tells a userfaultfd. */
	unsigned int flags = FAULT_FLAG_ALLOW_RETRY |
			     FAULT_FLAG_RETRY_NOWAIT | FAULT_FLAG_REMOTE;

	write = write && vma_is_anonymous(vma) && odp_vma_suits(vma, true);
	if (state & (write ? ODP_PAGE_WRITE : ODP_PAGE_READ))
		return true;
	if (write)
		flags |= FAULT_FLAG_WRITE;

	return !(handle_mm_fault(vma, va, flags, NULL) & VM_FAULT_ERROR);
}

static void odp_populate_span(struct odp_mirror *m, const struct odp_snap *snap,
			      bool write)
{
	unsigned long i, va = snap->start;
	struct vm_area_struct *vma = NULL;
	bool go_on = true;

	for (i = 0; i < snap->npages && go_on; i++, va += PAGE_SIZE) {
		if (!vma || va >= vma->vm_end)
			vma = find_vma(m->mm, va);
		if (!vma)
			break;
		if (va < vma->vm_start || !odp_vma_suits(vma, false))
			continue;
		go_on = odp_populate_aside(vma, va,
					   odp_hmm_state(snap->pfns[i]), write);
	}
}

/* Pages that cannot be had are passed over; only a lack of memory ends it. */
static int odp_populate_wait(struct odp_mirror *m, const struct odp_snap *snap,
			     bool write)
{
	unsigned int need = write ? ODP_PAGE_WRITE : ODP_PAGE_READ;
	unsigned long i;
	int err;

	for (i = 0; i < snap->npages && !odp_mirror_dying(m); i++) {
		if (odp_hmm_state(snap->pfns[i]) & need)
			continue;
		err = odp_fault_page(m, snap->start + (i << PAGE_SHIFT), write);
		if (err == -ENOMEM)
			return err;
	}

	return 0;
}

/* With the mmap lock held, which may be dropped and taken again. */
static int odp_fault_begin(struct odp_snap *snap)
{
	struct mm_struct *mm = snap->window->mirror->mm;
	int err;

	if (odp_window_begin(snap->window, &snap->seq))
		return 0;

	mmap_read_unlock(mm);
	err = odp_window_wait_quiet(snap->window);
	mmap_read_lock(mm);
	if (err)
		return err;

	return odp_window_begin(snap->window, &snap->seq) ? 0 : -EBUSY;
}

/* -EBUSY: an invalidation got in between. */
static int odp_fault_snap(struct odp_snap *snap, bool write,
			  enum odp_populate populate)
{
	struct odp_mirror *m = snap->window->mirror;
	int err;

	mmap_read_lock(m->mm);
	err = odp_fault_begin(snap);
	if (!err)
		err = odp_snap_take(snap);
	if (err || populate == ODP_POPULATE_NO ||
	    odp_snap_has(snap, snap->start, snap->npages, write))
		goto out;

	if (populate == ODP_POPULATE_ASIDE)
		odp_populate_span(m, snap, write);
	else
		err = odp_populate_wait(m, snap, write);
	if (!err)
		err = odp_fault_begin(snap);
	if (!err)
		err = odp_snap_take(snap);
out:
	mmap_read_unlock(m->mm);
	return err;
}

static int odp_fault_install(struct odp_snap *snap, struct odp_span critical)
{
	struct odp_window *w = snap->window;
	struct odp_mirror *m = w->mirror;
	struct mem_cgroup *memcg;
	unsigned long needed;
	int ret;

	if (m->probe && m->probe->snapshot_taken)
		m->probe->snapshot_taken(m->probe_arg, snap->start,
					 snap->start +
					 (snap->npages << PAGE_SHIFT));

	memcg = set_active_memcg(m->memcg);
	ret = m->ops->install(w->table, snap);
	set_active_memcg(memcg);
	if (ret < 0)
		return ret;
	trace_odp_install(m, snap->start, snap->npages, ret);

	if (!critical.npages) {
		odp_count(m, prefetched_pages, ret);
		return 0;
	}
	needed = min_t(unsigned long, ret, critical.npages);
	odp_count(m, faulted_pages, needed);
	odp_count(m, around_pages, ret - needed);

	return 0;
}

static int odp_fault_piece(struct odp_window *w, unsigned long *pfns,
			   struct odp_span critical, struct odp_span span,
			   bool write, enum odp_populate populate)
{
	struct odp_snap snap = {
		.window = w,
		.start = span.start,
		.npages = span.npages,
		.pfns = pfns,
	};
	int err;

	err = odp_fault_snap(&snap, write, populate);
	if (!err)
		err = odp_fault_install(&snap, critical);
	if (!err && critical.npages &&
	    !odp_snap_has(&snap, critical.start, critical.npages, write))
		err = -EAGAIN;

	return err == -EBUSY ? -EAGAIN : err;
}

/* All that is needed, but nothing around it, a few pages at a time. */
static int odp_fault_few(struct odp_window *w, struct odp_span critical,
			 struct odp_span span, bool write,
			 enum odp_populate populate)
{
	struct odp_span piece = critical.npages ? critical : span;
	unsigned long left = piece.npages;
	unsigned long pfns[ODP_FEW];
	int err = 0;

	for (; left && !err; left -= piece.npages) {
		piece.npages = min(left, ODP_FEW);
		err = odp_fault_piece(w, pfns,
				      critical.npages ? piece : critical,
				      piece, write, populate);
		piece.start += piece.npages << PAGE_SHIFT;
	}

	return err;
}

static int odp_fault_span(struct odp_window *w, struct odp_span critical,
			  struct odp_span span, bool write,
			  enum odp_populate populate)
{
	unsigned long *pfns;
	int err;

	pfns = kmalloc_array(span.npages, sizeof(*pfns),
			     GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
	if (!pfns)
		return odp_fault_few(w, critical, span, write, populate);
	err = odp_fault_piece(w, pfns, critical, span, write, populate);
	kfree(pfns);

	return err;
}

/**
 * odp_fault - bring pages into the table, one round
 * @m: the mirror
 * @critical: the pages that must be had; possibly none
 * @span: the pages to look at; all critical ones are among them, and they do
 *	not leave one leaf
 * @write: for a write?
 * @populate: what to do about those of @span that are not present
 *
 * May sleep. The caller holds no lock.
 *
 * Return: 0 if the critical pages were in the table for at least a moment;
 * -EAGAIN if the round was lost to an invalidation; -ETIMEDOUT if one did not
 * end within the policy's limit; -ESRCH if the address space is gone; else as
 * odp_fault_page().
 */
int odp_fault(struct odp_mirror *m, struct odp_span critical,
	      struct odp_span span, bool write, enum odp_populate populate)
{
	struct odp_faulter faulter;
	struct odp_window *w;
	int err;

	err = odp_faulter_enter(m, &faulter);
	if (err)
		return err;

	err = odp_fault_critical(m, critical, write);
	if (err)
		goto out;

	w = odp_window_get(m, span.start);
	if (IS_ERR(w)) {
		err = PTR_ERR(w);
		goto out;
	}
	err = odp_fault_span(w, critical, span, write, populate);
	odp_window_put(w);

	if (err == -EAGAIN) {
		odp_count(m, collisions, 1);
		trace_odp_retry(m, span.start, span.npages);
	}
out:
	odp_faulter_leave(m, &faulter);
	return err;
}
