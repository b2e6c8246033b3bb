// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Loaded into a program with LD_PRELOAD: gives its processes an on-demand region
 * over all of their memory, and threads that use it while the program does what it
 * does. The program itself is left alone, what it forks is not: there, all is made
 * anew.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "carrier.h"

#define STACK (256 * 1024)

struct shared *shared;
struct slot *slot;
bool plain;

void trouble(const char *fmt, ...)
{
	va_list args;

	if (*slot->trouble)
		return;
	va_start(args, fmt);
	vsnprintf(slot->trouble, sizeof(slot->trouble), fmt, args);
	va_end(args);
}

static struct slot *claim(void)
{
	int i, nobody;

	for (i = 0; i < SLOTS; i++) {
		nobody = 0;
		if (atomic_compare_exchange_strong(&shared->slots[i].pid,
						   &nobody, getpid()))
			return &shared->slots[i];
	}
	return NULL;
}

/* The program's signals are not for these threads. */
static void start(void *(*fn)(void *unused))
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, fn, NULL);
	if (err)
		trouble("no thread: %s", strerror(err));
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The only thread here is the one that forked. */
static void in_child(void)
{
	if (slot) {
		traffic_forget();
		control_forget();
	}
	slot = claim();
	if (!slot)
		return;
	slot->waits.now = WAIT_NONE;
	if (control_open())
		start(control_run);
	if (traffic_open())
		start(traffic_run);
}

__attribute__((constructor))
static void load(void)
{
	const char *path = getenv(SHARED_FILE);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mem;

	if (fd < 0)
		return;
	mem = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		return;
	shared = mem;
	plain = getenv(SHARED_PLAIN);
	pthread_atfork(NULL, NULL, in_child);
}
