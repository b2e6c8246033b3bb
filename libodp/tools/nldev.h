/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Which on-demand regions a device has, asked of the kernel through netlink.
 */
#ifndef ODP_TOOLS_NLDEV_H
#define ODP_TOOLS_NLDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/odp.h>

/* An on-demand region, any process's. */
struct od_region {
	uint32_t mrn;
	uint32_t pid;
	char command[32];	/* of the process; printable ASCII */
	char kind[16];		/* "implicit" or "explicit" */
	char policy[16];
	bool has_place;		/* va and iova; of one's own, or with CAP_SYS_ADMIN */
	uint64_t va, iova, bytes;
	struct odp_stats stats;	/* what the device counts; zeros for the rest */
};

struct od_regions {
	struct od_region *region;
	size_t nr;
};

/*
 * The regions of a device, by ascending number; prints a sentence and returns
 * -1 if that fails. To be freed with od_regions_free().
 */
int od_regions_get(const char *device, struct od_regions *regions);

void od_regions_free(struct od_regions *regions);

/* The one with that number, or NULL. */
const struct od_region *od_regions_find(const struct od_regions *regions,
					uint32_t mrn);

#endif /* ODP_TOOLS_NLDEV_H */
