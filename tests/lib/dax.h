/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Persistent memory: a file system on the test machine's NVDIMM whose files are
 * mapped without a page cache (DAX).
 */
#ifndef TESTS_DAX_H
#define TESTS_DAX_H

/* Where dax_mount() mounts it. */
#define DAX_DIR "/tmp/odp-dax"

/*
 * Makes a file system, "ext4" or "xfs", and mounts it. NULL, or why this machine
 * cannot. What was there before is gone; if it is the same kind, it stays.
 */
const char *dax_mount(const char *type);

/* Unmounts it, if there is one. */
void dax_umount(void);

#endif /* TESTS_DAX_H */
