// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A device of another driver.
 */
#include <stdlib.h>

#include "fail.h"
#include "other.h"
#include "rig.h"

#define NAME "odpother0"

struct ibv_context *other_open(void)
{
	struct ibv_context *context;

	if (system("modprobe siw && rdma link add " NAME
		   " type siw netdev lo"))
		test_fail("no siw device over lo can be made: is the kernel's siw module installed, and is this root?");
	context = rig_open_device(NAME);
	if (!context)
		test_fail("%s cannot be opened", NAME);
	return context;
}

void other_close(struct ibv_context *context)
{
	ibv_close_device(context);
	if (system("rdma link delete " NAME))
		test_fail("%s cannot be removed", NAME);
}
