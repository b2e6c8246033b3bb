// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Prefetch: bringing pages in before an access needs them. advise.c says who
 * does it.
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "fault.h"
#include "leaf.h"
#include "mirror.h"
#include "prefetch.h"
#include "quick.h"
#include "snap.h"
#include "space.h"

/* Does the table give access to all of a span? */
static bool odp_prefetched(struct odp_mirror *m, struct odp_span span,
			   bool write)
{
	unsigned long end = span.start + (span.npages << PAGE_SHIFT);

	return odp_leaf_lacks(m->space, span.start, end,
			      odp_pte_need(write)) == end;
}

/**
 * odp_prefetch_check - may a range be prefetched?
 * @m: the mirror
 * @va: the first byte
 * @length: in bytes; of nothing, nothing is asked
 * @how: how far to go for a page
 *
 * Return: 0, -EINVAL or -EACCES.
 */
int odp_prefetch_check(const struct odp_mirror *m, u64 va, u64 length,
		       enum odp_prefetch how)
{
	if (!length)
		return 0;
	return odp_mirror_check(m, va, length, how == ODP_PREFETCH_WRITE);
}

/* Keeps the address space for it, and has it say what is in no VMA. */
static int odp_prefetch_hole(struct odp_fault *f, u64 va, u64 length, u64 *hole)
{
	struct mm_struct *mm = f->m->space->mm;
	int err;

	err = odp_fault_enter(f);
	if (err)
		return err;
	err = odp_lock(mm, f->wait);
	if (err)
		goto out;
	*hole = odp_snap_hole(mm, va, length);
	mmap_read_unlock(mm);
out:
	odp_fault_leave(f);
	return err;
}

/* The next leaf, or the next hole. */
static int odp_prefetch_next(struct odp_fault *f, u64 *va, u64 *length,
			     bool *missed)
{
	struct odp_mirror *m = f->m;
	u64 done;
	unsigned int round;
	int err;

	f->span = odp_span_of(*va, *length);
	done = f->span.start + (f->span.npages << PAGE_SHIFT) - *va;
	if (odp_prefetched(m, f->span, f->write))
		goto out;

	err = odp_prefetch_hole(f, *va, *length, &done);
	if (err)
		return err;
	if (done) {
		*missed = true;
		goto out;
	}
	done = f->span.start + (f->span.npages << PAGE_SHIFT) - *va;
	err = -EAGAIN;
	for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
		err = odp_fault(f);
	if (err && err != -EAGAIN)
		return err;
	*missed |= !odp_prefetched(m, f->span, f->write);
out:
	done = min(done, *length);
	*va += done;
	*length -= done;
	return 0;
}

static struct odp_fault odp_prefetch_fault(struct odp_mirror *m,
					   enum odp_prefetch how)
{
	return (struct odp_fault) {
		.m = m,
		.write = how == ODP_PREFETCH_WRITE,
		.populate = how == ODP_PREFETCH_NO_FAULT ? ODP_POPULATE_NO :
							   ODP_POPULATE_ALL,
	};
}

/**
 * odp_prefetch_turn - do the next part of a prefetch, as a worker
 * @m: the mirror
 * @va: where to begin; moved to where to go on
 * @length: what is left, in bytes, not 0; changed likewise
 * @how: how far to go for a page
 * @missed: set if a page could not be had
 *
 * Return: 0 when all is done; -EINPROGRESS if not; -ECANCELED if the mirror is
 * dying; another error that ends the prefetch.
 */
int odp_prefetch_turn(struct odp_mirror *m, u64 *va, u64 *length,
		      enum odp_prefetch how, bool *missed)
{
	struct odp_fault f = odp_prefetch_fault(m, how);
	int err;

	f.wait = true;
	f.yields = true;
	err = odp_prefetch_next(&f, va, length, missed);
	if (err)
		return err;
	return *length ? -EINPROGRESS : 0;
}

/**
 * odp_prefetch - do a prefetch, as far as it goes
 * @m: the mirror
 * @va: where to begin; moved to where it ended
 * @length: in bytes; what is left, then
 * @how: how far to go for a page
 * @wait: wait for others, as long as it takes?
 * @missed: set if a page could not be had
 *
 * Return: 0 when all is done; without @wait, -EINPROGRESS where somebody would
 * have to be waited for; another error that ends the prefetch.
 */
int odp_prefetch(struct odp_mirror *m, u64 *va, u64 *length,
		 enum odp_prefetch how, bool wait, bool *missed)
{
	struct odp_fault f = odp_prefetch_fault(m, how);
	int err = 0;

	f.wait = wait;
	while (*length && !err) {
		err = odp_prefetch_next(&f, va, length, missed);
		cond_resched();
	}

	/* An invalidation is under way. */
	return err == -ETIMEDOUT && !wait ? -EINPROGRESS : err;
}
