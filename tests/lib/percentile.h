/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What most of some measured values are below.
 */
#ifndef TESTS_PERCENTILE_H
#define TESTS_PERCENTILE_H

#include <stddef.h>
#include <stdint.h>

/* Sorts @n values, and says the one below which @part of them lie; 0.5: the median. */
double percentile(int64_t *values, size_t n, double part);

#endif /* TESTS_PERCENTILE_H */
