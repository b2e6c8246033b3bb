// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Kinds of memory: private and anonymous, in small pages and in huge ones.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kinds.h"
#include "machine.h"
#include "nr.h"
#include "pagemap.h"
#include "swap.h"

#define HUGETLB_PAGES	"24"	/* a parent's, a child's copies, and some */
#define NR_HUGEPAGES	"/proc/sys/vm/nr_hugepages"
#define KSM		"/sys/kernel/mm/ksm/"

const size_t probes_small[] = {
	0, 1, 2, 63, 64, 127, 128, 129, 200, 255, 256, 257, 300, 383, 384, 385,
	447, 510, 511, SIZE_MAX
};

const size_t probes_huge[] = {
	0, 1, 100, 255, 256, 257, 300, 511, 512, 513, 767, 768, 769, 900, 1022,
	1023, SIZE_MAX
};

const size_t probes_part[] = {
	0, 1, 199, 200, 201, 399, 400, 401, 411, 412, 413, 599, 600, 601, 799,
	SIZE_MAX
};

const size_t probes_few[] = { 0, 1, 2, 3, 4, 5, 6, 7, SIZE_MAX };

static const size_t probes_middle[] = { 300, 301, 302, 700, SIZE_MAX };

static const size_t probes_hugetlb[] = {
	0, 1, 300, 511, 512, 513, 800, 1023, 1024, 1025, 1300, 1535, 1536, 1537,
	2047, SIZE_MAX
};

void kind_map(struct cell *c, int prot, int flags, int fd)
{
	size_t len = (c->kind->offset + c->pages) * PAGE;
	uint8_t *at = c->mem - c->kind->offset * PAGE;

	if (c->kind->offset)
		len = (len + HUGE_2M - 1) / HUGE_2M * HUGE_2M;
	if (mmap(at, len, prot, flags | MAP_FIXED, fd, 0) != at)
		test_fail("mmap: %s", strerror(errno));
}

void kind_refuse(struct cell *c, char cpu)
{
	cell_set_access(c, 0, c->pages, cpu, 'F');
}

