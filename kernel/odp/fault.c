// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Faults: bringing pages into the table. The flow is drawn in
 * <rdma/odp_mirror.h>.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fault.h"
#include "leaf.h"
#include "mirror.h"
#include "pfnmap.h"
#include "probe.h"
#include "quick.h"
#include "snap.h"
#include "space.h"
#include "trace.h"
#include "window.h"

/* So many pages can be snapshot at once without memory for more. */
#define ODP_FEW	8

/* How often to look whether a frozen file system has thawed. */
#define ODP_THAW_POLL	DIV_ROUND_UP(HZ, 50)

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
 * odp_fault_enter - a fault begins
 * @f: the fault, until odp_fault_leave() in one place
 *
 * Until then the address space lives, and odp_slow_kick() finds the fault if
 * it may wait.
 *
 * Return: 0; -ECANCELED if the mirror is dying; -ESRCH if the address space
 * is gone.
 */
int odp_fault_enter(struct odp_fault *f)
{
	struct odp_space *s = f->m->space;

	if (odp_mirror_dying(f->m))
		return -ECANCELED;
	if (!mmget_not_zero(s->mm))
		return -ESRCH;
	if (!f->wait)
		return 0;

	f->task = current;
	f->since = jiffies;
	spin_lock(&s->lock);
	list_add(&f->list, &s->faulters);
	spin_unlock(&s->lock);

	return 0;
}

/**
 * odp_fault_leave - a fault has ended
 * @f: as given to odp_fault_enter(), which returned 0
 */
void odp_fault_leave(struct odp_fault *f)
{
	struct odp_space *s = f->m->space;

	if (f->wait) {
		spin_lock(&s->lock);
		list_del(&f->list);
		spin_unlock(&s->lock);
	}
	/* The last one tears the address space down, which is not for here. */
	mmput_async(s->mm);
}

/* Should a fault that waits go on? */
static int odp_fault_check(const struct odp_fault *f)
{
	if (odp_mirror_dying(f->m))
		return -ECANCELED;
	if (fatal_signal_pending(current))
		return -EINTR;
	return READ_ONCE(f->yield) ? -EINPROGRESS : 0;
}

/*
 * A frozen file system is asked for write access in a sleep that no signal
 * ends, so the thaw is waited for here.
 */
static bool odp_vma_frozen(struct vm_area_struct *vma, bool write)
{
	return write && vma->vm_file && (vma->vm_flags & VM_SHARED) &&
	       READ_ONCE(file_inode(vma->vm_file)->i_sb->s_writers.frozen) !=
	       SB_UNFROZEN;
}

/*
 * A page without struct page the kernel copies by its virtual address, in whatever
 * address space it is in: that must be the right one.
 */
static bool odp_vma_copies_at_home(struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_SHARED) &&
	       (odp_vma_is_pfnmap(vma) || vma_is_dax(vma));
}

static int odp_fault_page_wait(struct odp_fault *f, unsigned long va)
{
	unsigned int flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE |
			     FAULT_FLAG_REMOTE |
			     (f->write ? FAULT_FLAG_WRITE : 0);
	struct mm_struct *mm = f->m->space->mm;
	struct vm_area_struct *vma;
	vm_fault_t ret;
	int err;

	do {
		err = odp_fault_check(f);
		if (err)
			return err;
		vma = vma_lookup(mm, va);
		if (!vma || !odp_vma_suits(vma, f->write))
			return -EFAULT;
		if (f->write && current->mm != mm &&
		    odp_vma_copies_at_home(vma))
			return -EFAULT;
		if (odp_vma_is_pfnmap(vma)) {
			err = odp_pfnmap_check(vma, va, f->write);
			if (err != -ENOENT)
				return err;
		}

		if (odp_vma_frozen(vma, f->write)) {
			mmap_read_unlock(mm);
			schedule_timeout_killable(ODP_THAW_POLL);
			ret = VM_FAULT_RETRY;
		} else {
			ret = handle_mm_fault(vma, va, flags, NULL);
			flags |= FAULT_FLAG_TRIED;
		}
		/* Either has dropped the lock. */
		if (ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED))
			mmap_read_lock(mm);
	} while (ret & VM_FAULT_RETRY);

	return ret & VM_FAULT_ERROR ? vm_fault_to_errno(ret, 0) : 0;
}

/**
 * odp_fault_page - have the CPU page table give access to a page
 * @f: the fault; its mm's mmap lock held, and still or again held on return
 * @va: an address in the page
 *
 * One that waits does so for whatever the page needs, userfaultfd included;
 * odp_mirror_kill() and a fatal signal end the wait.
 *
 * Return: 0 (which the next invalidation may undo); -EFAULT if there is no
 * page or no such access to it; -ENOMEM; -ECANCELED if the mirror is dying;
 * -EINTR; -EINPROGRESS if it would have to wait and does not.
 */
int odp_fault_page(struct odp_fault *f, unsigned long va)
{
	if (f->wait)
		return odp_fault_page_wait(f, va);
	return odp_quick_page(f->m->space->mm, va, f->write);
}

