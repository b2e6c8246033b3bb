/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What /proc says of a page.
 */
#ifndef TESTS_PAGEMAP_H
#define TESTS_PAGEMAP_H

#include <stdbool.h>

/* Is it swapped out? Is it merged by KSM? */
bool page_is_swapped(const void *at);
bool page_is_merged(const void *at);

#endif /* TESTS_PAGEMAP_H */
