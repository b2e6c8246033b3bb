// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Pages that come, but late: no connection breaks, nothing is lost or done
 * twice, and packets are not sent again and again meanwhile.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "crowd.h"
#include "nic.h"
#include "nr.h"

#define NIC "rxe_slow"
#define ADDRESS "203.0.113.65"

/* Of timeouts: kernels with checkers take 25 times as long for a packet. */
#define TIMEOUT_SHIFT (ODP_TIMEOUT_SCALE > 1 ? 5 : 0)

/* What a page takes. */
#define SLOW_S 10
#define SEED 21

static struct counts {
	int64_t exceeded, duplicates, rnr_naks, parked;
} before;

static struct rig rig;

/* Another device, for what is to be no part of the counters. */
static struct rig control_rig;
static struct uffd uffd = { .fd = -1 };
static struct crowd crowd = { .uffd.fd = -1 };

static struct counts counts(void)
{
	return (struct counts) {
		.exceeded = nic_counter(NIC, "retry_exceeded_err"),
		.duplicates = nic_counter(NIC, "duplicate_request"),
		.rnr_naks = nic_counter(NIC, "odp_rnr_naks"),
		.parked = nic_counter(NIC, "odp_parked"),
	};
}

/*
 * No connection gave up, but for those that the machine is too slow for, and a
 * fault had no more than one duplicate.
 */
static void expect_quiet(int64_t faults, int64_t excused)
{
	struct counts now = counts();

	print_message("%d duplicates, %d RNR NAKs, %d parked\n",
		      (int)(now.duplicates - before.duplicates),
		      (int)(now.rnr_naks - before.rnr_naks),
		      (int)(now.parked - before.parked));
	assert_int_equal(now.exceeded, before.exceeded + excused);
	if (now.duplicates - before.duplicates > faults)
		test_fail("more duplicates than faults");
}

/* The time that a page takes; nothing comes of it before. */
static void let_time_pass(void)
{
	const struct timespec time = { .tv_sec = SLOW_S };

	nanosleep(&time, NULL);
}

static int setup(void **state)
{
	rig_open(&control_rig);
	nic_add(NIC, ADDRESS);
	rig_open(&rig);
	before = counts();
	(void)state;
	return 0;
}

/* An operation that meets a page which is late, in a page of its own. */
struct item {
	const char *name;
	enum ibv_wr_opcode opcode;
	bool local;		/* the page is the requester's */
	bool srq;
	uint8_t timeout, retry_cnt;	/* if not 0 */
	struct pair pair;
	uint8_t *page, *other;

	/* The same connection, over memory that is there. */
	struct pair control;
	bool control_broke;
};

#define ITEM(what, op, ...) \
	{ .name = (what), .opcode = IBV_WR_##op, ##__VA_ARGS__ }
#define TIMEOUT(t, r) \
	ITEM("write, timeout " #t ", retry_cnt " #r, RDMA_WRITE, \
	     .timeout = (t), .retry_cnt = (r))

static struct item items[] = {
	TIMEOUT(8, 0), TIMEOUT(8, 3), TIMEOUT(10, 0), TIMEOUT(10, 3),
	TIMEOUT(12, 0), TIMEOUT(12, 3), TIMEOUT(14, 0), TIMEOUT(14, 3),
	ITEM("read of it", RDMA_READ),
	ITEM("send into it", SEND),
	ITEM("send into it, SRQ", SEND, .srq = true),
	ITEM("atomic on it", ATOMIC_FETCH_AND_ADD),
	ITEM("write from it", RDMA_WRITE, .local = true),
	ITEM("read into it", RDMA_READ, .local = true),
	ITEM("send from it", SEND, .local = true),
	ITEM("atomic's result", ATOMIC_FETCH_AND_ADD, .local = true),
};

#define OP_LEN 3000
/* Where in its page an operation begins: atomics want it aligned. */
#define OP_AT 104

static bool is_atomic(const struct item *it)
{
	return it->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD;
}

static uint64_t pos_of(const struct item *it)
{
	return (it - items) * PAGE;
}

static void item_post(struct item *it, struct ibv_mr *slow, struct ibv_mr *fast)
{
	struct ref from = it->local ? ref_l(slow, it->page + OP_AT) :
				      ref_l(fast, it->other + OP_AT);
	struct ref to = it->local ? ref_r(fast, it->other + OP_AT) :
				    ref_r(slow, it->page + OP_AT);
	struct ibv_sge sge = {
		from.addr, is_atomic(it) ? 8 : OP_LEN, from.key
	};
	struct ibv_sge recv = { to.addr, OP_LEN, to.key };
	struct ibv_send_wr wr = {
		.opcode = it->opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
	};

	if (is_atomic(it)) {
		wr.wr.atomic.remote_addr = to.addr;
		wr.wr.atomic.rkey = to.key;
		wr.wr.atomic.compare_add = 1;
	} else {
		wr.wr.rdma.remote_addr = to.addr;
		wr.wr.rdma.rkey = to.key;
	}
	if (it->opcode == IBV_WR_SEND)
		post_recv(&it->pair, &recv, 1, 1);
	post_send(it->pair.a, &wr);
}

/* The page holds the pattern of SEED, the other side's that of SEED + 1. */
static void item_check(const struct item *it)
{
	bool reads_page = it->local != (it->opcode == IBV_WR_RDMA_READ);
	const uint8_t *got = it->page + OP_AT;
	uint64_t seed = SEED + 1, pos = pos_of(it) + OP_AT, old;

	if (is_atomic(it)) {
		uint8_t value[8];

		/* What was there comes out, and one more is there. */
		pattern_fill(value, 8, it->local ? SEED + 1 : SEED, pos);
		memcpy(&old, value, 8);
		assert_memory_equal(it->local ? it->page + OP_AT :
						it->other + OP_AT, &old, 8);
		old++;
		assert_memory_equal(it->local ? it->other + OP_AT :
						it->page + OP_AT, &old, 8);
		return;
	}
	if (reads_page) {
		got = it->other + OP_AT;
		seed = SEED;
	}
	pattern_check(it->name, got, OP_LEN, seed, pos);
	pattern_check("before it", it->page, OP_AT, SEED, pos_of(it));
}

static void item_open(struct item *it)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC,
		.mtu = IBV_MTU_1024,
		.srq = it->srq,
		.timeout = it->timeout ? it->timeout + TIMEOUT_SHIFT : 0,
		.few_retries = it->timeout,
		.retry_cnt = it->retry_cnt,
	};

	pair_open(&it->pair, &rig, &cfg);
	it->control_broke = false;
	if (it->timeout)
		pair_open(&it->control, &control_rig, &cfg);
}

