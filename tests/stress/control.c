// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What a thread without RDMA waits for in the same process at the same time: to be
 * run at all, for a page of its own, for the mmap_lock, for a new page.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "carrier.h"

#define PAGE 4096ul
#define PERIOD_NS 4000000ul

static _Atomic uint8_t *pages;

static void step(enum wait kind)
{
	wait_next(&slot->waits, kind, 0);
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = PERIOD_NS };

	wait_next(&slot->waits, WAIT_CPU, PERIOD_NS);
	nanosleep(&t, NULL);
}

bool control_open(void)
{
	void *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED) {
		trouble("no memory to compare with");
		return false;
	}
	pages = mem;
	return true;
}

void control_forget(void)
{
	if (pages)
		munmap((void *)pages, 2 * PAGE);
	pages = NULL;
}

void *control_run(void *unused)
{
	_Atomic uint8_t *kept = pages, *fresh = pages + PAGE;
	unsigned char there;

	prctl(PR_SET_NAME, "odp-control");
	*kept = 1;
	for (;;) {
		nap();
		step(WAIT_TOUCH);
		(*kept)++;
		step(WAIT_LOCK);
		mincore((void *)kept, PAGE, &there);
		madvise((void *)fresh, PAGE, MADV_DONTNEED);
		step(WAIT_PAGE);
		*fresh = 1;
	}
	return unused;
}
