/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Data that does not repeat: a byte depends on a seed and on its position, so
 * that no page looks like another and no byte of one seed like one of another.
 */
#ifndef TESTS_PATTERN_H
#define TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Fills @buf with the bytes at positions [pos, pos + len). */
void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t pos);

/* Fails the test, naming @what, unless @buf holds just these bytes. */
void pattern_check(const char *what, const void *buf, size_t len,
		   uint64_t seed, uint64_t pos);

/* Fails the test, naming @what, unless @buf holds zeros. */
void zeros_check(const char *what, const void *buf, size_t len);

#endif /* TESTS_PATTERN_H */
