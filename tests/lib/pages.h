/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What libodp says of an MR's pages and counters, as expectations of a test.
 */
#ifndef TESTS_PAGES_H
#define TESTS_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <infiniband/odp.h>

/* The access bits alone: a page may be huge, mirrored or dirty besides. */
#define PAGE_ACCESS (ODP_PAGE_READ | ODP_PAGE_WRITE)
#define PAGE_RW PAGE_ACCESS

/*
 * The states of @npages pages from @iova on; fails the test if they cannot be
 * had. The array is overwritten by the next call.
 */
const uint8_t *snapshot(struct ibv_mr *mr, uint64_t iova, size_t npages);

/* The state of one page. */
uint8_t page_state(struct ibv_mr *mr, const void *addr);

/*
 * Fails the test unless the pages from @addr on have the access that @want
 * tells, a character each: 'F' FAULT, 'R' read, 'W' read and write.
 */
void expect_pages(struct ibv_mr *mr, const void *addr, const char *want);

/* The same for one page's state: the bits in @mask must be @want. */
void expect_state(const char *what, struct ibv_mr *mr, const void *addr,
		  uint8_t mask, uint8_t want);

/* How many of the pages have the bit. */
size_t count_pages(struct ibv_mr *mr, const void *addr, size_t npages,
		   uint8_t bit);

/* The counters; fails the test if they cannot be had. */
struct odp_stats stats_of(struct ibv_mr *mr);

#endif /* TESTS_PAGES_H */
