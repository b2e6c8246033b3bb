// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What /proc says of a page.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "mem.h"
#include "pagemap.h"

#define PAGEMAP_SWAPPED	((uint64_t)1 << 62)
#define PAGEMAP_PRESENT	((uint64_t)1 << 63)
#define PAGEMAP_PFN	(((uint64_t)1 << 55) - 1)
#define KPAGEFLAG_KSM	((uint64_t)1 << 21)

static uint64_t word_of(const char *path, uint64_t index)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	if (fd < 0 || pread(fd, &word, sizeof(word), index * sizeof(word)) !=
	    sizeof(word))
		test_fail("%s: %s", path, strerror(errno));
	close(fd);
	return word;
}

static uint64_t pagemap(const void *at)
{
	return word_of("/proc/self/pagemap", (uintptr_t)at / PAGE);
}

bool page_is_swapped(const void *at)
{
	return pagemap(at) & PAGEMAP_SWAPPED;
}

bool page_is_merged(const void *at)
{
	uint64_t word = pagemap(at);

	return (word & PAGEMAP_PRESENT) &&
	       word_of("/proc/kpageflags", word & PAGEMAP_PFN) & KPAGEFLAG_KSM;
}
