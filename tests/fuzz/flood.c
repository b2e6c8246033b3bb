// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A peer that goes on sending to queue pairs that wait for a page, whatever it
 * is told: the kernel keeps little of that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "env.h"
#include "far.h"
#include "knob.h"
#include "roce.h"
#include "uffd.h"

#define NR_QPS		4
#define BATCH		500
#define NR_BATCHES	8
#define PAYLOAD		1024
/* What the kernel counts for a packet of that payload, at the least. */
#define PACKET_BYTES	2048
#define LIMIT		((int64_t)(NR_QPS * MIB))

/* What the parent tells the peer before each batch. */
struct orders {
	uint8_t opcode;
	uint32_t qpn[NR_QPS];
	uint64_t va;		/* a page a queue pair */
	uint32_t rkey;
	uint32_t psn;
};

/* Sends each queue pair a batch for each of the parent's orders. */
static int peer(int fd)
{
	uint32_t from = inet_addr(FAR_PEER_IP), to = inet_addr(FAR_OUR_IP);
	struct roce_packet p = { .length = PAYLOAD, .payload_len = PAYLOAD };
	int sock = roce_open();
	struct orders o;
	uint32_t i, q;
	char done = 1;

	if (sock < 0)
		return 1;
	while (read(fd, &o, sizeof(o)) == sizeof(o)) {
		p.opcode = o.opcode;
		p.rkey = o.rkey;
		p.qkey = PAIR_QKEY;
		for (i = 0; i < BATCH * NR_QPS; i++) {
			q = i % NR_QPS;
			p.qpn = o.qpn[q];
			p.va = o.va + q * PAGE;
			p.psn = o.psn + i / NR_QPS;
			if (roce_send(sock, from, to, &p))
				return 2;
		}
		if (write(fd, &done, 1) != 1)
			return 3;
	}
	return 0;
}

/*
 * Packets that the kernel holds: their heads have a cache of their own. What that
 * keeps of freed ones, on a kernel with KASAN thousands, it gives up when told to.
 * Negative where the kernel does not say.
 */
static int64_t packets(void)
{
	int64_t n = -1;
	char line[512];
	FILE *f;

	knob_set("/sys/kernel/slab/skbuff_head_cache/shrink", "1");
	f = fopen("/proc/slabinfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "skbuff_head_cache %" SCNd64, &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

/* Packets that nobody has taken yet are counted, or the test sees nothing. */
static void held_packets_are_counted(void **state)
{
	const int64_t before = packets(), n = 64;
	int pair[2], i;

	(void)state;
	if (before < 0)
		skip_because("/proc/slabinfo has no skbuff_head_cache");
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		test_fail("socketpair: %s", strerror(errno));
	for (i = 0; i < n; i++)
		if (send(pair[0], &i, sizeof(i), MSG_DONTWAIT) < 0)
			break;
	print_message("%d packets sent, %" PRId64 " seen\n", i,
		      packets() - before);
	assert_true(i > 0 && packets() - before >= i);
	close(pair[0]);
	close(pair[1]);
}

static struct uffd uffd = { .fd = -1 };

static void await_datagrams(struct ibv_qp *qp, const struct ibv_mr *mr,
			    uint8_t *buf)
{
	struct ibv_sge sge = { (uintptr_t)buf, PAGE, mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = RIG_PORT,
		.qkey = PAIR_QKEY,
	};
	int err;

	err = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			    IBV_QP_PORT | IBV_QP_QKEY);
	attr.qp_state = IBV_QPS_RTR;
	err = err ?: ibv_modify_qp(qp, &attr, IBV_QP_STATE);
	err = err ?: ibv_post_recv(qp, &wr, &bad);
	if (err)
		test_fail("datagrams: %s", strerror(err));
}

static void flood(enum ibv_qp_type type)
{
	struct ibv_qp *qps[NR_QPS];
	struct orders o = {
		.opcode = type == IBV_QPT_UD ? UD_SEND_ONLY : RC_WRITE_ONLY,
	};
	int64_t most = 0, start, held;
	struct rig rig = {};
	struct ibv_mr *mr;
	struct ibv_cq *cq;
	uint8_t *mem;
	int fd, i;
	pid_t pid;
	char done;

	if (packets() < 0)
		skip_because("/proc/slabinfo has no skbuff_head_cache");
	fd = far_start(&pid, peer);
	rig_open(&rig);
	mem = mem_anon(NR_QPS * PAGE);
	mr = reg_odp(&rig, mem, NR_QPS * PAGE, ACCESS_ALL);
	uffd_open(&uffd, mem, NR_QPS * PAGE);
	o.va = (uintptr_t)mem;
	o.rkey = mr->rkey;
	cq = cq_create(&rig, 16);
	for (i = 0; i < NR_QPS; i++) {
		qps[i] = qp_create(&rig, rig.pd, cq, NULL, type);
		o.qpn[i] = qps[i]->qp_num;
		if (type == IBV_QPT_UD)
			await_datagrams(qps[i], mr, mem + i * PAGE);
		else
			far_await(qps[i], far_gid_index(rig.ctx));
	}

	start = packets();
	for (i = 0; i < NR_BATCHES; i++, o.psn += BATCH) {
		if (write(fd, &o, sizeof(o)) != sizeof(o) ||
		    read(fd, &done, 1) != 1)
			test_fail("the peer is gone");
		if (!i)
			uffd_await_fault(&uffd);
		held = (packets() - start) * PACKET_BYTES;
		if (held > most)
			most = held;
	}
	print_message("%d packets, at most %" PRId64 " KiB of them held\n",
		      NR_BATCHES * BATCH * NR_QPS, most / 1024);

	uffd_close(&uffd);
	for (i = 0; i < NR_QPS; i++)
		ibv_destroy_qp(qps[i]);
	cq_destroy(cq);
	close(fd);
	child_wait_ok(pid);
	rig_close(&rig);
	mem_release();
	assert_true(most < LIMIT);
}

static void R19_flood_of_writes(void **state)
{
	flood(IBV_QPT_RC);
	(void)state;
}

static void R19_flood_of_datagrams(void **state)
{
	flood(IBV_QPT_UD);
	(void)state;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_packets_are_counted),
		cmocka_unit_test(R19_flood_of_writes),
		cmocka_unit_test(R19_flood_of_datagrams),
	};

	return ENV_MAIN(argc, argv, "flood", tests);
}
