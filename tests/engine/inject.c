// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Allocations of the kernel that fail when a test says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "inject.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define MAKE_IT_FAIL "/proc/self/make-it-fail"
#define SLAB "/sys/kernel/debug/failslab/"
#define PAGES "/sys/kernel/debug/fail_page_alloc/"

/* A shortage fails no more allocations than this. */
#define SHORTAGE "1000000"

/* Open all the time: to open a file allocates. */
static int fail_nth = -1, make_it_fail = -1;

static int must_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		test_fail("%s: %s", path, strerror(errno));
	return fd;
}

static void put(int fd, const char *value)
{
	if (write(fd, value, strlen(value)) < 0)
		test_fail("fault injection: %s", strerror(errno));
}

static void set(const char *path, const char *value)
{
	int fd = must_open(path);

	put(fd, value);
	close(fd);
}

void inject_ready(void)
{
	if (fail_nth >= 0)
		return;
	if (access(FAIL_NTH, W_OK) || access(SLAB "verbose", W_OK) ||
	    access(PAGES "verbose", W_OK))
		skip_because("this kernel has no fault injection");

	set(SLAB "verbose", "0");
	set(SLAB "ignore-gfp-wait", "N");
	set(SLAB "task-filter", "Y");
	set(SLAB "times", "-1");
	set(PAGES "verbose", "0");
	set(PAGES "ignore-gfp-wait", "N");
	set(PAGES "ignore-gfp-highmem", "N");
	set(PAGES "min-order", "0");
	fail_nth = must_open(FAIL_NTH);
}

void inject_in_child(void)
{
	close(fail_nth);
	fail_nth = must_open(FAIL_NTH);
}

void inject_nth(int n)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", n);
	put(fail_nth, value);
}

bool inject_nth_end(void)
{
	char value[16] = "";

	/* What is left of the countdown. */
	if (pread(fail_nth, value, sizeof(value) - 1, 0) < 0)
		test_fail("fault injection: %s", strerror(errno));
	put(fail_nth, "0");
	return !atoi(value);
}

void inject_after(unsigned int bytes)
{
	char value[16];

	snprintf(value, sizeof(value), "%u", bytes);
	set(SLAB "space", value);
	set(SLAB "times", SHORTAGE);
	set(SLAB "probability", "100");
	/* A child has a file of its own. */
	make_it_fail = must_open(MAKE_IT_FAIL);
	put(make_it_fail, "1");
}

bool inject_after_end(void)
{
	char value[16] = "";
	int times;

	put(make_it_fail, "0");
	close(make_it_fail);
	set(SLAB "probability", "0");
	times = must_open(SLAB "times");
	if (read(times, value, sizeof(value) - 1) < 0)
		test_fail("fault injection: %s", strerror(errno));
	close(times);
	set(SLAB "times", "-1");
	set(SLAB "space", "0");
	return atoi(value) != atoi(SHORTAGE);
}
