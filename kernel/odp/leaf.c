// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Leaves: the engine's own table of entries. They implement the same two
 * operations that a device with a table of its own would.
 */
#include <linux/slab.h>

#include "leaf.h"
#include "snap.h"
#include "space.h"
#include "window.h"

static struct kmem_cache *odp_leaf_cache;
static struct kmem_cache *odp_ptes_cache;

static void odp_ptes_set(struct odp_ptes *ptes, unsigned int i, u64 pte)
{
	u64 pfn = odp_pte_pfn(pte);

	ptes->low[i] = pfn;
	ptes->high[i] = pfn >> 32 << ODP_PTE_FLAGS_SHIFT |
			(pte & ODP_PTE_FLAGS);
}

/* Change the flags of the entry that a page goes by. */
static void odp_leaf_flag(struct odp_leaf *leaf, unsigned long va, u64 set,
			  u64 clear)
{
	u64 huge = READ_ONCE(leaf->huge);
	u16 *high;

	if (huge) {
		WRITE_ONCE(leaf->huge, (huge | set) & ~clear);
	} else {
		high = &leaf->ptes->high[odp_leaf_index(va)];
		WRITE_ONCE(*high, (READ_ONCE(*high) | set) & ~clear);
	}
}

/**
 * odp_leaf_touch - note that the device is about to use a page
 * @leaf: the leaf, its lock held, at least for reading
 * @va: an address in the page
 * @pte: the page's entry, in which something of odp_pte_touched() is missing
 * @write: to write to it?
 *
 * The folio must know of a write before the entry goes: a page that was writable
 * but clean (MADV_FREE) would be dropped with the data. Flags that change under
 * the read lock may get lost in each other's changes: then the folio is told
 * twice, or a page is a little younger or older than it is.
 */
void odp_leaf_touch(struct odp_leaf *leaf, unsigned long va, u64 pte,
		    bool write)
{
	if (write && !(pte & (ODP_PTE_DIRTY | ODP_PTE_SPECIAL)))
		folio_mark_dirty(page_folio(pfn_to_page(odp_pte_pfn(pte))));
	odp_leaf_flag(leaf, va, odp_pte_touched(write), 0);
}

/* Is a page of [@start, @end), which is in one leaf, young? */
static bool odp_leaf_range_young(struct odp_leaf *leaf, unsigned long start,
				 unsigned long end, bool clear)
{
	bool young = false;

	read_lock(&leaf->lock);
	for (; start < end; start += PAGE_SIZE) {
		if (!(odp_leaf_get(leaf, start) & ODP_PTE_YOUNG))
			continue;
		young = true;
		if (clear)
			odp_leaf_flag(leaf, start, 0, ODP_PTE_YOUNG);
		/* One entry, or nobody wants to know more. */
		if (!clear || READ_ONCE(leaf->huge))
			break;
	}
	read_unlock(&leaf->lock);

	return young;
}

/**
 * odp_leaf_young - did the device use pages of late?
 * @s: the space
 * @start: the first
 * @end: behind the last
 * @clear: say no next time, unless it did again
 *
 * Called under page table locks.
 */
bool odp_leaf_young(struct odp_space *s, unsigned long start, unsigned long end,
		    bool clear)
{
	struct odp_leaf *leaf;
	unsigned long next;
	bool young = false;

	rcu_read_lock();
	for (; start < end; start = next) {
		next = min(ALIGN(start + 1, ODP_LEAF_SIZE), end);
		leaf = odp_leaf_find(s, start);
		if (leaf)
			young |= odp_leaf_range_young(leaf, start, next, clear);
	}
	rcu_read_unlock();

	return young;
}

/**
 * odp_leaf_peek - read the entry of an address
 * @s: the space
 * @va: the address
 *
 * Return: the entry or 0, as it was a moment ago.
 */
u64 odp_leaf_peek(struct odp_space *s, unsigned long va)
{
	struct odp_leaf *leaf;
	u64 pte = 0;

	rcu_read_lock();
	leaf = odp_leaf_find(s, va);
	if (leaf) {
		read_lock(&leaf->lock);
		pte = odp_leaf_get(leaf, va);
		read_unlock(&leaf->lock);
	}
	rcu_read_unlock();

	return pte;
}

/*
 * How far entries of one leaf have all of these flags, from @va on to @end: the
 * first address that is not so. Under its lock.
 */
