// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Kinds of memory: of files on tmpfs and ext4, shared and private, and on
 * persistent memory, which has no page cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dax.h"
#include "kinds.h"
#include "machine.h"
#include "nr.h"

#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/*
 * The file is as long as the mirror, and full of data behind the memory, too.
 * All of it has its blocks: a journal writes pages back for which there were
 * none yet, whenever it likes.
 */
static void fill_file(struct cell *c)
{
	size_t i = cell_next_probe(c, 0);
	uint8_t buf[PAGE];

	if (ftruncate(c->fd, c->total * PAGE))
		test_fail("ftruncate: %s", strerror(errno));
	for (; i < c->total; i = cell_next_probe(c, i + 1)) {
		pattern_fill(buf, PAGE, ++c->last_seed, 0);
		if (pwrite(c->fd, buf, PAGE, i * PAGE) != (ssize_t)PAGE)
			test_fail("pwrite: %s", strerror(errno));
		c->page[i].file_seed = c->last_seed;
		if (i < c->pages)
			c->page[i].seed = c->last_seed;
	}
	if (fsync(c->fd))
		test_fail("fsync: %s", strerror(errno));
}

static void map_file_in(struct cell *c, const char *dir, int flags)
{
	c->fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (c->fd < 0)
		test_fail("O_TMPFILE: %s", strerror(errno));
	fill_file(c);
	kind_map(c, RW, flags, c->fd);
}

static void map_file(struct cell *c, long magic, int flags)
{
	map_file_in(c, machine_dir(magic), flags);
}

static void map_ext4_private(struct cell *c)
{
	map_file(c, EXT4_SUPER_MAGIC, MAP_PRIVATE);
}

static void map_ext4_shared(struct cell *c)
{
	map_file(c, EXT4_SUPER_MAGIC, MAP_SHARED);
}

static void map_tmpfs_private(struct cell *c)
{
	map_file(c, TMPFS_MAGIC, MAP_PRIVATE);
}

static void map_tmpfs_shared(struct cell *c)
{
	map_file(c, TMPFS_MAGIC, MAP_SHARED);
}

static const char *absent_ext4(void)
{
	return machine_dir(EXT4_SUPER_MAGIC) ? NULL : "no ext4 to write to";
}

static const char *absent_tmpfs(void)
{
	return machine_dir(TMPFS_MAGIC) ? NULL : "no tmpfs to write to";
}

static void map_dax(struct cell *c, const char *type, int flags)
{
	const char *why = dax_mount(type);

	if (why)
		test_fail("%s: %s", type, why);
	map_file_in(c, DAX_DIR, flags);
}

static void map_ext4_dax_private(struct cell *c)
{
	map_dax(c, "ext4", MAP_PRIVATE);
}

static void map_ext4_dax_shared(struct cell *c)
{
	map_dax(c, "ext4", MAP_SHARED);
}

static void map_xfs_dax_shared(struct cell *c)
{
	map_dax(c, "xfs", MAP_SHARED);
}

/* Another file has the same blocks: each page that is written gets one more. */
static void map_xfs_dax_reflink(struct cell *c)
{
	int twin;

	map_dax(c, "xfs", MAP_SHARED);
	twin = open(DAX_DIR, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (twin < 0 || ioctl(twin, FICLONE, c->fd))
		test_fail("reflink: %s", strerror(errno));
	/* The blocks stay shared for as long as the twin is there. */
	c->twin = twin;
}

static const char *absent_ext4_dax(void)
{
	return dax_mount("ext4");
}

static const char *absent_xfs_dax(void)
{
	return dax_mount("xfs");
}

static void map_memfd(struct cell *c)
{
	c->fd = memfd_create("odp-matrix", MFD_CLOEXEC);
	if (c->fd < 0)
		test_fail("memfd_create: %s", strerror(errno));
	fill_file(c);
	kind_map(c, RW, MAP_SHARED, c->fd);
}

static const char *absent_memfd_huge(void)
{
	return knob_borrow(SHMEM_ENABLED, "advise") ? NULL :
	       "shmem_enabled does not allow huge pages";
}

/* Only where there is a page table already can there be a huge entry in it. */
static void settle_memfd_huge(struct cell *c)
{
	cell_look(c);
	if (!mem_collapse(c->mem, c->pages * PAGE))
		test_fail("MADV_COLLAPSE: %s", strerror(errno));
}

#define SHARED (HAS_CPU | HAS_DEVICE | HAS_WRITE | HAS_ROOM | HAS_FILE | \
		IS_SHARED | IS_SMALL_STEP | IS_UNLOCKED | IS_PAGED | \
		IS_EXPANDABLE | IS_LONE | IS_MOVABLE | IS_HINTED | \
		IS_COLLAPSIBLE)
#define PRIVATE ((SHARED & ~IS_SHARED) | IS_PRIVATE)
#define DAX ((SHARED & ~(IS_PAGED | IS_LONE | IS_MOVABLE | IS_HINTED | \
			 IS_COLLAPSIBLE)) | IS_DAX)
#define SMALL .pages = SMALL_PAGES, .unit = 1, .probes = probes_small

const struct kind kinds_file[] = {
	{
		.name = "memfd", .props = SHARED, SMALL, .map = map_memfd,
	}, {
		.name = "memfd_huge", .props = SHARED & ~IS_COLLAPSIBLE,
		.pages = 2 * SMALL_PAGES, .unit = 1, .huge = 2,
		.probes = probes_huge, .absent = absent_memfd_huge,
		.map = map_memfd, .settle = settle_memfd_huge,
	}, {
		.name = "ext4_private", .props = PRIVATE, SMALL,
		.absent = absent_ext4, .map = map_ext4_private,
	}, {
		.name = "ext4_shared", .props = SHARED | IS_ON_DISK, SMALL,
		.absent = absent_ext4, .map = map_ext4_shared,
	}, {
		.name = "tmpfs_private", .props = PRIVATE, SMALL,
		.absent = absent_tmpfs, .map = map_tmpfs_private,
	}, {
		.name = "tmpfs_shared", .props = SHARED, SMALL,
		.absent = absent_tmpfs, .map = map_tmpfs_shared,
	}, {
		.name = "ext4_dax_private",
		.props = (DAX & ~IS_SHARED) | IS_PRIVATE, SMALL,
		.absent = absent_ext4_dax, .map = map_ext4_dax_private,
	}, {
		.name = "ext4_dax_shared", .props = DAX | IS_ON_DISK, SMALL,
		.absent = absent_ext4_dax, .map = map_ext4_dax_shared,
	}, {
		.name = "xfs_dax_shared", .props = DAX | IS_ON_DISK, SMALL,
		.absent = absent_xfs_dax, .map = map_xfs_dax_shared,
	}, {
		.name = "xfs_dax_reflink", .props = DAX | IS_ON_DISK, SMALL,
		.absent = absent_xfs_dax, .map = map_xfs_dax_reflink,
	},
};

const size_t nr_kinds_file = NR(kinds_file);
