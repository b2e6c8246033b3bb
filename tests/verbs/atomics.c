// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Atomics and flush on an on-demand MR: every aligned place of a page that
 * matters, cold and warm, what they return, and what they must not touch.
 */
#include <string.h>
#include <sys/mman.h>

#include "env.h"
#include "pages.h"
#include "uffd.h"

#define NR_PAGES 4
#define LEN (NR_PAGES * PAGE)

static const size_t places[] = {
	0, 8, 64, 2048, 4088, 4096, 8184, 12288, LEN - 8
};

/* Shared memory with a pattern, on demand. */
struct target {
	uint8_t *mem;
	struct ibv_mr *mr;
};

static struct target target_open(struct env *e)
{
	struct target t;

	t.mem = mem_shared(LEN);
	pattern_fill(t.mem, LEN, 1, 0);
	t.mr = reg_odp(&e->rig, t.mem, LEN, ACCESS_ALL);
	return t;
}

static uint64_t original(size_t place)
{
	uint64_t value;

	pattern_fill(&value, sizeof(value), 1, place);
	return value;
}

/* All but the eight bytes at @place is as it was. */
static void check_rest(const struct target *t, size_t place)
{
	pattern_check("before the atomic", t->mem, place, 1, 0);
	pattern_check("behind the atomic", t->mem + place + 8, LEN - place - 8,
		      1, place + 8);
}

static void restore(const struct target *t, size_t place, bool cold)
{
	pattern_fill(t->mem + place, 8, 1, place);
	if (cold)
		mem_cold(t->mem, LEN);
}

static void fetch_and_add(void **state)
{
	struct env *e = *state;
	struct target t = target_open(e);
	size_t i;

	for (i = 0; i < 2 * NR(places); i++) {
		size_t place = places[i / 2];

		restore(&t, place, i % 2);
		expect_success("fetch and add",
			       do_fetch_add(&e->rc, env_buf(e),
					    ref_r(t.mr, t.mem + place), 77));
		assert_int_equal(mem_load(e->buf), original(place));
		assert_int_equal(mem_load(t.mem + place), original(place) + 77);
		check_rest(&t, place);
		restore(&t, place, false);
	}
}

static void compare_and_swap(void **state)
{
	struct env *e = *state;
	struct target t = target_open(e);
	size_t i;

	for (i = 0; i < 2 * NR(places); i++) {
		size_t place = places[i / 2];
		struct ref there = ref_r(t.mr, t.mem + place);

		restore(&t, place, i % 2);
		expect_success("swap that does not match",
			       do_cmp_swap(&e->rc, env_buf(e), there,
					   ~original(place), 5));
		assert_int_equal(mem_load(e->buf), original(place));
		assert_int_equal(mem_load(t.mem + place), original(place));

		restore(&t, place, i % 2);
		expect_success("swap that matches",
			       do_cmp_swap(&e->rc, env_buf(e), there,
					   original(place), 0x1122334455667788));
		assert_int_equal(mem_load(e->buf), original(place));
		assert_int_equal(mem_load(t.mem + place), 0x1122334455667788);
		check_rest(&t, place);
		restore(&t, place, false);
	}
}

static void atomic_write(void **state)
{
	struct env *e = *state;
	struct target t = target_open(e);
	size_t i;

	for (i = 0; i < 2 * NR(places); i++) {
		size_t place = places[i / 2];

		restore(&t, place, i % 2);
		expect_success("atomic write",
			       do_atomic_write(&e->rc,
					       ref_r(t.mr, t.mem + place),
					       0xa1b2c3d4e5f60718));
		assert_int_equal(mem_load(t.mem + place), 0xa1b2c3d4e5f60718);
		check_rest(&t, place);
		restore(&t, place, false);
	}
}

/* What is late, the peer sends for once more, and to where it belongs. */
static void R19_late_pages(void **state)
{
	const uint64_t value = 0x0123456789abcdef;
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct uffd uffd;
	uint64_t was;

	uffd_open(&uffd, mem, LEN);
	uffd_serve(&uffd, 1);
	expect_success("atomic write to a late page",
		       do_atomic_write(&e->rc, ref_r(mr, mem + 8), value));
	assert_int_equal(mem_load(mem + 8), value);
	expect_success("fetch and add on a late page",
		       do_fetch_add(&e->rc, env_buf(e),
				    ref_r(mr, mem + PAGE), 3));
	was = mem_load(e->buf);
	pattern_check("what was there", &was, sizeof(was), 1, PAGE);
	assert_int_equal(mem_load(mem + PAGE), was + 3);
	assert_int_equal(stats_of(mr).slow_faults, 2);
	uffd_close(&uffd);
}

/* The old value goes to on-demand memory of A, across two pages of it. */
static void result_crosses_pages(void **state)
{
	struct env *e = *state;
	struct target t = target_open(e);
	uint8_t *result = mem_anon(2 * PAGE), *at = result + PAGE - 3;
	struct ibv_mr *mr = reg_odp(&e->rig, result, 2 * PAGE, ACCESS_ALL);

	expect_success("fetch and add",
		       do_fetch_add(&e->rc, ref_l(mr, at), ref_r(t.mr, t.mem),
				    1));
	assert_int_equal(mem_load(at), original(0));
	zeros_check("before the result", result, PAGE - 3);
	zeros_check("behind the result", at + 8, PAGE - 5);
}

