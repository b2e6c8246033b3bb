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

/* Blocks of large files lie as huge pages do. */
static const struct fs {
	const char *type;
	const char *make;
} systems[] = {
	{ "ext4", "mkfs.ext4 -q -F -b 4096 -E stride=512,stripe-width=512 " DEVICE },
	{ "xfs", "mkfs.xfs -q -f -m reflink=1 -d su=2m,sw=1,agcount=2 -l su=4k " DEVICE },
};

static const struct fs *mounted;

/* What firmware tells of is looked at by a kernel worker. */
static bool device_is_there(void *arg)
{
	(void)arg;
	return !access(DEVICE, F_OK);
}

/* Has struct pages made for the device, which DAX wants; in its memory itself. */
static bool device_get_pages(void)
{
	return shell_try("cd /sys/bus/nd && "
			 "echo namespace0.0 >drivers/nd_pmem/unbind && "
			 "echo ram >devices/pfn0.0/mode && "
			 "cat /proc/sys/kernel/random/uuid >devices/pfn0.0/uuid && "
			 "echo namespace0.0 >devices/pfn0.0/namespace && "
			 "echo pfn0.0 >drivers/nd_pmem/bind");
}

static bool device_has_pages(void)
{
	return knob_number("/sys/block/pmem0/queue/dax");
}

static bool device_ready(void)
{
	static bool tried;

	if (!tried && !access("/sys/firmware/acpi/tables/NFIT", F_OK)) {
		shell_try("modprobe -aq nfit nd_pmem");
		if (wait_until(device_is_there, NULL) && !device_has_pages())
			device_get_pages();
	}
	tried = true;
	return device_is_there(NULL) && device_has_pages();
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
	if (!device_ready())
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
