// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A peer that answers what it likes, to a queue pair that reads into an
 * on-demand region. A work request that succeeds has got all that it asked for;
 * one whose answer is none ends in an error; no byte beside it may change. What
 * the kernel warns of ends the run: the launcher reads its log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "dice.h"
#include "env.h"
#include "far.h"
#include "nr.h"
#include "roce.h"

#define MTU		1024
#define REGION		(4 * PAGE)
#define MAX_ANSWERS	12

/* Syndromes: an ACK without limit, what is none of the kinds, a NAK. */
#define SYN_ACK		0x1f
#define SYN_RESERVED	0x40
#define SYN_NAK		0x60

/* Of the work request's packet @psn, and as many bytes more as belong there. */
struct answer {
	uint8_t opcode;
	int32_t psn;
	uint8_t syndrome;
	int32_t more;
};

/* What the peer is told before each work request. */
struct orders {
	uint32_t qpn;
	uint32_t psn;		/* the request's first */
	uint32_t length;
	uint64_t seed;		/* of the data */
	unsigned int nr_answers;
	struct answer answers[MAX_ANSWERS];
};

/* The data at @pos, of which no byte is zero. */
static void fill(uint8_t *buf, size_t len, uint64_t seed, size_t pos)
{
	size_t i;

	pattern_fill(buf, len, seed, pos);
	for (i = 0; i < len; i++)
		buf[i] |= 1;
}

static void make_answer(const struct orders *o, const struct answer *a,
			struct roce_packet *p)
{
	int64_t pos = (int64_t)a->psn * MTU, left = o->length - pos, len = 0;

	if (a->opcode >= RC_READ_FIRST && a->opcode <= RC_READ_ONLY &&
	    pos >= 0 && left > 0)
		len = left < MTU ? left : MTU;
	len += a->more;
	if (len < 0)
		len = 0;
	if (len > ROCE_MAX_PAYLOAD)
		len = ROCE_MAX_PAYLOAD;
	*p = (struct roce_packet) {
		.opcode = a->opcode,
		.qpn = o->qpn,
		.psn = o->psn + a->psn,
		.syndrome = a->syndrome,
		.original = o->seed | 1,
		.pad = -len & 3,
		.payload_len = len,
	};
	fill(p->payload, len, o->seed, pos > 0 ? pos : 0);
}

/* Where requests come in: nothing else of the peer's namespace takes them. */
static int requests_open(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_port = htons(ROCE_PORT),
		.sin_addr.s_addr = inet_addr(FAR_PEER_IP),
	};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) ||
	    bind(sock, (struct sockaddr *)&here, sizeof(here)))
		return -1;
	return sock;
}

/* The packet sequence number stands in the last word of the BTH. */
static bool request_came(int sock, uint32_t psn)
{
	uint32_t head[3];

	while (recv(sock, head, sizeof(head), 0) > 0)
		if ((ntohl(head[2]) & 0xffffff) == psn)
			return true;
	return false;
}

/* Answers a request for each of the parent's orders. */
static int peer(int fd)
{
	uint32_t from = inet_addr(FAR_PEER_IP), to = inet_addr(FAR_OUR_IP);
	int sock = roce_open(), requests = requests_open();
	struct roce_packet p;
	struct orders o;
	unsigned int i;
	char done = 1;

	if (sock < 0 || requests < 0)
		return 1;
	while (read(fd, &o, sizeof(o)) == sizeof(o)) {
		if (!request_came(requests, o.psn))
			return 2;
		for (i = 0; i < o.nr_answers; i++) {
			make_answer(&o, &o.answers[i], &p);
			if (roce_send(sock, from, to, &p))
				return 3;
		}
		if (write(fd, &done, 1) != 1)
			return 4;
	}
	return 0;
}

/* Who asks. Its data goes into the midst of a page and beyond. */
struct asker {
	struct rig rig;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	uint8_t *mem, *at;
	int sgid, fd;
	pid_t pid;
	uint32_t psn;		/* of the next request */
};

