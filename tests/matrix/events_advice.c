// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events: madvise, and what the kernel reclaims when it is told to.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "events.h"
#include "machine.h"
#include "swap.h"

/* What a private page is once it is gone: the file's, or zeros. */
static void model_dropped(struct cell *c, size_t first, size_t n)
{
	size_t i;

	for (i = first; cell_has(c, IS_PRIVATE) && i < first + n; i++) {
		c->page[i].seed = c->page[i].file_seed;
		c->page[i].own = false;
	}
}

static void run_dontneed(struct cell *c)
{
	size_t first = c->pages / 4, n = c->pages / 2;
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, first, n);
	mem_advise(cell_at(c, first), n * PAGE, MADV_DONTNEED, "DONTNEED");
	cell_expect_taken(c, &m);
	model_dropped(c, first, n);
	cell_cut(c, first, n);
}

static const char *absent_pageout(void)
{
	return swap_open() ? NULL : "no swap could be set up on zram";
}

struct pageout {
	struct cell *c;
	size_t step;		/* 1: all probes; 2: every other one */
};

static bool is_paged_out(void *arg)
{
	struct pageout *p = arg;
	struct cell *c = p->c;
	size_t i = cell_next_probe(c, 0);
	uint8_t state = 0;

	/* A file's dirty pages are not reclaimed, but written, first. */
	if (c->fd >= 0 && fsync(c->fd))
		test_fail("fsync: %s", strerror(errno));
	mem_page_out(c->mem, c->pages * PAGE);
	for (; i < c->pages && !state; i = cell_next_probe(c, i + p->step))
		dev_states(c->dev, cell_at(c, i), &state, 1);
	return !state;
}

static void page_out(struct cell *c, size_t step)
{
	struct pageout p = { c, step };

	if (!wait_until(is_paged_out, &p))
		test_fail("pages stay");
	c->cut = true;
}

/* A device faults where its worker runs, which need not be here. */
static void run_pageout(struct cell *c)
{
	cpu_set_t before;

	sched_getaffinity(0, sizeof(before), &before);
	run_on_cpu(get_nprocs() - 1);
	cell_warm(c);
	run_on_cpu(0);
	page_out(c, 1);
	sched_setaffinity(0, sizeof(before), &before);
}

/* The kernel may have dropped a page, or not: any other data is wrong. */
static void model_maybe_dropped(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);
	uint8_t page[PAGE];

	for (; i < c->pages; i = cell_next_probe(c, i + 1)) {
		memcpy(page, cell_at(c, i), PAGE);
		if (!page[0] && !memcmp(page, page + 1, PAGE - 1))
			c->page[i].seed = 0;
	}
}

/*
 * Pages that may be dropped until somebody writes to them: the device does, to
 * every other run, through entries that it got by reading.
 */
static void run_free(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);
	struct page written[c->pages];
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	mem_advise(c->mem, c->pages * PAGE, MADV_FREE, "FREE");
	cell_expect_taken(c, &m);
	model_maybe_dropped(c);
	cell_read_all(c);
	for (; i < c->pages; i = cell_next_probe(c, i + 2))
		cell_write(c, i, 1);
	memcpy(written, c->page, sizeof(written));

	page_out(c, 2);
	model_maybe_dropped(c);
	i = cell_next_probe(c, 0);
	for (; i < c->pages; i = cell_next_probe(c, i + 2))
		if (c->page[i].seed != written[i].seed)
			test_fail("what the device wrote to page %zu is lost",
				  i);
}

static void run_cold(struct cell *c)
{
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	mem_advise(c->mem, c->pages * PAGE, MADV_COLD, "COLD");
	cell_cut(c, 0, c->pages);
	/* A huge page that is cold in part is split. */
	if (!c->cut || !c->kind->huge)
		cell_expect_none_taken(c, &m);
}

/* Does the kernel collapse such pages, half of them written, at all? */
static const char *impossible_collapse(const struct kind *kind)
{
	struct cell c;
	bool done;

	cell_map(&c, kind);
	cell_store(&c, 0, c.pages / 2);
	done = mem_collapse(c.mem, c.pages * PAGE);
	cell_close(&c);
	return done ? NULL :
	       "this kernel does not collapse such pages, mirrored or not";
}

/* Small pages become a huge one, and the mirror's entry with them. */
static void run_collapse(struct cell *c)
{
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	if (!mem_collapse(c->mem, c->pages * PAGE))
		test_fail("MADV_COLLAPSE: %s", strerror(errno));
	cell_expect_taken(c, &m);
	cell_read_all(c);
	assert_int_equal(dev_stats(c->dev).huge_entries, 1);
	c->cut = true;
}

/* Advice for later: nothing happens now. */
static void run_hugepage(struct cell *c)
{
	bool small = !c->kind->huge;
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	mem_advise(c->mem, c->pages * PAGE, MADV_HUGEPAGE, "HUGEPAGE");
	if (small)
		mem_advise(c->mem, c->pages * PAGE, MADV_NOHUGEPAGE,
			   "NOHUGEPAGE");
	cell_expect_none_taken(c, &m);
}

#define RECLAIM (IS_UNLOCKED | IS_PAGED)

const struct event events_advice[] = {
	{ .name = "dontneed", .needs = IS_UNLOCKED, .run = run_dontneed },
	{ .name = "free", .needs = HAS_CPU | HAS_DEVICE | HAS_WRITE | IS_ANON |
	  IS_UNLOCKED, .absent = absent_pageout, .run = run_free },
	{ .name = "cold", .needs = RECLAIM, .run = run_cold },
	{ .name = "pageout", .needs = RECLAIM | IS_LONE,
	  .absent = absent_pageout, .run = run_pageout },
	{ .name = "collapse", .needs = IS_COLLAPSIBLE,
	  .impossible = impossible_collapse, .run = run_collapse },
	{ .name = "hugepage", .needs = IS_EXPANDABLE, .run = run_hugepage },
};

const size_t nr_events_advice = NR(events_advice);
