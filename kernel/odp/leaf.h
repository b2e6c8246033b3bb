/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Leaves: the engine's own table of entries, 2 MiB of virtual addresses each.
 */
#ifndef ODP_LEAF_H
#define ODP_LEAF_H

#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/rwlock.h>

struct odp_space;
struct odp_window;

#define ODP_LEAF_SHIFT	PMD_SHIFT
#define ODP_LEAF_SIZE	PMD_SIZE
#define ODP_LEAF_PAGES	BIT(ODP_LEAF_ORDER)
#define ODP_LEAF_ORDER	(PMD_SHIFT - PAGE_SHIFT)

/* An entry: a pfn above these bits. 0 is no entry. */
#define ODP_PTE_VALID		BIT(0)
#define ODP_PTE_WRITE		BIT(1)	/* the CPU page table gives write */
#define ODP_PTE_DIRTY		BIT(2)	/* the device wrote, the folio knows */
#define ODP_PTE_HUGE		BIT(3)	/* part of a huge entry */
#define ODP_PTE_YOUNG		BIT(4)	/* the device used it of late */
#define ODP_PTE_EXCLUSIVE	BIT(5)	/* the CPU has no access meanwhile */
#define ODP_PTE_SPECIAL		BIT(6)	/* no struct page may be taken from it */
#define ODP_PTE_IO		BIT(7)	/* not the kernel's: see iomem.c */
#define ODP_PTE_FLAGS_SHIFT	8
#define ODP_PTE_FLAGS		(BIT(ODP_PTE_FLAGS_SHIFT) - 1)

static inline u64 odp_pte_make(unsigned long pfn, unsigned int flags)
{
	return (u64)pfn << ODP_PTE_FLAGS_SHIFT | flags | ODP_PTE_VALID;
}

static inline unsigned long odp_pte_pfn(u64 pte)
{
	return pte >> ODP_PTE_FLAGS_SHIFT;
}

/*
 * What stays in an entry that is installed again: there was no invalidation
 * since, so it is still true.
 */
#define ODP_PTE_KEPT	(ODP_PTE_YOUNG | ODP_PTE_DIRTY | ODP_PTE_EXCLUSIVE)

/* What an access leaves in the entry that it goes by. */
static inline u64 odp_pte_touched(bool write)
{
	return ODP_PTE_YOUNG | (write ? ODP_PTE_DIRTY : 0);
}

/* What an access needs of it. */
static inline u64 odp_pte_need(bool write)
{
	return write ? ODP_PTE_WRITE : ODP_PTE_VALID;
}

static inline bool odp_pte_allows(u64 pte, bool write)
{
	return pte & odp_pte_need(write);
}

/**
 * struct odp_ptes - the small entries of a leaf
 * @low: bits 0 to 31 of the pfn
 * @high: bits 32 to 39 of the pfn above ODP_PTE_FLAGS_SHIFT bits of flags
 *
 * Six bytes a page: with all overhead a GiB takes less than 2 MiB (R16). 40
 * bits of pfn are all that an x86 has.
 */
struct odp_ptes {
	u32 low[ODP_LEAF_PAGES];
	u16 high[ODP_LEAF_PAGES];
};

/**
 * struct odp_leaf - the entries of an aligned 2 MiB
 * @lock: guards all below, and keeps the pages behind valid entries in the
 *	CPU page table, because an invalidation needs it for writing
 * @dead: no longer in its window; look again
 * @nr_valid: valid small entries
 * @huge: the huge entry (of its first page), or 0; never both
 * @ptes: small entries, or NULL if there never was one
 * @rcu: for freeing
 */
struct odp_leaf {
	rwlock_t lock;
	bool dead;
	unsigned int nr_valid;
	u64 huge;
	struct odp_ptes *ptes;
	struct rcu_head rcu;
};

static inline unsigned int odp_leaf_index(unsigned long va)
{
	return (va >> PAGE_SHIFT) & (ODP_LEAF_PAGES - 1);
}

static inline u64 odp_ptes_get(const struct odp_ptes *ptes, unsigned int i)
{
	u16 high = READ_ONCE(ptes->high[i]);
	u64 pfn = (u64)(high >> ODP_PTE_FLAGS_SHIFT) << 32 | ptes->low[i];

	return pfn << ODP_PTE_FLAGS_SHIFT | (high & ODP_PTE_FLAGS);
}

/**
 * odp_leaf_get - read an entry
 * @leaf: the leaf, its lock held
 * @va: an address in the page
 *
 * Return: the page's own entry, also where a huge one covers it; or 0.
 */
static inline u64 odp_leaf_get(const struct odp_leaf *leaf, unsigned long va)
{
	unsigned int i = odp_leaf_index(va);
	u64 huge = READ_ONCE(leaf->huge);

	if (huge)
		return huge + ((u64)i << ODP_PTE_FLAGS_SHIFT);
	return leaf->nr_valid ? odp_ptes_get(leaf->ptes, i) : 0;
}

/**
 * struct odp_tally - what stands in a part of a table
 * @pages: valid entries; a huge one counts 512
 * @huge: huge entries
 * @windows: windows
 * @leaves: leaves
 * @bytes: memory of windows and leaves
 */
struct odp_tally {
	u64 pages;
	u64 huge;
	u64 windows;
	u64 leaves;
	u64 bytes;
};

void odp_leaf_touch(struct odp_leaf *leaf, unsigned long va, u64 pte,
		    bool write);
bool odp_leaf_young(struct odp_space *s, unsigned long start, unsigned long end,
		    bool clear);
u64 odp_leaf_peek(struct odp_space *s, unsigned long va);
unsigned long odp_leaf_lacks(struct odp_space *s, unsigned long va,
			     unsigned long end, u64 flags);
unsigned long odp_leaf_run_below(struct odp_space *s, unsigned long va,
				 unsigned long floor, u64 flags);
unsigned int odp_leaf_density(struct odp_space *s, unsigned long va,
			      unsigned int known, unsigned int *used);
void odp_leaf_prune(struct odp_window *w);
void odp_leaf_destroy(struct odp_window *w);
void odp_leaf_tally(struct odp_window *w, unsigned long start,
		    unsigned long last, struct odp_tally *tally);

int odp_leaf_init(void);
void odp_leaf_exit(void);

#endif /* ODP_LEAF_H */
