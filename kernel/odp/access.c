// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Access: touching a mirror's pages, those that the table has (warm.h) and those
 * that it has not.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "exclusive.h"
#include "fault.h"
#include "pfnmap.h"
#include "quick.h"
#include "slow.h"
#include "snap.h"
#include "space.h"
#include "trace.h"
#include "warm.h"

/* One visit on its way through the pages. */
struct odp_visit {
	struct odp_mirror *m;
	struct odp_touch touch;
	bool write;
};

/* -ENOENT: the table does not give the access. */
static int odp_visit_warm(const struct odp_visit *v, unsigned long va,
			  size_t bytes)
{
	int err;

	odp_warm(v->m->space, v->touch, va, bytes, &err);

	return err;
}

/*
 * How to pin a page that was just brought in. It may be gone again, and to fault
 * it in once more may wait for others or not.
 */
static unsigned int odp_pin_flags(const struct odp_visit *v,
				  const struct odp_fault *f, unsigned long va)
{
	struct vm_area_struct *vma = vma_lookup(v->m->space->mm, va);
	unsigned int flags = v->write ? FOLL_WRITE : 0;

	if (f->wait || (vma && odp_quick_vma(vma, va, v->write)))
		return flags | FOLL_NOWAIT;
	return flags | FOLL_NOFAULT;
}

/* A page of one visit, for those who call back. */
struct odp_visit_page {
	const struct odp_visit *v;
	unsigned long va;
	size_t bytes;
};

static int odp_visit_page(unsigned long pfn, bool io, void *arg)
{
	struct odp_visit_page *visit = arg;

	return odp_touch_pfn(visit->v->touch, pfn, io, visit->va,
			     visit->bytes);
}

/* -ENOENT: not a page of a PFN map, or no page. */
static int odp_visit_pfnmap(const struct odp_visit *v, unsigned long va,
			    size_t bytes)
{
	struct vm_area_struct *vma = vma_lookup(v->m->space->mm, va);
	struct odp_visit_page visit = { v, va, bytes };

	if (!vma || !odp_vma_is_pfnmap(vma) || !odp_vma_suits(vma, v->write))
		return -ENOENT;
	return odp_pfnmap_touch(vma, va, v->write, odp_visit_page, &visit);
}

/* Pin the page for just this access, past all invalidations. */
static int odp_visit_pinned_page(const struct odp_visit *v, struct odp_fault *f,
				 unsigned long va, size_t bytes)
{
	struct mm_struct *mm = v->m->space->mm;
	struct page *page;
	int locked = 1;
	long pinned = 0;
	int err;

	err = odp_lock(mm, f->wait);
	if (err)
		return err;
	err = odp_fault_page(f, va);
	if (err)
		goto out;
	err = odp_visit_pfnmap(v, va, bytes);
	if (err == -ENOENT)
		pinned = pin_user_pages_remote(mm, va & PAGE_MASK, 1,
					       odp_pin_flags(v, f, va), &page,
					       &locked);
out:
	if (locked)
		mmap_read_unlock(mm);
	if (err != -ENOENT)
		return err;
	if (pinned != 1)
		return -EAGAIN;

	err = odp_touch_page(v->touch, page, va, bytes);
	unpin_user_pages_dirty_lock(&page, 1, v->write);

	return err;
}

static int odp_visit_pinned(const struct odp_visit *v, struct odp_fault *f,
			    unsigned long va, size_t bytes)
{
	unsigned int round;
	int err;

	err = odp_fault_enter(f);
	if (err)
		return err;

	odp_count(v->m, pinned_fallbacks, 1);
	err = -EAGAIN;
	for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
		err = odp_visit_pinned_page(v, f, va, bytes);

	odp_fault_leave(f);
	if (err != -EAGAIN)
		return err;
	return f->wait ? -EBUSY : -EINPROGRESS;
}

static void odp_count_fault(struct odp_mirror *m, unsigned int how)
{
	odp_count(m, faults, 1);
	if (how & ODP_ACCESS_LOCAL)
		odp_count(m, local_faults, 1);
}

/*
 * An access that does not wait has met a page that is not to be had at once. It
 * comes again and again; the fault counts once.
 */
