// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A cell of the matrix: its memory and mirror against the model.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell.h"

/* No run of neighbouring probes is longer. */
#define MAX_RUN 8

static bool is_probe(const struct cell *c, size_t i)
{
	const size_t *probe = c->kind->probes;

	i %= c->pages;
	while (*probe < i)
		probe++;
	return *probe == i;
}

size_t cell_next_probe(const struct cell *c, size_t from)
{
	while (from < c->total && !is_probe(c, from))
		from++;
	return from;
}

/* How many probes from @first on are neighbours that the device may use alike. */
static size_t run_of(const struct cell *c, size_t first, size_t end)
{
	size_t n = 1;

	while (n < MAX_RUN && first + n < end && is_probe(c, first + n) &&
	       c->page[first + n].dev == c->page[first].dev)
		n++;
	return n;
}

static void fill(uint8_t *at, uint64_t seed)
{
	if (seed)
		pattern_fill(at, PAGE, seed, 0);
	else
		memset(at, 0, PAGE);
}

static void check(const char *who, size_t i, const uint8_t *at, uint64_t seed)
{
	char what[80];

	snprintf(what, sizeof(what), "%s: page %zu", who, i);
	if (seed)
		pattern_check(what, at, PAGE, seed, 0);
	else
		zeros_check(what, at, PAGE);
}

static void expect_refused(struct cell *c, const char *what, size_t i, int err)
{
	if (err != -EFAULT)
		test_fail("device %s of page %zu: %s, not refused", what, i,
			  err ? strerror(-err) : "done");
	c->refused++;
}

static void read_run(struct cell *c, size_t first, size_t n)
{
	uint8_t buf[MAX_RUN * PAGE];
	size_t i;
	int err;

	memset(buf, 0x5a, sizeof(buf));
	err = dev_read(c->dev, cell_at(c, first), buf, n * PAGE);
	if (c->page[first].dev == 'F') {
		expect_refused(c, "read", first, err);
		return;
	}
	if (err)
		test_fail("device read of page %zu: %s", first, strerror(-err));
	for (i = 0; i < n; i++)
		check("device read", first + i, buf + i * PAGE,
		      c->page[first + i].seed);
}

void cell_read(struct cell *c, size_t first, size_t n)
{
	size_t run, end = first + n, i = cell_next_probe(c, first);

	for (; i < end; i = cell_next_probe(c, i + run)) {
		run = run_of(c, i, end);
		read_run(c, i, run);
	}
}

void cell_read_all(struct cell *c)
{
	cell_read(c, 0, c->total);
}

static void renew(struct cell *c, size_t i)
{
	struct page *p = &c->page[i];

	p->seed = ++c->last_seed;
	if (cell_has(c, IS_PRIVATE))
		p->own = true;
	else
		p->file_seed = p->seed;
}

void cell_renew(struct cell *c, size_t first, size_t n)
{
	size_t i = cell_next_probe(c, first);

	for (; i < first + n; i = cell_next_probe(c, i + 1))
		if (c->page[i].dev == 'W')
			renew(c, i);
}

static void write_run(struct cell *c, size_t first, size_t n)
{
	uint8_t buf[MAX_RUN * PAGE];
	size_t i;
	int err;

	cell_renew(c, first, n);
	for (i = 0; i < n; i++)
		fill(buf + i * PAGE, c->page[first + i].seed);
	err = dev_write(c->dev, cell_at(c, first), buf, n * PAGE);
	if (c->page[first].dev != 'W')
		expect_refused(c, "write", first, err);
	else if (err)
		test_fail("device write of page %zu: %s", first,
			  strerror(-err));
}

void cell_write(struct cell *c, size_t first, size_t n)
{
	size_t run, end = first + n, i = cell_next_probe(c, first);

	for (; i < end; i = cell_next_probe(c, i + run)) {
		run = run_of(c, i, end);
		write_run(c, i, run);
	}
	/* The huge zero page becomes small ones. */
	c->cut = c->cut || c->kind->zeros;
}

void cell_write_all(struct cell *c)
{
	cell_write(c, 0, c->total);
}

void cell_look(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);

	for (; i < c->total; i = cell_next_probe(c, i + 1))
		if (c->page[i].cpu != 'F')
			check("CPU read", i, cell_at(c, i), c->page[i].seed);
}

void cell_store(struct cell *c, size_t first, size_t n)
{
	size_t i = cell_next_probe(c, first);

	cell_renew(c, first, n);
	for (; i < first + n; i = cell_next_probe(c, i + 1))
		if (c->page[i].cpu == 'W' && c->page[i].dev == 'W')
			fill(cell_at(c, i), c->page[i].seed);
}

uint8_t *cell_states(struct cell *c)
{
	uint8_t *states = malloc(c->total);

	if (!states)
		test_fail("no memory for %zu states", c->total);
	dev_states(c->dev, c->mem, states, c->total);
	return states;
}

static void check_state(const struct page *p, size_t i, uint8_t state,
			bool written)
{
	uint8_t must = 0, not = 0;

	switch (p->dev) {
	case 'F':
		not = 0xff;
		break;
	case 'R':
		must = STATE_READ | STATE_MIRRORED;
		not = STATE_WRITE;
		break;
	default:
		must = STATE_READ | STATE_MIRRORED;
		if (written)
			must |= STATE_WRITE | STATE_DIRTY;
	}
	if ((state & must) != must || (state & not))
		test_fail("page %zu (%c) reads state %#x", i, p->dev, state);
}

