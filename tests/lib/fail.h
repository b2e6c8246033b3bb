/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * How a test ends early, in the test program itself or in a process that it
 * forked, and time limits.
 */
#ifndef TESTS_FAIL_H
#define TESTS_FAIL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

/* Longer than anything takes that works, under an emulator too. */
#define PATIENCE_MS 20000

/*
 * Ends the test with a message; in a child process, ends the process with
 * CHILD_FAILED.
 */
_Noreturn void test_fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

#define CHILD_FAILED 70

/*
 * Skips the test and says why: "skipped: ..." on a line of its own, which must
 * stand in tests/skips. The other one says so of a part of the test.
 */
_Noreturn void skip_because(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
void part_is_skipped(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* Fails the test, naming @what, unless @ret is -1 and errno @err. */
void expect_errno(const char *what, int ret, int err);

/* The same for what returns the errno. */
void expect_error(const char *what, int ret, int err);

/* Forks; the child runs @fn and exits with what it returns. */
pid_t child_start(int (*fn)(void *arg), void *arg);

/* Waits for a child; its exit status. Fails the test if a signal ended it. */
int child_wait(pid_t pid);

/* Waits for a child; fails the test unless it exited with 0. */
void child_wait_ok(pid_t pid);

/* Kills a child and waits for it. */
void child_kill(pid_t pid);

/* Milliseconds, micro- and nanoseconds of a clock that only goes forward. */
int64_t now_ms(void);
int64_t now_us(void);
int64_t now_ns(void);

/*
 * Runs @cond(arg) until it is true, at most PATIENCE_MS; false if it never was.
 * For states that nothing announces, such as work of a kernel worker.
 */
bool wait_until(bool (*cond)(void *arg), void *arg);

#endif /* TESTS_FAIL_H */