static unsigned long odp_leaf_run_up(const struct odp_leaf *leaf,
				     unsigned long va, unsigned long end,
				     u64 flags)
{
	const u16 *high;

	if (leaf->huge)
		return (READ_ONCE(leaf->huge) & flags) == flags ? end : va;
	if (!leaf->nr_valid)
		return va;
	high = leaf->ptes->high + odp_leaf_index(va);
	while (va < end && (READ_ONCE(*high++) & flags) == flags)
		va = (va & PAGE_MASK) + PAGE_SIZE;

	return min(va, end);
}

/* The same from @va down to @floor: the last address from which on it is so. */
static unsigned long odp_leaf_run_down(const struct odp_leaf *leaf,
				       unsigned long va, unsigned long floor,
				       u64 flags)
{
	const u16 *high;

	if (leaf->huge)
		return (READ_ONCE(leaf->huge) & flags) == flags ? floor : va;
	if (!leaf->nr_valid)
		return va;
	high = leaf->ptes->high + odp_leaf_index(va - PAGE_SIZE);
	while (va > floor && (READ_ONCE(*high--) & flags) == flags)
		va -= PAGE_SIZE;

	return va;
}

/**
 * odp_leaf_lacks - find the first page whose entry lacks flags
 * @s: the space
 * @va: where to begin
 * @end: where to end
 * @flags: a set of ODP_PTE_* bits; odp_pte_need() for an access
 *
 * Return: an address in that page, or @end; as it was a moment ago.
 */
unsigned long odp_leaf_lacks(struct odp_space *s, unsigned long va,
			     unsigned long end, u64 flags)
{
	unsigned long next, lacks;
	struct odp_leaf *leaf;

	for (; va < end; va = next) {
		next = min(ALIGN(va + 1, ODP_LEAF_SIZE), end);
		lacks = va;
		rcu_read_lock();
		leaf = odp_leaf_find(s, va);
		if (leaf) {
			read_lock(&leaf->lock);
			lacks = odp_leaf_run_up(leaf, va, next, flags);
			read_unlock(&leaf->lock);
		}
		rcu_read_unlock();
		if (lacks < next)
			return lacks;
	}

	return end;
}

/**
 * odp_leaf_run_below - where does the run of pages begin that ends at an address?
 * @s: the space
 * @va: the address, of a page
 * @floor: how far down to look, a page's address
 * @flags: what the entries of all of them have, a set of ODP_PTE_* bits
 *
 * Return: the first address of it, down to @floor; @va if there is none; as it was
 * a moment ago.
 */
unsigned long odp_leaf_run_below(struct odp_space *s, unsigned long va,
				 unsigned long floor, u64 flags)
{
	unsigned long begin = va, next;
	struct odp_leaf *leaf;

	for (; begin > floor; va = begin) {
		next = max(ALIGN_DOWN(va - PAGE_SIZE, ODP_LEAF_SIZE), floor);
		rcu_read_lock();
		leaf = odp_leaf_find(s, va - PAGE_SIZE);
		if (leaf) {
			read_lock(&leaf->lock);
			begin = odp_leaf_run_down(leaf, va, next, flags);
			read_unlock(&leaf->lock);
		}
		rcu_read_unlock();
		if (begin > next)
			break;
	}

	return begin;
}

/* How many entries are young? Four at a time are looked at. */
static unsigned int odp_ptes_young(const struct odp_ptes *ptes)
{
	const u64 each = 0x0001000100010001;
	const u64 *four = (const u64 *)ptes->high;
	unsigned int i;
	u64 sum = 0;

	BUILD_BUG_ON(offsetof(struct odp_ptes, high) % sizeof(*four));
	for (i = 0; i < ODP_LEAF_PAGES / 4; i++)
		sum += READ_ONCE(four[i]) / ODP_PTE_YOUNG & each;

	/* The sum of the four parts, in the uppermost. */
	return sum * each >> 48;
}

/**
 * odp_leaf_density - how many pages does a leaf have, and how many were used?
 * @s: the space
 * @va: an address in the leaf
 * @known: with fewer pages, not 0, it does not matter how many were used
 * @used: of those that are there, how many the device has used of late is put
 *	here; 0 if it does not matter
 *
 * Return: how many small entries there are; as it was a moment ago.
 */
