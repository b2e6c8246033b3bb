/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A mirror of /dev/odp_selftest, and operations on it in other threads.
 */
#ifndef TESTS_ENGINE_DEV_H
#define TESTS_ENGINE_DEV_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "mem.h"
#include "odp_selftest_abi.h"
#include "pattern.h"

/* How a mirror is made; dev_default is what tests begin with. */
struct dev_config {
	bool read_only;
	bool own_table;
	bool shared;		/* the process's table, without hold points */
	bool device;		/* counted as one of a device's */
	bool exclusive;		/* see dev_atomic_write() */
	uint32_t around;	/* enum odp_around */
	uint32_t max_pages;
	uint32_t limit_ms;
	pid_t pid;
};

enum { AROUND_STREAM, AROUND_NONE, AROUND_SNAPSHOT, AROUND_POPULATE };

/* As the kernel's enum odp_prefetch. */
enum dev_prefetch { PREFETCH_READ, PREFETCH_WRITE, PREFETCH_NO_FAULT };

extern const struct dev_config dev_default;

/* Bits of a page's state, as the kernel's <rdma/odp_mirror.h> has them. */
enum {
	STATE_READ = 1 << 0,
	STATE_WRITE = 1 << 1,
	STATE_HUGE = 1 << 2,
	STATE_MIRRORED = 1 << 3,
	STATE_DIRTY = 1 << 4,
};

/*
 * Mirrors a range: a file descriptor or a negative errno. Loads the module if
 * it is not there, and fails the test if that cannot be done.
 */
int dev_try_open(const void *start, size_t len,
		 const struct dev_config *config);

/* The same; fails the test if the mirror cannot be had. */
int dev_open(const void *start, size_t len, const struct dev_config *config);

/* The two steps of it; dev_create() returns 0 or a negative errno. */
int dev_file(void);
int dev_create(int dev, const void *start, size_t len,
	       const struct dev_config *config);

/* Closes a mirror; may be used in a cmocka teardown. */
void dev_close(int dev);

/* What the device does: 0 or a negative errno. */
int dev_read(int dev, const void *va, void *buf, size_t len);
int dev_write(int dev, void *va, const void *buf, size_t len);
int dev_fault(int dev, const void *va, size_t len, bool write);

/* The same for what waits for nobody: -EINPROGRESS while a page is on its way. */
int dev_read_nowait(int dev, const void *va, void *buf, size_t len);

/* Eight bytes as one, of a page that the policy may have taken from the CPU. */
int dev_atomic_write(int dev, void *va, uint64_t value);
int dev_atomic_write_nowait(int dev, void *va, uint64_t value);

/*
 * Nanoseconds for @rounds writes inside the kernel, of a pattern of no meaning: by
 * the device, or @plain, by memcpy() to pages that are pinned.
 */
uint64_t dev_time(int dev, void *va, size_t len, uint32_t rounds, bool plain);

int dev_prefetch(int dev, const void *va, size_t len, enum dev_prefetch how);
int dev_kill(int dev);

/* The state of each page; a negative errno, or fails the test. */
int dev_try_states(int dev, const void *va, uint8_t *states, size_t npages);
void dev_states(int dev, const void *va, uint8_t *states, size_t npages);

/* How many pages of a range the device's own table has. */
int dev_own_pages(int dev, const void *va, size_t len);

/* Writes the pattern of @seed through the device; the CPU must see it. */
void dev_write_and_check(int dev, void *va, size_t len, uint64_t seed);

/* Reads through the device; it must see the pattern of @seed. */
void dev_read_and_check(int dev, const void *va, size_t len, uint64_t seed);

/*
 * Fails the test unless the pages of a range are in these states: F (FAULT),
 * R, W; lower case where the device has the page in its table: r, w.
 */
void dev_expect_pages(int dev, const void *va, const char *pages);

/* Fails the test if the device has a page of the range in its table. */
void dev_expect_unmirrored(int dev, const void *va, size_t npages);

struct odp_selftest_stats dev_stats(int dev);

/* How faults are dealt with; 0 or a negative errno. */
int dev_set_policy(int dev, const struct dev_config *config);
struct odp_selftest_policy dev_policy(int dev);

/* Arms hold point @slot for the next @times that come by. */
void dev_hold(int dev, unsigned int slot, enum odp_selftest_point point,
	      const void *va, size_t len, unsigned int times);
/* Waits until somebody is held there. */
void dev_await(int dev, unsigned int slot);
void dev_release(int dev, unsigned int slot);

/* An operation in a thread of its own. */
struct job {
	pthread_t thread;
	sem_t go;
	int (*fn)(struct job *job);
	int dev;
	void *va;
	size_t len;
	uint8_t *buf;		/* of @len, freed by job_end() */
	uint64_t seed;
	bool done;
	int result;
};

/*
 * Prepares a device read, a device write of the pattern of @seed, a fault for
 * writing into the device's own table, a madvise(MADV_DONTNEED), or an mprotect()
 * to PROT_READ. To prepare needs the mmap lock, which an invalidation that is held
 * may hold; that of an mprotect() does.
 */
void job_read(struct job *job, int dev, void *va, size_t len);
void job_write(struct job *job, int dev, void *va, size_t len, uint64_t seed);
void job_fault(struct job *job, int dev, void *va, size_t len);
void job_drop(struct job *job, void *va, size_t len);
void job_protect(struct job *job, void *va, size_t len);

/* Starts it. */
void job_go(struct job *job);

/* Whether it has ended. */
bool job_done(struct job *job);

/* Waits for it; its result. @job->buf stays until job_free(). */
int job_wait(struct job *job);
void job_free(struct job *job);

#endif /* TESTS_ENGINE_DEV_H */
