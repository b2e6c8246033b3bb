/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the processes under stress and who watches them have in common: a file
 * that all map, which outlives a process that is killed.
 */
#ifndef STRESS_SHARED_H
#define STRESS_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The environment's names of that file, and of what is asked for. */
#define SHARED_FILE "STRESS_SHARED"
#define SHARED_PLAIN "STRESS_PLAIN"	/* no RDMA: the same by system calls */

/* Processes at a time that carry a region; the others run as ever. */
#define SLOTS 6
/* Operations longer than this one are slow, and want a reason. */
#define SLOW_NS 1000000000ul
/* That many of a process are kept. */
#define SLOW_MAX 16

/* What threads wait for that have nothing to do with RDMA. */
enum wait {
	WAIT_CPU,	/* to be run again after a sleep */
	WAIT_TOUCH,	/* a byte of its own page that is there */
	WAIT_LOCK,	/* system calls that take the mmap_lock to read */
	WAIT_PAGE,	/* a new page of its own */
	WAIT_MACHINE,	/* the same as WAIT_CPU with real-time priority */
	NR_WAITS,
	WAIT_NONE = NR_WAITS,
};

/* How long, in ns; written by one thread. */
struct waits {
	_Atomic uint32_t now;
	_Atomic uint64_t since;
	_Atomic uint64_t total[NR_WAITS];
	_Atomic uint64_t longest[NR_WAITS];
};

enum op {
	OP_WRITE,	/* of its own memory, compared */
	OP_READ,	/* the same */
	OP_VISIT,	/* a read of whatever is mapped */
	NR_OPS,
};

/* An operation, and how long those beside it waited meanwhile. */
struct record {
	uint64_t ns;
	uint64_t addr;
	uint32_t len;
	uint32_t op;
	_Atomic bool userfault;	/* it was seen to wait for who has the page */
	uint64_t waited[NR_WAITS];
};

struct slot {
	_Atomic int pid;		/* 0 if it is free */
	_Atomic int thread;		/* that operates, or 0 */
	_Atomic uint64_t since;		/* of the operation under way, or 0 */
	struct record now;		/* which, and what was waited before it */
	_Atomic uint64_t ops[NR_OPS];
	_Atomic uint64_t compared;	/* bytes */
	_Atomic uint64_t wrong;		/* bytes */
	_Atomic uint64_t refused;	/* visits */
	_Atomic uint64_t lost;		/* operations that failed as none may */
	_Atomic uint32_t nr_slow;
	struct record longest;
	struct record slow[SLOW_MAX];
	struct waits waits;
	char trouble[128];		/* the first that there was */
};

struct shared {
	struct waits machine;
	struct slot slots[SLOTS];
};

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ul + t.tv_nsec;
}

/*
 * What was waited for is there; the next wait begins, after a sleep of @sleep ns.
 * No time is lost between the two: it may be just there that the processor goes to
 * others.
 */
static inline void wait_next(struct waits *w, enum wait kind, uint64_t sleep)
{
	enum wait last = w->now;
	uint64_t now = now_ns(), since = w->since;
	uint64_t ns = now > since ? now - since : 0;

	w->now = WAIT_NONE;
	if (last != WAIT_NONE) {
		w->total[last] += ns;
		if (ns > w->longest[last])
			w->longest[last] = ns;
	}
	w->since = now + sleep;
	w->now = kind;
}

/* All that was ever waited, until now. */
static inline uint64_t waited(const struct waits *w, enum wait kind,
			      uint64_t now)
{
	uint64_t total = w->total[kind], since = w->since;

	return w->now == kind && now > since ? total + now - since : total;
}

static inline void waited_all(const struct shared *s, const struct slot *slot,
			      uint64_t now, uint64_t *all)
{
	int i;

	for (i = 0; i < NR_WAITS; i++)
		all[i] = waited(i == WAIT_MACHINE ? &s->machine : &slot->waits,
				i, now);
}

/* The record of an operation that was under way until @now. */
static inline struct record record_of(const struct shared *s,
				      const struct slot *slot, uint64_t now)
{
	struct record r = slot->now;
	uint64_t all[NR_WAITS];
	int i;

	r.ns = now - slot->since;
	waited_all(s, slot, now, all);
	for (i = 0; i < NR_WAITS; i++)
		r.waited[i] = all[i] - r.waited[i];
	return r;
}

static inline void record_keep(struct slot *slot, const struct record *r)
{
	if (r->ns > slot->longest.ns)
		slot->longest = *r;
	if (r->ns > SLOW_NS && slot->nr_slow++ < SLOW_MAX)
		slot->slow[slot->nr_slow - 1] = *r;
}

#endif /* STRESS_SHARED_H */
