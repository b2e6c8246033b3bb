// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A table of the device's own, in an xarray: all that another driver would
 * have to write to keep its pages itself.
 */
#include <linux/mm.h>

#include "table.h"

/*
 * The xarray allocates under its lock, so entries are reserved before. What
 * is stale leaves no more than reservations behind.
 */
static int odp_own_install(void *arg, const struct odp_snap *snap)
{
	unsigned long first = odp_snap_start(snap) >> PAGE_SHIFT;
	unsigned long i, pfn, npages = odp_snap_npages(snap);
	struct odp_own_table *table = arg;
	unsigned int state;
	int err, fresh = 0;

	for (i = 0; i < npages; i++) {
		err = xa_reserve(&table->pages, first + i, GFP_KERNEL);
		if (err)
			return err;
	}

	xa_lock(&table->pages);
	if (odp_snap_stale(snap)) {
		xa_unlock(&table->pages);
		return -EAGAIN;
	}
	for (i = 0; i < npages; i++) {
		state = odp_snap_page(snap, i, &pfn);
		if (!state)
			continue;
		if (!__xa_store(&table->pages, first + i, xa_mk_value(pfn), 0))
			fresh++;
		if (state & ODP_PAGE_WRITE)
			__xa_set_mark(&table->pages, first + i, XA_MARK_0);
	}
	xa_unlock(&table->pages);

	return fresh;
}

static unsigned long odp_own_zap(void *arg, unsigned long start,
				 unsigned long end)
{
	struct odp_own_table *table = arg;
	unsigned long index, gone = 0;
	void *entry;

	xa_lock(&table->pages);
	xa_for_each_range(&table->pages, index, entry, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT) {
		__xa_erase(&table->pages, index);
		gone++;
	}
	xa_unlock(&table->pages);

	return gone;
}

const struct odp_table_ops odp_own_ops = {
	.install = odp_own_install,
	.zap = odp_own_zap,
};

/**
 * odp_own_init - begin with an empty table
 * @table: the table
 */
void odp_own_init(struct odp_own_table *table)
{
	xa_init(&table->pages);
}

/**
 * odp_own_destroy - free all
 * @table: the table, which no mirror uses any more
 */
void odp_own_destroy(struct odp_own_table *table)
{
	xa_destroy(&table->pages);
}

/**
 * odp_own_count - how many pages of a range are in the table
 * @table: the table
 * @start: the range's first byte
 * @end: behind its last byte
 *
 * Return: that number.
 */
unsigned long odp_own_count(struct odp_own_table *table, unsigned long start,
			    unsigned long end)
{
	unsigned long index, count = 0;
	void *entry;

	xa_for_each_range(&table->pages, index, entry, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT)
		count++;
	return count;
}
