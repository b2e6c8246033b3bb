// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The right bytes in the right place between two hosts: writes, reads and sends,
 * over a grid of page offsets and lengths, for several path MTUs, with pages that
 * are there and pages that have to come.
 *
 *	test_wire server PORT
 *	test_wire client HOST PORT
 *
 * Each registers pinned memory, or on-demand with WIRE_ODP or RXE_ODP in its
 * environment. What the two tell each other goes over TCP; the client says what to
 * do. Over a wire that loses and reorders packets rxe may give up, as it counts all
 * that it sends anew between two acknowledgments: then the two connect anew and do
 * the same again. What takes many packets hardly ever gets through there, pinned or
 * not; WIRE_PACKETS says how many a cell may have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "env.h"
#include "inet.h"

#define REGION_LEN (512 * KIB)
#define SEED 0x77697265
#define TRIES 20	/* of a cell */

static const enum ibv_mtu mtus[] = {
	IBV_MTU_256, IBV_MTU_1024, IBV_MTU_4096
};
static const size_t offsets[] = { 0, 1, 64, 4000, 4095, 8191, 12345 };
static const size_t lengths[] = { 1, 8, 1024, 4096, 5000, 65537, 300001 };

enum op { WRITE, READ, SEND, NR_OPS };

/* What the client has the server do. */
enum what { CONNECT, FILL, CLEAR, CHECK, RECEIVE, RECEIVED, END };

struct order {
	uint32_t what;
	uint32_t cold;		/* FILL, CLEAR: on-demand pages go then */
	uint64_t off, len;	/* the bytes that move */
	uint64_t seed;
	enum ibv_mtu mtu;	/* CONNECT */
};

/* What each end tells the other one of itself. */
struct hello {
	union ibv_gid gid;
	uint64_t addr;
	uint32_t rkey;
	uint32_t qpn;
};

struct end {
	struct rig rig;
	struct pair rc;		/* a is the queue pair, a_cq its completions */
	struct hello peer;
	uint8_t *mem;
	struct ibv_mr *mr;
	bool odp;
	int tcp;
};

static char **args;

static void end_open(struct end *e)
{
	rig_open(&e->rig);
	e->rc.rig = &e->rig;
	e->rc.a_cq = cq_create(&e->rig, PAIR_DEPTH);
	e->mem = mem_shared(REGION_LEN);
	e->odp = getenv("WIRE_ODP") || getenv("RXE_ODP");
	e->mr = e->odp ? reg_odp(&e->rig, e->mem, REGION_LEN, ACCESS_ALL) :
			 reg_pinned(&e->rig, e->mem, REGION_LEN, ACCESS_ALL);
}

static void end_close(struct end *e)
{
	if (e->rc.a)
		ibv_destroy_qp(e->rc.a);
	dereg(&e->rig, e->mr);
	cq_destroy(e->rc.a_cq);
	rig_close(&e->rig);
	mem_release();
	close(e->tcp);
}

/* A new queue pair, connected to the other host's. */
static void end_connect(struct end *e, enum ibv_mtu mtu)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC, .mtu = mtu, .timeout = 16,
	};
	struct hello hello = {
		.addr = (uintptr_t)e->mem,
		.rkey = e->mr->rkey,
	};
	struct ibv_wc wc;

	if (e->rc.a)
		ibv_destroy_qp(e->rc.a);
	while (ibv_poll_cq(e->rc.a_cq, 1, &wc) > 0)
		;
	e->rc.a = qp_create(&e->rig, e->rig.pd, e->rc.a_cq, NULL, IBV_QPT_RC);
	e->rc.b = e->rc.a;
	hello.qpn = e->rc.a->qp_num;
	if (ibv_query_gid(e->rig.ctx, RIG_PORT, RIG_GID_INDEX, &hello.gid))
		test_fail("ibv_query_gid");
	inet_send(e->tcp, &hello, sizeof(hello));
	inet_receive(e->tcp, &e->peer, sizeof(e->peer));
	/* That is where queue pairs of this rig are connected to. */
	e->rig.gid = e->peer.gid;
	qp_connect(&e->rig, e->rc.a, e->peer.qpn, &cfg);
}

/* The bytes that a cell may look at: a page on each side. */
static size_t window(const struct order *o)
{
	return (PAGE + o->off + o->len + PAGE - 1) / PAGE * PAGE + PAGE;
}

/* The source: its bytes are of the seed. The target: nothing in it is. */
static void fill(struct end *e, const struct order *o)
{
	if (o->what == CLEAR)
		pattern_fill(e->mem, window(o), ~o->seed, 0);
	else
		pattern_fill(e->mem + PAGE + o->off, o->len, o->seed, 0);
	if (o->cold && e->odp)
		mem_cold(e->mem, window(o));
}

static void check(struct end *e, const struct order *o)
{
	const size_t start = PAGE + o->off, stop = start + o->len;

	pattern_check("before the target", e->mem, start, ~o->seed, 0);
	pattern_check("the target", e->mem + start, o->len, o->seed, 0);
	pattern_check("behind the target", e->mem + stop, window(o) - stop,
		      ~o->seed, stop);
}

static void receive(struct end *e, const struct order *o)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)e->mem + PAGE + o->off,
		.length = o->len,
		.lkey = e->mr->lkey,
	};

	post_recv(&e->rc, &sge, 1, 0);
}

