/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A peer in a network namespace of its own, that sends what it likes.
 */
#ifndef TESTS_FUZZ_FAR_H
#define TESTS_FUZZ_FAR_H

#include <sys/types.h>
#include <infiniband/verbs.h>

#define FAR_DEVICE	"rxe_fuzz"
#define FAR_OUR_IP	"198.51.100.1"
#define FAR_PEER_IP	"198.51.100.2"

/*
 * Forks the peer, which runs @run with a socket to us, and connects its
 * namespace to ours with an RDMA device that rig_open() opens then. Both go
 * with the peer. Returns our end of the socket.
 */
int far_start(pid_t *pid, int (*run)(int sock));

/* The GID to talk to it from. */
int far_gid_index(struct ibv_context *ctx);

/* Has an RC queue pair, of any state, expect the peer's first packet. */
void far_await(struct ibv_qp *qp, int sgid_index);

/*
 * The same, and lets it send from this packet on. With a @timeout, as
 * ibv_modify_qp() takes it, it gives up when the first answer is late; with 0
 * it waits.
 */
void far_connect(struct ibv_qp *qp, int sgid_index, uint32_t psn,
		 uint8_t timeout);

#endif /* TESTS_FUZZ_FAR_H */
