// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A hostile peer: random and mutated requests, over a raw socket, to a queue
 * pair that gives access to an on-demand region. No byte outside the region
 * may change, and what is read must be the region's. An oops ends the guest;
 * the launcher reads the kernel's log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <infiniband/odp.h>

#include "dice.h"
#include "env.h"
#include "far.h"
#include "roce.h"

#define GUARD		(64 * KIB)
#define REGION		(64 * KIB)
#define BATCH		16
#define MTU		1024

/* What the parent tells the peer before each batch. */
struct orders {
	uint32_t qpn;
	uint32_t rkey;
	uint32_t other_rkey;
	uint64_t va;
	struct dice dice;
	bool atomic_write;	/* no batch, but one of these of this length */
	uint32_t length;
	uint8_t payload;
};

/* A request that a good peer would make. */
static void make_right(struct dice *d, const struct orders *o, uint32_t psn,
		       struct roce_packet *p)
{
	*p = (struct roce_packet) {
		.opcode = one_of(d, RC_WRITE_ONLY, RC_WRITE_ONLY,
				 RC_READ_REQUEST, RC_COMPARE_SWAP,
				 RC_FETCH_ADD, RC_ATOMIC_WRITE, RC_FLUSH),
		.qpn = o->qpn,
		.psn = psn,
		.rkey = o->rkey,
		.length = 8,
		.va = o->va + (roll(d, REGION - PAGE) & ~7ull),
		.flush = 1,
		.swap_add = roll(d, UINT64_MAX),
	};
	if (p->opcode == RC_WRITE_ONLY || p->opcode == RC_READ_REQUEST) {
		p->length = 1 + roll(d, MTU);
		p->va += roll(d, PAGE - MTU);
	}
	if (p->opcode == RC_WRITE_ONLY || p->opcode == RC_ATOMIC_WRITE)
		p->payload_len = p->length;
	p->pad = -p->payload_len & 3;
}

/* Something in it near, or far beyond, the borders of what is right. */
static void make_wrong(struct dice *d, const struct orders *o,
		       struct roce_packet *p)
{
	uint64_t end = o->va + REGION;

	switch (roll(d, 8)) {
	case 0:
		p->opcode = roll(d, 2) ? roll(d, 256) :
			one_of(d, RC_WRITE_FIRST, RC_WRITE_MIDDLE,
			       RC_WRITE_LAST, RC_SEND_ONLY, RC_FLUSH);
		break;
	case 1:
		p->pad = roll(d, 4);
		break;
	case 2:
		p->psn += one_of(d, 1, -1, 1 << 22, roll(d, 1 << 24));
		break;
	case 3:
		p->rkey = one_of(d, o->other_rkey, o->rkey ^ 1, 0, -1,
				 roll(d, UINT32_MAX));
		break;
	case 4:
		p->va = one_of(d, end - 1, end - 8, end, end - MTU, o->va - 1,
			       o->va - PAGE, end + GUARD, 0, UINT64_MAX,
			       UINT64_MAX - 7, 1ull << 63,
			       0xffff888000000000ull, p->va + 1);
		break;
	case 5:
		p->length = one_of(d, 0, 1, 7, 64, MTU + 1, 2 * MTU, REGION,
				   REGION + 1, 1u << 31, (1u << 31) + 1,
				   UINT32_MAX);
		break;
	case 6:
		p->flush = roll(d, 2) ? roll(d, 32) : roll(d, UINT32_MAX);
		break;
	default:
		p->payload_len = one_of(d, 0, 1, 8, MTU - 1, MTU, MTU + 1,
					2 * MTU, roll(d, ROCE_MAX_PAYLOAD));
	}
}

static void make_packet(struct dice *d, const struct orders *o, uint32_t psn,
			struct roce_packet *p)
{
	make_right(d, o, psn, p);
	while (!roll(d, 4))
		make_wrong(d, o, p);
	pattern_fill(p->payload, p->payload_len, d->state, 0);
}

/*
 * An atomic write of some length, then a good write to the next page, which
 * tells that the first is done with: there are two of these, as that one may
 * have been dropped or not.
 */
static void make_atomic_write(const struct orders *o, uint32_t which,
			      struct roce_packet *p)
{
	*p = (struct roce_packet) {
		.opcode = which ? RC_WRITE_ONLY : RC_ATOMIC_WRITE,
		.psn = which == 2,
		.qpn = o->qpn,
		.rkey = o->rkey,
		.va = which ? o->va + PAGE : o->va,
		.length = which ? 8 : o->length,
		.payload_len = which ? 8 : o->payload,
	};
	p->pad = -p->payload_len & 3;
	memset(p->payload, 0x5a, p->payload_len);
}

/* Sends a batch for each of the parent's orders, until there are no more. */
static int peer(int orders_fd)
{
	uint32_t from = inet_addr(FAR_PEER_IP), to = inet_addr(FAR_OUR_IP);
	struct roce_packet p;
	int sock = roce_open();
	struct orders o;
	uint32_t psn;
	char done = 1;

	if (sock < 0)
		return 1;
	while (read(orders_fd, &o, sizeof(o)) == sizeof(o)) {
		for (psn = 0; psn < (o.atomic_write ? 3 : BATCH); psn++) {
			if (o.atomic_write)
				make_atomic_write(&o, psn, &p);
			else
				make_packet(&o.dice, &o, psn, &p);
			if (roce_send(sock, from, to, &p))
				return 2;
		}
		if (write(orders_fd, &done, 1) != 1)
			return 3;
	}
	return 0;
}

