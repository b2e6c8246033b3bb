// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A userfaultfd that nobody answers. The test has the descriptor, too: if only
 * the owner had it, it would be closed, and its pages come, when that dies.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stuck.h"
#include "uffd.h"

static struct uffd uffd = { .fd = -1 };

static const char *uffd_none(void)
{
	return NULL;
}

static uint8_t *uffd_map(struct board *b)
{
	uint8_t *mem = mem_anon(STUCK_LEN);

	uffd_open(&uffd, mem, STUCK_LEN);
	b->uffd = uffd.fd;
	return mem;
}

static void uffd_stick(const struct board *b, pid_t owner)
{
	int pidfd = (int)syscall(SYS_pidfd_open, owner, 0);

	uffd = (struct uffd) { .len = STUCK_LEN };
	uffd.mem = (uint8_t *)(uintptr_t)b->owner_mem.addr;
	uffd.fd = (int)syscall(SYS_pidfd_getfd, pidfd, b->uffd, 0);
	if (uffd.fd < 0)
		test_fail("the owner's userfaultfd: %s", strerror(errno));
	close(pidfd);
}

static void uffd_await(void)
{
	uffd_await_fault(&uffd);
}

static void uffd_release(void)
{
	uffd_close(&uffd);
}

const struct kind kind_userfaultfd = {
	.name = "userfaultfd",
	.for_reads = true,
	.open = uffd_none,
	.close = uffd_release,
	.map = uffd_map,
	.stick = uffd_stick,
	.await = uffd_await,
	.release = uffd_release,
};