static void map_small(struct cell *c)
{
	kind_map(c, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mem_advise(c->mem, c->pages * PAGE, MADV_NOHUGEPAGE, "NOHUGEPAGE");
}

static void map_huge(struct cell *c)
{
	kind_map(c, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mem_advise(c->mem - c->kind->offset * PAGE,
		   (c->kind->offset + c->pages) * PAGE, MADV_HUGEPAGE,
		   "HUGEPAGE");
}

/* The first touch gives huge pages only where there are some at once. */
static void settle_huge(struct cell *c)
{
	uint8_t *at = c->mem - c->kind->offset * PAGE;
	size_t len = (c->kind->offset + c->pages + SMALL_PAGES - 1) /
		     SMALL_PAGES * HUGE_2M;

	if (!mem_collapse(at, len))
		test_fail("MADV_COLLAPSE: %s", strerror(errno));
}

static const char *absent_hugetlb(void)
{
	if (!knob_borrow(NR_HUGEPAGES, HUGETLB_PAGES) ||
	    meminfo("HugePages_Free") / 1024 < 12)
		return "no huge pages could be set aside";
	return NULL;
}

static void map_hugetlb(struct cell *c)
{
	kind_map(c, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
}

/* The CPU has read all, so that the zero page is there. */
static void settle_read(struct cell *c)
{
	volatile uint8_t *p = c->mem;
	size_t i;

	for (i = 0; i < c->pages; i++)
		(void)p[i * PAGE];
}

static const char *absent_huge_zero(void)
{
	return mem_has_huge_zero_page() ? NULL :
	       "this kernel gives no huge zero page";
}

static void settle_prot_none(struct cell *c)
{
	mem_protect(c->mem, c->pages * PAGE, PROT_NONE);
	cell_set_access(c, 0, c->pages, 'F', 'F');
}

static void settle_read_only(struct cell *c)
{
	mem_protect(c->mem, c->pages * PAGE, PROT_READ);
	cell_set_access(c, 0, c->pages, 'R', 'R');
}

/* What the kernel makes a stack of: it grows downwards. */
static void map_stack(struct cell *c)
{
	kind_map(c, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK,
		 -1);
	mem_advise(c->mem, c->pages * PAGE, MADV_NOHUGEPAGE, "NOHUGEPAGE");
}

static const char *absent_swap(void)
{
	return swap_open() ? NULL : "no swap could be set up on zram";
}

static bool all_are(struct cell *c, bool (*is)(const void *at))
{
	size_t i = cell_next_probe(c, 0);

	while (i < c->pages && is(cell_at(c, i)))
		i = cell_next_probe(c, i + 1);
	return i >= c->pages;
}

static bool is_swapped(void *arg)
{
	struct cell *c = arg;

	mem_page_out(c->mem, c->pages * PAGE);
	return all_are(c, page_is_swapped);
}

static void settle_swapped(struct cell *c)
{
	if (!wait_until(is_swapped, c))
		test_fail("the pages are not swapped out");
}

static const char *absent_ksm(void)
{
	if (knob_borrow(KSM "run", "0") && knob_borrow(KSM "smart_scan", "0") &&
	    knob_borrow(KSM "sleep_millisecs", "1") &&
	    knob_borrow(KSM "pages_to_scan", "5000"))
		return NULL;
	return "this kernel has no KSM";
}

/* All pages are alike. */
static void map_ksm(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);

	map_small(c);
	c->last_seed = 1;
	for (; i < c->pages; i = cell_next_probe(c, i + 1)) {
		pattern_fill(cell_at(c, i), PAGE, c->last_seed, 0);
		c->page[i].seed = c->last_seed;
		c->page[i].own = true;
	}
}

static bool is_merged(void *arg)
{
	return all_are(arg, page_is_merged);
}

static void settle_ksm(struct cell *c)
{
	bool merged;

	mem_advise(c->mem, c->pages * PAGE, MADV_MERGEABLE, "MERGEABLE");
	knob_set(KSM "run", "1");
	merged = wait_until(is_merged, c);
	knob_set(KSM "run", "0");
	if (!merged)
		test_fail("KSM does not merge the pages");
}

static void settle_locked(struct cell *c)
{
	if (mlock(c->mem, c->pages * PAGE))
		test_fail("mlock: %s", strerror(errno));
}

#define SMALL .pages = SMALL_PAGES, .unit = 1, .probes = probes_small
#define HUGE .pages = 2 * SMALL_PAGES, .unit = 1, .huge = 2

const struct kind kinds_anon[] = {
	{
		.name = "anon", .props = PLAIN, SMALL, .map = map_small,
	}, {
		.name = "thp", .props = PLAIN & ~IS_COLLAPSIBLE, HUGE,
		.probes = probes_huge, .map = map_huge, .settle = settle_huge,
	}, {
		.name = "thp_part",
		.props = PLAIN & ~(IS_COLLAPSIBLE | HAS_ROOM),
		.pages = 800, .offset = 100, .unit = 1, .huge = 2,
		.probes = probes_part, .map = map_huge, .settle = settle_huge,
	}, {
		.name = "thp_middle", .props = PLAIN & ~IS_COLLAPSIBLE, HUGE,
		.around = AROUND_NONE, .probes = probes_middle,
		.map = map_huge, .settle = settle_huge,
	}, {
		.name = "hugetlb",
		.props = HAS_CPU | HAS_DEVICE | HAS_WRITE | HAS_ROOM |
			 IS_PRIVATE | IS_UNLOCKED | IS_MOVABLE,
		.pages = 4 * SMALL_PAGES, .unit = SMALL_PAGES, .huge = 4,
		.probes = probes_hugetlb, .absent = absent_hugetlb,
		.map = map_hugetlb,
	}, {
		.name = "zero", .props = PLAIN & ~(IS_PAGED | IS_MOVABLE), SMALL,
		.zeros = true, .map = map_small, .settle = settle_read,
	}, {
		.name = "huge_zero",
		.props = PLAIN & ~(IS_PAGED | IS_MOVABLE | IS_COLLAPSIBLE),
		HUGE, .zeros = true, .probes = probes_huge,
		.absent = absent_huge_zero, .map = map_huge,
		.settle = settle_read,
	}, {
		.name = "prot_none",
		.props = HAS_ROOM | IS_ANON | IS_PRIVATE | IS_SMALL_STEP |
			 IS_UNLOCKED | IS_EXPANDABLE | IS_PAGED | IS_LONE,
		SMALL, .map = map_small, .settle = settle_prot_none,
	}, {
		.name = "read_only",
		.props = PLAIN & ~(HAS_WRITE | IS_HINTED),
		SMALL, .map = map_small, .settle = settle_read_only,
	}, {
		.name = "stack", .props = PLAIN, SMALL, .map = map_stack,
	}, {
		.name = "swapped", .props = PLAIN, SMALL, .absent = absent_swap,
		.map = map_small, .settle = settle_swapped,
	}, {
		.name = "ksm", .props = PLAIN & ~IS_LONE, SMALL,
		.absent = absent_ksm, .map = map_ksm, .settle = settle_ksm,
	}, {
		.name = "locked", .props = PLAIN & ~IS_UNLOCKED, SMALL,
		.map = map_small, .settle = settle_locked,
	},
};

const size_t nr_kinds_anon = NR(kinds_anon);
