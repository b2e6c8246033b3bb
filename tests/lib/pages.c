// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What libodp says of an MR's pages and counters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "mem.h"
#include "pages.h"

const uint8_t *snapshot(struct ibv_mr *mr, uint64_t iova, size_t npages)
{
	static uint8_t *states;
	static size_t room;
	int err;

	if (npages > room) {
		free(states);
		states = malloc(npages);
		room = states ? npages : 0;
		if (!states)
			test_fail("no memory for %zu states", npages);
	}
	memset(states, 0xff, npages);
	err = odp_mr_snapshot(mr, iova, npages, states);
	if (err)
		test_fail("snapshot of %zu pages at 0x%llx: %s%s", npages,
			  (unsigned long long)iova, strerror(err),
			  err == EOPNOTSUPP ?
			  " (this kernel's rdma_rxe has no page snapshots)" :
			  "");
	return states;
}

uint8_t page_state(struct ibv_mr *mr, const void *addr)
{
	return snapshot(mr, (uintptr_t)addr, 1)[0];
}

static char access_char(uint8_t state)
{
	switch (state & PAGE_ACCESS) {
	case 0:
		return 'F';
	case ODP_PAGE_READ:
		return 'R';
	case PAGE_RW:
		return 'W';
	default:
		return '?';
	}
}

void expect_pages(struct ibv_mr *mr, const void *addr, const char *want)
{
	size_t i, n = strlen(want);
	const uint8_t *states = snapshot(mr, (uintptr_t)addr, n);
	char got[128];

	if (n >= sizeof(got))
		test_fail("expect_pages() takes %zu pages at most",
			  sizeof(got) - 1);
	for (i = 0; i < n; i++)
		got[i] = access_char(states[i]);
	got[n] = '\0';
	if (strcmp(got, want))
		test_fail("snapshot at %p reads %s, not %s", addr, got, want);
}

void expect_state(const char *what, struct ibv_mr *mr, const void *addr,
		  uint8_t mask, uint8_t want)
{
	uint8_t state = page_state(mr, addr);

	if ((state & mask) != want)
		test_fail("%s: page state 0x%02x, not 0x%02x (of the bits 0x%02x)",
			  what, state, want, mask);
}

size_t count_pages(struct ibv_mr *mr, const void *addr, size_t npages,
		   uint8_t bit)
{
	const uint8_t *states = snapshot(mr, (uintptr_t)addr, npages);
	size_t i, count = 0;

	for (i = 0; i < npages; i++)
		count += !!(states[i] & bit);
	return count;
}

struct odp_stats stats_of(struct ibv_mr *mr)
{
	struct odp_stats stats;
	int err = odp_mr_get_stats(mr, &stats);

	if (err)
		test_fail("odp_mr_get_stats: %s%s", strerror(err),
			  err == EOPNOTSUPP ?
			  " (this kernel's rdma_rxe has no such counters)" :
			  "");
	return stats;
}
