// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that is unmapped and mapped anew below a registration that is kept, as
 * happens to programs that cache registrations. A pinned region goes on with
 * the pages that were there first: peers read old data, and what they write is
 * lost, both without an error. Who pins needs hooks in munmap() and the like to
 * hear of it. An on-demand region follows the process; no hooks are needed.
 *
 * Exits with 0 only if the on-demand region was right each time, and the pinned
 * one wrong each time.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "example.h"

/* Few enough for the 8 MiB that an ordinary user may pin on most machines. */
#define PAGES 256

/* What a page holds: seeds of three times as many patterns as there are pages. */
#define OLD(page) (3 * (page))
#define NEW(page) (3 * (page) + 1)
#define SENT(page) (3 * (page) + 2)

struct tally {
	int fresh;	/* reads that brought what the process has there */
	int stale;	/* reads that brought what it had there before */
	int arrived;	/* writes that the process sees */
	int lost;	/* writes that it does not */
};

static uint8_t *map_pages(void *at, size_t nr)
{
	uint8_t *mem = mmap(at, nr * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS |
			    (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (mem == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return mem;
}

/* The page goes, and another one comes in its place. */
static void replace(uint8_t *page, uint64_t nr)
{
	if (munmap(page, PAGE))
		err(EXIT_FAILURE, "munmap");
	map_pages(page, 1);
	pattern_fill(page, PAGE, NEW(nr));
}

static void try_page(struct link *peer, struct ibv_mr *mr, uint8_t *page,
		     uint64_t nr, struct tally *tally)
{
	peer_read(peer, page, mr, PAGE);
	tally->fresh += pattern_is(peer->buf, PAGE, NEW(nr));
	tally->stale += pattern_is(peer->buf, PAGE, OLD(nr));

	pattern_fill(peer->buf, PAGE, SENT(nr));
	peer_write(peer, page, mr, PAGE);
	tally->arrived += pattern_is(page, PAGE, SENT(nr));
	tally->lost += pattern_is(page, PAGE, NEW(nr));
}

static struct tally try_region(struct link *peer, int access)
{
	uint8_t *mem = map_pages(NULL, PAGES);
	struct tally tally = {};
	struct ibv_mr *mr;
	uint64_t nr;

	for (nr = 0; nr < PAGES; nr++)
		pattern_fill(mem + nr * PAGE, PAGE, OLD(nr));
	mr = ibv_reg_mr(peer->pd, mem, PAGES * PAGE, access);
	if (!mr)
		err(EXIT_FAILURE, "ibv_reg_mr of %zu bytes%s", PAGES * PAGE,
		    access & IBV_ACCESS_ON_DEMAND ? "" :
		    ", pinned: is ulimit -l large enough?");

	/* The device uses all of it, then the process changes its memory. */
	for (nr = 0; nr < PAGES; nr++) {
		peer_read(peer, mem + nr * PAGE, mr, PAGE);
		if (!pattern_is(peer->buf, PAGE, OLD(nr)))
			errx(EXIT_FAILURE, "wrong data before any change");
	}
	for (nr = 0; nr < PAGES; nr++)
		replace(mem + nr * PAGE, nr);
	for (nr = 0; nr < PAGES; nr++)
		try_page(peer, mr, mem + nr * PAGE, nr, &tally);

	if (ibv_dereg_mr(mr))
		errx(EXIT_FAILURE, "ibv_dereg_mr");
	munmap(mem, PAGES * PAGE);
	return tally;
}

static void tell(const char *kind, bool good, const struct tally *tally)
{
	claim(good, "%-9s  reads: %3d new data, %3d stale;  writes: %3d arrived, %3d lost",
	      kind, tally->fresh, tally->stale, tally->arrived, tally->lost);
}

int main(int argc, char **argv)
{
	static const char *device = "rxe0";
	static const struct example_option options[] = {
		DEVICE_OPTION(&device), {}
	};
	struct tally pinned, odp;
	struct link peer;

	take_options(argc, argv,
		     "Unmaps each page of a region and maps another one in its place, while the region is\n"
		     "kept. Then a peer reads and writes each page, once with a pinned region and once with\n"
		     "an on-demand one.",
		     options);

	peer_open(&peer, device);
	say("%d pages are unmapped, and others mapped in their place:", PAGES);
	pinned = try_region(&peer, ACCESS);
	tell("pinned", pinned.stale == PAGES && pinned.lost == PAGES, &pinned);
	odp = try_region(&peer, ACCESS | IBV_ACCESS_ON_DEMAND);
	tell("on demand", odp.fresh == PAGES && odp.arrived == PAGES, &odp);
	link_close(&peer);
	return verdict();
}
