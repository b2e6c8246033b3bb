// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that is not the kernel's, and that a PFN map may show: a device's own,
 * or RAM that was kept from the kernel. To touch it the kernel maps it, with the
 * caching that the process's mapping has, and drops the mapping when nobody has
 * used it for a while. It is copied by the accessors for such memory, which go by
 * aligned words of four bytes at most, in pieces: whoever touches it is shown a
 * copy.
 */
#include <linux/io.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "compat.h"
#include "iomem.h"
#include "space.h"

static bool odp_device_memory;

/* So much is copied at once; a power of two, for words not to be cut. */
#define ODP_IO_PIECE	256

/* How long a mapping stays that nobody uses. */
#define ODP_IOMAP_IDLE	HZ

/**
 * struct odp_iomap - a mapping of neighbouring pages
 * @first: the first one's pfn
 * @npages: how many
 * @addr: where it is mapped
 * @used: when it was used last, in jiffies
 * @list: in odp_iomaps
 */
struct odp_iomap {
	unsigned long first;
	unsigned long npages;
	void __iomem *addr;
	unsigned long used;
	struct list_head list;
};

/* All mappings, and which one a pfn is in. They change under the lock. */
static DEFINE_MUTEX(odp_iomaps_lock);
static LIST_HEAD(odp_iomaps);
static DEFINE_XARRAY(odp_iomaps_by_pfn);

static void odp_iomaps_tend(struct work_struct *work);
static DECLARE_DELAYED_WORK(odp_iomaps_work, odp_iomaps_tend);

/**
 * odp_has_iomem - may devices' memory be touched?
 */
bool odp_has_iomem(void)
{
	return READ_ONCE(odp_device_memory);
}
EXPORT_SYMBOL_GPL(odp_has_iomem);

/* With the lock held: nobody finds it any more, but may still be at it. */
static void odp_iomap_hide(struct odp_iomap *map, struct list_head *hidden)
{
	unsigned long i;

	for (i = 0; i < map->npages; i++)
		xa_erase(&odp_iomaps_by_pfn, map->first + i);
	list_move(&map->list, hidden);
}

static void odp_iomaps_free(struct list_head *hidden)
{
	struct odp_iomap *map, *next;

	if (list_empty(hidden))
		return;
	synchronize_rcu();
	list_for_each_entry_safe(map, next, hidden, list) {
		iounmap(map->addr);
		kfree(map);
	}
}

static void odp_iomaps_tend(struct work_struct *work)
{
	struct odp_iomap *map, *next;
	LIST_HEAD(idle);

	mutex_lock(&odp_iomaps_lock);
	list_for_each_entry_safe(map, next, &odp_iomaps, list)
		if (time_after(jiffies, READ_ONCE(map->used) + ODP_IOMAP_IDLE))
			odp_iomap_hide(map, &idle);
	if (!list_empty(&odp_iomaps))
		queue_delayed_work(odp_wq, &odp_iomaps_work, ODP_IOMAP_IDLE);
	odp_iomaps_free(&idle);
	mutex_unlock(&odp_iomaps_lock);
}

static int odp_iomap_add(unsigned long pfn, unsigned long npages, pgprot_t prot)
{
	struct odp_iomap *map;
	LIST_HEAD(hidden);
	unsigned long i;
	int err = -ENOMEM;

	map = kmalloc(sizeof(*map), GFP_KERNEL);
	if (!map)
		return -ENOMEM;
	*map = (struct odp_iomap) {
		.first = pfn,
		.npages = npages,
		.addr = odp_ioremap(PFN_PHYS(pfn), npages << PAGE_SHIFT, prot),
		.used = jiffies,
	};
	if (!map->addr)
		goto err_free;

	list_add(&map->list, &odp_iomaps);
	for (i = 0; i < npages; i++) {
		err = xa_err(xa_store(&odp_iomaps_by_pfn, pfn + i, map,
				      GFP_KERNEL));
		if (err)
			goto err_hide;
	}
	queue_delayed_work(odp_wq, &odp_iomaps_work, ODP_IOMAP_IDLE);

	return 0;

err_hide:
	odp_iomap_hide(map, &hidden);
	odp_iomaps_free(&hidden);
	return err;
err_free:
	kfree(map);
	return err;
}

/* How many of these pages have one mapping, or none: that is put in @map. */
static unsigned long odp_iomap_run(unsigned long pfn, unsigned long npages,
				   struct odp_iomap **map)
{
	unsigned long n;

