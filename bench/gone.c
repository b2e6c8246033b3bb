// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that goes while the device uses it: what the process pays for that.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "percentile.h"

#define ROUNDS 256
#define FEW_ROUNDS 5
#define MAX_REGIONS 1000

struct gone {
	size_t len;		/* of what goes at a time */
	uint32_t regions;	/* over it */
};

struct used {
	struct bench *b;
	struct ibv_mr *mrs[MAX_REGIONS];
	uint32_t nr_mrs;
	uint8_t *mem;
	size_t len;
};

/* The device has written all of it, or the CPU if there is no region. */
static void use(struct used *u, size_t off, size_t len)
{
	struct traffic t;
	size_t n;

	mem_touch(u->mem + off, len);
	for (; u->mrs[0] && len; off += n, len -= n) {
		n = len < MIB ? len : MIB;
		t = traffic_writes(u->b, (uint32_t)n);
		t.remote = ref_r(u->mrs[0], u->mem + off);
		traffic_run(&t, 1);
	}
}

static void used_make(struct used *u, struct bench *b, size_t len,
		      uint32_t regions)
{
	*u = (struct used) { .b = b, .len = len, .nr_mrs = regions };
	u->mem = mem_free_range(len, HUGE_2M);
	mem_map_at(u->mem, len, PROT_READ | PROT_WRITE);
	mem_advise(u->mem, len, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	mem_touch(u->mem, len);
	while (regions--)
		u->mrs[regions] = bench_reg(b, u->mem, len);
	use(u, 0, len);
}

static void used_free(struct used *u)
{
	uint32_t i;

	for (i = 0; i < u->nr_mrs; i++)
		bench_dereg(u->mrs[i]);
	mem_unmap(u->mem, u->len);
}

/* A part in the middle goes, again and again. */
static void dontneed_run(struct bench *b, const struct bench_row *row)
{
	const struct gone *gone = row->arg;
	int i, rounds = gone->len > MIB ? 16 : ROUNDS;
	int64_t ns[ROUNDS], start;
	size_t off = 2 * MIB;
	struct used u;

	used_make(&u, b, 6 * MIB, gone->regions);
	for (i = 0; i < rounds; i++) {
		use(&u, off, gone->len);
		start = bench_start();
		madvise(u.mem + off, gone->len, MADV_DONTNEED);
		ns[i] = bench_stop(start);
	}
	bench_say_us(b, row, NULL, ns, rounds, 0.5);
	used_free(&u);
}

static void munmap_run(struct bench *b, const struct bench_row *row)
{
	const struct gone *gone = row->arg;
	size_t len = b->quick ? gone->len / 4 : gone->len;
	int64_t ns[FEW_ROUNDS], start;
	struct used u;
	int i;

	for (i = 0; i < FEW_ROUNDS; i++) {
		used_make(&u, b, len, gone->regions);
		start = bench_start();
		munmap(u.mem, len);
		ns[i] = bench_stop(start);
		used_free(&u);
	}
	bench_say(b, row, "for 256 MiB", "ms", LESS_IS_BETTER,
		  percentile(ns, FEW_ROUNDS, 0.5) / 1e6 *
		  (double)(256 * MIB / len));
}

static void fork_run(struct bench *b, const struct bench_row *row)
{
	size_t len = b->quick ? 64 * MIB : 256 * MIB;
	int64_t ns[FEW_ROUNDS], start;
	struct used u;
	pid_t pid;
	int i;

	used_make(&u, b, len, 1);
	for (i = 0; i < FEW_ROUNDS; i++) {
		use(&u, 0, len);
		start = bench_start();
		pid = fork();
		if (!pid)
			_exit(0);
		ns[i] = bench_stop(start);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			test_fail("fork");
	}
	bench_say(b, row, "of 256 MiB", "ms", LESS_IS_BETTER,
		  percentile(ns, FEW_ROUNDS, 0.5) / 1e6 *
		  (double)(256 * MIB / len));
	used_free(&u);
}

struct dropper {
	uint8_t *mem;
	size_t len;
	atomic_bool stop;
};

/* 64 KiB a thousand times a second, in its own half of the region. */
static void *drop(void *arg)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct dropper *d = arg;
	size_t off = 0;

	while (!atomic_load(&d->stop)) {
		madvise(d->mem + off, 64 * KIB, MADV_DONTNEED);
		off = (off + 64 * KIB) % d->len;
		nanosleep(&ms, NULL);
	}
	return NULL;
}

static void beside_run(struct bench *b, const struct bench_row *row)
{
	const size_t len = 16 * MIB;
	uint32_t n = b->quick ? 2000 : 8000, i, *order;
	uint32_t pages = (uint32_t)(len / 2 / PAGE);
	struct dropper d = { .len = len / 2 };
	pthread_t thread;
	struct used u;
	struct traffic t = traffic_writes(b, 4 * KIB);
	uint8_t *buf = mem_anon(len / 2);
	struct ibv_mr *buf_mr = reg_pinned(&b->env->rig, buf, len / 2,
					   ACCESS_ALL);
	int64_t ns;

	used_make(&u, b, len, 1);
	pattern_fill(buf, len / 2, 6, 0);
	order = calloc(n, sizeof(*order));
	for (i = 0; i < n; i++)
		order[i] = i % pages;
	t.depth = 16;
	t.order = order;
	t.local = ref_l(buf_mr, buf);
	t.remote = ref_r(u.mrs[0], u.mem);
	d.mem = u.mem + len / 2;
	if (pthread_create(&thread, NULL, drop, &d))
		test_fail("pthread_create");
	ns = traffic_run(&t, n);
	atomic_store(&d.stop, true);
	pthread_join(thread, NULL);
	pattern_check("the region", u.mem,
		      (n < pages ? n : pages) * PAGE, 6, 0);
	bench_say(b, row, NULL, "MB/s", MORE_IS_BETTER,
		  (double)n * 4 * KIB * 1000 / (double)ns);
	used_free(&u);
	free(order);
}

#define GONE(title, which, fn, ...) {					\
	.name = title, .kinds = which, .run = fn,			\
	.arg = &(const struct gone) { __VA_ARGS__ },			\
}

const struct bench_row gone_rows[] = {
	GONE("MADV_DONTNEED of 4 KiB", KIND_ANY, dontneed_run, PAGE, 1),
	GONE("MADV_DONTNEED of 2 MiB", KIND_ANY, dontneed_run, 2 * MIB, 1),
	GONE("MADV_DONTNEED of 4 KiB under 10 regions", KIND_ON_DEMAND,
	     dontneed_run, PAGE, 10),
	GONE("MADV_DONTNEED of 4 KiB under 1,000 regions", KIND_ON_DEMAND,
	     dontneed_run, PAGE, 1000),
	GONE("MADV_DONTNEED of 2 MiB under 1,000 regions", KIND_ON_DEMAND,
	     dontneed_run, 2 * MIB, 1000),
	GONE("munmap", KIND_ANY, munmap_run, 256 * MIB, 1),
	GONE("munmap under 1,000 regions", KIND_ON_DEMAND, munmap_run,
	     256 * MIB, 1000),
	{ .name = "fork", .kinds = KIND_ANY, .run = fork_run },
	{
		.name = "4 KiB writes beside 1,000 MADV_DONTNEED a second",
		.kinds = KIND_ON_DEMAND, .run = beside_run,
	},
	{}
};