static int odp_visit_slow(struct odp_mirror *m, struct odp_span critical,
			  unsigned int how, bool ahead,
			  struct odp_waiter *waiter)
{
	bool fresh;
	int err;

	err = odp_slow_request(m, critical, how & ODP_ACCESS_WRITE, ahead,
			       waiter, &fresh);
	if (fresh) {
		odp_count_fault(m, how);
		odp_count(m, slow_faults, 1);
	}

	return err;
}

static struct odp_fault odp_visit_fault(struct odp_mirror *m, unsigned long va,
					u64 length, unsigned int how)
{
	return (struct odp_fault) {
		.m = m,
		.critical = odp_span_of(va, length),
		.write = how & ODP_ACCESS_WRITE,
		.wait = !(how & ODP_ACCESS_NOWAIT),
	};
}

/* One round, as far around as it seems worth it. */
static int odp_visit_round(struct odp_fault *f)
{
	bool populate;

	f->span = odp_around_span(f->m, f->critical, f->write, &populate);
	f->populate = populate ? ODP_POPULATE_ASIDE : ODP_POPULATE_NO;

	return odp_fault(f);
}

/* @length: of the rest of the access, whose pages are all critical. */
static int odp_visit_cold(const struct odp_visit *v, unsigned long va,
			  size_t bytes, u64 length)
{
	struct odp_fault f = odp_visit_fault(v->m, va, length, v->touch.how);
	unsigned int round;
	int err = -EAGAIN;

	trace_odp_fault(v->m, f.critical.start, f.critical.npages, v->write);
	for (round = 0; round < ODP_ROUNDS; round++) {
		err = odp_visit_round(&f);
		if (err == -ETIMEDOUT)
			break;
		if (err && err != -EAGAIN)
			goto out;
		err = odp_visit_warm(v, va, bytes);
		if (err != -ENOENT)
			goto out;
	}
	err = odp_visit_pinned(v, &f, va, bytes);
out:
	if (err == -EINPROGRESS)
		return odp_visit_slow(v->m, f.critical, v->touch.how, false,
				      NULL);
	odp_count_fault(v->m, v->touch.how);
	return err;
}

static int odp_visit_taken(void *arg)
{
	struct odp_visit_page *visit = arg;

	return odp_visit_warm(visit->v, visit->va, visit->bytes);
}

/* Nothing can be pinned here: others would get at the page. */
static int odp_visit_exclusive(const struct odp_visit *v, unsigned long va,
			       size_t bytes)
{
	struct odp_fault f = odp_visit_fault(v->m, va, bytes, v->touch.how);
	struct odp_visit_page visit = { v, va, bytes };
	unsigned int round;
	int err = -EAGAIN;

	trace_odp_fault(v->m, f.critical.start, f.critical.npages, true);
	for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
		err = odp_exclusive(&f, va, odp_visit_taken, &visit);
	if (err == -EAGAIN)
		err = f.wait ? -EBUSY : -EINPROGRESS;
	if (err == -EINPROGRESS)
		return odp_visit_slow(v->m, f.critical, v->touch.how, false, NULL);
	odp_count_fault(v->m, v->touch.how);

	return err;
}

/*
 * The page of @va is missing: bring it in and touch it. @bytes: those of the
 * access in it; @length: all of the access from there on.
 */
static int odp_visit_missing(const struct odp_visit *v, unsigned long va,
			     size_t bytes, u64 length)
{
	int err;

	if (v->touch.exclusive)
		err = odp_visit_exclusive(v, va, bytes);
	else
		err = odp_visit_cold(v, va, bytes, length);
	if (err && err != -EINPROGRESS)
		odp_count(v->m, failed_faults, 1);

	return err;
}

