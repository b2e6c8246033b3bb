/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Swap on zram.
 */
#ifndef TESTS_SWAP_H
#define TESTS_SWAP_H

#include <stdbool.h>

/* Whether there is some; it is set up once. */
bool swap_open(void);

/* Undoes that, if need be. */
void swap_close(void);

#endif /* TESTS_SWAP_H */
