// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Receives whose buffers come late: each entry is used once, none is lost, and
 * of datagrams those that met no page are dropped.
 */
#include "env.h"
#include "uffd.h"

#define SEED 21
#define NR_RECVS 8
#define TRIES 200
/* Time for a packet to arrive, or to be dropped. */
#define ARRIVAL_MS 100

/* A queue of receives, each into a page of its own. */
struct receives {
	struct pair pair;
	struct uffd uffd;
	uint8_t *mem, *data;
	struct ibv_mr *mr, *data_mr;
	bool used[NR_RECVS];
};

static struct receives receives = { .uffd.fd = -1 };

static void receives_open(struct receives *r, struct rig *rig,
			  enum ibv_qp_type type, bool srq)
{
	const struct pair_config cfg = {
		.type = type, .mtu = IBV_MTU_1024, .srq = srq,
	};
	struct ibv_sge sge;
	uint64_t i;

	*r = (struct receives) {};
	pair_open(&r->pair, rig, &cfg);
	r->mem = mem_anon(NR_RECVS * PAGE);
	r->data = mem_anon(NR_RECVS * PAGE);
	r->mr = reg_odp(rig, r->mem, NR_RECVS * PAGE, ACCESS_ALL);
	r->data_mr = reg_pinned(rig, r->data, NR_RECVS * PAGE, ACCESS_ALL);
	pattern_fill(r->data, NR_RECVS * PAGE, SEED, 0);
	uffd_open(&r->uffd, r->mem, NR_RECVS * PAGE);
	for (i = 0; i < NR_RECVS; i++) {
		sge = (struct ibv_sge) {
			(uintptr_t)r->mem + i * PAGE, PAGE, r->mr->lkey
		};
		post_recv(&r->pair, &sge, 1, i);
	}
}

/* Sends the bytes of one page, whose number goes with them. */
static void send_page(struct receives *r, uint32_t which)
{
	struct ibv_sge sge = {
		(uintptr_t)r->data + which * PAGE, 1000, r->data_mr->lkey
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND_WITH_IMM,
		.imm_data = which,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
	};

	if (r->pair.cfg.type == IBV_QPT_UD) {
		wr.wr.ud.ah = r->pair.ah;
		wr.wr.ud.remote_qpn = r->pair.b->qp_num;
		wr.wr.ud.remote_qkey = PAIR_QKEY;
	}
	post_send(r->pair.a, &wr);
}

static void check_receive(struct receives *r, const struct ibv_wc *wc)
{
	size_t grh = r->pair.cfg.type == IBV_QPT_UD ? UD_GRH_LEN : 0;

	expect_success("a receive", wc->status);
	assert_true(wc->wr_id < NR_RECVS && wc->imm_data < NR_RECVS);
	assert_false(r->used[wc->wr_id]);
	r->used[wc->wr_id] = true;
	assert_int_equal(wc->byte_len, grh + 1000);
	pattern_check("what was received", r->mem + wc->wr_id * PAGE + grh,
		      1000, SEED, wc->imm_data * PAGE);
}

static void datagrams(struct env *e, bool srq)
{
	struct receives *r = &receives;
	uint32_t i, got = 0;
	struct ibv_wc wc;

	receives_open(r, &e->rig, IBV_QPT_UD, srq);
	for (i = 0; i < NR_RECVS; i++) {
		send_page(r, i);
		expect_success("send", wait_wc(r->pair.a_cq, "send").status);
	}
	uffd_await_fault(&r->uffd);
	assert_false(wait_wc_ms(r->pair.b_cq, &wc, ARRIVAL_MS));

	/* Those before were dropped; one that meets its page arrives. */
	uffd_serve(&r->uffd, SEED + 1);
	for (i = 0; i < TRIES && got < NR_RECVS; i++) {
		send_page(r, i % NR_RECVS);
		expect_success("send", wait_wc(r->pair.a_cq, "send").status);
		while (wait_wc_ms(r->pair.b_cq, &wc, ARRIVAL_MS)) {
			check_receive(r, &wc);
			got++;
		}
	}
	assert_int_equal(got, NR_RECVS);
}

static void R19_receives_of_datagrams(void **state)
{
	datagrams(*state, false);
}

static void R19_receives_of_datagrams_srq(void **state)
{
	datagrams(*state, true);
}

/* All arrive, in order, though each has to be sent again. */
static void R19_receives_of_a_connection(void **state)
{
	struct receives *r = &receives;
	struct env *e = *state;
	struct ibv_wc wc;
	uint32_t i;

	receives_open(r, &e->rig, IBV_QPT_RC, true);
	for (i = 0; i < NR_RECVS; i++)
		send_page(r, i);
	uffd_await_fault(&r->uffd);
	assert_false(wait_wc_ms(r->pair.b_cq, &wc, ARRIVAL_MS));
	uffd_serve(&r->uffd, SEED + 1);
	for (i = 0; i < NR_RECVS; i++) {
		wc = wait_wc(r->pair.b_cq, "receive");
		assert_int_equal(wc.imm_data, i);
		check_receive(r, &wc);
		expect_success("send", wait_wc(r->pair.a_cq, "send").status);
	}
	assert_false(wait_wc_ms(r->pair.b_cq, &wc, ARRIVAL_MS));
}

static int teardown(void **state)
{
	/* After a test that failed there are pages to be let come. */
	uffd_close(&receives.uffd);
	pair_close(&receives.pair);
	return env_teardown(state);
}

#define late_test(fn) \
	cmocka_unit_test_setup_teardown(fn, env_setup, teardown)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		late_test(R19_receives_of_datagrams),
		late_test(R19_receives_of_datagrams_srq),
		late_test(R19_receives_of_a_connection),
	};

	return ENV_MAIN(argc, argv, "receives", tests);
}
