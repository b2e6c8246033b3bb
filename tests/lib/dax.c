// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A file system on persistent memory.
 */
#include <stdio.h>
#include <string.h>

#include "dax.h"
#include "fail.h"
#include "knob.h"

static char mounted[8];

const char *dax_mount(const char *type)
{
	static char why[128];
	size_t len;
	FILE *pipe;

	if (!strcmp(mounted, type))
		return NULL;
	dax_umount();
	snprintf(why, sizeof(why), "%s %s %s", DAX_MOUNT, type, DAX_DIR);
	pipe = popen(why, "r");
	if (!pipe)
		test_fail("%s cannot be run", DAX_MOUNT);
	len = fread(why, 1, sizeof(why) - 1, pipe);
	why[len] = '\0';
	why[strcspn(why, "\n")] = '\0';
	if (pclose(pipe))
		return why;
	snprintf(mounted, sizeof(mounted), "%s", type);
	return NULL;
}

void dax_umount(void)
{
	if (mounted[0])
		shell("umount " DAX_DIR " && rmdir " DAX_DIR);
	mounted[0] = '\0';
}
