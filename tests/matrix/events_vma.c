// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events: the address space changes: munmap, mremap, mprotect.
 */
#include <errno.h>
#include <string.h>

#include "events.h"

/* The range is mapped no more. */
static void unmap(struct cell *c, size_t first, size_t n)
{
	struct mark m;

	cell_warm(c);
	m = cell_mark_cut(c, first, n);
	mem_unmap(cell_at(c, first), n * PAGE);
	cell_expect_taken(c, &m);
	cell_set_access(c, first, n, 'F', 'F');
	cell_cut(c, first, n);
	/* What is left is no longer all that there was of huge entries. */
	c->cut = true;
}

static void run_munmap_all(struct cell *c)
{
	unmap(c, 0, c->pages);
}

static void run_munmap_part(struct cell *c)
{
	unmap(c, 0, c->pages / 2);
}

static void run_munmap_middle(struct cell *c)
{
	unmap(c, c->pages / 4, c->pages / 2);
}

static void remap(struct cell *c, size_t from, size_t old, size_t new,
		  int flags, size_t to)
{
	void *at = mremap(cell_at(c, from), old * PAGE, new * PAGE, flags,
			  cell_at(c, to));

	if (at == MAP_FAILED)
		test_fail("mremap: %s", strerror(errno));
	assert_ptr_equal(at, cell_at(c, to));
}

static void model_move(struct cell *c, size_t from, size_t to)
{
	memcpy(&c->page[to], &c->page[from], c->pages * sizeof(*c->page));
	cell_set_access(c, from, c->pages, 'F', 'F');
}

/* To where the mirror had nothing, and back. */
static void run_mremap_move(struct cell *c)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	struct page *saved = &c->page[c->pages];
	uint64_t file_seeds[c->pages];
	struct mark m;
	size_t i;

	for (i = 0; i < c->pages; i++)
		file_seeds[i] = saved[i].file_seed;
	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	remap(c, 0, c->pages, c->pages, flags, c->pages);
	cell_expect_taken(c, &m);
	model_move(c, 0, c->pages);
	cell_warm(c);
	cell_expect_huge(c);

	m = cell_mark(c, c->pages, c->pages);
	remap(c, c->pages, c->pages, c->pages, flags, 0);
	cell_expect_taken(c, &m);
	model_move(c, c->pages, 0);
	for (i = 0; i < c->pages; i++)
		saved[i].file_seed = file_seeds[i];
}

/* Nothing that was there goes away. */
static void run_mremap_grow(struct cell *c)
{
	size_t n = c->pages / 2, first = c->pages, i;
	struct page *before = &c->page[c->pages - 1];
	bool guards = before->cpu == 'F' && cell_has(c, IS_ANON) &&
		      !cell_has(c, IS_PAGED);
	struct mark m;

	cell_warm(c);
	m = cell_mark(c, 0, c->pages);
	remap(c, 0, c->pages, c->pages + n, 0, 0);
	cell_expect_none_taken(c, &m);
	if (guards)
		cell_set_access(c, first, n, 'W', 'W');
	else
		cell_set_access(c, first, n, before->cpu, before->dev);
	for (i = first; i < first + n; i++)
		c->page[i].seed = c->page[i].file_seed;
	/* There may be huge pages now. */
	c->cut = true;
}

static void run_mremap_shrink(struct cell *c)
{
	size_t n = c->pages / 2;
	struct mark m;

	cell_warm(c);
	m = cell_mark_cut(c, n, c->pages - n);
	remap(c, 0, c->pages, n, 0, 0);
	cell_expect_taken(c, &m);
	cell_set_access(c, n, c->pages - n, 'F', 'F');
	c->cut = true;
}

/*
 * The pages move, the old mapping stays and is empty. Of a file both show the
 * same, so one of them goes again.
 */
