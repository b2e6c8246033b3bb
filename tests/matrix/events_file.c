// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events: the file behind the memory loses pages, or is written to disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "events.h"

/*
 * What is taken back when a file loses pages. Of one without a page cache it is all,
 * for its file system makes sure that no block which it frees is in use.
 */
static struct mark mark_lost(struct cell *c, size_t first, size_t n)
{
	return cell_has(c, IS_DAX) ? cell_mark(c, 0, c->pages) :
				     cell_mark(c, first, n);
}

/* The file has zeros there. A private copy stays what it was. */
static void model_punched(struct cell *c, size_t first, size_t n)
{
	size_t i;

	for (i = first; i < first + n; i++) {
		c->page[i].file_seed = 0;
		if (!c->page[i].own)
			c->page[i].seed = 0;
	}
}

static void run_remove(struct cell *c)
{
	size_t first = c->pages / 4, n = c->pages / 2;
	struct mark m;

	cell_warm(c);
	m = mark_lost(c, first, n);
	mem_advise(cell_at(c, first), n * PAGE, MADV_REMOVE, "REMOVE");
	cell_expect_taken(c, &m);
	model_punched(c, first, n);
	cell_cut(c, first, n);
}

static void run_punch(struct cell *c)
{
	size_t first = c->pages / 4, n = c->pages / 2;
	struct mark m;

	cell_warm(c);
	m = mark_lost(c, first, n);
	if (fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      first * PAGE, n * PAGE))
		test_fail("hole punch: %s", strerror(errno));
	cell_expect_taken(c, &m);
	model_punched(c, first, n);
	cell_cut(c, first, n);
}

/* Behind the end of the file is nothing: whoever goes there gets SIGBUS. */
static void run_truncate(struct cell *c)
{
	size_t half = c->pages / 2, n = c->total - half, i;
	struct mark m;

	cell_warm(c);
	m = mark_lost(c, half, c->pages - half);
	if (ftruncate(c->fd, half * PAGE))
		test_fail("ftruncate: %s", strerror(errno));
	cell_expect_taken(c, &m);
	cell_set_access(c, half, c->pages - half, 'F', 'F');
	for (i = half; i < half + n; i++)
		c->page[i] = (struct page) { .cpu = 'F', .dev = 'F' };
	cell_read_all(c);
	cell_write_all(c);
	cell_look(c);

	if (ftruncate(c->fd, c->total * PAGE))
		test_fail("ftruncate: %s", strerror(errno));
	cell_set_access(c, half, c->pages - half, 'W', 'W');
	c->cut = true;
}

/*
 * Writing a file to disk makes its pages read-only, so that the next write is
 * noticed: the device's, too. What lives in memory only is left alone.
 */
static void run_writeback(struct cell *c)
{
	size_t i = cell_next_probe(c, 0), written = 0;
	struct mark m;

	cell_warm(c);
	for (; i < c->pages / 2; i = cell_next_probe(c, i + 1))
		written++;
	m = cell_mark(c, 0, c->pages);
	if (fsync(c->fd))
		test_fail("fsync: %s", strerror(errno));
	if (cell_has(c, IS_ON_DISK))
		cell_expect_some_taken(c, &m, written);
	else
		cell_expect_none_taken(c, &m);
	cell_read_all(c);
	cell_write_all(c);
	cell_look(c);
}

const struct event events_file[] = {
	{ .name = "remove", .needs = HAS_FILE | IS_SHARED | HAS_WRITE,
	  .run = run_remove },
	{ .name = "punch", .needs = HAS_FILE, .run = run_punch },
	{ .name = "truncate", .needs = HAS_FILE, .run = run_truncate },
	{ .name = "writeback", .needs = HAS_FILE | IS_SHARED,
	  .run = run_writeback },
};

const size_t nr_events_file = NR(events_file);
