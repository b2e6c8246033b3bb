// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A file system on persistent memory.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dax.h"
#include "fail.h"
#include "knob.h"

#define DEVICE "/dev/pmem0"

static const struct fs {
	const char *type;
	const char *make;
} systems[] = {
	{ "ext4", "mkfs.ext4 -q -F -b 4096 " DEVICE },
	{ "xfs", "mkfs.xfs -q -f -m reflink=1 " DEVICE },
};

static const struct fs *mounted;

/* What firmware tells of is looked at by a kernel worker. */
static bool device_is_there(void *arg)
{
	(void)arg;
	return !access(DEVICE, F_OK);
}

static bool device_found(void)
{
	static bool tried;

	if (!tried && access("/sys/firmware/acpi/tables/NFIT", F_OK) == 0) {
		shell_try("modprobe -aq nfit nd_pmem");
		wait_until(device_is_there, NULL);
	}
	tried = true;
	return device_is_there(NULL);
}

static const struct fs *fs_of(const char *type)
{
	const struct fs *fs = systems;

	while (strcmp(fs->type, type))
		fs++;
	return fs;
}

const char *dax_mount(const char *type)
{
	const struct fs *fs = fs_of(type);

	if (mounted == fs)
		return NULL;
	dax_umount();
	if (!device_found())
		return "this machine has no NVDIMM, or this kernel no driver for it";
	if (!shell_try("%s 2>/dev/null", fs->make))
		return "no such file system can be made";
	if (!shell_try("mkdir -p " DAX_DIR
		       " && mount -t %s -o dax=always " DEVICE " " DAX_DIR
		       " 2>/dev/null", type))
		return "this kernel cannot mount such a file system with DAX";
	mounted = fs;
	return NULL;
}

void dax_umount(void)
{
	if (mounted)
		shell("umount " DAX_DIR " && rmdir " DAX_DIR);
	mounted = NULL;
}
