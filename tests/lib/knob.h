/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Small files of /proc, /sys and the like, and commands of the shell.
 */
#ifndef TESTS_KNOB_H
#define TESTS_KNOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes a file; whether it could. */
bool knob_set(const char *path, const char *value);

/* Reads the beginning of a file; false if there is nothing to be read. */
bool knob_get(const char *path, char *text, size_t room);

/* The number in a file; fails the test if there is none. */
int64_t knob_number(const char *path);

/* Runs a command; whether it succeeded. */
bool shell_try(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same; fails the test if it did not. */
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* TESTS_KNOB_H */