/**
 * odp_mirror_visit - touch a range of a mirror
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes; 0 touches nothing and succeeds
 * @how: a set of ODP_ACCESS_* bits; with ODP_ACCESS_WRITE, @fn may write
 * @fn: called for each piece of a page, upwards
 * @arg: passed to @fn
 *
 * Pages that are missing are brought in. May sleep; the caller holds no lock,
 * and keeps the mirror from being destroyed.
 *
 * Return: 0, or the first error, what came before it having been touched:
 * -EINVAL if the range leaves the mirror; -EACCES if the mirror is not
 * writable; -EOPNOTSUPP if the device keeps its own table; -EFAULT if a page
 * cannot be had; -ENOMEM; -ESRCH if the address space is gone, or nobody is
 * left to wait for the page; -EBUSY if invalidations left no way through;
 * -EINTR; -ECANCELED if the mirror is dying; with ODP_ACCESS_NOWAIT,
 * -EINPROGRESS if a page is on its way; with ODP_ACCESS_ATOMIC, -EOPNOTSUPP if
 * the policy wants the page taken from the CPU and it is not of a kind that can
 * be, and -ETIMEDOUT if an invalidation did not end meanwhile within the
 * policy's limit; what @fn returned.
 */
int odp_mirror_visit(struct odp_mirror *m, u64 va, u64 length, unsigned int how,
		     odp_visit_fn fn, void *arg)
{
	const struct odp_visit v = {
		.m = m,
		.touch = {
			.fn = fn,
			.arg = arg,
			.how = how,
			.exclusive = (how & ODP_ACCESS_ATOMIC) &&
				     READ_ONCE(m->policy.exclusive),
		},
		.write = how & ODP_ACCESS_WRITE,
	};
	size_t bytes;
	int err;

	if (!length)
		return 0;
	err = odp_mirror_check(m, va, length, v.write);
	if (err)
		return err;
	if (!odp_space_has_leaves(m->space))
		return -EOPNOTSUPP;

	for (; length && !err; va += bytes, length -= bytes) {
		bytes = odp_warm(m->space, v.touch, va, length, &err);
		if (likely(err != -ENOENT))
			continue;
		va += bytes;
		length -= bytes;
		bytes = min_t(u64, length, PAGE_SIZE - offset_in_page(va));
		err = odp_visit_missing(&v, va, bytes, length);
	}

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_visit);

/* How many pages ahead odp_mirror_ready() looks. */
#define ODP_READY_MAX	ODP_AROUND_MAX

/**
 * odp_mirror_ready - have a range's pages brought in before they are touched
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes; of long ranges, the first 2 MiB count
 * @how: a set of ODP_ACCESS_* bits; never waits
 * @waiter: woken once if this returns -EINPROGRESS, when it is time to come
 *	again; or NULL
 *
 * May sleep, but waits for nobody.
 *
 * Return: 0 if every page was there for at least a moment; -EINPROGRESS if one
 * is on its way; else as odp_mirror_visit().
 */
int odp_mirror_ready(struct odp_mirror *m, u64 va, u64 length, unsigned int how,
		     struct odp_waiter *waiter)
{
	bool write = how & ODP_ACCESS_WRITE;
	struct odp_fault f;
	u64 end;
	int err;

	if (!length)
		return 0;
	err = odp_mirror_check(m, va, length, how & ODP_ACCESS_WRITE);
	end = va + min_t(u64, length, ODP_READY_MAX << PAGE_SHIFT);
	for (; !err; va = (va & PAGE_MASK) + PAGE_SIZE) {
		va = odp_leaf_lacks(m->space, va, end, odp_pte_need(write));
		if (va >= end)
			break;
		f = odp_visit_fault(m, va, end - va, how | ODP_ACCESS_NOWAIT);
		trace_odp_fault(m, f.critical.start, f.critical.npages, write);
		err = odp_visit_round(&f);
		if (err == -EINPROGRESS)
			return odp_visit_slow(m, f.critical, how, true, waiter);
		odp_count_fault(m, how);
		/* To lose a round, or to pin, is the access's own business. */
		if (err == -EAGAIN || err == -ETIMEDOUT)
			err = 0;
	}

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_ready);

static inline int odp_copy_in_fn(void *kaddr, size_t bytes, void *arg)
{
	const void **src = arg;

	memcpy(kaddr, *src, bytes);
	*src += bytes;

	return 0;
}

/* As far as it goes without a question; returns how far. */
static __always_inline size_t odp_copy_in_hot(struct odp_mirror *m, u64 va,
					      const void *src, size_t length)
{
	const struct odp_touch touch = {
		.fn = odp_copy_in_fn,
		.arg = &src,
		.how = ODP_ACCESS_WRITE,
	};

	return odp_hot(m, touch, va, length);
}

