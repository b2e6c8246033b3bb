// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Samples of counters: taking them, and printing them as a table or as JSON.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "tool.h"

#define FIELD(name) { #name, offsetof(struct odp_stats, name) }

/* The counters that only ever grow, then those that tell how things stand. */
static const struct field {
	const char *name;
	size_t offset;
} growing[] = {
	FIELD(faults), FIELD(local_faults), FIELD(remote_faults),
	FIELD(slow_faults), FIELD(rnr_naks), FIELD(parked),
	FIELD(exclusive_takes),
	FIELD(faulted_pages), FIELD(around_pages), FIELD(prefetched_pages),
	FIELD(invalidations), FIELD(invalidated_pages), FIELD(collisions),
	FIELD(failed_faults), FIELD(pinned_fallbacks),
}, standing[] = {
	FIELD(resident_pages), FIELD(huge_entries), FIELD(windows),
	FIELD(leaves), FIELD(table_bytes),
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A column of the table: one counter, or the sum of two. */
struct column {
	const char *heading;
	size_t offset, more;
};

#define NO_MORE SIZE_MAX
#define COLUMN(heading, name) \
	{ heading, offsetof(struct odp_stats, name), NO_MORE }

static const struct column overview[] = {
	COLUMN("FAULT", faults), COLUMN("SLOW", slow_faults),
	{ "PAGES", offsetof(struct odp_stats, faulted_pages),
	  offsetof(struct odp_stats, around_pages) },
	COLUMN("PREF", prefetched_pages), COLUMN("INVAL", invalidated_pages),
	COLUMN("FAIL", failed_faults), COLUMN("PIN", pinned_fallbacks),
}, faults[] = {
	COLUMN("LOCAL", local_faults), COLUMN("REMOTE", remote_faults),
	COLUMN("SLOW", slow_faults), COLUMN("RNR", rnr_naks),
	COLUMN("PARKED", parked), COLUMN("COLL", collisions),
	COLUMN("FAIL", failed_faults), COLUMN("PIN", pinned_fallbacks),
};

static const struct view {
	const struct column *columns;
	size_t nr;
	int width;
} views[] = {
	[SAMPLE_OVERVIEW] = { overview, COUNT_OF(overview), 5 },
	[SAMPLE_FAULTS] = { faults, COUNT_OF(faults), 6 },
};

static uint64_t value_at(const struct odp_stats *stats, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + offset, sizeof(value));
	return value;
}

