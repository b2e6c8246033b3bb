// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The matrix: one test for each pair of a kind of memory and an event that can
 * happen to it. A pair that cannot exist says why. What this machine lacks is
 * skipped, and tests/skips must have it.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "env.h"
#include "events.h"
#include "kinds.h"
#include "machine.h"

#define MAX_CELLS 2048

static const struct {
	const struct kind *kinds;
	const size_t *nr;
} kind_lists[] = {
	{ kinds_anon, &nr_kinds_anon },
	{ kinds_file, &nr_kinds_file },
	{ kinds_driver, &nr_kinds_driver },
	{ kinds_odd, &nr_kinds_odd },
};

static const struct {
	const struct event *events;
	const size_t *nr;
} event_lists[] = {
	{ events_access, &nr_events_access },
	{ events_vma, &nr_events_vma },
	{ events_advice, &nr_events_advice },
	{ events_file, &nr_events_file },
	{ events_move, &nr_events_move },
	{ events_process, &nr_events_process },
};

/* Why an event that needs something cannot happen without it. */
static const struct {
	unsigned int prop;
	const char *why;
} reasons[] = {
	{ HAS_DEVICE, "the device may not touch this memory" },
	{ HAS_CPU, "the CPU may not touch this memory" },
	{ HAS_WRITE, "this memory cannot be written" },
	{ HAS_ROOM, "the mirror ends inside the last huge page" },
	{ HAS_FILE, "no file that could lose pages is behind it" },
	{ IS_SHARED, "it is private" },
	{ IS_ANON, "it is not ordinary anonymous memory" },
	{ IS_SMALL_STEP, "hugetlb cannot be cut at 4 KiB" },
	{ IS_UNLOCKED, "not for locked memory or PFN maps (EINVAL)" },
	{ IS_PAGED, "its pages are on no LRU list" },
	{ IS_EXPANDABLE, "not for hugetlb and PFN maps (EINVAL)" },
	{ IS_COLLAPSIBLE, "no small pages that a huge one could be made of" },
	{ IS_LONE, "pages that are mapped more than once are passed over" },
	{ IS_MOVABLE, "these pages stay where they are" },
	{ IS_HINTED, "NUMA balancing passes over such pages" },
};

/* A cell, and the names that cmocka knows it by. */
struct entry {
	const struct kind *kind;
	const struct event *event;
	char name[64];
};

static struct entry entries[MAX_CELLS];
static struct CMUnitTest tests[MAX_CELLS];
static size_t nr_cells, nr_impossible, nr_skipped;
static struct cell cell;

/* What the kind lacks of what the event needs, or NULL. */
static const char *what_lacks(const struct kind *kind, const struct event *event)
{
	unsigned int missing = event->needs & ~kind->props;
	size_t i;

	for (i = 0; i < NR(reasons); i++)
		if (missing & reasons[i].prop)
			return reasons[i].why;
	return NULL;
}

/* Whether this machine lacks the kind or the event; if so, says it. */
static bool is_skipped(const struct entry *e)
{
	const char *why = NULL;

	if (e->kind->absent)
		why = e->kind->absent();
	if (!why && e->event->absent)
		why = e->event->absent();
	if (why)
		printf("skipped: %s: %s\n", e->name, why);
	return why;
}

static void cell_test(void **state)
{
	cell.event->run(&cell);
	cell_finish(&cell);
	(void)state;
}

static int cell_setup(void **state)
{
	const struct entry *e = *state;

	cell_open(&cell, e->kind, e->event);
	return 0;
}

static int cell_teardown(void **state)
{
	(void)state;
	cell_close(&cell);
	return 0;
}

static void add_cell(const struct kind *kind, const struct event *event,
		     const char *filter)
{
	struct entry *e = &entries[nr_cells];
	const char *why;

	if (nr_cells == MAX_CELLS)
		test_fail("more than %d cells", MAX_CELLS);
	*e = (struct entry) { .kind = kind, .event = event };
	snprintf(e->name, sizeof(e->name), "%s__%s", kind->name, event->name);
	if (fnmatch(filter, e->name, 0))
		return;
	why = what_lacks(kind, event);
	if (!why && is_skipped(e)) {
		nr_skipped++;
		return;
	}
	if (!why && event->impossible)
		why = event->impossible(kind);
	if (why) {
		printf("does not exist: %s: %s\n", e->name, why);
		nr_impossible++;
		return;
	}
	tests[nr_cells++] = (struct CMUnitTest) {
		.name = e->name,
		.test_func = cell_test,
		.setup_func = cell_setup,
		.teardown_func = cell_teardown,
		.initial_state = e,
	};
}

static void add_cells_of(const struct kind *kind, const char *filter)
{
	size_t i, j;

	for (i = 0; i < NR(event_lists); i++)
		for (j = 0; j < *event_lists[i].nr; j++)
			add_cell(kind, &event_lists[i].events[j], filter);
}

int main(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : "*";
	size_t i, j;
	int status = EXIT_SUCCESS;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < NR(kind_lists); i++)
		for (j = 0; j < *kind_lists[i].nr; j++)
			add_cells_of(&kind_lists[i].kinds[j], filter);
	if (nr_cells || nr_impossible || nr_skipped)
		printf("%zu cells exist, %zu do not, %zu are skipped\n",
		       nr_cells, nr_impossible, nr_skipped);
	if (nr_cells)
		machine_still();
	if (nr_cells || !nr_skipped)
		status = env_main(argc, argv, "matrix", tests, nr_cells);
	machine_restore();
	return status;
}
