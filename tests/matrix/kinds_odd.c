// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Kinds of memory: what a device may never touch, whoever else may.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kinds.h"
#include "machine.h"
#include "nr.h"

static const char *absent_secret(void)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd < 0)
		return "this kernel has no memfd_secret (secretmem.enable=1?)";
	close(fd);
	return NULL;
}

static void map_secret(struct cell *c)
{
	c->fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (c->fd < 0 || ftruncate(c->fd, c->total * PAGE))
		test_fail("memfd_secret: %s", strerror(errno));
	kind_map(c, RW, MAP_SHARED, c->fd);
	kind_refuse(c, 'W');
}

static const char *absent_guard(void)
{
	return mem_has_guards() ? NULL :
	       "this kernel has no MADV_GUARD_INSTALL";
}

static void map_guard(struct cell *c)
{
	kind_map(c, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mem_guard(c->mem, c->pages * PAGE);
	kind_refuse(c, 'F');
}

static void map_pfn(struct cell *c)
{
	if (!machine_device_memory(false) ||
	    !mem_map_device(c->mem, c->pages * PAGE))
		test_fail("no device memory");
	/* Touching it might do something to the device. */
	kind_refuse(c, 'F');
}

static const char *absent_pfn(void)
{
	void *at = mem_free_range(HUGE_2M, PAGE);
	bool have = mem_map_device(at, 8 * PAGE);

	mem_release();
	return have ? NULL : "no PCI device memory and no /dev/mem to map";
}

const struct kind kinds_odd[] = {
	{
		.name = "secret",
		.props = HAS_CPU | HAS_ROOM | IS_SMALL_STEP | IS_EXPANDABLE |
			 IS_SHARED,
		.pages = 8, .unit = 1, .probes = probes_few,
		.absent = absent_secret, .map = map_secret,
	}, {
		.name = "guard",
		.props = HAS_ROOM | IS_ANON | IS_PRIVATE | IS_SMALL_STEP |
			 IS_UNLOCKED | IS_EXPANDABLE,
		.pages = SMALL_PAGES, .unit = 1, .probes = probes_small,
		.absent = absent_guard, .map = map_guard,
	}, {
		.name = "pfnmap",
		.props = HAS_ROOM | IS_SMALL_STEP | IS_SHARED,
		.pages = 8, .unit = 1, .probes = probes_few,
		.absent = absent_pfn, .map = map_pfn,
	},
};

const size_t nr_kinds_odd = NR(kinds_odd);
