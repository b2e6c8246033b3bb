/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The warm path: touching pages that the table has. It takes an RCU read section
 * and the leaf's read lock, and counts nothing. There are two: one for any visit,
 * and one for copies to or from what has been used before, which is what traffic
 * is made of; that one is inline, and nothing but loads lies before the memcpy().
 */
#ifndef ODP_WARM_H
#define ODP_WARM_H

#include <linux/highmem.h>
#include <linux/sizes.h>

#include "iomem.h"
#include "leaf.h"
#include "mirror.h"
#include "window.h"

/* So much may be touched before an invalidation gets its turn. */
#define ODP_WARM_MAX	SZ_16K

/**
 * struct odp_touch - how pages are touched
 * @fn: what touches them
 * @arg: passed to @fn
 * @how: a set of ODP_ACCESS_* bits
 * @exclusive: only pages that were taken from the CPU will do
 */
struct odp_touch {
	odp_visit_fn fn;
	void *arg;
	unsigned int how;
	bool exclusive;
};

/* How far from @va on one holds a leaf's lock. */
static inline unsigned long odp_warm_end(unsigned long va, u64 length)
{
	return min(va + min(length, ODP_WARM_MAX), ALIGN(va + 1, ODP_LEAF_SIZE));
}

/* Touch a piece of memory, whose pages must not go meanwhile. */
static __always_inline int odp_touch_page(struct odp_touch t,
					  struct page *page, unsigned long va,
					  size_t bytes)
{
	void *kaddr = kmap_local_page(page);
	int err;

	err = t.fn(kaddr + offset_in_page(va), bytes, t.arg);
	kunmap_local(kaddr);

	return err;
}

/* The same for one that may have no struct page (@io). */
static __always_inline int odp_touch_pfn(struct odp_touch t, unsigned long pfn,
					 bool io, unsigned long va,
					 size_t bytes)
{
	if (unlikely(io))
		return odp_iomem_visit(pfn, offset_in_page(va), bytes, t.how,
				       t.fn, t.arg);
	return odp_touch_page(t, pfn_to_page(pfn), va, bytes);
}

/* Under the leaf's lock; -ENOENT: it does not give the access. */
static inline int odp_warm_page(struct odp_touch t, struct odp_leaf *leaf,
				unsigned long va, size_t bytes)
{
	bool write = t.how & ODP_ACCESS_WRITE;
	u64 pte = odp_leaf_get(leaf, va);

	if (!odp_pte_allows(pte, write) ||
	    (t.exclusive && !(pte & ODP_PTE_EXCLUSIVE)))
		return -ENOENT;
	if (~pte & odp_pte_touched(write))
		odp_leaf_touch(leaf, va, pte, write);

	return odp_touch_pfn(t, odp_pte_pfn(pte), pte & ODP_PTE_IO, va, bytes);
}

/**
 * odp_warm - touch what the table has of a range
 * @s: the space
 * @t: how to touch it
 * @va: the first byte
 * @length: in bytes, not 0
 * @err: 0 is put here if all was well so far; -ENOENT if the table does not give
 *	access to what comes next; else what @t.fn returned
 *
 * Return: how many bytes were touched; as far as the first leaf goes, and at most
 * ODP_WARM_MAX.
 */
static inline size_t odp_warm(struct odp_space *s, struct odp_touch t,
			      unsigned long va, u64 length, int *err)
{
	unsigned long start = va, end, next;
	struct odp_leaf *leaf;

	end = odp_warm_end(va, length);
	*err = -ENOENT;

	rcu_read_lock();
	leaf = odp_leaf_find(s, va);
	if (!leaf)
		goto out;

	read_lock(&leaf->lock);
	for (; va < end; va = next) {
		next = min((va & PAGE_MASK) + PAGE_SIZE, end);
		*err = odp_warm_page(t, leaf, va, next - va);
		if (*err)
			break;
	}
	read_unlock(&leaf->lock);
out:
	rcu_read_unlock();
	return va - start;
}

/* What a leaf's one entry has of [@va, @end); returns where that ends. */
static __always_inline unsigned long odp_hot_huge(struct odp_touch t, u64 need,
						  const struct odp_leaf *leaf,
						  unsigned long va,
						  unsigned long end)
{
	u64 pte = READ_ONCE(leaf->huge);

	if ((pte & (need | ODP_PTE_IO)) != need)
		return va;
	odp_touch_page(t, pfn_to_page(odp_pte_pfn(pte) + odp_leaf_index(va)),
		       va, end - va);

	return end;
}

/* The same for its small entries. What lies together is touched at once. */
static __always_inline unsigned long odp_hot_small(struct odp_touch t, u64 need,
						   const struct odp_leaf *leaf,
						   unsigned long va,
						   unsigned long end)
{
	const u32 *low = leaf->ptes->low + odp_leaf_index(va);
	const u16 *high = leaf->ptes->high + odp_leaf_index(va);
	unsigned long next;
	u64 flags, pfn;

	for (; va < end; va = next) {
		flags = READ_ONCE(*high++);
		if ((flags & (need | ODP_PTE_IO)) != need)
			break;
		pfn = odp_pte_pfn(flags) << 32 | *low++;
		next = (va & PAGE_MASK) + PAGE_SIZE;
		while (next < end && low[0] == low[-1] + 1 &&
		       READ_ONCE(high[0]) == flags) {
			next += PAGE_SIZE;
			low++;
			high++;
		}
		next = min(next, end);
		odp_touch_page(t, pfn_to_page(pfn), va, next - va);
	}

	return va;
}

/**
 * odp_hot - touch what a mirror has been touching all the time
 * @m: the mirror
 * @t: how to touch it: nothing exclusive, and @t.fn does not fail
 * @va: the first byte
 * @length: in bytes
 *
 * Return: how many bytes were touched. If these are not all, with the others there
 * is something to say, to do or to decide: odp_mirror_visit() is for them.
 */
static __always_inline size_t odp_hot(struct odp_mirror *m, struct odp_touch t,
				      unsigned long va, size_t length)
{
	const bool write = t.how & ODP_ACCESS_WRITE;
	const u64 need = odp_pte_touched(write) | odp_pte_need(write);
	unsigned long start = va, end;
	struct odp_leaf *leaf;

	if (!length || odp_mirror_check(m, va, length, write) ||
	    !odp_space_has_leaves(m->space))
		return 0;
	end = odp_warm_end(va, length);

	rcu_read_lock();
	leaf = odp_leaf_find(m->space, va);
	if (unlikely(!leaf))
		goto out;

	read_lock(&leaf->lock);
	if (leaf->huge)
		va = odp_hot_huge(t, need, leaf, va, end);
	else if (leaf->nr_valid)
		va = odp_hot_small(t, need, leaf, va, end);
	read_unlock(&leaf->lock);
out:
	rcu_read_unlock();
	return va - start;
}

#endif /* ODP_WARM_H */
