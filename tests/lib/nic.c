// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * SoftRoCE devices of a test's own, and what the kernel says of a device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "knob.h"
#include "nic.h"

void nic_add(const char *name, const char *address)
{
	shell("ip link add %s type dummy", name);
	shell("ip addr add %s/24 dev %s", address, name);
	shell("ip link set %s mtu 9000 up", name);
	nic_plug(name);
	setenv("ODP_TEST_DEVICE", name, 1);
}

static bool nic_is_gone(void *name)
{
	return !nic_is_there(name);
}

void nic_del(const char *name)
{
	unsetenv("ODP_TEST_DEVICE");
	shell("[ ! -e /sys/class/net/%s ] || ip link del %s", name, name);
	/* The RDMA device goes with its interface, soon. */
	if (!wait_until(nic_is_gone, (void *)name))
		test_fail("%s does not go with its interface", name);
}

void nic_plug(const char *name)
{
	shell("rdma link add %s type rxe netdev %s", name, name);
}

void nic_unplug(const char *name)
{
	shell("rdma link del %s", name);
}

bool nic_is_there(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s", name);
	return !access(path, F_OK);
}

int64_t nic_counter(const char *name, const char *counter)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/class/infiniband/%s/ports/1/hw_counters/%s", name,
		 counter);
	return knob_number(path);
}
