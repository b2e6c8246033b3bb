// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Access: touching a mirror's pages. The warm path takes an RCU read section
 * and the leaf's read lock, and counts nothing.
 */
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "fault.h"
#include "leaf.h"
#include "mirror.h"
#include "snap.h"
#include "trace.h"

/* One visit on its way through the pages. */
struct odp_visit {
	struct odp_mirror *m;
	odp_visit_fn fn;
	void *arg;
	bool write;
};

static int odp_visit_mapped(const struct odp_visit *v, struct page *page,
			    unsigned long va, size_t bytes)
{
	void *kaddr = kmap_local_page(page);
	int err;

	err = v->fn(kaddr + offset_in_page(va), bytes, v->arg);
	kunmap_local(kaddr);

	return err;
}

/* -ENOENT: the table does not give the access. */
static int odp_visit_warm(const struct odp_visit *v, unsigned long va,
			  size_t bytes)
{
	struct odp_leaf *leaf;
	int err = -ENOENT;
	u64 pte;

	rcu_read_lock();
	leaf = odp_leaf_find(v->m, va);
	if (!leaf)
		goto out;

	read_lock(&leaf->lock);
	pte = odp_leaf_get(leaf, va);
	if (odp_pte_allows(pte, v->write)) {
		if (v->write && !(pte & ODP_PTE_DIRTY))
			odp_leaf_dirty(leaf, va, pte);
		err = odp_visit_mapped(v, pfn_to_page(odp_pte_pfn(pte)), va,
				       bytes);
	}
	read_unlock(&leaf->lock);
out:
	rcu_read_unlock();
	return err;
}

