// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory whose missing pages this process supplies itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "mem.h"
#include "pattern.h"
#include "uffd.h"

void uffd_open(struct uffd *u, uint8_t *mem, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)mem, .len = len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	*u = (struct uffd) { .mem = mem, .len = len };
	u->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (u->fd < 0 || ioctl(u->fd, UFFDIO_API, &api) ||
	    ioctl(u->fd, UFFDIO_REGISTER, &reg))
		test_fail("userfaultfd: %s", strerror(errno));
}

static void supply(struct uffd *u, uint64_t address)
{
	uint64_t pos = (address - (uintptr_t)u->mem) / PAGE * PAGE;
	uint8_t page[PAGE];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)u->mem + pos,
		.src = (uintptr_t)page,
		.len = PAGE,
	};

	pattern_fill(page, PAGE, u->seed, pos);
	/* Another fault of the same page may have been served already. */
	if (ioctl(u->fd, UFFDIO_COPY, &copy) && errno != EEXIST)
		perror("UFFDIO_COPY");
}

static void *serve(void *arg)
{
	struct pollfd pfd = { .fd = ((struct uffd *)arg)->fd, .events = POLLIN };
	struct uffd *u = arg;
	struct uffd_msg msg;

	for (;;) {
		poll(&pfd, 1, -1);
		if (read(u->fd, &msg, sizeof(msg)) == sizeof(msg) &&
		    msg.event == UFFD_EVENT_PAGEFAULT)
			supply(u, msg.arg.pagefault.address);
	}
	return NULL;
}

void uffd_serve(struct uffd *u, uint64_t seed)
{
	u->seed = seed;
	if (pthread_create(&u->thread, NULL, serve, u))
		test_fail("no thread for userfaultfd");
	u->serving = true;
}

void uffd_await_fault(struct uffd *u)
{
	struct pollfd pfd = { .fd = u->fd, .events = POLLIN };

	if (poll(&pfd, 1, PATIENCE_MS) != 1)
		test_fail("no fault came to userfaultfd in %d ms", PATIENCE_MS);
}

void uffd_close(struct uffd *u)
{
	struct uffdio_range range = {
		.start = (uintptr_t)u->mem, .len = u->len,
	};

	if (u->serving) {
		pthread_cancel(u->thread);
		pthread_join(u->thread, NULL);
		u->serving = false;
	}
	if (u->fd > 0) {
		ioctl(u->fd, UFFDIO_UNREGISTER, &range);
		close(u->fd);
		u->fd = -1;
	}
}
