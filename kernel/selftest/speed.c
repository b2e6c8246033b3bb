// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What the engine alone takes, without system calls and packets; and beside it
 * what remains if nobody need be asked for the pages.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "speed.h"

#define ODP_TIME_PAGES	(SZ_1M / PAGE_SIZE + 1)

/* The pages of a write, pinned. */
struct odp_time_pinned {
	struct page *pages[ODP_TIME_PAGES];
	int nr;
};

static void odp_time_copy(struct odp_time_pinned *pinned, u64 va,
			  const void *src, size_t length)
{
	size_t bytes, offset = offset_in_page(va);
	struct page **page = pinned->pages;
	void *kaddr;

	for (; length; length -= bytes, src += bytes, offset = 0) {
		bytes = min_t(size_t, length, PAGE_SIZE - offset);
		kaddr = kmap_local_page(*page++);
		memcpy(kaddr + offset, src, bytes);
		kunmap_local(kaddr);
	}
}

static int odp_time_plain(const struct odp_selftest_time *time, const void *src)
{
	unsigned long start = time->va & PAGE_MASK;
	int nr = (PAGE_ALIGN(time->va + time->length) - start) >> PAGE_SHIFT;
	struct odp_time_pinned *pinned;
	int err = 0;
	u32 i;

	pinned = kvzalloc(sizeof(*pinned), GFP_KERNEL);
	if (!pinned)
		return -ENOMEM;
	pinned->nr = pin_user_pages_fast(start, nr, FOLL_WRITE, pinned->pages);
	if (pinned->nr != nr)
		err = -EFAULT;
	for (i = 0; i < time->rounds && !err; i++)
		odp_time_copy(pinned, time->va, src, time->length);
	if (pinned->nr > 0)
		unpin_user_pages_dirty_lock(pinned->pages, pinned->nr, true);
	kvfree(pinned);

	return err;
}

static int odp_time_mirror(struct odp_mirror *mirror,
			   const struct odp_selftest_time *time,
			   const void *src)
{
	int err = 0;
	u32 i;

	for (i = 0; i < time->rounds && !err; i++)
		err = odp_mirror_copy_in(mirror, time->va, src, time->length, 0);

	return err;
}

/**
 * odp_time - how long does it take to write?
 * @mirror: where to
 * @time: see there
 *
 * To pin the pages counts, once.
 *
 * Return: 0; -EINVAL for a range too long; -EFAULT; -ENOMEM; an error of
 * odp_mirror_copy_in().
 */
int odp_time(struct odp_mirror *mirror, struct odp_selftest_time *time)
{
	void *src;
	u64 start;
	int err;

	if (time->length > SZ_1M)
		return -EINVAL;
	src = kvmalloc(SZ_1M, GFP_KERNEL);
	if (!src)
		return -ENOMEM;
	memset(src, 0x5a, SZ_1M);
	start = ktime_get_ns();
	if (time->plain)
		err = odp_time_plain(time, src);
	else
		err = odp_time_mirror(mirror, time, src);
	time->ns = ktime_get_ns() - start;
	kvfree(src);

	return err;
}