/* After the device has read all and written the first @written pages. */
static void expect_states(struct cell *c, size_t written)
{
	uint8_t *states = cell_states(c);
	size_t i = cell_next_probe(c, 0);

	for (; i < c->total; i = cell_next_probe(c, i + 1))
		check_state(&c->page[i], i, states[i], i < written);
	free(states);
}

/* The other half stays what the kind makes it. */
void cell_warm(struct cell *c)
{
	cell_read_all(c);
	cell_write(c, 0, c->pages / 2);
	cell_look(c);
	cell_read_all(c);
	expect_states(c, c->pages / 2);
}

void cell_expect_huge(struct cell *c)
{
	uint64_t seen = dev_stats(c->dev).huge_entries;

	if (!c->cut && seen != c->kind->huge)
		test_fail("%llu huge entries, not %zu",
			  (unsigned long long)seen, c->kind->huge);
}

void cell_set_access(struct cell *c, size_t first, size_t n, char cpu, char dev)
{
	size_t i;

	for (i = first; i < first + n; i++) {
		c->page[i].cpu = cpu;
		c->page[i].dev = dev;
	}
}

void cell_set_zeros(struct cell *c, size_t first, size_t n)
{
	size_t i;

	for (i = first; i < first + n; i++)
		c->page[i].seed = 0;
}

void cell_cut(struct cell *c, size_t first, size_t n)
{
	uintptr_t start = (uintptr_t)cell_at(c, first);

	if (start % HUGE_2M || (start + n * PAGE) % HUGE_2M)
		c->cut = true;
}

static void fill_memory(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);

	for (; i < c->pages; i = cell_next_probe(c, i + 1)) {
		if (c->kind->zeros || c->page[i].seed || c->page[i].cpu != 'W')
			continue;
		renew(c, i);
		fill(cell_at(c, i), c->page[i].seed);
	}
}

void cell_map(struct cell *c, const struct kind *kind)
{
	bool room = kind->props & HAS_ROOM;
	size_t before = kind->offset;

	*c = (struct cell) {
		.kind = kind,
		.pages = kind->pages,
		.total = kind->pages * (room ? 2 : 1),
		.unit = kind->unit,
		.fd = -1,
		.twin = -1,
		.dev = -1,
	};
	c->page = calloc(c->total, sizeof(*c->page));
	if (!c->page)
		test_fail("no memory for a model");
	cell_set_access(c, 0, c->total, 'F', 'F');
	cell_set_access(c, 0, c->pages, 'W', 'W');
	c->mem = (uint8_t *)mem_free_range((before + c->total) * PAGE + HUGE_2M,
					   HUGE_2M) + before * PAGE;
	kind->map(c);
	fill_memory(c);
	if (kind->settle)
		kind->settle(c);
}

void cell_open(struct cell *c, const struct kind *kind,
	       const struct event *event)
{
	struct dev_config config = dev_default;

	cell_map(c, kind);
	c->event = event;
	config.around = kind->around;
	c->dev = dev_open(c->mem, c->total * PAGE, &config);
}

static void check_file(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);
	uint8_t buf[PAGE];
	ssize_t got;

	if (!cell_has(c, HAS_FILE))
		return;
	for (; i < c->total; i = cell_next_probe(c, i + 1)) {
		memset(buf, 0, sizeof(buf));
		got = pread(c->fd, buf, PAGE, i * PAGE);
		if (got < 0)
			test_fail("pread: %s", strerror(errno));
		check("file", i, buf, c->page[i].file_seed);
	}
}

static bool table_is_empty(void *arg)
{
	return !dev_stats(*(int *)arg).table_bytes;
}

void cell_finish(struct cell *c)
{
	struct odp_selftest_stats stats;

	cell_read_all(c);
	cell_look(c);
	expect_states(c, 0);
	cell_expect_huge(c);
	cell_write_all(c);
	cell_look(c);
	cell_read_all(c);
	expect_states(c, c->total);
	cell_expect_huge(c);
	check_file(c);

	stats = dev_stats(c->dev);
	assert_int_equal(stats.failed_faults, c->refused);
	assert_int_equal(stats.pinned_fallbacks, 0);

	mem_unmap(c->mem - c->kind->offset * PAGE,
		  (c->kind->offset + c->total) * PAGE);
	assert_int_equal(dev_stats(c->dev).resident_pages, 0);
	assert_int_equal(dev_stats(c->dev).huge_entries, 0);
	cell_set_access(c, 0, c->total, 'F', 'F');
	cell_read(c, 0, c->pages);
	if (!wait_until(table_is_empty, &c->dev))
		test_fail("%llu bytes of table are left",
			  (unsigned long long)dev_stats(c->dev).table_bytes);
}

void cell_close(struct cell *c)
{
	if (c->dev >= 0)
		dev_close(c->dev);
	if (c->fd >= 0)
		close(c->fd);
	if (c->twin >= 0)
		close(c->twin);
	free(c->page);
	mem_release();
}