static void received(struct end *e, const struct order *o)
{
	struct ibv_wc wc = wait_wc(e->rc.a_cq, "a message");

	expect_success("the message", wc.status);
	assert_int_equal(wc.byte_len, o->len);
}

static void obey(struct end *e, const struct order *o)
{
	switch (o->what) {
	case CONNECT:
		end_connect(e, o->mtu);
		break;
	case FILL:
	case CLEAR:
		fill(e, o);
		break;
	case CHECK:
		check(e, o);
		break;
	case RECEIVE:
		receive(e, o);
		break;
	case RECEIVED:
		received(e, o);
		break;
	}
}

static void serve(void **state)
{
	const struct sockaddr_in addr = inet_address("0.0.0.0", args[2]);
	struct end e = {};
	struct order o;

	(void)state;
	end_open(&e);
	e.tcp = inet_accept(AF_INET, &addr);
	inet_receive(e.tcp, &o, sizeof(o));
	while (o.what != END) {
		obey(&e, &o);
		inet_send(e.tcp, &o.what, sizeof(o.what));
		inet_receive(e.tcp, &o, sizeof(o));
	}
	end_close(&e);
}

/* Has the server do something, and waits until it has. */
static void order(struct end *e, const struct order *o, enum what what)
{
	struct order copy = *o;
	uint32_t done;

	copy.what = what;
	inet_send(e->tcp, &copy, sizeof(copy));
	if (what == CONNECT)
		end_connect(e, o->mtu);
	inet_receive(e->tcp, &done, sizeof(done));
	assert_int_equal(done, what);
}

/* Does something here. */
static void own(struct end *e, const struct order *o, enum what what)
{
	struct order copy = *o;

	copy.what = what;
	obey(e, &copy);
}

static enum ibv_wc_status send_it(struct end *e, struct ref from, uint32_t len)
{
	struct ibv_sge sge = {
		.addr = from.addr, .length = len, .lkey = from.key,
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND, .sg_list = &sge, .num_sge = 1,
	};

	return do_wr(&e->rc, &wr).status;
}

/* Moves the bytes of a cell; how that ended here. */
static enum ibv_wc_status move(struct end *e, enum op op, const struct order *o)
{
	struct ref here = ref_l(e->mr, e->mem + PAGE + o->off);
	struct ref there = {
		e->peer.addr + PAGE + o->off, e->peer.rkey
	};

	switch (op) {
	case READ:
		order(e, o, FILL);
		own(e, o, CLEAR);
		return do_read(&e->rc, here, there, o->len);
	case WRITE:
		order(e, o, CLEAR);
		own(e, o, FILL);
		return do_write(&e->rc, here, there, o->len);
	default:
		order(e, o, CLEAR);
		own(e, o, FILL);
		order(e, o, RECEIVE);
		return send_it(e, here, o->len);
	}
}

/* One cell, until it has got through; how many times rxe gave up before. */
static unsigned int cell(struct end *e, enum op op, const struct order *o)
{
	enum ibv_wc_status status;
	unsigned int tries = 0;

	while ((status = move(e, op, o)) == IBV_WC_RETRY_EXC_ERR &&
	       ++tries < TRIES)
		order(e, o, CONNECT);
	expect_success("an operation", status);
	if (op == READ) {
		own(e, o, CHECK);
	} else {
		if (op == SEND)
			order(e, o, RECEIVED);
		order(e, o, CHECK);
	}
	return tries;
}

static bool too_many_packets(const struct order *o)
{
	const char *most = getenv("WIRE_PACKETS");

	return most && o->len > strtoul(most, NULL, 10) * (128 << o->mtu);
}

/* All cells of a path MTU; how many, and adds to @gave_up. */
static unsigned int cells(struct end *e, enum ibv_mtu mtu,
			  unsigned int *gave_up)
{
	struct order o = { .mtu = mtu, .seed = SEED };
	unsigned int nr = 0;
	size_t i, j, op;

	for (op = 0; op < NR_OPS; op++) {
		for (i = 0; i < NR(offsets); i++) {
			for (j = 0; j < NR(lengths); j++) {
				o.off = offsets[i];
				o.len = lengths[j];
				o.cold = (i + j) % 2;
				o.seed++;
				if (too_many_packets(&o))
					continue;
				nr++;
				*gave_up += cell(e, op, &o);
			}
		}
	}
	return nr;
}

static void ask(void **state)
{
	const struct sockaddr_in addr = inet_address(args[2], args[3]);
	struct order end = { .what = END };
	struct end e = {};
	unsigned int nr = 0, gave_up = 0;
	size_t i;

	(void)state;
	end_open(&e);
	e.tcp = inet_connect(AF_INET, &addr);
	for (i = 0; i < NR(mtus); i++) {
		order(&e, &(struct order) { .mtu = mtus[i] }, CONNECT);
		nr += cells(&e, mtus[i], &gave_up);
	}
	inet_send(e.tcp, &end, sizeof(end));
	end_close(&e);
	print_message("%u cells; rxe gave up %u times\n", nr, gave_up);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest server[] = { cmocka_unit_test(serve) };
	const struct CMUnitTest client[] = { cmocka_unit_test(ask) };

	args = argv;
	if (argc == 3 && !strcmp(argv[1], "server"))
		return cmocka_run_group_tests(server, NULL, NULL);
	if (argc == 4 && !strcmp(argv[1], "client"))
		return cmocka_run_group_tests(client, NULL, NULL);
	fprintf(stderr, "usage: %s server PORT | client HOST PORT\n", argv[0]);
	return 2;
}
