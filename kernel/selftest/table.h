/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A table of the device's own: what R17 promises is possible.
 */
#ifndef ODP_SELFTEST_TABLE_H
#define ODP_SELFTEST_TABLE_H

#include <linux/xarray.h>
#include <rdma/odp_mirror.h>

/**
 * struct odp_own_table - every page that the device may touch
 * @pages: by page number: the pfn; marked XA_MARK_0 where it may write
 */
struct odp_own_table {
	struct xarray pages;
};

extern const struct odp_table_ops odp_own_ops;

void odp_own_init(struct odp_own_table *table);
void odp_own_destroy(struct odp_own_table *table);
unsigned long odp_own_count(struct odp_own_table *table, unsigned long start,
			    unsigned long end);

#endif /* ODP_SELFTEST_TABLE_H */