/* Pin the page for just this access, past all invalidations. */
static int odp_visit_pinned_page(const struct odp_visit *v, unsigned long va,
				 size_t bytes)
{
	unsigned int flags = FOLL_NOWAIT | (v->write ? FOLL_WRITE : 0);
	struct mm_struct *mm = v->m->mm;
	struct page *page;
	int locked = 1;
	long pinned = 0;
	int err;

	mmap_read_lock(mm);
	err = odp_fault_page(v->m, va, v->write);
	if (!err)
		pinned = pin_user_pages_remote(mm, va & PAGE_MASK, 1, flags,
					       &page, &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (err)
		return err;
	if (pinned != 1)
		return -EAGAIN;

	err = odp_visit_mapped(v, page, va, bytes);
	unpin_user_pages_dirty_lock(&page, 1, v->write);

	return err;
}

static int odp_visit_pinned(const struct odp_visit *v, unsigned long va,
			    size_t bytes)
{
	struct odp_mirror *m = v->m;
	struct odp_faulter faulter;
	unsigned int round;
	int err;

	err = odp_faulter_enter(m, &faulter);
	if (err)
		return err;

	odp_count(m, pinned_fallbacks, 1);
	err = -EAGAIN;
	for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
		err = odp_visit_pinned_page(v, va, bytes);

	odp_faulter_leave(m, &faulter);
	return err == -EAGAIN ? -EBUSY : err;
}

/* @length: of the rest of the access, whose pages are all critical. */
static int odp_visit_cold(const struct odp_visit *v, unsigned long va,
			  size_t bytes, u64 length)
{
	struct odp_span critical = odp_span_of(va, length);
	struct odp_mirror *m = v->m;
	struct odp_span span;
	unsigned int round;
	bool populate;
	int err;

	odp_count(m, faults, 1);
	trace_odp_fault(m, critical.start, critical.npages, v->write);
	for (round = 0; round < ODP_ROUNDS; round++) {
		span = odp_around_span(m, critical, v->write, &populate);
		err = odp_fault(m, critical, span, v->write, populate ?
				ODP_POPULATE_ASIDE : ODP_POPULATE_NO);
		if (err && err != -EAGAIN)
			return err;
		err = odp_visit_warm(v, va, bytes);
		if (err != -ENOENT)
			return err;
	}

	return odp_visit_pinned(v, va, bytes);
}

/**
 * odp_mirror_visit - touch a range of a mirror
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes; 0 touches nothing and succeeds
 * @write: does @fn write?
 * @fn: called for each piece of a page, upwards
 * @arg: passed to @fn
 *
 * Pages that are missing are brought in. May sleep; the caller holds no lock,
 * and keeps the mirror from being destroyed.
 *
 * Return: 0, or the first error, what came before it having been touched:
 * -EINVAL if the range leaves the mirror; -EACCES if the mirror is not
 * writable; -EOPNOTSUPP if the device keeps its own table; -EFAULT if a page
 * cannot be had; -ENOMEM; -ESRCH if the address space is gone; -ETIMEDOUT if
 * an invalidation did not end within the policy's limit; -EBUSY if
 * invalidations left no way through; -ECANCELED if the mirror is dying; what
 * @fn returned.
 */
int odp_mirror_visit(struct odp_mirror *m, u64 va, u64 length, bool write,
		     odp_visit_fn fn, void *arg)
{
	struct odp_visit v = { .m = m, .fn = fn, .arg = arg, .write = write };
	size_t bytes;
	int err = 0;

	if (!length)
		return 0;
	if (!odp_mirror_covers(m, va, length))
		return -EINVAL;
	if (write && !READ_ONCE(m->writable))
		return -EACCES;
	if (m->ops != &odp_leaf_ops)
		return -EOPNOTSUPP;

	for (; length && !err; va += bytes, length -= bytes) {
		bytes = min_t(u64, length, PAGE_SIZE - offset_in_page(va));
		err = odp_visit_warm(&v, va, bytes);
		if (likely(err != -ENOENT))
			continue;
		err = odp_visit_cold(&v, va, bytes, length);
		if (err)
			odp_count(m, failed_faults, 1);
	}

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_visit);

static int odp_copy_in_fn(void *kaddr, size_t bytes, void *arg)
{
	const void **src = arg;

	memcpy(kaddr, *src, bytes);
	*src += bytes;

	return 0;
}

/**
 * odp_mirror_copy_in - write to a mirror's memory
 * @m: the mirror
 * @va: where to, as a virtual address
 * @src: what
 * @length: how many bytes
 *
 * Return: 0, or an error of odp_mirror_visit().
 */
int odp_mirror_copy_in(struct odp_mirror *m, u64 va, const void *src,
		       size_t length)
{
	return odp_mirror_visit(m, va, length, true, odp_copy_in_fn, &src);
}
EXPORT_SYMBOL_GPL(odp_mirror_copy_in);

static int odp_copy_out_fn(void *kaddr, size_t bytes, void *arg)
{
	void **dst = arg;

	memcpy(*dst, kaddr, bytes);
	*dst += bytes;

	return 0;
}

/**
 * odp_mirror_copy_out - read a mirror's memory
 * @m: the mirror
 * @va: where from, as a virtual address
 * @dst: where to
 * @length: how many bytes
 *
 * Return: 0, or an error of odp_mirror_visit().
 */
int odp_mirror_copy_out(struct odp_mirror *m, u64 va, void *dst, size_t length)
{
	return odp_mirror_visit(m, va, length, false, odp_copy_out_fn, &dst);
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
 * Return: 0 if every page was in the table for at least a moment; else an
 * error of odp_mirror_visit().
 */
int odp_mirror_fault(struct odp_mirror *m, u64 va, u64 length, bool write)
{
	struct odp_span span;
	unsigned int round;
	int err = 0;
	u64 end;

	if (!length || !odp_mirror_covers(m, va, length))
		return -EINVAL;
	if (write && !READ_ONCE(m->writable))
		return -EACCES;

	odp_count(m, faults, 1);
	for (end = va + length; va < end && !err;
	     va = span.start + (span.npages << PAGE_SHIFT)) {
		span = odp_span_of(va, end - va);
		err = -EAGAIN;
		for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
			err = odp_fault(m, span, span, write, ODP_POPULATE_NO);
	}
	if (err)
		odp_count(m, failed_faults, 1);

	return err == -EAGAIN ? -EBUSY : err;
}
EXPORT_SYMBOL_GPL(odp_mirror_fault);
