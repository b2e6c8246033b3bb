/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Samples: the counters of a device's on-demand regions at one moment, and
 * what became of them between two.
 */
#ifndef ODP_TOOLS_SAMPLE_H
#define ODP_TOOLS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "nldev.h"

struct sample {
	const char *device;
	double time;		/* in seconds, of a clock that goes forward */
	struct od_regions regions;
};

/*
 * Takes a sample of all regions, or of the one numbered *@only. Prints a
 * sentence and returns -1 if that fails.
 */
int sample_take(const char *device, const uint32_t *only,
		struct sample *sample);

void sample_free(struct sample *sample);

/* What a table shows: regions and what becomes of their pages, or faults. */
enum sample_view {
	SAMPLE_OVERVIEW,
	SAMPLE_FAULTS,
};

/*
 * Print a sample: totals if @before is NULL, else rates per second since then.
 */
void sample_heading(const struct sample *now, const struct sample *before,
		    enum sample_view which);
void sample_table(const struct sample *now, const struct sample *before,
		  enum sample_view which);
void sample_json(const struct sample *now, const struct sample *before);

#endif /* ODP_TOOLS_SAMPLE_H */
