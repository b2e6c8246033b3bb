// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What the matrix sets up in the machine that it runs on, and undoes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dax.h"
#include "fail.h"
#include "machine.h"
#include "mem.h"
#include "memcg.h"
#include "nr.h"
#include "pci.h"
#include "swap.h"

static struct knob {
	char path[128];
	char value[128];
} borrowed[16];
static int nr_borrowed;

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
	if (nr_borrowed == NR(borrowed))
		test_fail("more than %d knobs are borrowed", nr_borrowed);
	if (!knob_get(path, k->value, sizeof(k->value)))
		return false;
	keep_choice(k->value);
	snprintf(k->path, sizeof(k->path), "%s", path);
	nr_borrowed++;
	return knob_set(path, value);
}

void machine_restore(void)
{
	while (nr_borrowed--)
		knob_set(borrowed[nr_borrowed].path,
			 borrowed[nr_borrowed].value);
	nr_borrowed = 0;
	swap_close();
	dax_umount();
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

	for (i = 0; i < NR(dirs); i++)
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

bool machine_device_memory(bool reach)
{
	return knob_borrow(DEVICE_MEMORY, reach ? "1" : "0");
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