static bool odp_fault_welcome(const struct odp_fault *f)
{
	return f->wait || odp_quick_welcome(f->m->space->mm);
}

/* With the mmap lock held, which may be dropped and taken again. */
static int odp_fault_critical(struct odp_fault *f)
{
	unsigned long i, va = f->critical.start;
	int err = 0;

	if (!odp_fault_welcome(f))
		return -EINPROGRESS;
	for (i = 0; i < f->critical.npages && !err; i++, va += PAGE_SIZE)
		err = odp_fault_page(f, va);

	return err;
}

/* Bring in the critical pages before anything is looked at. */
static int odp_fault_ahead(struct odp_fault *f)
{
	struct mm_struct *mm = f->m->space->mm;
	int err;

	err = odp_lock(mm, f->wait);
	if (err)
		return err;
	err = odp_fault_critical(f);
	mmap_read_unlock(mm);

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
	write = write && vma_is_anonymous(vma) && odp_vma_suits(vma, true);
	if (state & (write ? ODP_PAGE_WRITE : ODP_PAGE_READ))
		return true;
	if (!odp_quick_vma(vma, va, write))
		return true;

	return odp_quick_fault(vma, va, write) != -EFAULT;
}

static void odp_populate_span(struct odp_fault *f, const struct odp_snap *snap,
			      struct odp_span span)
{
	unsigned long i = (span.start - snap->start) >> PAGE_SHIFT;
	unsigned long va = span.start, end = i + span.npages;
	struct mm_struct *mm = f->m->space->mm;
	struct vm_area_struct *vma = NULL;
	bool go_on = true;

	for (; i < end && go_on; i++, va += PAGE_SIZE) {
		if (!vma || va >= vma->vm_end)
			vma = find_vma(mm, va);
		if (!vma)
			break;
		if (va < vma->vm_start || !odp_vma_suits(vma, false))
			continue;
		go_on = odp_populate_aside(vma, va,
					   odp_hmm_state(snap->pfns[i]),
					   f->write);
	}
}

/* Pages that cannot be had are passed over. */
static int odp_populate_all(struct odp_fault *f, const struct odp_snap *snap,
			    struct odp_span span)
{
	unsigned long va = span.start;
	int err;

	for (; span.npages--; va += PAGE_SIZE) {
		if (odp_snap_has(snap, va, 1, f->write))
			continue;
		err = odp_fault_page(f, va);
		if (err && err != -EFAULT)
			return err;
	}

	return 0;
}

/* With the mmap lock held, which may be dropped and taken again. */
static int odp_fault_begin(struct odp_fault *f, struct odp_snap *snap)
{
	struct mm_struct *mm = f->m->space->mm;
	int err;

	if (odp_window_begin(snap->window, &snap->seq))
		return 0;
	if (!f->wait)
		return -ETIMEDOUT;

	mmap_read_unlock(mm);
	err = odp_window_wait_quiet(snap->window, f->m);
	mmap_read_lock(mm);
	if (err)
		return err;

	return odp_window_begin(snap->window, &snap->seq) ? 0 : -EBUSY;
}

/* The same; -EBUSY: an invalidation got in between. */
static int odp_fault_look(struct odp_fault *f, struct odp_snap *snap)
{
	return odp_fault_begin(f, snap) ?: odp_snap_take(snap);
}

/* Does a snapshot have the critical pages? */
static bool odp_fault_has(const struct odp_fault *f,
			  const struct odp_snap *snap)
{
	return odp_snap_has(snap, f->critical.start, f->critical.npages,
			    f->write);
}

/*
 * Bring in what of the mirror a snapshot lacks, if that is wanted. Returns > 0 if
 * it is worth another look.
 */
static int odp_fault_populate(struct odp_fault *f, const struct odp_snap *snap)
{
	const struct odp_span all = { snap->start, snap->npages };
	struct odp_span span = odp_around_mine(f->m, all);

	if (f->populate == ODP_POPULATE_NO ||
	    odp_snap_has(snap, span.start, span.npages, f->write))
		return 0;

	if (f->populate == ODP_POPULATE_ALL)
		return odp_populate_all(f, snap, span) ?: 1;
	if (!odp_fault_welcome(f))
		return 0;
	odp_populate_span(f, snap, span);

	return 1;
}

/* After a look in vain so many faults ask for their pages before they look. */
#define ODP_LOOKS_AHEAD	8

/*
 * Who looks first and finds his pages there has saved asking for them; who does
 * not has looked in vain. What one fault sees, the next ones near by go by.
 */
static bool odp_fault_looks_first(struct odp_fault *f)
{
	struct odp_window *w;
	bool looks;

	rcu_read_lock();
	w = odp_window_find(f->m->space, f->span.start);
	looks = w && !READ_ONCE(w->ahead);
	rcu_read_unlock();

	return looks;
}

/* Is a page there that was not asked for? */
static bool odp_fault_finds(const struct odp_fault *f,
			    const struct odp_snap *snap)
{
	unsigned long beside = 0;

	if (!f->ahead)
		return odp_fault_has(f, snap);
	if (snap->start == f->critical.start)
		beside = f->critical.npages;

	return beside < snap->npages && odp_hmm_state(snap->pfns[beside]);
}