static void misaligned_is_refused(void **state)
{
	struct env *e = *state;
	struct target t = target_open(e);
	size_t off;

	for (off = 1; off < 8; off++) {
		struct ref there = ref_r(t.mr, t.mem + PAGE + off);

		expect_wc("misaligned fetch and add",
			  do_fetch_add(&e->rc, env_buf(e), there, 1),
			  IBV_WC_REM_INV_REQ_ERR);
		pair_reset(&e->rc);
		expect_wc("misaligned swap",
			  do_cmp_swap(&e->rc, env_buf(e), there, 0, 1),
			  IBV_WC_REM_INV_REQ_ERR);
		pair_reset(&e->rc);
		expect_wc("misaligned atomic write",
			  do_atomic_write(&e->rc, there, 1),
			  IBV_WC_REM_INV_REQ_ERR);
		pair_reset(&e->rc);
	}
	pattern_check("memory", t.mem, LEN, 1, 0);
}

/* Two queue pairs count in one word of one cold page after another. */
static void no_add_is_lost(void **state)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_1024,
	};
	struct env *e = *state;
	uint64_t *word = mem_shared(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, word, PAGE, ACCESS_ALL);
	struct ibv_sge sge = {
		.addr = (uintptr_t)e->buf,
		.length = 8,
		.lkey = e->buf_mr->lkey,
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.atomic = {
			.remote_addr = (uintptr_t)word,
			.rkey = mr->rkey,
			.compare_add = 1,
		},
	};
	struct pair other;
	int i, round;

	pair_open(&other, &e->rig, &cfg);
	for (round = 0; round < 8; round++) {
		mem_cold(word, PAGE);
		for (i = 0; i < 64; i++) {
			post_send(e->rc.a, &wr);
			post_send(other.a, &wr);
		}
		for (i = 0; i < 64; i++) {
			expect_success("add", wait_wc(e->rc.a_cq, "add").status);
			expect_success("add",
				       wait_wc(other.a_cq, "add").status);
		}
	}
	pair_close(&other);
	assert_int_equal(word[0], 8 * 2 * 64);
	zeros_check("rest of the page", word + 1, PAGE - 8);
}

#define FLUSHABLE (ACCESS_ALL | IBV_ACCESS_FLUSH_GLOBAL)

static void flush_global(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, FLUSHABLE);
	struct ref there = ref_r(mr, mem);

	env_write_and_check(e, mr, mem + 100, 5000, 3);
	expect_success("flush of a range",
		       do_flush(&e->rc, (struct ref) { there.addr + 100,
						       there.key }, 5000,
				IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE));
	expect_success("flush of the MR",
		       do_flush(&e->rc, there, LEN, IBV_FLUSH_GLOBAL,
				IBV_FLUSH_MR));
	pattern_check("memory after the flush", mem + 100, 5000, 3, 0);
	expect_refused(&e->rc, "flush beyond the MR",
		       do_flush(&e->rc, there, LEN + 1, IBV_FLUSH_GLOBAL,
				IBV_FLUSH_RANGE));
}

static void flush_needs_the_right(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	expect_refused(&e->rc, "flush of an MR without the right",
		       do_flush(&e->rc, ref_r(mr, mem), LEN, IBV_FLUSH_GLOBAL,
				IBV_FLUSH_RANGE));
}

#define PERSISTENT (FLUSHABLE | IBV_ACCESS_FLUSH_PERSISTENT)

/* Registered on demand, ordinary memory is found out by the flush. */
static void expect_no_persistence(struct env *e, struct ibv_mr *mr,
				  const void *addr, size_t len)
{
	expect_refused(&e->rc, "persistent flush of a range",
		       do_flush(&e->rc, ref_r(mr, addr), 64,
				IBV_FLUSH_PERSISTENT, IBV_FLUSH_RANGE));
	expect_refused(&e->rc, "persistent flush of the MR",
		       do_flush(&e->rc, ref_r(mr, addr), len,
				IBV_FLUSH_PERSISTENT, IBV_FLUSH_MR));
}

/* What is not there was never written, or is on its way to the swap. */
static void flush_of_memory_that_is_not_there(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, PERSISTENT);

	expect_no_persistence(e, mr, mem, LEN);
}

/*
 * The whole of the address space, with very much in it that is not there, is
 * no work for a packet. All that the peer gets is a refusal.
 */
static void R19_flush_of_everything_is_short(void **state)
{
	const size_t len = 32 * TIB;
	struct env *e = *state;
	struct ibv_mr *mr;
	int64_t start;
	void *mem;

	/* Below all that the process has mapped. */
	mem = mmap((void *)TIB, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		   MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(mem, (void *)TIB);
	mr = ibv_reg_mr(e->rig.pd, NULL, SIZE_MAX,
			PERSISTENT | IBV_ACCESS_ON_DEMAND);
	assert_non_null(mr);
	start = now_ms();
	expect_refused(&e->rc, "persistent flush of everything",
		       do_flush(&e->rc, (struct ref) { TIB, mr->rkey }, 8,
				IBV_FLUSH_PERSISTENT, IBV_FLUSH_MR));
	assert_true(now_ms() - start < 1000);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(munmap(mem, len), 0);
}

/*
 * Ordinary memory forgets. Whoever asks for persistence of it must be told no.
 */
static void flush_never_promises_persistence(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, PERSISTENT);

	env_write_and_check(e, mr, mem, 64, 1);
	expect_no_persistence(e, mr, mem, LEN);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(fetch_and_add),
		env_test(compare_and_swap),
		env_test(atomic_write),
		env_test(R19_late_pages),
		env_test(result_crosses_pages),
		env_test(misaligned_is_refused),
		env_test(no_add_is_lost),
		env_test(flush_global),
		env_test(flush_needs_the_right),
		env_test(flush_never_promises_persistence),
		env_test(flush_of_memory_that_is_not_there),
		env_test(R19_flush_of_everything_is_short),
	};

	return ENV_MAIN(argc, argv, "atomics", tests);
}