/*
 * While the pages do not come, connections of the same timeouts write to memory
 * that is there. One that breaks tells of a machine that does not answer within
 * the timeout, page or no page: its twin is excused then.
 */
static void let_time_pass_with_controls(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_pinned(&control_rig, mem, PAGE, ACCESS_ALL);
	int64_t deadline = now_ms() + SLOW_S * 1000;
	struct item *it;

	while (now_ms() < deadline) {
		for (it = items; it < items + NR(items); it++)
			if (it->timeout && !it->control_broke)
				it->control_broke =
					do_write(&it->control, ref_l(mr, mem),
						 ref_r(mr, mem + 128), 64);
		nanosleep(&pause, NULL);
	}
}

/* Whether it succeeded; if not, it was excused. */
static bool item_reap(struct item *it)
{
	struct ibv_wc wc = wait_wc(it->pair.a_cq, it->name);

	if (wc.status == IBV_WC_RETRY_EXC_ERR && it->control_broke) {
		print_message("%s: no telling, this machine is too slow\n",
			      it->name);
		return false;
	}
	expect_success(it->name, wc.status);
	if (it->opcode == IBV_WR_SEND) {
		wc = wait_wc(it->pair.b_cq, it->name);
		expect_success(it->name, wc.status);
		assert_int_equal(wc.byte_len, OP_LEN);
		/* Once, whatever the peer was told meanwhile. */
		assert_false(wait_wc_ms(it->pair.b_cq, &wc, 0));
	}
	item_check(it);
	return true;
}

static void R19_every_operation_waits_ten_seconds(void **state)
{
	uint8_t *mem = mem_anon(NR(items) * PAGE);
	uint8_t *others = mem_anon(NR(items) * PAGE);
	struct ibv_mr *slow = reg_odp(&rig, mem, NR(items) * PAGE, ACCESS_ALL);
	struct ibv_mr *fast;
	int64_t excused = 0;
	size_t i;

	fast = reg_pinned(&rig, others, NR(items) * PAGE, ACCESS_ALL);
	pattern_fill(others, NR(items) * PAGE, SEED + 1, 0);
	for (i = 0; i < NR(items); i++) {
		items[i].page = mem + i * PAGE;
		items[i].other = others + i * PAGE;
		item_open(&items[i]);
	}
	uffd_open(&uffd, mem, NR(items) * PAGE);
	for (i = 0; i < NR(items); i++)
		item_post(&items[i], slow, fast);
	let_time_pass_with_controls();
	uffd_serve(&uffd, SEED);
	for (i = 0; i < NR(items); i++)
		excused += !item_reap(&items[i]);
	expect_quiet(NR(items), excused);
	assert_true(counts().rnr_naks > before.rnr_naks);
	assert_true(counts().parked > before.parked);
	(void)state;
}

static void crowd_waits(size_t n)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC,
		.mtu = IBV_MTU_1024,
		.timeout = 14 + TIMEOUT_SHIFT,
		.few_retries = true,
		.retry_cnt = 3,
	};
	struct ibv_wc wc;

	crowd_open(&crowd, &rig, n, &cfg);
	crowd_go(&crowd);
	let_time_pass();
	if (wait_wc_ms(crowd.cq, &wc, 0))
		test_fail("%s before the page came",
			  ibv_wc_status_str(wc.status));
	uffd_serve(&crowd.uffd, SEED);
	crowd_reap(&crowd);
	expect_quiet((int64_t)n, 0);
	assert_true(counts().rnr_naks > before.rnr_naks);
}

static void R19_one_queue_pair_waits_ten_seconds(void **state)
{
	crowd_waits(1);
	(void)state;
}

static void R19_128_queue_pairs_wait_ten_seconds(void **state)
{
	crowd_waits(128);
	(void)state;
}

static int teardown(void **state)
{
	size_t i;

	/* After a test that failed there are pages to be let come. */
	uffd_close(&uffd);
	crowd_close(&crowd);
	for (i = 0; i < NR(items); i++) {
		pair_close(&items[i].pair);
		pair_close(&items[i].control);
	}
	rig_close(&control_rig);
	rig_close(&rig);
	mem_release();
	nic_del(NIC);
	(void)state;
	return 0;
}

#define slow_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		slow_test(R19_every_operation_waits_ten_seconds),
		slow_test(R19_one_queue_pair_waits_ten_seconds),
		slow_test(R19_128_queue_pairs_wait_ten_seconds),
	};

	return ENV_MAIN(argc, argv, "connections", tests);
}
