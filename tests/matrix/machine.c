// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What the matrix sets up in the machine that it runs on, and undoes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fail.h"
#include "machine.h"
#include "mem.h"
#include "memcg.h"

#define SWAP_SIZE	"128M"

#define PAGEMAP_SWAPPED	((uint64_t)1 << 62)
#define PAGEMAP_PRESENT	((uint64_t)1 << 63)
#define PAGEMAP_PFN	(((uint64_t)1 << 55) - 1)
#define KPAGEFLAG_KSM	((uint64_t)1 << 21)

static struct knob {
	char path[128];
	char value[128];
} borrowed[16];
static int nr_borrowed;

static int swap_device = -1;
static struct memcg group;

/* Of "always [madvise] never" the word in brackets. */
static void keep_choice(char *text)
{
	char *start = strchr(text, '['), *end = strchr(text, ']');

	if (start && end) {
		*end = '\0';
		memmove(text, start + 1, strlen(start + 1) + 1);
	}
}

bool knob_borrow(const char *path, const char *value)
{
	struct knob *k = borrowed;

	for (; k < borrowed + nr_borrowed; k++)
		if (!strcmp(k->path, path))
			return knob_set(path, value);
	if (nr_borrowed == sizeof(borrowed) / sizeof(borrowed[0]))
		test_fail("more than %d knobs are borrowed", nr_borrowed);
	if (!knob_get(path, k->value, sizeof(k->value)))
		return false;
	keep_choice(k->value);
	snprintf(k->path, sizeof(k->path), "%s", path);
	nr_borrowed++;
	return knob_set(path, value);
}

static void zram_path(char *path, size_t room, const char *name)
{
	snprintf(path, room, "/sys/block/zram%d/%s", swap_device, name);
}

static bool swap_on(void)
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

bool machine_has_swap(void)
{
	static bool tried, have;

	if (!tried)
		have = swap_on();
	tried = true;
	return have;
}

static void swap_off(void)
{
	char text[32];

	snprintf(text, sizeof(text), "/dev/zram%d", swap_device);
	swapoff(text);
	snprintf(text, sizeof(text), "%d", swap_device);
	knob_set("/sys/class/zram-control/hot_remove", text);
}

void machine_restore(void)
{
	while (nr_borrowed--)
		knob_set(borrowed[nr_borrowed].path,
			 borrowed[nr_borrowed].value);
	nr_borrowed = 0;
	if (swap_device >= 0)
		swap_off();
	if (group.dir[0])
		memcg_close(&group);
}

const char *machine_dir(long magic)
{
	static const char *const dirs[] = {
		"/var/tmp", "/tmp", "/dev/shm", "/root",
	};
	struct statfs fs;
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!statfs(dirs[i], &fs) && fs.f_type == magic &&
		    !access(dirs[i], W_OK))
			return dirs[i];
	return NULL;
}

bool machine_confine(pid_t pid, size_t limit)
{
	if (!memcg_open(&group, "odp_matrix"))
		return false;
	if (!memcg_set_bytes(&group, "memory.max", limit))
		return false;
	/* Where there is no swap there is no such file. */
	memcg_set(&group, "memory.swap.max", "0");
	return memcg_add(&group, pid);
}

int machine_oom_kills(void)
{
	return memcg_oom_kills(&group);
}

bool machine_is_emulated(void)
{
	char text[1024];

	/* The model name is among the first lines. */
	return knob_get("/proc/cpuinfo", text, sizeof(text)) &&
	       strstr(text, "QEMU TCG");
}

bool machine_one_processor(bool one)
{
	char path[64];
	int cpu;

	for (cpu = 1;; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d",
			 cpu);
		if (access(path, F_OK))
			return true;
		strcat(path, "/online");
		if (!knob_borrow(path, one ? "0" : "1"))
			return false;
	}
}

void machine_still(void)
{
	knob_borrow("/proc/sys/vm/dirty_writeback_centisecs", "0");
	knob_borrow("/proc/sys/vm/compaction_proactiveness", "0");
}

int machine_nodes(void)
{
	char text[128];

	/* "0" or "0-1": nothing else occurs where nodes do not come and go. */
	if (!knob_get("/sys/devices/system/node/has_memory", text,
		       sizeof(text)))
		return 1;
	return strchr(text, '-') ? atoi(strchr(text, '-') + 1) + 1 : 1;
}

static uint64_t word_of(const char *path, uint64_t index)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	if (fd < 0 || pread(fd, &word, sizeof(word), index * sizeof(word)) !=
	    sizeof(word))
		test_fail("%s: %s", path, strerror(errno));
	close(fd);
	return word;
}

static uint64_t pagemap(const void *at)
{
	return word_of("/proc/self/pagemap", (uintptr_t)at / PAGE);
}

bool page_is_swapped(const void *at)
{
	return pagemap(at) & PAGEMAP_SWAPPED;
}

bool page_is_merged(const void *at)
{
	uint64_t word = pagemap(at);

	return (word & PAGEMAP_PRESENT) &&
	       word_of("/proc/kpageflags", word & PAGEMAP_PFN) & KPAGEFLAG_KSM;
}