static void run_mremap_dontunmap(struct cell *c)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
	struct page old[c->pages], room[c->pages];
	struct mark m;
	size_t i;

	cell_warm(c);
	memcpy(old, c->page, sizeof(old));
	memcpy(room, &c->page[c->pages], sizeof(room));
	m = cell_mark(c, 0, c->pages);
	remap(c, 0, c->pages, c->pages, flags, c->pages);
	cell_expect_taken(c, &m);
	model_move(c, 0, c->pages);
	memcpy(c->page, old, sizeof(old));
	if (cell_has(c, IS_PRIVATE)) {
		for (i = 0; i < c->pages; i++) {
			c->page[i].seed = c->page[i].file_seed;
			c->page[i].own = false;
		}
		/* Guards are page table entries, and have moved with them. */
		if (!(c->kind->props & (HAS_CPU | IS_PAGED)))
			cell_set_access(c, 0, c->pages, 'W', 'W');
	}
	c->cut = true;
	cell_read_all(c);
	cell_look(c);
	mem_unmap(cell_at(c, c->pages), c->pages * PAGE);
	memcpy(&c->page[c->pages], room, sizeof(room));
}

/* Less access, then as before. The pages themselves stay. */
static void protect_down_and_up(struct cell *c, int prot, char access)
{
	struct mark m;

	cell_warm(c);
	m = cell_mark_cut(c, 0, c->pages);
	mem_protect(c->mem, c->pages * PAGE, prot);
	cell_expect_taken(c, &m);
	cell_set_access(c, 0, c->pages, access, access);
	cell_cut(c, 0, c->pages);
	cell_warm(c);

	mem_protect(c->mem, c->pages * PAGE, RW);
	cell_set_access(c, 0, c->pages, 'W', 'W');
}

static void run_mprotect_read(struct cell *c)
{
	protect_down_and_up(c, PROT_READ, 'R');
}

static void run_mprotect_none(struct cell *c)
{
	protect_down_and_up(c, PROT_NONE, 'F');
}

static const char *impossible_mprotect_up(const struct kind *kind)
{
	if (kind->props & HAS_WRITE)
		return "it may be written already";
	if (!(kind->props & IS_PAGED))
		return "no protection lets the device touch it";
	return NULL;
}

static void run_mprotect_up(struct cell *c)
{
	cell_warm(c);
	mem_protect(c->mem, c->pages * PAGE, RW);
	cell_set_access(c, 0, c->pages, 'W', 'W');
}

/* One page in the midst of others becomes read-only: a huge page is split. */
static void run_split(struct cell *c)
{
	size_t i = cell_next_probe(c, c->pages / 2);
	struct mark m;

	cell_warm(c);
	m = cell_mark_cut(c, i, 1);
	mem_protect(cell_at(c, i), PAGE, PROT_READ);
	cell_expect_taken(c, &m);
	cell_set_access(c, i, 1, 'R', 'R');
	cell_cut(c, i, 1);
}

#define WRITES (HAS_CPU | HAS_DEVICE | HAS_WRITE)

const struct event events_vma[] = {
	{ .name = "munmap_all", .run = run_munmap_all },
	{ .name = "munmap_part", .run = run_munmap_part },
	{ .name = "munmap_middle", .run = run_munmap_middle },
	{ .name = "mremap_move", .needs = HAS_ROOM, .run = run_mremap_move },
	{ .name = "mremap_grow", .needs = HAS_ROOM | IS_EXPANDABLE,
	  .run = run_mremap_grow },
	{ .name = "mremap_shrink", .run = run_mremap_shrink },
	{ .name = "mremap_dontunmap", .needs = HAS_ROOM | IS_EXPANDABLE,
	  .run = run_mremap_dontunmap },
	{ .name = "mprotect_read", .needs = WRITES, .run = run_mprotect_read },
	{ .name = "mprotect_none", .needs = WRITES, .run = run_mprotect_none },
	{ .name = "mprotect_up", .impossible = impossible_mprotect_up,
	  .run = run_mprotect_up },
	{ .name = "split", .needs = WRITES | IS_SMALL_STEP, .run = run_split },
};

const size_t nr_events_vma = NR(events_vma);
