/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * How many elements an array has.
 */
#ifndef TESTS_NR_H
#define TESTS_NR_H

#define NR(array) (sizeof(array) / sizeof((array)[0]))

#endif /* TESTS_NR_H */
