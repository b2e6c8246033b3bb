// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * First passes: memory that the device has never seen, all of it once, in some
 * order. The registration counts. What came out is checked after each pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "swap.h"

#define DEPTH 16

enum memory {
	ANON,
	THP,
	CACHED,		/* a file's pages that nobody has mapped; read */
	SWAPPED,	/* read */
};

enum order {
	UP,
	DOWN,
	RANDOM,
	STRIDE,		/* every @step-th, then those behind them, and so on */
	STREAMS,	/* @step streams in turn */
};

struct pass {
	enum memory memory;
	enum order order;
	uint32_t step;
	size_t len;
};

static void order_make(const struct pass *pass, uint32_t *order, uint32_t n)
{
	uint32_t i, at = 0, step = pass->step;

	switch (pass->order) {
	case RANDOM:
		shuffle(order, n);
		return;
	case STRIDE:
		for (i = 0; i < n; i++) {
			order[i] = at;
			at = at + step < n ? at + step : at % step + 1;
		}
		return;
	case STREAMS:
		for (i = 0; i < n; i++)
			order[i] = i % step * (n / step) + i / step;
		return;
	case DOWN:
		for (i = 0; i < n; i++)
			order[i] = n - 1 - i;
		return;
	case UP:
		for (i = 0; i < n; i++)
			order[i] = i;
	}
}

static bool is_read(const struct pass *pass)
{
	return pass->memory == CACHED || pass->memory == SWAPPED;
}

static uint8_t *cached(const uint8_t *data, size_t len)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n;
	void *p;

	if (fd < 0)
		test_fail("a file in /var/tmp: %s", strerror(errno));
	for (; done < len; done += (size_t)n) {
		n = write(fd, data + done, len - done);
		if (n <= 0)
			test_fail("write: %s", strerror(errno));
	}
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		test_fail("mmap: %s", strerror(errno));
	close(fd);

	return p;
}

static uint8_t *memory_make(const struct pass *pass, const uint8_t *data,
			    size_t len)
{
	uint8_t *mem;

	switch (pass->memory) {
	case THP:
		mem = mem_anon_aligned(len, HUGE_2M);
		mem_advise(mem, len, MADV_HUGEPAGE, "HUGEPAGE");
		return mem;
	case CACHED:
		return cached(data, len);
	case SWAPPED:
		if (!swap_open())
			test_fail("no swap to be had");
		mem = mem_anon(len);
		memcpy(mem, data, len);
		mem_page_out(mem, len);
		return mem;
	default:
		return mem_anon(len);
	}
}

static void say_counters(struct bench *b, const struct bench_row *row,
			 struct ibv_mr *mr, size_t len)
{
	struct odp_stats stats;

	if (!b->ours || b->kind != KIND_ON_DEMAND)
		return;
	stats = stats_of(mr);
	bench_say(b, row, "faults per GiB", "", LESS_IS_BETTER,
		  (double)stats.faults * (double)(GIB / len));
	bench_say(b, row, "table per GiB", "KiB", LESS_IS_BETTER,
		  (double)stats.table_bytes * (double)(GIB / len) / KIB);
}

static void pass_run(struct bench *b, const struct bench_row *row)
{
	const struct pass *pass = row->arg;
	size_t len = b->quick ? 16 * MIB : 64 * MIB;
	uint32_t n = (uint32_t)(len / pass->len);
	uint32_t *order = calloc(n, sizeof(*order));
	uint8_t *buf = mem_anon(len), *mem;
	struct ibv_mr *buf_mr, *mr;
	struct traffic t = {
		.pair = &b->env->rc,
		.op = is_read(pass) ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE,
		.len = (uint32_t)pass->len,
		.depth = DEPTH,
		.order = order,
	};
	int64_t start;

	order_make(pass, order, n);
	pattern_fill(buf, len, 1, 0);
	mem = memory_make(pass, buf, len);
	if (is_read(pass))
		memset(buf, 0, len);
	buf_mr = reg_pinned(&b->env->rig, buf, len, ACCESS_ALL);
	t.local = ref_l(buf_mr, buf);

	start = bench_start();
	mr = is_read(pass) ? bench_reg_read(b, mem, len) :
			     bench_reg(b, mem, len);
	t.remote = ref_r(mr, mem);
	traffic_run(&t, n);
	bench_say(b, row, NULL, "MB/s", MORE_IS_BETTER,
		  (double)len * 1000 / (double)bench_stop(start));

	say_counters(b, row, mr, len);
	pattern_check("the pass", is_read(pass) ? buf : mem, len, 1, 0);
	bench_dereg(mr);
	dereg(&b->env->rig, buf_mr);
	free(order);
	swap_close();
}

#define PASS(title, ...) {						\
	.name = "first pass, " title, .kinds = KIND_REGION,		\
	.run = pass_run, .arg = &(const struct pass) { __VA_ARGS__ },	\
}

const struct bench_row pass_rows[] = {
	PASS("anonymous, 64 KiB writes", ANON, UP, 0, 64 * KIB),
	PASS("anonymous, 4 KiB writes", ANON, UP, 0, 4 * KIB),
	PASS("anonymous, 64 KiB writes, random", ANON, RANDOM, 0, 64 * KIB),
	PASS("anonymous, 4 KiB writes, random", ANON, RANDOM, 0, 4 * KIB),
	PASS("anonymous, 4 KiB writes, descending", ANON, DOWN, 0, 4 * KIB),
	PASS("anonymous, 4 KiB writes, every 2nd page", ANON, STRIDE, 2, 4 * KIB),
	PASS("anonymous, 4 KiB writes, every 16th page", ANON, STRIDE, 16, 4 * KIB),
	PASS("anonymous, 4 KiB writes, every 512th page", ANON, STRIDE, 512, 4 * KIB),
	PASS("anonymous, 4 KiB writes, 4 streams", ANON, STREAMS, 4, 4 * KIB),
	PASS("huge pages, 64 KiB writes", THP, UP, 0, 64 * KIB),
	PASS("huge pages, 4 KiB writes", THP, UP, 0, 4 * KIB),
	PASS("huge pages, 4 KiB writes, random", THP, RANDOM, 0, 4 * KIB),
	PASS("page cache, 64 KiB reads", CACHED, UP, 0, 64 * KIB),
	PASS("page cache, 4 KiB reads", CACHED, UP, 0, 4 * KIB),
	PASS("page cache, 4 KiB reads, random", CACHED, RANDOM, 0, 4 * KIB),
	PASS("swap, 64 KiB reads", SWAPPED, UP, 0, 64 * KIB),
	PASS("swap, 4 KiB reads, random", SWAPPED, RANDOM, 0, 4 * KIB),
	{}
};