/* Guard, region with a hole, another region's guard: all but it must stay. */
struct target {
	uint8_t *mem;
	struct ibv_mr *mr;
	struct ibv_mr *read_only;
};

static void target_make(struct target *t, struct rig *rig)
{
	t->mem = mem_anon(GUARD + REGION + GUARD);
	pattern_fill(t->mem, GUARD, 1, 0);
	pattern_fill(t->mem + GUARD + REGION, GUARD, 2, 0);
	t->mr = reg_odp(rig, t->mem + GUARD, REGION, ACCESS_ALL);
	t->read_only = reg_odp(rig, t->mem, GUARD, IBV_ACCESS_REMOTE_READ);
}

static void target_check(const struct target *t)
{
	pattern_check("before the region", t->mem, GUARD, 1, 0);
	pattern_check("behind the region", t->mem + GUARD + REGION, GUARD, 2,
		      0);
}

/* Now and then pages go, so that requests fault, also into a hole. */
static void target_shake(const struct target *t, struct dice *d)
{
	uint8_t *page = t->mem + GUARD + roll(d, REGION / PAGE) * PAGE;

	if (roll(d, 2))
		madvise(page, PAGE, MADV_DONTNEED);
	else
		mprotect(page, PAGE, one_of(d, PROT_READ | PROT_WRITE,
					    PROT_READ, PROT_NONE,
					    PROT_READ | PROT_WRITE));
}

/* The packets that were right, and some that were nearly, got to the memory. */
static void expect_reached(struct ibv_mr *mr)
{
	struct odp_stats stats;
	int err = odp_mr_get_stats(mr, &stats);

	if (err)
		test_fail("statistics: %s", strerror(err));
	printf("%" PRIu64 " faults, %" PRIu64 " of them failed\n",
	       stats.faults, stats.failed_faults);
	if (!stats.faults || !stats.failed_faults)
		test_fail("no packet got as far as the memory");
}

static void give_orders(int fd, const struct orders *o)
{
	char done;

	if (write(fd, o, sizeof(*o)) != sizeof(*o) || read(fd, &done, 1) != 1)
		test_fail("the peer is gone");
}

/* Whether the queue pair has met something that it will not have. */
static bool qp_broke(struct ibv_qp *qp)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	if (ibv_query_qp(qp, &attr, IBV_QP_STATE, &init))
		test_fail("state: %s", strerror(errno));
	return attr.qp_state == IBV_QPS_ERR;
}

/* What the last atomic write of a round ends with. */
struct last_write {
	volatile uint64_t *at;
	struct ibv_qp *qp;
};

static bool came_or_broke(void *arg)
{
	struct last_write *w = arg;

	return *w->at || qp_broke(w->qp);
}

/*
 * An atomic write has eight bytes. One of fewer would put what stands behind
 * the packet in the kernel's memory where the peer can read it.
 */
static void atomic_writes(struct orders o, int fd, struct ibv_qp *qp, int sgid,
			  const struct target *t)
{
	volatile uint64_t *first = (uint64_t *)(t->mem + GUARD);
	volatile uint64_t *next = first + PAGE / sizeof(*first);
	struct last_write last = { next, qp };
	bool right;
	int i;

	o.atomic_write = true;
	for (i = 0; i < 2 * 17; i++) {
		*first = 0;
		*next = 0;
		o.payload = i / 2;
		o.length = i % 2 ? 8 : o.payload;
		right = o.payload == 8;
		far_await(qp, sgid);
		give_orders(fd, &o);
		if (!wait_until(came_or_broke, &last))
			test_fail("atomic write of %u bytes: lost", o.payload);
		if (*first != (right ? 0x5a5a5a5a5a5a5a5a : 0))
			test_fail("atomic write of %u bytes, %u of them there: 0x%" PRIx64,
				  o.length, o.payload, *first);
	}
	target_check(t);
}

static void fuzz(struct dice dice, unsigned long packets)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1,
			 .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct target target;
	struct orders o;
	struct ibv_qp *qp;
	struct rig rig = {};
	unsigned long sent;
	int sgid, fd;
	pid_t pid;

	fd = far_start(&pid, peer);
	rig_open(&rig);
	sgid = far_gid_index(rig.ctx);
	target_make(&target, &rig);
	init.send_cq = cq_create(&rig, 16);
	init.recv_cq = init.send_cq;
	qp = ibv_create_qp(rig.pd, &init);
	if (!qp)
		test_fail("queue pair: %s", strerror(errno));

	o = (struct orders) {
		.qpn = qp->qp_num,
		.rkey = target.mr->rkey,
		.other_rkey = target.read_only->rkey,
		.va = (uintptr_t)target.mem + GUARD,
	};
	atomic_writes(o, fd, qp, sgid, &target);
	for (sent = 0; sent < packets; sent += BATCH) {
		far_await(qp, sgid);
		o.dice.state = roll(&dice, UINT64_MAX);
		give_orders(fd, &o);
		target_shake(&target, &dice);
		target_check(&target);
		if (sent % (BATCH * 500) == 0)
			printf("%lu packets sent\n", sent);
	}

	close(fd);
	child_wait_ok(pid);
	ibv_destroy_qp(qp);
	cq_destroy(init.send_cq);
	target_check(&target);
	expect_reached(target.mr);
	/* The interface and the device went with the peer's namespace. */
	rig_close(&rig);
}

static struct dice_run run;

static void hostile_peer(void **state)
{
	(void)state;
	fuzz((struct dice){ run.seed }, run.count);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_peer),
	};

	run = dice_run(argc, argv, 100000,
		       "Sends random and mutated RoCEv2 requests to an on-demand region.");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
