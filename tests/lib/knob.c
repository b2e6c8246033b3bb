// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Small files of /proc, /sys and the like, and commands of the shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "knob.h"

#define COMMAND_MAX 512

bool knob_get(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd >= 0) {
		got = read(fd, text, room - 1);
		close(fd);
	}
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

bool knob_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	return !close(fd) && done;
}

int64_t knob_number(const char *path)
{
	char text[64], *end;
	int64_t number;

	if (!knob_get(path, text, sizeof(text)))
		test_fail("%s cannot be read", path);
	number = strtoll(text, &end, 10);
	if (end == text)
		test_fail("%s holds no number", path);
	return number;
}

static bool run(const char *fmt, va_list args, char *text)
{
	vsnprintf(text, COMMAND_MAX, fmt, args);
	return !system(text);
}

bool shell_try(const char *fmt, ...)
{
	char text[COMMAND_MAX];
	va_list args;
	bool done;

	va_start(args, fmt);
	done = run(fmt, args, text);
	va_end(args);
	return done;
}

void shell(const char *fmt, ...)
{
	char text[COMMAND_MAX];
	va_list args;
	bool done;

	va_start(args, fmt);
	done = run(fmt, args, text);
	va_end(args);
	if (!done)
		test_fail("%s: failed", text);
}
