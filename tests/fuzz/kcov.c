// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * KCOV: the kernel puts the addresses that it comes by into a buffer that it
 * shares with us; a table knows those that were seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "fail.h"
#include "kcov.h"

#define TRACE	0x10000UL	/* addresses of one call */
#define SEEN	0x10000UL	/* the modules have far fewer */

struct kcov {
	int fd;
	unsigned long *trace;	/* their number, then the addresses */
	unsigned int reached;
	uint64_t seen[SEEN];	/* a hash table; 0 is free */
};

struct kcov *kcov_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	struct kcov *k;

	if (fd < 0 && errno == ENOENT)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (fd < 0 || !k || ioctl(fd, KCOV_INIT_TRACE, TRACE))
		test_fail("KCOV does not start");
	k->fd = fd;
	k->trace = mmap(NULL, TRACE * sizeof(*k->trace),
			PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (k->trace == MAP_FAILED)
		test_fail("KCOV has no buffer");

	return k;
}

void kcov_start(struct kcov *k)
{
	if (ioctl(k->fd, KCOV_ENABLE, KCOV_TRACE_PC))
		test_fail("KCOV does not count");
	__atomic_store_n(&k->trace[0], 0, __ATOMIC_RELAXED);
}

static bool kcov_is_new(struct kcov *k, uint64_t place)
{
	uint64_t i = place * 0x9e3779b97f4a7c15ull >> 48;

	for (; k->seen[i % SEEN]; i++)
		if (k->seen[i % SEEN] == place)
			return false;
	if (k->reached == SEEN / 2)
		test_fail("there are more places than expected");
	k->seen[i % SEEN] = place;
	k->reached++;

	return true;
}

unsigned int kcov_stop(struct kcov *k)
{
	unsigned long i, n = __atomic_load_n(&k->trace[0], __ATOMIC_RELAXED);
	unsigned int fresh = 0;

	if (ioctl(k->fd, KCOV_DISABLE, 0))
		test_fail("KCOV does not end");
	for (i = 1; i <= n; i++)
		fresh += kcov_is_new(k, k->trace[i]);

	return fresh;
}

unsigned int kcov_reached(const struct kcov *k)
{
	return k->reached;
}

void kcov_close(struct kcov *k)
{
	munmap(k->trace, TRACE * sizeof(*k->trace));
	close(k->fd);
	free(k);
}
