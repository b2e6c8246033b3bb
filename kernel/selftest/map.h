/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * PFN maps for tests.
 */
#ifndef ODP_SELFTEST_MAP_H
#define ODP_SELFTEST_MAP_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>

/**
 * struct odp_map - memory that a file's PFN maps show
 * @lock: held to allocate it
 * @mapping: of the file that shows it
 * @page: the first page of 2 MiB, or NULL
 * @gone: nothing faults in any more
 */
struct odp_map {
	struct mutex lock; /* @page */
	struct address_space *mapping;
	struct page *page;
	bool gone;
};

void odp_map_init(struct odp_map *map, struct address_space *mapping);
void odp_map_destroy(struct odp_map *map);
int odp_map_mmap(struct odp_map *map, struct vm_area_struct *vma);
void odp_map_revoke(struct odp_map *map, bool gone);

#endif /* ODP_SELFTEST_MAP_H */
