// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A peer in a network namespace of its own, at the other end of a veth pair, as
 * SoftRoCE takes packets from its own interface only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "env.h"
#include "far.h"
#include "knob.h"
#include "nic.h"

#define INTERFACE "fuzz0"

/* They go with the namespace of the peer, a while after that's last process. */
static bool last_one_is_gone(void *arg)
{
	(void)arg;
	return access("/sys/class/net/" INTERFACE, F_OK) &&
	       !nic_is_there(FAR_DEVICE);
}

int far_start(pid_t *pid, int (*run)(int sock))
{
	int ends[2];
	char ready;

	if (!wait_until(last_one_is_gone, NULL))
		test_fail(INTERFACE " of another test stays");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		test_fail("socketpair: %s", strerror(errno));
	*pid = fork();
	if (!*pid) {
		close(ends[0]);
		if (unshare(CLONE_NEWNET) || write(ends[1], "r", 1) != 1 ||
		    read(ends[1], &ready, 1) != 1)
			_exit(4);
		if (system("ip addr add " FAR_PEER_IP "/24 dev fuzz1 && "
			   "ip link set fuzz1 mtu 9000 up"))
			_exit(5);
		if (write(ends[1], "r", 1) != 1)
			_exit(6);
		_exit(run(ends[1]));
	}
	close(ends[1]);

	if (read(ends[0], &ready, 1) != 1)
		test_fail("the peer has no network namespace");
	shell("ip link add " INTERFACE " type veth peer name fuzz1 netns %d",
	      *pid);
	shell("ip addr add " FAR_OUR_IP "/24 dev " INTERFACE);
	shell("ip link set " INTERFACE " mtu 9000 up");
	shell("rdma link add " FAR_DEVICE " type rxe netdev " INTERFACE);
	if (write(ends[0], "r", 1) != 1 || read(ends[0], &ready, 1) != 1)
		test_fail("the peer has no network");
	setenv("ODP_TEST_DEVICE", FAR_DEVICE, 1);
	return ends[0];
}

int far_gid_index(struct ibv_context *ctx)
{
	uint32_t ip = inet_addr(FAR_OUR_IP);
	struct ibv_gid_entry entry;
	int i;

	for (i = 0; i < 16; i++)
		if (!ibv_query_gid_ex(ctx, RIG_PORT, i, &entry, 0) &&
		    entry.gid_type == IBV_GID_TYPE_ROCE_V2 &&
		    !memcmp(entry.gid.raw + 12, &ip, sizeof(ip)))
			return i;
	test_fail("%s has no GID for " FAR_OUR_IP, FAR_DEVICE);
}

static union ibv_gid peer_gid(void)
{
	union ibv_gid gid = { .raw = { [10] = 0xff, [11] = 0xff } };
	uint32_t ip = inet_addr(FAR_PEER_IP);

	memcpy(gid.raw + 12, &ip, sizeof(ip));
	return gid;
}

/*
 * What is left of the last batch may move the queue pair into the error state
 * just after its reset, so reset it until it takes the next step.
 */
static bool is_init(void *arg)
{
	struct ibv_qp_attr reset = { .qp_state = IBV_QPS_RESET };
	struct ibv_qp_attr init = {
		.qp_state = IBV_QPS_INIT,
		.port_num = RIG_PORT,
		.qp_access_flags = ACCESS_ALL,
	};
	struct ibv_qp *qp = arg;

	if (ibv_modify_qp(qp, &reset, IBV_QP_STATE))
		test_fail("reset: %s", strerror(errno));
	return !ibv_modify_qp(qp, &init, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			      IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

static void qp_init(struct ibv_qp *qp)
{
	if (!wait_until(is_init, qp))
		test_fail("the queue pair does not get from reset to init");
}

void far_await(struct ibv_qp *qp, int sgid_index)
{
	struct ibv_qp_attr attr;

	qp_init(qp);
	attr = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = 1234,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.ah_attr = {
			.is_global = 1,
			.port_num = RIG_PORT,
			.grh = {
				.dgid = peer_gid(),
				.sgid_index = sgid_index,
				.hop_limit = 64,
			},
		},
	};
	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV |
			  IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			  IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER))
		test_fail("ready to receive: %s", strerror(errno));
}

void far_connect(struct ibv_qp *qp, int sgid_index, uint32_t psn,
		 uint8_t timeout)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = psn,
		.timeout = timeout,
		.max_rd_atomic = 1,
	};

	far_await(qp, sgid_index);
	if (ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN |
			  IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			  IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC))
		test_fail("ready to send: %s", strerror(errno));
}