unsigned int odp_leaf_density(struct odp_space *s, unsigned long va,
			      unsigned int known, unsigned int *used)
{
	unsigned int valid = 0;
	struct odp_leaf *leaf;

	*used = 0;
	rcu_read_lock();
	leaf = odp_leaf_find(s, va);
	if (leaf) {
		read_lock(&leaf->lock);
		valid = leaf->nr_valid;
		if (valid >= known)
			*used = odp_ptes_young(leaf->ptes);
		read_unlock(&leaf->lock);
	}
	rcu_read_unlock();

	return valid;
}

static bool odp_leaf_empty(const struct odp_leaf *leaf)
{
	return !leaf->huge && !leaf->nr_valid;
}

/* Under the write lock. Returns how many pages went. */
static unsigned int odp_leaf_clear(struct odp_leaf *leaf, unsigned long start,
				   unsigned long end)
{
	unsigned int first = odp_leaf_index(start);
	unsigned int last = odp_leaf_index(end - 1);
	unsigned int i, gone = 0;

	lockdep_assert_held_write(&leaf->lock);
	if (leaf->huge) {
		leaf->huge = 0;
		return ODP_LEAF_PAGES;
	}

	if (last - first == ODP_LEAF_PAGES - 1 && leaf->nr_valid) {
		gone = leaf->nr_valid;
		leaf->nr_valid = 0;
		memset(leaf->ptes, 0, sizeof(*leaf->ptes));
		return gone;
	}

	for (i = first; i <= last && leaf->nr_valid; i++) {
		if (!odp_ptes_get(leaf->ptes, i))
			continue;
		odp_ptes_set(leaf->ptes, i, 0);
		leaf->nr_valid--;
		gone++;
	}

	return gone;
}

static int odp_leaf_install_huge(struct odp_leaf *leaf, u64 pte)
{
	unsigned int had = leaf->huge ? ODP_LEAF_PAGES : leaf->nr_valid;

	if (leaf->huge) {
		leaf->huge = pte | (leaf->huge & ODP_PTE_KEPT);
		return 0;
	}
	odp_leaf_clear(leaf, 0, ODP_LEAF_SIZE);
	leaf->huge = pte;

	return ODP_LEAF_PAGES - had;
}

/* What a small entry says of a page in that state. */
static unsigned int odp_leaf_flags(unsigned int state)
{
	return (state & ODP_PAGE_WRITE ? ODP_PTE_WRITE : 0) |
	       (state & ODP_PAGE_SPECIAL ? ODP_PTE_SPECIAL : 0) |
	       (state & ODP_PAGE_IO ? ODP_PTE_IO : 0) |
	       (state & ODP_PAGE_EXCLUSIVE ? ODP_PTE_EXCLUSIVE : 0);
}

static int odp_leaf_install_small(struct odp_leaf *leaf,
				  const struct odp_snap *snap)
{
	unsigned long i, npages = snap->npages;
	unsigned int index = odp_leaf_index(odp_snap_start(snap));
	unsigned int state, fresh = 0;
	u64 old, pte;

	if (leaf->huge)
		odp_leaf_clear(leaf, 0, ODP_LEAF_SIZE);

	for (i = 0; i < npages; i++, index++) {
		state = odp_hmm_state(snap->pfns[i]);
		if (!state)
			continue;
		pte = odp_pte_make(odp_pfn(snap->pfns[i]), odp_leaf_flags(state));
		old = odp_ptes_get(leaf->ptes, index);
		if (!old) {
			leaf->nr_valid++;
			fresh++;
		}
		odp_ptes_set(leaf->ptes, index,
			     pte | (old & ODP_PTE_KEPT));
	}

	return fresh;
}

/*
 * If the snapshot's pages are part of a mapping that fills the leaf, the
 * entry for that mapping; else 0. Where one page is, all are.
 */
static u64 odp_leaf_huge_pte(const struct odp_snap *snap)
{
	unsigned int index = odp_leaf_index(odp_snap_start(snap));
	unsigned long pfn;
	unsigned int state = odp_snap_page(snap, 0, &pfn);

	if (!(state & ODP_PAGE_HUGE))
		return 0;
	return odp_pte_make(pfn - index, ODP_PTE_HUGE |
			    (state & ODP_PAGE_WRITE ? ODP_PTE_WRITE : 0));
}

/* What an install may need, allocated before any lock is taken. */
struct odp_spare {
	struct odp_leaf *leaf;
	struct odp_ptes *ptes;
};