static noinline int odp_copy_in_rest(struct odp_mirror *m, u64 va,
				     const void *src, size_t length,
				     unsigned int how)
{
	return odp_mirror_visit(m, va, length, how | ODP_ACCESS_WRITE,
				odp_copy_in_fn, &src);
}

/**
 * odp_mirror_copy_in - write to a mirror's memory
 * @m: the mirror
 * @va: where to, as a virtual address
 * @src: what
 * @length: how many bytes
 * @how: a set of ODP_ACCESS_* bits, ODP_ACCESS_WRITE going without saying
 *
 * Return: 0, or an error of odp_mirror_visit().
 */
int odp_mirror_copy_in(struct odp_mirror *m, u64 va, const void *src,
		       size_t length, unsigned int how)
{
	size_t done = 0;

	if (!(how & ODP_ACCESS_ATOMIC))
		done = odp_copy_in_hot(m, va, src, length);
	if (likely(done == length))
		return 0;
	return odp_copy_in_rest(m, va + done, src + done, length - done, how);
}
EXPORT_SYMBOL_GPL(odp_mirror_copy_in);

static inline int odp_copy_out_fn(void *kaddr, size_t bytes, void *arg)
{
	void **dst = arg;

	memcpy(*dst, kaddr, bytes);
	*dst += bytes;

	return 0;
}

/* The same for the other way. */
static __always_inline size_t odp_copy_out_hot(struct odp_mirror *m, u64 va,
					       void *dst, size_t length)
{
	const struct odp_touch touch = {
		.fn = odp_copy_out_fn,
		.arg = &dst,
	};

	return odp_hot(m, touch, va, length);
}

static noinline int odp_copy_out_rest(struct odp_mirror *m, u64 va, void *dst,
				      size_t length, unsigned int how)
{
	return odp_mirror_visit(m, va, length, how, odp_copy_out_fn, &dst);
}

/**
 * odp_mirror_copy_out - read a mirror's memory
 * @m: the mirror
 * @va: where from, as a virtual address
 * @dst: where to
 * @length: how many bytes
 * @how: a set of ODP_ACCESS_* bits without ODP_ACCESS_WRITE
 *
 * Return: 0, or an error of odp_mirror_visit().
 */
int odp_mirror_copy_out(struct odp_mirror *m, u64 va, void *dst, size_t length,
			unsigned int how)
{
	size_t done = 0;

	if (!(how & ODP_ACCESS_ATOMIC))
		done = odp_copy_out_hot(m, va, dst, length);
	if (likely(done == length))
		return 0;
	return odp_copy_out_rest(m, va + done, dst + done, length - done, how);
}
EXPORT_SYMBOL_GPL(odp_mirror_copy_out);

/**
 * odp_mirror_fault - bring a range into a device's own table
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes, not 0
 * @write: for writing?
 *
 * For devices with struct odp_table_ops, which touch memory themselves.
 *
 * Return: 0 if every page was in the table for at least a moment; -ETIMEDOUT if
 * an invalidation did not end within the policy's limit; else an error of
 * odp_mirror_visit().
 */
int odp_mirror_fault(struct odp_mirror *m, u64 va, u64 length, bool write)
{
	unsigned int how = write ? ODP_ACCESS_WRITE : 0;
	struct odp_fault f;
	unsigned int round;
	u64 end;
	int err;

	if (!length)
		return -EINVAL;
	err = odp_mirror_check(m, va, length, how & ODP_ACCESS_WRITE);
	if (err)
		return err;

	odp_count_fault(m, how);
	for (end = va + length; va < end && !err;
	     va = f.span.start + (f.span.npages << PAGE_SHIFT)) {
		f = odp_visit_fault(m, va, end - va, how);
		f.span = f.critical;
		err = -EAGAIN;
		for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
			err = odp_fault(&f);
	}
	if (err)
		odp_count(m, failed_faults, 1);

	return err == -EAGAIN ? -EBUSY : err;
}
EXPORT_SYMBOL_GPL(odp_mirror_fault);
