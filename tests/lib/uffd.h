/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Memory whose missing pages this process supplies itself, through
 * userfaultfd.
 */
#ifndef TESTS_UFFD_H
#define TESTS_UFFD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uffd {
	int fd;
	uint8_t *mem;
	size_t len;
	uint64_t seed;
	pthread_t thread;
	bool serving;
};

/* From now on a page of the range that is missing waits to be supplied. */
void uffd_open(struct uffd *u, uint8_t *mem, size_t len);

/*
 * Starts a thread that supplies pages with the pattern of @seed, at the page's
 * position in the range.
 */
void uffd_serve(struct uffd *u, uint64_t seed);

/* Waits until a fault waits for its page; fails the test if none comes. */
void uffd_await_fault(struct uffd *u);

/* Ends it: who still waits gets a page of zeros. */
void uffd_close(struct uffd *u);

#endif /* TESTS_UFFD_H */
