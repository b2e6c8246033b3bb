// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * How a test ends early, and time limits.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

static bool in_child;

void test_fail(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	if (in_child) {
		fprintf(stderr, "child %d: %s\n", getpid(), text);
		_exit(CHILD_FAILED);
	}
	fail_msg("%s", text);
	abort();
}

static void say_skipped(const char *fmt, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	print_message("skipped: %s\n", text);
}

void skip_because(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_skipped(fmt, args);
	va_end(args);
	skip();
	abort();
}

void part_is_skipped(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_skipped(fmt, args);
	va_end(args);
}

void expect_errno(const char *what, int ret, int err)
{
	if (ret != -1 || errno != err)
		test_fail("%s: returned %d, %s; not %s", what, ret,
			  strerror(errno), strerror(err));
}

void expect_error(const char *what, int ret, int err)
{
	if (ret != err)
		test_fail("%s: %s; not %s", what, strerror(ret), strerror(err));
}

pid_t child_start(int (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		test_fail("fork: %s", strerror(errno));
	if (!pid) {
		in_child = true;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	return pid;
}

int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			test_fail("waitpid: %s", strerror(errno));
	}
	if (WIFSIGNALED(status))
		test_fail("child %d: killed by signal %d", pid,
			  WTERMSIG(status));
	return WEXITSTATUS(status);
}

void child_wait_ok(pid_t pid)
{
	int status = child_wait(pid);

	if (status)
		test_fail("child %d: exit status %d", pid, status);
}

void child_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0) {
		if (errno != EINTR)
			test_fail("waitpid: %s", strerror(errno));
	}
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t now_us(void)
{
	return now_ns() / 1000;
}

int64_t now_ms(void)
{
	return now_us() / 1000;
}

bool wait_until(bool (*cond)(void *arg), void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int64_t deadline = now_ms() + PATIENCE_MS;

	while (!cond(arg)) {
		if (now_ms() > deadline)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
