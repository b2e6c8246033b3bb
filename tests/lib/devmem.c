// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that is a device's: a VM_PFNMAP mapping without struct pages.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

#define RW (PROT_READ | PROT_WRITE)

/* Where PCs have the VGA memory, 128 KiB, whether there is a VGA or not. */
#define VGA_MEMORY 0xa0000

static bool map_file(const char *path, uint8_t *at, size_t len, off_t offset)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	bool done;

	if (fd < 0)
		return false;
	done = !fstat(fd, &st) &&
	       (S_ISCHR(st.st_mode) || st.st_size >= (off_t)len) &&
	       mmap(at, len, RW, MAP_SHARED | MAP_FIXED, fd, offset) == at;
	close(fd);
	return done;
}

/* The memory of a PCI device that has enough of it. */
static bool map_pci_memory(uint8_t *at, size_t len)
{
	static const char dir[] = "/sys/bus/pci/devices";
	struct dirent *entry;
	bool done = false;
	DIR *d = opendir(dir);
	char path[512];
	int bar;

	while (d && !done && (entry = readdir(d)))
		for (bar = 0; bar < 6 && !done; bar++) {
			snprintf(path, sizeof(path), "%s/%s/resource%d", dir,
				 entry->d_name, bar);
			done = map_file(path, at, len, 0);
		}
	if (d)
		closedir(d);
	return done;
}

bool mem_map_device(void *at, size_t len)
{
	return map_pci_memory(at, len) ||
	       map_file("/dev/mem", at, len, VGA_MEMORY);
}