	*map = xa_load(&odp_iomaps_by_pfn, pfn);
	for (n = 1; n < npages; n++)
		if (xa_load(&odp_iomaps_by_pfn, pfn + n) != *map)
			break;
	return n;
}

/**
 * odp_iomem_map - have pages mapped that are not the kernel's
 * @pfn: the first one
 * @npages: how many
 * @prot: odp_caching() of the process's mapping
 *
 * May sleep, but waits for nobody. They stay mapped for some time after this,
 * and after each use.
 *
 * Return: 0; -ENOMEM, which is also said where the kernel will not map them so;
 * -EFAULT if they may no longer be touched.
 */
int odp_iomem_map(unsigned long pfn, unsigned long npages, pgprot_t prot)
{
	struct odp_iomap *map;
	unsigned long n;
	int err = 0;

	mutex_lock(&odp_iomaps_lock);
	if (!odp_has_iomem())
		err = -EFAULT;
	for (; npages && !err; pfn += n, npages -= n) {
		n = odp_iomap_run(pfn, npages, &map);
		/* All mappings of a page have the same caching; x86 sees to it. */
		if (map)
			WRITE_ONCE(map->used, jiffies);
		else
			err = odp_iomap_add(pfn, n, prot);
	}
	mutex_unlock(&odp_iomaps_lock);

	return err;
}

/**
 * odp_iomem_visit - touch a part of a page that is not the kernel's
 * @pfn: the page
 * @offset: where in it
 * @bytes: how much
 * @how: a set of ODP_ACCESS_* bits
 * @fn: shown a copy, in pieces; of a write, what it leaves there is written
 * @arg: passed to @fn
 *
 * The caller makes sure that it is the page meant. Does not sleep.
 *
 * Return: 0; -ENOENT if it is not mapped; -EOPNOTSUPP for atomic operations: no
 * device is asked for one; what @fn returned.
 */
int odp_iomem_visit(unsigned long pfn, unsigned long offset, size_t bytes,
		    unsigned int how, odp_visit_fn fn, void *arg)
{
	u8 piece[ODP_IO_PIECE] __aligned(sizeof(u64));
	struct odp_iomap *map;
	void __iomem *at;
	int err = 0;
	size_t n;

	if (how & ODP_ACCESS_ATOMIC)
		return -EOPNOTSUPP;

	rcu_read_lock();
	map = xa_load(&odp_iomaps_by_pfn, pfn);
	if (!map || !odp_has_iomem()) {
		err = -ENOENT;
		goto out;
	}
	if (time_after(jiffies, READ_ONCE(map->used)))
		WRITE_ONCE(map->used, jiffies);

	at = map->addr + ((pfn - map->first) << PAGE_SHIFT) + offset;
	for (; bytes && !err; at += n, offset += n, bytes -= n) {
		n = min(bytes, ODP_IO_PIECE - offset % ODP_IO_PIECE);
		if (!(how & ODP_ACCESS_WRITE))
			memcpy_fromio(piece, at, n);
		err = fn(piece, n, arg);
		if (!err && (how & ODP_ACCESS_WRITE))
			memcpy_toio(at, piece, n);
	}
out:
	rcu_read_unlock();
	return err;
}

static void odp_iomaps_drop(void)
{
	LIST_HEAD(hidden);

	mutex_lock(&odp_iomaps_lock);
	while (!list_empty(&odp_iomaps))
		odp_iomap_hide(list_first_entry(&odp_iomaps, struct odp_iomap,
						list), &hidden);
	odp_iomaps_free(&hidden);
	mutex_unlock(&odp_iomaps_lock);
}

/* Turned off, nothing stays mapped: what was under way has ended on return. */
static int odp_device_memory_set(const char *text,
				 const struct kernel_param *param)
{
	int err = param_set_bool(text, param);

	if (!err && !odp_has_iomem())
		odp_iomaps_drop();
	return err;
}

static const struct kernel_param_ops odp_device_memory_ops = {
	.set = odp_device_memory_set,
	.get = param_get_bool,
};

module_param_cb(device_memory, &odp_device_memory_ops, &odp_device_memory,
		0644);
MODULE_PARM_DESC(device_memory,
		 "Let peers reach devices' memory that a region's owner has mapped (default: no)");

void odp_iomem_exit(void)
{
	cancel_delayed_work_sync(&odp_iomaps_work);
	odp_iomaps_drop();
}