static int setup(void **state)
{
	static struct asker a;

	a = (struct asker) {};
	a.fd = far_start(&a.pid, peer);
	rig_open(&a.rig);
	a.sgid = far_gid_index(a.rig.ctx);
	a.cq = cq_create(&a.rig, 16);
	a.qp = qp_create(&a.rig, a.rig.pd, a.cq, NULL, IBV_QPT_RC);
	a.mem = mem_shared(REGION);
	a.at = a.mem + PAGE - 700;
	a.mr = reg_odp(&a.rig, a.mem, REGION, IBV_ACCESS_LOCAL_WRITE);
	*state = &a;
	return 0;
}

static int teardown(void **state)
{
	struct asker *a = *state;

	close(a->fd);
	child_wait_ok(a->pid);
	ibv_destroy_qp(a->qp);
	cq_destroy(a->cq);
	rig_close(&a->rig);
	mem_release();
	return 0;
}

/* Posts a work request that is answered so; @go: takes its pages meanwhile. */
static enum ibv_wc_status ask(struct asker *a, enum ibv_wr_opcode op,
			      struct orders *o, uint8_t timeout, bool go)
{
	struct ibv_sge sge = { (uintptr_t)a->at, o->length, a->mr->lkey };
	struct ibv_send_wr wr = {
		.opcode = op,
		.sg_list = &sge,
		.num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
	};
	struct ibv_wc wc;
	char done;

	/* Where, the peer does not care. */
	if (op == IBV_WR_ATOMIC_FETCH_AND_ADD)
		wr.wr.atomic.remote_addr = PAGE;
	else
		wr.wr.rdma.remote_addr = PAGE;
	o->qpn = a->qp->qp_num;
	o->psn = a->psn;
	a->psn = (a->psn + MAX_ANSWERS) & 0xffffff;
	memset(a->mem, 0, REGION);
	mem_cold(a->mem, REGION);

	far_connect(a->qp, a->sgid, o->psn, timeout);
	if (write(a->fd, o, sizeof(*o)) != sizeof(*o))
		test_fail("the peer is gone");
	post_send(a->qp, &wr);
	if (go)
		mem_cold(a->mem, REGION);
	wc = wait_wc(a->cq, "an answered request");
	if (read(a->fd, &done, 1) != 1)
		test_fail("the peer is gone");
	return wc.status;
}

/* All but what was asked for is as it was. */
static void check_beside(const struct asker *a, uint32_t length)
{
	const uint8_t *end = a->at + length;

	zeros_check("before the data", a->mem, a->at - a->mem);
	zeros_check("behind the data", end, a->mem + REGION - end);
}

struct script {
	const char *name;
	enum ibv_wr_opcode op;
	uint32_t length;
	enum ibv_wc_status status;
	struct answer answers[4];
};

#define READ		IBV_WR_RDMA_READ, 2 * MTU + 333
#define READ_PACKET	IBV_WR_RDMA_READ, 777
#define WRITE		IBV_WR_RDMA_WRITE, 777
#define ADD		IBV_WR_ATOMIC_FETCH_AND_ADD, 8
#define RIGHT(opcode, psn)		{ opcode, psn, SYN_ACK, 0 }
#define SAYS(opcode, psn, syndrome)	{ opcode, psn, syndrome, 0 }
#define LONGER(opcode, psn, more)	{ opcode, psn, SYN_ACK, more }
#define GOOD		IBV_WC_SUCCESS
#define BAD		IBV_WC_BAD_RESP_ERR