static uint64_t column_value(const struct odp_stats *stats,
			     const struct column *column)
{
	uint64_t value = value_at(stats, column->offset);

	return column->more == NO_MORE ? value :
					 value + value_at(stats, column->more);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int sample_take(const char *device, const uint32_t *only,
		struct sample *sample)
{
	const struct od_region *one;

	*sample = (struct sample) {
		.device = device,
		.time = seconds_now(),
	};
	if (od_regions_get(device, &sample->regions))
		return -1;
	if (!only)
		return 0;

	one = od_regions_find(&sample->regions, *only);
	if (one)
		sample->regions.region[0] = *one;
	sample->regions.nr = one ? 1 : 0;
	return 0;
}

void sample_free(struct sample *sample)
{
	od_regions_free(&sample->regions);
	*sample = (struct sample) {};
}

/* A region's counters in an earlier sample; zeros if it is younger. */
static const struct odp_stats *stats_before(const struct sample *before,
					    const struct od_region *region)
{
	static const struct odp_stats none;
	const struct od_region *old = NULL;

	if (before)
		old = od_regions_find(&before->regions, region->mrn);
	return old && old->pid == region->pid &&
	       old->stats.faults <= region->stats.faults ? &old->stats : &none;
}

static double seconds_since(const struct sample *now,
			    const struct sample *before)
{
	return before && now->time > before->time ?
		now->time - before->time : 1;
}

void sample_heading(const struct sample *now, const struct sample *before,
		    enum sample_view which)
{
	const struct view *view = &views[which];
	size_t i;

	printf("%s: %zu on-demand region%s, ", now->device, now->regions.nr,
	       now->regions.nr == 1 ? "" : "s");
	if (before)
		printf("rates per second over %.1f s\n",
		       seconds_since(now, before));
	else
		printf("totals since registration\n");
	if (!now->regions.nr)
		return;
	printf("%6s %7s %-12s", "MRN", "PID", "COMMAND");
	if (which == SAMPLE_OVERVIEW)
		printf(" %5s %5s %5s %-8s", "SIZE", "RES", "TABLE", "POLICY");
	for (i = 0; i < view->nr; i++)
		printf(" %*s", view->width, view->columns[i].heading);
	putchar('\n');
}

static void table_line(const struct od_region *region,
		       const struct odp_stats *old, double seconds,
		       enum sample_view which)
{
	const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct odp_stats *new = &region->stats;
	const struct view *view = &views[which];
	uint64_t now, before;
	double delta;
	size_t i;

	printf("%6u %7u %-12.12s", region->mrn, region->pid,
	       region->command);
	if (which == SAMPLE_OVERVIEW)
		printf(" %5s %5s %5s %-8.8s",
		       short_bytes(region->bytes).text,
		       short_bytes(new->resident_pages * page_size).text,
		       short_bytes(new->table_bytes).text,
		       region->policy[0] ? region->policy : "-");
	for (i = 0; i < view->nr; i++) {
		now = column_value(new, &view->columns[i]);
		before = column_value(old, &view->columns[i]);
		delta = now > before ? (double)(now - before) : 0;
		printf(" %*s", view->width, short_count(delta / seconds).text);
	}
	putchar('\n');
}

void sample_table(const struct sample *now, const struct sample *before,
		  enum sample_view which)
{
	const double seconds = seconds_since(now, before);
	size_t i;

	for (i = 0; i < now->regions.nr; i++)
		table_line(&now->regions.region[i],
			   stats_before(before, &now->regions.region[i]),
			   seconds, which);
}

static void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void json_counters(const struct odp_stats *stats,
			  const struct field *fields, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", fields[i].name,
		       value_at(stats, fields[i].offset));
}

static void json_rates(const struct odp_stats *new,
		       const struct odp_stats *old, double seconds)
{
	uint64_t now, before;
	size_t i;

	for (i = 0; i < COUNT_OF(growing); i++) {
		now = value_at(new, growing[i].offset);
		before = value_at(old, growing[i].offset);
		printf("%s\"%s\":%.3f", i ? "," : "", growing[i].name,
		       now > before ? (double)(now - before) / seconds : 0);
	}
}

static void json_region(const struct od_region *region,
			const struct odp_stats *old, double seconds)
{
	printf("{\"mrn\":%u,\"pid\":%u,\"command\":", region->mrn, region->pid);
	json_string(region->command);
	printf(",\"kind\":");
	json_string(region->kind);
	printf(",\"policy\":");
	json_string(region->policy);
	printf(",\"va\":%" PRIu64 ",\"iova\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"counters\":{", region->va, region->iova, region->bytes);
	json_counters(&region->stats, growing, COUNT_OF(growing));
	printf("},\"now\":{");
	json_counters(&region->stats, standing, COUNT_OF(standing));
	putchar('}');
	if (old) {
		printf(",\"per_second\":{");
		json_rates(&region->stats, old, seconds);
		putchar('}');
	}
	putchar('}');
}

void sample_json(const struct sample *now, const struct sample *before)
{
	const double seconds = seconds_since(now, before);
	size_t i;

	printf("{\"device\":");
	json_string(now->device);
	if (before)
		printf(",\"seconds\":%.3f", seconds);
	printf(",\"regions\":[");
	for (i = 0; i < now->regions.nr; i++) {
		if (i)
			putchar(',');
		json_region(&now->regions.region[i],
			    before ? stats_before(before,
						  &now->regions.region[i]) :
				     NULL,
			    seconds);
	}
	printf("]}\n");
}
