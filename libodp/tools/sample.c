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
	FIELD(faults), FIELD(faulted_pages), FIELD(around_pages),
	FIELD(prefetched_pages), FIELD(invalidations),
	FIELD(invalidated_pages), FIELD(collisions), FIELD(failed_faults),
	FIELD(pinned_fallbacks),
}, standing[] = {
	FIELD(resident_pages), FIELD(huge_entries), FIELD(windows),
	FIELD(leaves), FIELD(table_bytes),
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t value_of(const struct odp_stats *stats, const struct field *f)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + f->offset, sizeof(value));
	return value;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int sample_take(struct ibv_context *context, const uint32_t *only,
		struct sample *sample)
{
	struct od_regions regions;
	int ret = -1;
	size_t i;

	*sample = (struct sample) {
		.device = ibv_get_device_name(context->device),
		.time = seconds_now(),
	};
	if (od_regions_get(sample->device, &regions))
		return -1;
	if (!regions.nr) {
		ret = 0;
		goto out;
	}

	sample->entry = calloc(regions.nr, sizeof(*sample->entry));
	if (!sample->entry) {
		warn("out of memory");
		goto out;
	}
	for (i = 0; i < regions.nr; i++) {
		struct sample_entry *entry = &sample->entry[sample->nr];

		if (only && regions.region[i].mrn != *only)
			continue;
		entry->region = regions.region[i];
		if (!odp_mrn_get_stats(context, entry->region.mrn,
				       &entry->stats)) {
			sample->nr++;
		} else if (errno != ENOENT) {
			tool_explain(errno, sample->device, entry->region.mrn);
			goto out;
		}
	}
	ret = 0;
out:
	od_regions_free(&regions);
	return ret;
}

void sample_free(struct sample *sample)
{
	free(sample->entry);
	*sample = (struct sample) {};
}

/* A region's counters in an earlier sample; zeros if it is younger. */
static const struct odp_stats *stats_before(const struct sample *before,
					    const struct sample_entry *entry)
{
	static const struct odp_stats none;
	const struct sample_entry *old;
	size_t i;

	for (i = 0; before && i < before->nr; i++) {
		old = &before->entry[i];
		if (old->region.mrn == entry->region.mrn &&
		    old->region.pid == entry->region.pid &&
		    old->stats.faults <= entry->stats.faults)
			return &old->stats;
	}
	return &none;
}

static double seconds_since(const struct sample *now,
			    const struct sample *before)
{
	return before && now->time > before->time ?
		now->time - before->time : 1;
}

void sample_heading(const struct sample *now, const struct sample *before)
{
	printf("%s: %zu on-demand region%s, ", now->device, now->nr,
	       now->nr == 1 ? "" : "s");
	if (before)
		printf("rates per second over %.1f s\n",
		       seconds_since(now, before));
	else
		printf("totals since registration\n");
	if (now->nr)
		printf("%6s %7s %-12s %5s %5s %5s %-8s %5s %5s %5s %5s %5s %5s %5s\n",
		       "MRN", "PID", "COMMAND", "SIZE", "RES", "TABLE",
		       "POLICY", "FAULT", "PAGES", "PREF", "INVAL", "COLL",
		       "FAIL", "PIN");
}

static void print_rate(double seconds, uint64_t now, uint64_t before)
{
	const double delta = now > before ? (double)(now - before) : 0;

	printf(" %5s", short_count(delta / seconds).text);
}

static void table_line(const struct sample_entry *entry,
		       const struct odp_stats *old, double seconds)
{
	const struct odp_stats *new = &entry->stats;
	const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);

	printf("%6u %7u %-12.12s %5s %5s %5s %-8.8s", entry->region.mrn,
	       entry->region.pid, entry->region.command,
	       short_bytes(entry->region.bytes).text,
	       short_bytes(new->resident_pages * page_size).text,
	       short_bytes(new->table_bytes).text, entry->region.policy);
	print_rate(seconds, new->faults, old->faults);
	print_rate(seconds, new->faulted_pages + new->around_pages,
		   old->faulted_pages + old->around_pages);
	print_rate(seconds, new->prefetched_pages, old->prefetched_pages);
	print_rate(seconds, new->invalidated_pages, old->invalidated_pages);
	print_rate(seconds, new->collisions, old->collisions);
	print_rate(seconds, new->failed_faults, old->failed_faults);
	print_rate(seconds, new->pinned_fallbacks, old->pinned_fallbacks);
	putchar('\n');
}

void sample_table(const struct sample *now, const struct sample *before)
{
	const double seconds = seconds_since(now, before);
	size_t i;

	for (i = 0; i < now->nr; i++)
		table_line(&now->entry[i], stats_before(before, &now->entry[i]),
			   seconds);
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
		       value_of(stats, &fields[i]));
}

static void json_rates(const struct odp_stats *new,
		       const struct odp_stats *old, double seconds)
{
	uint64_t now, before;
	size_t i;

	for (i = 0; i < COUNT_OF(growing); i++) {
		now = value_of(new, &growing[i]);
		before = value_of(old, &growing[i]);
		printf("%s\"%s\":%.3f", i ? "," : "", growing[i].name,
		       now > before ? (double)(now - before) / seconds : 0);
	}
}

static void json_entry(const struct sample_entry *entry,
		       const struct odp_stats *old, double seconds)
{
	const struct od_region *region = &entry->region;

	printf("{\"mrn\":%u,\"pid\":%u,\"command\":", region->mrn, region->pid);
	json_string(region->command);
	printf(",\"kind\":");
	json_string(region->kind);
	printf(",\"policy\":");
	json_string(region->policy);
	printf(",\"va\":%" PRIu64 ",\"iova\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"counters\":{", region->va, region->iova, region->bytes);
	json_counters(&entry->stats, growing, COUNT_OF(growing));
	printf("},\"now\":{");
	json_counters(&entry->stats, standing, COUNT_OF(standing));
	putchar('}');
	if (old) {
		printf(",\"per_second\":{");
		json_rates(&entry->stats, old, seconds);
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
	for (i = 0; i < now->nr; i++) {
		if (i)
			putchar(',');
		json_entry(&now->entry[i],
			   before ? stats_before(before, &now->entry[i]) : NULL,
			   seconds);
	}
	printf("]}\n");
}
