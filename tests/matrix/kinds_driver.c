// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Kinds of memory: what drivers map by page frame numbers. It is RAM of
 * /dev/odp_selftest, or a PCI device's own.
 */
#include <errno.h>
#include <string.h>

#include "kinds.h"
#include "machine.h"
#include "nr.h"
#include "pci.h"

static void map_ram(struct cell *c, enum odp_selftest_map way, int flags)
{
	uint8_t *at = c->mem - c->kind->offset * PAGE;
	size_t len = (c->kind->offset + c->pages) * PAGE;

	c->fd = dev_file();
	if (mmap(at, len, RW, flags | MAP_FIXED, c->fd,
		 (off_t)way * HUGE_2M) != at)
		test_fail("/dev/odp_selftest: mmap: %s", strerror(errno));
}

static void map_remap(struct cell *c)
{
	map_ram(c, ODP_SELFTEST_MAP_REMAP, MAP_SHARED);
}

static void map_remap_private(struct cell *c)
{
	map_ram(c, ODP_SELFTEST_MAP_REMAP, MAP_PRIVATE);
}

static void map_small(struct cell *c)
{
	map_ram(c, ODP_SELFTEST_MAP_SMALL, MAP_SHARED);
}

static void map_huge(struct cell *c)
{
	map_ram(c, ODP_SELFTEST_MAP_HUGE, MAP_SHARED);
}

static const char *absent_io(void)
{
	return pci_folder(&pci_ivshmem) ? NULL :
	       "this machine has no PCI device of plain memory";
}

static void map_io(struct cell *c)
{
	if (!machine_device_memory(true))
		test_fail("the engine's parameter cannot be set");
	pci_map(&pci_ivshmem, "resource2", c->mem, c->pages * PAGE, RW);
}

#define PFNS (HAS_CPU | HAS_DEVICE | HAS_WRITE | HAS_ROOM | IS_SMALL_STEP | \
	      IS_PFN)
#define SMALL .pages = SMALL_PAGES, .unit = 1, .probes = probes_small

const struct kind kinds_driver[] = {
	{
		.name = "pfn_remap", .props = PFNS | IS_SHARED, SMALL,
		.map = map_remap,
	}, {
		/* 6.12 forks no such map if its very first page was copied. */
		.name = "pfn_private", .props = PFNS | IS_PRIVATE,
		.pages = SMALL_PAGES - 1, .unit = 1, .offset = 1,
		.probes = probes_small,
		.map = map_remap_private,
	}, {
		.name = "pfn_small", .props = PFNS | IS_SHARED, SMALL,
		.map = map_small,
	}, {
		.name = "pfn_huge", .props = PFNS | IS_SHARED, SMALL,
		.map = map_huge,
	}, {
		.name = "pci_memory", .props = PFNS | IS_SHARED, SMALL,
		.absent = absent_io, .map = map_io,
	},
};

const size_t nr_kinds_driver = NR(kinds_driver);