static int odp_spare_fill(struct odp_spare *spare)
{
	if (!spare->leaf) {
		spare->leaf = kmem_cache_zalloc(odp_leaf_cache,
						GFP_KERNEL_ACCOUNT);
		if (!spare->leaf)
			return -ENOMEM;
		rwlock_init(&spare->leaf->lock);
	}
	if (!spare->ptes) {
		spare->ptes = kmem_cache_zalloc(odp_ptes_cache,
						GFP_KERNEL_ACCOUNT);
		if (!spare->ptes)
			return -ENOMEM;
	}
	return 0;
}

static void odp_spare_free(struct odp_spare *spare)
{
	if (spare->leaf)
		kmem_cache_free(odp_leaf_cache, spare->leaf);
	if (spare->ptes)
		kmem_cache_free(odp_ptes_cache, spare->ptes);
}

/* The leaf of @va, the spare one if there was none. Under rcu_read_lock(). */
static struct odp_leaf *odp_leaf_publish(struct odp_window *w, unsigned long va,
					 struct odp_spare *spare)
{
	unsigned int slot = odp_window_slot(w, va);
	struct odp_leaf *leaf;

	spin_lock(&w->lock);
	leaf = rcu_dereference_protected(w->slot[slot],
					 lockdep_is_held(&w->lock));
	if (!leaf && spare->leaf) {
		leaf = spare->leaf;
		spare->leaf = NULL;
		rcu_assign_pointer(w->slot[slot], leaf);
		WRITE_ONCE(w->nr_leaves, w->nr_leaves + 1);
	}
	spin_unlock(&w->lock);

	return leaf;
}

/* -ENOSPC: try again with @spare filled. */
static int odp_leaf_try_install(struct odp_window *w,
				const struct odp_snap *snap,
				struct odp_spare *spare)
{
	u64 huge = odp_leaf_huge_pte(snap);
	struct odp_leaf *leaf;
	int ret = -ENOSPC;

	rcu_read_lock();
	leaf = odp_leaf_publish(w, odp_snap_start(snap), spare);
	if (!leaf)
		goto out;

	write_lock(&leaf->lock);
	if (leaf->dead || (!huge && !leaf->ptes && !spare->ptes))
		goto out_unlock;
	if (odp_snap_stale(snap)) {
		/* Nobody else may ever have a use for a new leaf. */
		if (odp_leaf_empty(leaf))
			WRITE_ONCE(w->untidy, true);
		ret = -EAGAIN;
		goto out_unlock;
	}
	if (huge) {
		ret = odp_leaf_install_huge(leaf, huge);
		goto out_unlock;
	}
	if (!leaf->ptes) {
		leaf->ptes = spare->ptes;
		spare->ptes = NULL;
	}
	ret = odp_leaf_install_small(leaf, snap);

out_unlock:
	write_unlock(&leaf->lock);
out:
	rcu_read_unlock();
	return ret;
}

/* Does a snapshot have any page to install? */
static bool odp_leaf_wants(const struct odp_snap *snap)
{
	unsigned long i;

	for (i = 0; i < snap->npages; i++)
		if (odp_hmm_state(snap->pfns[i]))
			return true;
	return false;
}

/* See struct odp_table_ops: the snapshot does not leave one leaf. */
static int odp_leaf_install(void *table, const struct odp_snap *snap)
{
	struct odp_spare spare = {};
	int ret;

	/* No leaves for holes. */
	if (!odp_leaf_wants(snap))
		return 0;
	for (;;) {
		ret = odp_leaf_try_install(table, snap, &spare);
		if (ret != -ENOSPC)
			break;
		ret = odp_spare_fill(&spare);
		if (ret)
			break;
	}
	odp_spare_free(&spare);

	return ret;
}

/* See struct odp_table_ops: the range may cover many leaves. */
static unsigned long odp_leaf_zap(void *table, unsigned long start,
				  unsigned long end)
{
	struct odp_window *w = table;
	unsigned long next, taken, gone = 0;
	struct odp_leaf *leaf;

	rcu_read_lock();
	for (; start < end; start = next) {
		next = min(ALIGN(start + 1, ODP_LEAF_SIZE), end);
		leaf = rcu_dereference(w->slot[odp_window_slot(w, start)]);
		if (!leaf)
			continue;
		write_lock(&leaf->lock);
		taken = odp_leaf_clear(leaf, start, next);
		if (taken && odp_leaf_empty(leaf))
			WRITE_ONCE(w->untidy, true);
		write_unlock(&leaf->lock);
		gone += taken;
	}
	rcu_read_unlock();

	return gone;
}

