// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Swap on a device that takes its time: a loop device under dm-delay. Writing
 * is as quick as ever, and so is reading while nothing is to be stuck.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "knob.h"
#include "stuck.h"

#define NAME		"odp_slow"
#define DEVICE		"/dev/mapper/" NAME
#define IMAGE		"/tmp/odp_slow.img"
#define LOOP		"$(losetup -n -O NAME -j " IMAGE ")"
#define SIZE_MIB	32
#define SECTORS		(SIZE_MIB * 2048)
/* Longer than any cell lasts, and short enough to be waited for. */
#define DELAY_MS	30000
#define SEED		1

static bool slow;

/* What is being delayed is let go by that, too. */
static void set_delay(int ms)
{
	shell("echo 0 %d delay " LOOP " 0 %d " LOOP " 0 0 | dmsetup reload "
	      NAME, SECTORS, ms);
	shell("dmsetup resume " NAME);
	slow = ms;
}

static const char *swap_open(void)
{
	/* The guest has no udev that would make the device's node. */
	setenv("DM_DISABLE_UDEV", "1", 1);
	shell_try("modprobe -qa loop dm-delay");
	shell("truncate -s %dM " IMAGE, SIZE_MIB);
	if (!shell_try("losetup -f " IMAGE))
		return "this kernel has no loop devices";
	if (!shell_try("echo 0 %d delay " LOOP " 0 0 | dmsetup create " NAME,
		       SECTORS))
		return "this kernel has no dm-delay";
	shell("mkswap " DEVICE " >/dev/null && swapon " DEVICE);
	return NULL;
}

static void swap_release(void)
{
	if (slow)
		set_delay(0);
}

static void swap_close(void)
{
	swap_release();
	shell("swapoff " DEVICE " && dmsetup remove " NAME);
	shell("losetup -d " LOOP " && rm " IMAGE);
}

/* In memory, mapped or not. */
static bool is_cached(uint8_t *mem)
{
	unsigned char vec[STUCK_LEN / PAGE];
	size_t i;

	if (mincore(mem, STUCK_LEN, vec))
		test_fail("mincore: %s", strerror(errno));
	for (i = 0; i < sizeof(vec); i++)
		if (vec[i] & 1)
			return true;
	return false;
}

/*
 * A page that is written out stays in the swap cache until it is reclaimed a
 * second time, for which it must have been mapped again.
 */
static bool is_out(void *arg)
{
	if (!is_cached(arg))
		return true;
	pattern_check("before it goes", arg, STUCK_LEN, SEED, 0);
	mem_page_out(arg, STUCK_LEN);
	return false;
}

static uint8_t *swap_map(struct board *b)
{
	uint8_t *mem = mem_anon(STUCK_LEN);

	pattern_fill(mem, STUCK_LEN, SEED, 0);
	if (!wait_until(is_out, mem))
		test_fail("pages stay in memory");
	(void)b;
	return mem;
}

static void swap_stick(const struct board *b, pid_t owner)
{
	set_delay(DELAY_MS);
	(void)b;
	(void)owner;
}

/* How many reads, writes and flushes are being delayed is its status. */
static bool read_began(void *arg)
{
	(void)arg;
	return shell_try("dmsetup status " NAME " | grep -q 'delay [1-9]'");
}

static void swap_await(void)
{
	if (!wait_until(read_began, NULL))
		test_fail("nobody reads from swap");
}

const struct kind kind_swap = {
	.name = "slow_swap",
	.for_reads = true,
	.open = swap_open,
	.close = swap_close,
	.map = swap_map,
	.stick = swap_stick,
	.await = swap_await,
	.release = swap_release,
};
