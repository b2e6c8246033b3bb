/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What of the kernel's code a system call reaches: KCOV, which the debug kernel
 * has for our modules and for the part of uverbs that hands calls to them.
 */
#ifndef TESTS_FUZZ_KCOV_H
#define TESTS_FUZZ_KCOV_H

struct kcov;

/* For the calls of this thread; NULL where the kernel has no KCOV. */
struct kcov *kcov_open(void);

/* From here on what this thread reaches in the kernel counts. */
void kcov_start(struct kcov *k);

/* Up to here. Returns how many places were reached for the first time. */
unsigned int kcov_stop(struct kcov *k);

/* How many places were reached since kcov_open(). */
unsigned int kcov_reached(const struct kcov *k);

void kcov_close(struct kcov *k);

#endif /* TESTS_FUZZ_KCOV_H */