const struct odp_table_ops odp_leaf_ops = {
	.install = odp_leaf_install,
	.zap = odp_leaf_zap,
};

static void odp_leaf_free_rcu(struct rcu_head *rcu)
{
	struct odp_leaf *leaf = container_of(rcu, struct odp_leaf, rcu);

	if (leaf->ptes)
		kmem_cache_free(odp_ptes_cache, leaf->ptes);
	kmem_cache_free(odp_leaf_cache, leaf);
}

/* Take a leaf that nothing is in out of its window. Under w->lock. */
static void odp_leaf_remove(struct odp_window *w, struct odp_leaf *leaf,
			    unsigned int slot)
{
	lockdep_assert_held(&w->lock);
	RCU_INIT_POINTER(w->slot[slot], NULL);
	WRITE_ONCE(w->nr_leaves, w->nr_leaves - 1);
	call_rcu(&leaf->rcu, odp_leaf_free_rcu);
}

/**
 * odp_leaf_prune - free a window's empty leaves
 * @w: the window
 */
void odp_leaf_prune(struct odp_window *w)
{
	struct odp_leaf *leaf;
	unsigned int slot;

	spin_lock(&w->lock);
	for (slot = 0; slot < w->nr_slots && w->nr_leaves; slot++) {
		leaf = rcu_dereference_protected(w->slot[slot],
						 lockdep_is_held(&w->lock));
		if (!leaf)
			continue;
		write_lock(&leaf->lock);
		leaf->dead = odp_leaf_empty(leaf);
		write_unlock(&leaf->lock);
		if (leaf->dead)
			odp_leaf_remove(w, leaf, slot);
	}
	spin_unlock(&w->lock);
}

/**
 * odp_leaf_destroy - forget all that a window holds
 * @w: the window, which nobody uses any more and whose notifier is gone
 */
void odp_leaf_destroy(struct odp_window *w)
{
	odp_leaf_zap(w, w->start, w->end);
	odp_leaf_prune(w);
}

/* How many small entries from @first to @last are valid. */
static unsigned int odp_leaf_valid(const struct odp_leaf *leaf,
				   unsigned int first, unsigned int last)
{
	unsigned int i, valid = 0;

	if (first == 0 && last == ODP_LEAF_PAGES - 1)
		return leaf->nr_valid;
	for (i = first; leaf->nr_valid && i <= last; i++)
		valid += odp_ptes_get(leaf->ptes, i) != 0;

	return valid;
}

/**
 * odp_leaf_tally - count what stands in a part of a window
 * @w: the window
 * @start: an address in the first page
 * @last: an address in the last page; both in the window
 * @tally: what is there is added to this
 */
void odp_leaf_tally(struct odp_window *w, unsigned long start,
		    unsigned long last, struct odp_tally *tally)
{
	unsigned int slot = odp_window_slot(w, start);
	unsigned int end = odp_window_slot(w, last);
	unsigned int first_page, last_page, pages;
	struct odp_leaf *leaf;

	for (first_page = odp_leaf_index(start); slot <= end;
	     slot++, first_page = 0) {
		last_page = slot < end ? ODP_LEAF_PAGES - 1 :
					 odp_leaf_index(last);
		rcu_read_lock();
		leaf = rcu_dereference(w->slot[slot]);
		if (leaf) {
			read_lock(&leaf->lock);
			pages = leaf->huge ? last_page - first_page + 1 :
				odp_leaf_valid(leaf, first_page, last_page);
			tally->pages += pages;
			tally->huge += leaf->huge != 0;
			tally->leaves++;
			tally->bytes += sizeof(*leaf) +
				(leaf->ptes ? sizeof(*leaf->ptes) : 0);
			read_unlock(&leaf->lock);
		}
		rcu_read_unlock();
	}
}

int __init odp_leaf_init(void)
{
	odp_leaf_cache = KMEM_CACHE(odp_leaf, SLAB_ACCOUNT);
	if (!odp_leaf_cache)
		return -ENOMEM;
	odp_ptes_cache = KMEM_CACHE(odp_ptes, SLAB_ACCOUNT);
	if (!odp_ptes_cache) {
		kmem_cache_destroy(odp_leaf_cache);
		return -ENOMEM;
	}
	return 0;
}

void odp_leaf_exit(void)
{
	kmem_cache_destroy(odp_ptes_cache);
	kmem_cache_destroy(odp_leaf_cache);
}
