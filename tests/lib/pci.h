/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * PCI devices whose memory a process can map. The test machine has two of QEMU's
 * that no driver wants: one with registers, one with nothing but memory.
 */
#ifndef TESTS_PCI_H
#define TESTS_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_id {
	const char *name;	/* QEMU's */
	unsigned int vendor, device;
};

/* "edu": 1 MiB of registers that are to be read by words of four bytes. */
extern const struct pci_id pci_edu;

/* "ivshmem-plain": BAR 2 is memory, prefetchable. */
extern const struct pci_id pci_ivshmem;

/* The device's folder in sysfs, with a slash, or NULL. */
const char *pci_folder(const struct pci_id *id);

/* Is there the device, but not that file of it? */
bool pci_lacks(const struct pci_id *id, const char *file);

/*
 * Maps the beginning of a BAR through sysfs, at @at or, if that is NULL, anywhere,
 * and has the device answer. @file is such as "resource2" or "resource2_wc". The
 * test is skipped if there is no such device. Unmap it with mem_unmap().
 */
uint8_t *pci_map(const struct pci_id *id, const char *file, void *at,
		 size_t len, int prot);

/* The engine's parameter that lets peers reach such memory. */
#define DEVICE_MEMORY "/sys/module/rdma_odp/parameters/device_memory"

/* Sets it; fails the test if that cannot be done. */
void let_peers_in(bool in);

#endif /* TESTS_PCI_H */
