// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What most of some measured values are below.
 */
#include <stdlib.h>

#include "percentile.h"

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

double percentile(int64_t *values, size_t n, double part)
{
	qsort(values, n, sizeof(*values), compare);
	return (double)values[(size_t)((double)(n - 1) * part)];
}
