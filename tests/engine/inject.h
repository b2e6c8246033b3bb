/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Allocations of the kernel that fail when a test says so. Needs a kernel with
 * fault injection (./run test --debug-kernel).
 */
#ifndef TESTS_ENGINE_INJECT_H
#define TESTS_ENGINE_INJECT_H

#include <stdbool.h>

/* Gets ready; the test is skipped where the kernel has no fault injection. */
void inject_ready(void);

/* In a child, after inject_ready() in its parent: it is the child's allocations. */
void inject_in_child(void);

/* From now on the main thread's @n-th allocation, counted from 1, fails. */
void inject_nth(int n);

/* No longer; whether it got so far as to fail. */
bool inject_nth_end(void);

/*
 * From now on the main thread, of this process or of a child, gets no more slab
 * memory once it has had @bytes.
 */
void inject_after(unsigned int bytes);

/* It does again; whether it got so far as to fail. */
bool inject_after_end(void);

#endif /* TESTS_ENGINE_INJECT_H */
