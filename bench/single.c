// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What single operations cost, in microseconds each: registrations that last for
 * one write, writes that meet no page, and writes that do. On-demand regions and
 * pinned ones are measured in turn, in one run.
 *
 *	./run exec --icount -- build/6.12/bench/bench_single
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "env.h"

#define ROUNDS	256
/* Far enough apart that no fault brings in another's page. */
#define APART	(4 * MIB)

static struct env *e;

static void write_once(const struct ibv_mr *mr, uint8_t *to, uint32_t len)
{
	expect_success("write", do_write(&e->rc, env_buf(e), ref_r(mr, to),
					 len));
}

static struct ibv_mr *reg(uint8_t *mem, size_t len, bool pinned)
{
	return pinned ? reg_pinned(&e->rig, mem, len, ACCESS_ALL) :
			reg_odp(&e->rig, mem, len, ACCESS_ALL);
}

static void show(const char *what, const char *kind, int64_t us)
{
	printf("%-44s %-10s %8.1f us\n", what, kind, (double)us / ROUNDS);
	fflush(stdout);
}

static const char *kind_of(bool pinned)
{
	return pinned ? "pinned" : "on-demand";
}

/* @step: from one round's memory to the next one's; 0 for always the same. */
static void short_lived(const char *what, size_t step, bool pinned)
{
	uint8_t *mem = mem_anon((ROUNDS + 1) * PAGE);
	struct ibv_mr *mr;
	int64_t start = 0;
	int i;

	mem_touch(mem, (ROUNDS + 1) * PAGE);
	for (i = -1; i < ROUNDS; i++) {
		uint8_t *at = mem + (i + 1) * step;

		/* The first one is not measured. */
		if (!i)
			start = now_us();
		mr = reg(at, PAGE, pinned);
		write_once(mr, at, PAGE);
		dereg(&e->rig, mr);
	}
	show(what, kind_of(pinned), now_us() - start);
}

static void unused(const char *what, bool pinned)
{
	uint8_t *mem = mem_anon(PAGE);
	int64_t start = 0;
	int i;

	mem_touch(mem, PAGE);
	for (i = -1; i < ROUNDS; i++) {
		if (!i)
			start = now_us();
		dereg(&e->rig, reg(mem, PAGE, pinned));
	}
	show(what, kind_of(pinned), now_us() - start);
}

/* An object without memory: what two calls of uverbs and rxe take anyway. */
static void objects(const char *what)
{
	int64_t start = 0;
	struct ibv_mw *mw;
	int i;

	for (i = -1; i < ROUNDS; i++) {
		if (!i)
			start = now_us();
		mw = ibv_alloc_mw(e->rig.pd, IBV_MW_TYPE_1);
		if (!mw || ibv_dealloc_mw(mw))
			test_fail("no window");
	}
	show(what, "none", now_us() - start);
}

static void lone_writes(const char *what, bool touched)
{
	const size_t len = (ROUNDS + 1) * APART;
	uint8_t *mem = mem_anon(len);
	struct ibv_mr *mr = reg(mem, len, false);
	int64_t start = 0;
	int i;

	for (i = -1; touched && i < ROUNDS; i++)
		mem_touch(mem + (i + 1) * APART, PAGE);
	for (i = -1; i < ROUNDS; i++) {
		if (!i)
			start = now_us();
		write_once(mr, mem + (i + 1) * APART, PAGE);
	}
	show(what, kind_of(false), now_us() - start);
	dereg(&e->rig, mr);
	mem_unmap(mem, len);
}

static void warm_writes(const char *what, uint32_t len, bool pinned)
{
	uint8_t *mem = mem_anon(MIB);
	struct ibv_mr *mr = reg(mem, MIB, pinned);
	int64_t start = 0;
	int i;

	write_once(mr, mem, MIB);
	for (i = -1; i < ROUNDS; i++) {
		if (!i)
			start = now_us();
		write_once(mr, mem + 64, len);
	}
	show(what, kind_of(pinned), now_us() - start);
	dereg(&e->rig, mr);
}

/* One page that the device uses is taken back, and only that is measured. */
static void taken_back(const char *what, bool used)
{
	uint8_t *mem = mem_anon(MIB);
	struct ibv_mr *mr = used ? reg(mem, MIB, false) : NULL;
	int64_t start, took = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		mem_touch(mem + 7 * PAGE, PAGE);
		if (used) {
			write_once(mr, mem, PAGE);
			write_once(mr, mem + 7 * PAGE, PAGE);
		}
		start = now_us();
		madvise(mem + 7 * PAGE, PAGE, MADV_DONTNEED);
		took += now_us() - start;
	}
	show(what, used ? "on-demand" : "none", took);
	if (used)
		dereg(&e->rig, mr);
}

int main(void)
{
	const struct pair_config rc = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_4096,
	};
	void *state;
	int pinned;

	if (env_setup(&state))
		return EXIT_FAILURE;
	e = state;
	pair_close(&e->rc);
	pair_open(&e->rc, &e->rig, &rc);

	objects("allocate a window, free it");
	for (pinned = 1; pinned >= 0; pinned--) {
		unused("register 4 KiB, deregister", pinned);
		short_lived("register 4 KiB, write it, deregister: new memory",
			    PAGE, pinned);
		short_lived("the same, same memory", 0, pinned);
		warm_writes("warm write 8 B", 8, pinned);
		warm_writes("warm write 4 KiB", 4 * KIB, pinned);
		warm_writes("warm write 64 KiB", 64 * KIB, pinned);
	}
	lone_writes("lone write, page not there", false);
	lone_writes("lone write, page there", true);
	taken_back("MADV_DONTNEED of a page", false);
	taken_back("MADV_DONTNEED of a page", true);

	return env_teardown(&state) ? EXIT_FAILURE : EXIT_SUCCESS;
}
