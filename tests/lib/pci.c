// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * PCI devices in sysfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"
#include "knob.h"
#include "mem.h"
#include "pci.h"

#define DEVICES "/sys/bus/pci/devices/"

const struct pci_id pci_edu = { "edu", 0x1234, 0x11e8 };
const struct pci_id pci_ivshmem = { "ivshmem-plain", 0x1af4, 0x1110 };

static bool is_id(const char *folder, const char *file, unsigned int id)
{
	char path[PATH_MAX], text[16];

	snprintf(path, sizeof(path), "%s%s", folder, file);
	return knob_get(path, text, sizeof(text)) &&
	       strtoul(text, NULL, 16) == id;
}

const char *pci_folder(const struct pci_id *id)
{
	static char folder[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	dir = opendir(DEVICES);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(folder, sizeof(folder), DEVICES "%s/", entry->d_name);
		found = is_id(folder, "vendor", id->vendor) &&
			is_id(folder, "device", id->device);
	}
	if (dir)
		closedir(dir);
	return found ? folder : NULL;
}

bool pci_lacks(const struct pci_id *id, const char *file)
{
	const char *folder = pci_folder(id);
	char path[PATH_MAX];

	if (!folder)
		return false;
	snprintf(path, sizeof(path), "%s%s", folder, file);
	return access(path, F_OK);
}

uint8_t *pci_map(const struct pci_id *id, const char *file, void *at,
		 size_t len, int prot)
{
	const char *folder = pci_folder(id);
	char path[PATH_MAX];
	void *mem;
	int fd;

	if (!folder)
		skip_because("this machine has no PCI device %s", id->name);
	snprintf(path, sizeof(path), "%senable", folder);
	if (!knob_set(path, "1"))
		test_fail("%s cannot be enabled", folder);
	snprintf(path, sizeof(path), "%s%s", folder, file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		test_fail("%s: %s", path, strerror(errno));
	mem = mmap(at, len, prot, MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		test_fail("%s: mmap: %s", path, strerror(errno));
	return mem;
}

void let_peers_in(bool in)
{
	if (!knob_set(DEVICE_MEMORY, in ? "1" : "0"))
		test_fail(DEVICE_MEMORY " cannot be set");
}