/* A psn below 0 is that of a packet before the request. */
static const struct script scripts[] = {
	{ "read", READ, GOOD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_READ_MIDDLE, 1),
	    RIGHT(RC_READ_LAST, 2) } },
	{ "read of a packet", READ_PACKET, GOOD, { RIGHT(RC_READ_ONLY, 0) } },
	{ "write", WRITE, GOOD, { RIGHT(RC_ACK, 0) } },
	{ "atomic operation", ADD, GOOD, { RIGHT(RC_ATOMIC_ACK, 0) } },

	/* Only the packet's own kind brings what was asked for. */
	{ "old ACK amid a read", READ, GOOD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_ACK, -1),
	    RIGHT(RC_READ_MIDDLE, 1), RIGHT(RC_READ_LAST, 2) } },
	{ "ACK of what was read, amid it", READ, GOOD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_ACK, 0),
	    RIGHT(RC_READ_MIDDLE, 1), RIGHT(RC_READ_LAST, 2) } },
	{ "ACK of a read before its end", READ, GOOD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_READ_MIDDLE, 1),
	    RIGHT(RC_ACK, 2), RIGHT(RC_READ_LAST, 2) } },
	{ "ACK of a read before all of it", READ_PACKET, GOOD,
	  { RIGHT(RC_ACK, 0), RIGHT(RC_READ_ONLY, 0) } },
	{ "ACK before an atomic operation's result", ADD, GOOD,
	  { RIGHT(RC_ACK, 0), RIGHT(RC_ATOMIC_ACK, 0) } },

	/* What does not fit is no success. */
	{ "read without a beginning", READ, BAD, { RIGHT(RC_READ_MIDDLE, 0) } },
	{ "read of an end alone", READ_PACKET, BAD, { RIGHT(RC_READ_LAST, 0) } },
	{ "another read amid a read", READ, BAD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_READ_ONLY, 1) } },
	{ "atomic result amid a read", READ, BAD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_ATOMIC_ACK, 1) } },
	{ "end that is too short", READ, BAD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_READ_MIDDLE, 1),
	    LONGER(RC_READ_LAST, 2, -1) } },
	{ "end that comes too early", READ, BAD,
	  { RIGHT(RC_READ_FIRST, 0), RIGHT(RC_READ_LAST, 1) } },
	{ "read that says no", READ, BAD, { SAYS(RC_READ_FIRST, 0, SYN_NAK) } },
	{ "atomic operation that says no", ADD, BAD,
	  { SAYS(RC_ATOMIC_ACK, 0, SYN_NAK) } },
	{ "atomic result of a write", WRITE, BAD, { RIGHT(RC_ATOMIC_ACK, 0) } },
	{ "ACK that is none", WRITE, BAD, { SAYS(RC_ACK, 0, SYN_RESERVED) } },
	{ "read of a write", WRITE, IBV_WC_FATAL_ERR, { RIGHT(RC_READ_ONLY, 0) } },
	{ "more than was asked for", READ_PACKET, IBV_WC_LOC_PROT_ERR,
	  { LONGER(RC_READ_ONLY, 0, 1) } },
};

static void answers_that_do_not_fit(void **state)
{
	struct asker *a = *state;
	const struct script *s;
	uint8_t want[REGION];
	struct orders o;
	unsigned int i;

	for (s = scripts; s < scripts + NR(scripts); s++) {
		o = (struct orders) { .length = s->length, .seed = s - scripts };
		for (i = 0; i < NR(s->answers) && s->answers[i].opcode; i++)
			o.answers[o.nr_answers++] = s->answers[i];
		expect_wc(s->name, ask(a, s->op, &o, 0, false), s->status);
		check_beside(a, s->length);
		if (s->status != IBV_WC_SUCCESS || s->op == IBV_WR_RDMA_WRITE)
			continue;
		fill(want, s->length, o.seed, 0);
		if (s->op == IBV_WR_ATOMIC_FETCH_AND_ADD)
			assert_int_equal(mem_load(a->at), o.seed | 1);
		else if (memcmp(a->at, want, s->length))
			test_fail("%s: a success without its data", s->name);
	}
}

