/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * libodp: on-demand paging above the verbs.
 *
 * An on-demand memory region is an ordinary struct ibv_mr, registered with
 * ibv_reg_mr(..., IBV_ACCESS_ON_DEMAND). These functions tell what became of
 * its pages. They speak to the kernel through the public uverbs interface, so
 * they work with the distribution's own provider.
 *
 * Unless its manual page says otherwise a function returns 0, or -1 with errno
 * set; it may be called from any thread, as long as no other thread
 * deregisters the MR meanwhile.
 */
#ifndef INFINIBAND_ODP_H
#define INFINIBAND_ODP_H

#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A page's state is a set of these; ODP_PAGE_FAULT is none of them. */
enum odp_page_state {
	ODP_PAGE_FAULT		= 0,
	ODP_PAGE_READ		= 1 << 0,
	ODP_PAGE_WRITE		= 1 << 1,
	ODP_PAGE_HUGE		= 1 << 2,
	ODP_PAGE_MIRRORED	= 1 << 3,
	ODP_PAGE_DIRTY		= 1 << 4,
};

/**
 * odp_mr_snapshot - the state of every page of a range of an MR
 * @mr: an on-demand MR
 * @addr: an address in the range's first page, as the MR's peers name it
 *	(the iova; without ibv_reg_mr_iova() that is the virtual address)
 * @npages: how many pages
 * @states: one byte a page is put here, a set of enum odp_page_state
 *
 * Faults nothing in and waits for no page.
 */
int odp_mr_snapshot(struct ibv_mr *mr, uint64_t addr, size_t npages,
		    uint8_t *states);

/**
 * struct odp_stats - an MR's counters, see odp_get_stats(3)
 */
struct odp_stats {
	uint64_t faults;
	uint64_t faulted_pages;
	uint64_t around_pages;
	uint64_t prefetched_pages;
	uint64_t invalidations;
	uint64_t invalidated_pages;
	uint64_t collisions;
	uint64_t failed_faults;
	uint64_t pinned_fallbacks;
	uint64_t resident_pages;
	uint64_t huge_entries;
	uint64_t windows;
	uint64_t leaves;
	uint64_t table_bytes;
};

/**
 * odp_get_stats - what an MR has been doing
 * @mr: an on-demand MR
 * @stats: filled in
 */
int odp_get_stats(struct ibv_mr *mr, struct odp_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* INFINIBAND_ODP_H */
