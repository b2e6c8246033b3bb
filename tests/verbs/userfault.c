// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * On-demand memory that a process supplies through userfaultfd: the access
 * waits for the page, and nothing hangs if the page never comes.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "env.h"
#include "pages.h"
#include "uffd.h"

#define LEN (16 * PAGE)
#define SEED 11

static struct uffd uffd;

static int teardown(void **state)
{
	uffd_close(&uffd);
	return env_teardown(state);
}

static void access_waits_for_the_page(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	uffd_open(&uffd, mem, LEN);
	uffd_serve(&uffd, SEED);
	env_read_and_check(e, mr, mem, LEN, SEED);

	mem_cold(mem, LEN);
	pattern_fill(e->buf, 5000, 2, 0);
	expect_success("write", do_write(&e->rc, env_buf(e),
					 ref_r(mr, mem + 100), 5000));
	pattern_check("before the data", mem, 100, SEED, 0);
	pattern_check("data", mem + 100, 5000, 2, 0);
	pattern_check("behind the data", mem + 5100, LEN - 5100, SEED, 5100);

	mem_cold(mem, LEN);
	expect_success("add", do_fetch_add(&e->rc, env_buf(e),
					   ref_r(mr, mem + 8), 1));
	pattern_check("old value", e->buf, 8, SEED, 8);
}

/*
 * A peer that is told to come again is told when. What a page takes that comes
 * at once is milliseconds then, not the longest time that an RNR NAK can tell.
 */
static void R19_peers_come_again_soon(void **state)
{
	const int64_t longest_ms = 655;
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	int64_t took, soonest = INT64_MAX, latest = 0;
	int i;

	uffd_open(&uffd, mem, LEN);
	uffd_serve(&uffd, SEED);
	for (i = 0; i < 16; i++) {
		took = now_ms();
		expect_success("read", do_read(&e->rc, env_buf(e),
					       ref_r(mr, mem + i * PAGE), 64));
		took = now_ms() - took;
		soonest = took < soonest ? took : soonest;
		latest = took > latest ? took : latest;
	}
	print_message("%d to %d ms\n", (int)soonest, (int)latest);
	assert_int_equal(stats_of(mr).slow_faults, 16);
	assert_true(latest < soonest + longest_ms);
}

/* A's own buffer can be such memory, too. */
static void local_memory_is_waited_for(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	uffd_open(&uffd, mem, LEN);
	uffd_serve(&uffd, SEED);
	expect_success("write", do_write(&e->rc, ref_l(mr, mem + 1),
					 ref_r(e->buf_mr, e->buf), 9000));
	pattern_check("what came out", e->buf, 9000, SEED, 1);
}

/* A page that waits holds up neither a snapshot nor another queue pair. */
static void others_go_on(void **state)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_1024, .forever = true,
	};
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct ibv_sge sge = {
		(uintptr_t)e->buf, 64, e->buf_mr->lkey
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_READ,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = {
			.remote_addr = (uintptr_t)mem, .rkey = mr->rkey,
		},
	};
	struct pair waiting;
	struct ibv_wc wc;

	mem_touch(mem + 8 * PAGE, 8 * PAGE);
	uffd_open(&uffd, mem, LEN);
	pair_open(&waiting, &e->rig, &cfg);
	post_send(waiting.a, &wr);
	uffd_await_fault(&uffd);

	expect_pages(mr, mem, "FFFFFFFFWWWWWWWW");
	pattern_fill(e->buf + PAGE, 500, 5, 0);
	expect_success("write next to a page that waits",
		       do_write(&e->rc, ref_l(e->buf_mr, e->buf + PAGE),
				ref_r(mr, mem + 9 * PAGE), 500));
	pattern_check("data", mem + 9 * PAGE, 500, 5, 0);
	assert_false(wait_wc_ms(waiting.a_cq, &wc, 0));

	uffd_serve(&uffd, SEED);
	expect_success("the read that waited",
		       wait_wc(waiting.a_cq, "read that waited").status);
	pattern_check("what it brought", e->buf, 64, SEED, 0);
	pair_close(&waiting);
}

static void *dereg_run(void *arg)
{
	static int err;

	err = ibv_dereg_mr(arg);
	return &err;
}

/* The page never comes, and the MR goes all the same. */
static void dereg_while_a_page_is_waited_for(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr;
	struct ibv_sge sge = {
		(uintptr_t)e->buf, 64, e->buf_mr->lkey
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
	};
	struct timespec limit;
	pthread_t thread;
	void *err;

	mr = ibv_reg_mr(e->rig.pd, mem, LEN, ACCESS_ALL | IBV_ACCESS_ON_DEMAND);
	if (!mr)
		test_fail("on-demand MR: %s", strerror(errno));
	wr.wr.rdma.remote_addr = (uintptr_t)mem;
	wr.wr.rdma.rkey = mr->rkey;
	uffd_open(&uffd, mem, LEN);
	post_send(e->rc.a, &wr);
	uffd_await_fault(&uffd);

	if (pthread_create(&thread, NULL, dereg_run, mr))
		test_fail("no thread");
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += PATIENCE_MS / 1000;
	if (pthread_timedjoin_np(thread, &err, &limit)) {
		uffd_close(&uffd);
		pthread_join(thread, NULL);
		test_fail("ibv_dereg_mr waits for a page that never comes");
	}
	assert_int_equal(*(int *)err, 0);
	uffd_close(&uffd);
	wait_wc(e->rc.a_cq, "the write that waited");
	pair_reset(&e->rc);
	expect_success("another MR",
		       do_write(&e->rc, env_buf(e),
				ref_r(e->buf_mr, e->buf + PAGE), 64));
}

#define uffd_test(fn) \
	cmocka_unit_test_setup_teardown(fn, env_setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		uffd_test(access_waits_for_the_page),
		uffd_test(R19_peers_come_again_soon),
		uffd_test(local_memory_is_waited_for),
		uffd_test(others_go_on),
		uffd_test(dereg_while_a_page_is_waited_for),
	};

	return ENV_MAIN(argc, argv, "userfault", tests);
}