static void put_answer(struct orders *o, unsigned int where,
		       const struct answer *answer)
{
	struct answer *at = &o->answers[where];

	if (o->nr_answers == MAX_ANSWERS)
		return;
	memmove(at + 1, at, (o->nr_answers++ - where) * sizeof(*at));
	*at = *answer;
}

static void make_right(enum ibv_wr_opcode op, struct orders *o)
{
	unsigned int i, n = (o->length + MTU - 1) / MTU;
	struct answer answer;

	for (i = 0; i < n; i++) {
		answer = (struct answer) { .psn = i, .syndrome = SYN_ACK };
		if (op == IBV_WR_ATOMIC_FETCH_AND_ADD)
			answer.opcode = RC_ATOMIC_ACK;
		else if (op == IBV_WR_RDMA_WRITE)
			answer.opcode = RC_ACK;
		else if (n == 1)
			answer.opcode = RC_READ_ONLY;
		else if (i == 0)
			answer.opcode = RC_READ_FIRST;
		else
			answer.opcode = i < n - 1 ? RC_READ_MIDDLE :
						    RC_READ_LAST;
		put_answer(o, i, &answer);
	}
}

static void make_wrong(struct dice *d, struct orders *o)
{
	const struct answer ack = {
		.opcode = RC_ACK,
		.psn = (int32_t)roll(d, 6) - 2,
		.syndrome = one_of(d, 0, SYN_ACK, SYN_RESERVED,
				   SYN_NAK | roll(d, 8), roll(d, 256)),
	};
	unsigned int which = roll(d, o->nr_answers);
	struct answer *a = &o->answers[which], again = *a;

	switch (roll(d, 7)) {
	case 0:
		if (o->nr_answers > 1)
			memmove(a, a + 1, (--o->nr_answers - which) *
				sizeof(*a));
		break;
	case 1:
		put_answer(o, roll(d, o->nr_answers), &again);
		break;
	case 2:
		put_answer(o, which, &ack);
		break;
	case 3:
		a->opcode = RC_READ_FIRST + roll(d, 6);
		break;
	case 4:
		a->psn += one_of(d, 1, -1, roll(d, 1 << 24));
		break;
	case 5:
		a->syndrome = ack.syndrome;
		break;
	default:
		a->more = one_of(d, 1, -1, MTU, -MTU, roll(d, MTU));
	}
}

static struct dice_run run;

static void hostile_answers(void **state)
{
	const uint8_t timeout = 10;	/* some ms */
	unsigned long i, good = 0, bad = 0;
	struct dice d = { run.seed };
	struct asker *a = *state;
	enum ibv_wr_opcode op;
	struct orders o;

	for (i = 0; i < run.count; i++) {
		op = one_of(&d, IBV_WR_RDMA_READ, IBV_WR_RDMA_READ,
			    IBV_WR_RDMA_WRITE, IBV_WR_ATOMIC_FETCH_AND_ADD);
		o = (struct orders) {
			.length = op == IBV_WR_ATOMIC_FETCH_AND_ADD ?
				8 : 1 + roll(&d, 4 * MTU),
			.seed = roll(&d, UINT64_MAX),
		};
		make_right(op, &o);
		while (roll(&d, 3))
			make_wrong(&d, &o);
		if (ask(a, op, &o, timeout, roll(&d, 2)) != IBV_WC_SUCCESS) {
			bad++;
		} else {
			good++;
			if (op != IBV_WR_RDMA_WRITE &&
			    memchr(a->at, 0, op == IBV_WR_RDMA_READ ?
				   o.length : 1))
				test_fail("request %lu: a success without its data", i);
		}
		check_beside(a, o.length);
		if (i % 500 == 0)
			printf("%lu requests answered\n", i);
	}
	printf("%lu succeeded, %lu failed\n", good, bad);
	assert_true(good > run.count / 20 && bad > run.count / 20);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_that_do_not_fit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(hostile_answers, setup,
						teardown),
	};

	run = dice_run(argc, argv, 1500,
		       "Answers the requests of an on-demand region's owner rightly and wrongly.");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
