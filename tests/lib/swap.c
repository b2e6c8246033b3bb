// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Swap on zram.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/swap.h>

#include "knob.h"
#include "swap.h"

#define SWAP_SIZE	"128M"

static int swap_device = -1;

static void zram_path(char *path, size_t room, const char *name)
{
	snprintf(path, room, "/sys/block/zram%d/%s", swap_device, name);
}

static bool swap_set_up(void)
{
	char text[32], path[64], command[96];

	if (system("modprobe zram num_devices=0 2>/dev/null") ||
	    !knob_get("/sys/class/zram-control/hot_add", text, sizeof(text)))
		return false;
	swap_device = atoi(text);
	zram_path(path, sizeof(path), "disksize");
	if (!knob_set(path, SWAP_SIZE))
		return false;
	snprintf(path, sizeof(path), "/dev/zram%d", swap_device);
	snprintf(command, sizeof(command), "mkswap %s >/dev/null", path);
	return !system(command) && !swapon(path, 0);
}

bool swap_open(void)
{
	static bool tried, have;

	if (!tried)
		have = swap_set_up();
	tried = true;
	return have;
}

void swap_close(void)
{
	char text[32];

	if (swap_device < 0)
		return;
	snprintf(text, sizeof(text), "/dev/zram%d", swap_device);
	swapoff(text);
	snprintf(text, sizeof(text), "%d", swap_device);
	knob_set("/sys/class/zram-control/hot_remove", text);
}
