/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What is measured, on one side at a time: a side is a kind of region on one of
 * the two rxe modules, or no region at all. Rows of the same name are compared
 * over the sides (report.py).
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dice.h"
#include "env.h"

enum bench_kind {
	KIND_PINNED = 1 << 0,
	KIND_ON_DEMAND = 1 << 1,
	KIND_NONE = 1 << 2,	/* no region; what the kernel takes without us */
};

#define KIND_REGION	(KIND_PINNED | KIND_ON_DEMAND)
#define KIND_ANY	(KIND_REGION | KIND_NONE)

enum better {
	MORE_IS_BETTER,
	LESS_IS_BETTER,
};

/**
 * struct bench - what a row finds when it runs, in a process of its own
 * @side: the side's name
 * @kind: its kind of region
 * @ours: whether the rxe module has libodp's statistics
 * @quick: whether a rough figure will do
 * @env: the device, open, and a connected pair with a path MTU of 4096
 */
struct bench {
	const char *side;
	enum bench_kind kind;
	bool ours;
	bool quick;
	struct env *env;
};

/**
 * struct bench_row - one thing to be measured
 * @name: stands in the table, with what bench_say() adds
 * @kinds: the kinds of region for which it means something
 * @cpus: the processors that it takes, or 0 if any number will do
 * @ours: it takes the engine
 * @run: measures and says what came out; ends by test_fail() if data was wrong
 * @arg: its parameters
 */
struct bench_row {
	const char *name;
	unsigned int kinds;
	int cpus;
	bool ours;
	void (*run)(struct bench *b, const struct bench_row *row);
	const void *arg;
};

/* A file's rows; the last one has no name. */
extern const struct bench_row pass_rows[], warm_rows[], lone_rows[], reg_rows[],
			      gone_rows[], scale_rows[], ahead_rows[],
			      engine_rows[];

/*
 * Prints a figure; @what, if not NULL, follows the row's name. Lines are fields
 * with tabs between them: side, name, unit, more or less, value.
 */
void bench_say(const struct bench *b, const struct bench_row *row,
	       const char *what, const char *unit, enum better better,
	       double value);

/* Registers in the side's way, for all access; NULL for KIND_NONE. */
struct ibv_mr *bench_reg(struct bench *b, void *addr, size_t len);

/* The same for peers that only read: a file's pages may not be pinned for more. */
struct ibv_mr *bench_reg_read(struct bench *b, void *addr, size_t len);

/* Undoes that; takes NULL. */
void bench_dereg(struct ibv_mr *mr);

/* Prints what @part of @n nanoseconds are below, in microseconds; sorts them. */
void bench_say_us(const struct bench *b, const struct bench_row *row,
		  const char *what, int64_t *ns, size_t n, double part);

/*
 * The parts that are measured lie between these: a time, and the nanoseconds since
 * then. A profile counts what is executed there (bench/profile).
 */
int64_t bench_start(void);
int64_t bench_stop(int64_t start);

/**
 * struct traffic - operations of one kind from one end to the other
 * @pair: the queue pairs
 * @op: the kind
 * @local: A's memory
 * @remote: B's memory
 * @len: bytes of each
 * @depth: how many are under way at once
 * @order: where each lies, in units of @len, on both sides; NULL: all at 0
 * @apart: how far apart they lie at the other side besides, in bytes
 * @places: in how many such places; 0: each in one of its own
 */
struct traffic {
	struct pair *pair;
	enum ibv_wr_opcode op;
	struct ref local;
	struct ref remote;
	uint32_t len;
	uint32_t depth;
	const uint32_t *order;
	uint64_t apart;
	uint32_t places;
};

/* Writes of @len bytes from A's pinned buffer, one by one; all but @remote. */
struct traffic traffic_writes(struct bench *b, uint32_t len);

/* Posts the @i-th of them, and waits for the oldest that is under way. */
void traffic_post(const struct traffic *t, uint32_t i);
void traffic_finish(const struct traffic *t);

/* Runs @n of them; the nanoseconds that they took. */
int64_t traffic_run(const struct traffic *t, uint32_t n);

/*
 * The same in bursts. Who runs first, sender or receiver, is settled when one
 * begins: of one long run the time is one of two or three, of many the mean.
 */
int64_t traffic_bursts(const struct traffic *t, uint32_t n);

/* Runs @n of them one by one; the nanoseconds of each are put into @ns. */
void traffic_time(const struct traffic *t, uint32_t n, int64_t *ns);

#endif /* BENCH_H */
