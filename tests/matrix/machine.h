/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the matrix sets up in the machine that it runs on, and undoes: knobs of
 * /proc and /sys, and a memory cgroup.
 */
#ifndef MATRIX_MACHINE_H
#define MATRIX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "knob.h"

/* knob_set() that machine_restore() undoes. */
bool knob_borrow(const char *path, const char *value);

/*
 * Keeps write-back and compaction from adding events of their own. So would
 * khugepaged; but to put it to sleep wakes it first, so our guests do at boot.
 */
void machine_still(void);

/* Lets the device reach PCI devices' memory, or not; whether it could. */
bool machine_device_memory(bool reach);

/* Undoes all that was set up. */
void machine_restore(void);

/* A directory on a file system of that kind (statfs), or NULL. */
const char *machine_dir(long magic);

/* Puts a process into a cgroup that may have so many bytes. */
bool machine_confine(pid_t pid, size_t limit);

/* How many processes the kernel has killed there for lack of memory. */
int machine_oom_kills(void);

/* Is the processor one of QEMU's emulator, TCG? */
bool machine_is_emulated(void);

/* Leaves one processor running, or has all run again; whether it could. */
bool machine_one_processor(bool one);

/* How many NUMA nodes have memory. */
int machine_nodes(void);

#endif /* MATRIX_MACHINE_H */