static void odp_fault_note(const struct odp_fault *f,
			   const struct odp_snap *snap)
{
	struct odp_window *w = snap->window;
	unsigned int old = READ_ONCE(w->ahead), ahead = 0;

	if (!f->critical.npages)
		return;
	if (!odp_fault_finds(f, snap))
		ahead = f->ahead && old ? old - 1 : ODP_LOOKS_AHEAD;
	if (ahead != old)
		WRITE_ONCE(w->ahead, ahead);
}

static int odp_fault_snap(struct odp_fault *f, struct odp_snap *snap)
{
	struct mm_struct *mm = f->m->space->mm;
	int err;

	err = odp_lock(mm, f->wait);
	if (err)
		return err;
	err = odp_fault_look(f, snap);
	if (err)
		goto out;
	odp_fault_note(f, snap);
	/* A huge page may come, and leave nothing to populate. */
	if (!odp_fault_has(f, snap)) {
		err = odp_fault_critical(f) ?: odp_fault_look(f, snap);
		if (err)
			goto out;
	}
	err = odp_fault_populate(f, snap);
	if (err > 0)
		err = odp_fault_look(f, snap);
out:
	mmap_read_unlock(mm);
	return err;
}

static int odp_fault_install(struct odp_fault *f, struct odp_snap *snap)
{
	struct odp_space *s = snap->window->space;
	struct odp_mirror *m = f->m;
	unsigned long needed;
	int ret;

	odp_probe_snapshot(s, snap->start, snap->start + (snap->npages << PAGE_SHIFT));

	ret = odp_snap_install(snap);
	if (ret < 0)
		return ret;
	trace_odp_install(m, snap->start, snap->npages, ret);

	if (!f->critical.npages) {
		odp_count(m, prefetched_pages, ret);
		return 0;
	}
	needed = min_t(unsigned long, ret, f->critical.npages);
	odp_count(m, faulted_pages, needed);
	odp_count(m, around_pages, ret - needed);

	return 0;
}

static int odp_fault_piece(struct odp_fault *f, struct odp_window *w,
			   unsigned long *pfns)
{
	struct odp_snap snap = {
		.window = w,
		.start = f->span.start,
		.npages = f->span.npages,
		.pfns = pfns,
	};
	int err;

	err = odp_fault_snap(f, &snap);
	if (!err)
		err = odp_fault_install(f, &snap);
	if (!err && f->critical.npages &&
	    !odp_snap_has(&snap, f->critical.start, f->critical.npages,
			  f->write))
		err = -EAGAIN;

	return err == -EBUSY ? -EAGAIN : err;
}

/* All that is needed, but nothing around it, a few pages at a time. */
static int odp_fault_few(struct odp_fault *f, struct odp_window *w,
			 unsigned long *pfns)
{
	struct odp_span critical = f->critical, span = f->span;
	struct odp_span piece = critical.npages ? critical : span;
	unsigned long left = piece.npages;
	int err = 0;

	for (; left && !err; left -= piece.npages) {
		piece.npages = min(left, ODP_FEW);
		f->span = piece;
		if (critical.npages)
			f->critical = piece;
		err = odp_fault_piece(f, w, pfns);
		piece.start += piece.npages << PAGE_SHIFT;
	}
	f->critical = critical;
	f->span = span;

	return err;
}

static int odp_fault_span(struct odp_fault *f, struct odp_window *w)
{
	unsigned long few[ODP_FEW], *pfns;
	int err;

	if (f->span.npages <= ODP_FEW)
		return odp_fault_piece(f, w, few);
	pfns = kmalloc_array(f->span.npages, sizeof(*pfns),
			     GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
	if (!pfns)
		return odp_fault_few(f, w, few);
	err = odp_fault_piece(f, w, pfns);
	kfree(pfns);

	return err;
}

/**
 * odp_fault - bring pages into the table, one round
 * @f: the fault
 *
 * The caller holds no lock, and keeps the mirror.
 *
 * Return: 0 if the critical pages were in the table for at least a moment;
 * -EAGAIN if the round was lost to an invalidation; -ETIMEDOUT if one did not
 * end within the policy's limit, or, for a fault that does not wait, is under
 * way; -ESRCH if the address space is gone; else as odp_fault_page().
 */
int odp_fault(struct odp_fault *f)
{
	struct odp_mirror *m = f->m;
	struct odp_window *w;
	int err;

	err = odp_fault_enter(f);
	if (err)
		return err;

	f->ahead = f->critical.npages && !odp_fault_looks_first(f);
	if (f->ahead)
		err = odp_fault_ahead(f);
	if (err)
		goto out;

	w = odp_window_get(m->space, f->span.start);
	if (IS_ERR(w)) {
		err = PTR_ERR(w);
		goto out;
	}
	err = odp_fault_span(f, w);
	odp_window_put(w);

	if (err == -EAGAIN) {
		odp_count(m, collisions, 1);
		trace_odp_retry(m, f->span.start, f->span.npages);
	}
out:
	odp_fault_leave(f);
	return err;
}
