/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Two queue pairs that talk to each other, and operations on them. End A asks,
 * end B answers.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <infiniband/verbs.h>

#include "cq.h"
#include "rig.h"

#define PAIR_DEPTH 256
#define PAIR_QKEY 0x11111111
#define UD_GRH_LEN 40

struct pair_config {
	enum ibv_qp_type type;	/* IBV_QPT_RC or IBV_QPT_UD */
	enum ibv_mtu mtu;	/* path MTU, RC only */
	bool srq;		/* B receives from a shared receive queue */
	bool forever;		/* RC: wait for an answer without a time limit */
	uint8_t timeout;	/* RC: 4.096 us * 2^timeout, seven times over */
	bool few_retries;	/* RC: ... or as often as retry_cnt tells */
	uint8_t retry_cnt;
	struct ibv_pd *b_pd;	/* B's protection domain if not the rig's */
};

struct pair {
	struct rig *rig;
	struct pair_config cfg;
	struct ibv_cq *a_cq, *b_cq;
	struct ibv_qp *a, *b;
	struct ibv_srq *srq;
	struct ibv_ah *ah;	/* UD: the way to B */
};

/* An address with the key to it. */
struct ref {
	uint64_t addr;
	uint32_t key;
};

void pair_open(struct pair *p, struct rig *rig, const struct pair_config *cfg);
void pair_close(struct pair *p);

/* Replaces both queue pairs after an error; what was posted is lost. */
void pair_reset(struct pair *p);

/*
 * Resets a queue pair, which qp_connect() then takes. SoftRoCE tells of a failed
 * request first and moves to the error state then, even if it is reset already.
 */
void qp_reset(struct ibv_qp *qp);

/* Moves a queue pair to the state, reset or error, which takes nothing else. */
void qp_set_state(struct ibv_qp *qp, enum ibv_qp_state state);

/* Connects an RC queue pair to another one, here or in another process. */
void qp_connect(struct rig *rig, struct ibv_qp *qp, uint32_t peer_qpn,
		const struct pair_config *cfg);

/* Creates a queue pair that qp_connect() takes; its CQ serves both ways. */
struct ibv_qp *qp_create(struct rig *rig, struct ibv_pd *pd, struct ibv_cq *cq,
			 struct ibv_srq *srq, enum ibv_qp_type type);

/* The same with room for @depth work requests each way. */
struct ibv_qp *qp_create_depth(struct rig *rig, struct ibv_pd *pd,
			       struct ibv_cq *cq, struct ibv_srq *srq,
			       enum ibv_qp_type type, uint32_t depth);

/* Posts without waiting. */
void post_send(struct ibv_qp *qp, struct ibv_send_wr *wr);
void post_recv(struct pair *p, struct ibv_sge *sge, int nsge, uint64_t wr_id);

/* Posts a signalled work request on A and waits for its completion. */
struct ibv_wc do_wr(struct pair *p, struct ibv_send_wr *wr);

/* One-sided operations from A on B's memory; they return how they ended. */
enum ibv_wc_status do_write(struct pair *p, struct ref local, struct ref remote,
			    uint32_t len);
enum ibv_wc_status do_read(struct pair *p, struct ref local, struct ref remote,
			   uint32_t len);
enum ibv_wc_status do_cmp_swap(struct pair *p, struct ref local,
			       struct ref remote, uint64_t cmp, uint64_t swap);
enum ibv_wc_status do_fetch_add(struct pair *p, struct ref local,
				struct ref remote, uint64_t add);
enum ibv_wc_status do_atomic_write(struct pair *p, struct ref remote,
				   uint64_t value);
enum ibv_wc_status do_flush(struct pair *p, struct ref remote, size_t len,
			    uint8_t type, uint8_t level);

/* Fails the test, naming @what, unless the two are equal. */
void expect_wc(const char *what, enum ibv_wc_status got,
	       enum ibv_wc_status want);

#define expect_success(what, got) expect_wc(what, got, IBV_WC_SUCCESS)

/*
 * Expects that the operation is refused for want of access to B's memory, and
 * brings the pair back.
 */
void expect_refused(struct pair *p, const char *what, enum ibv_wc_status got);

/*
 * Expects that the operation fails for want of access to A's own memory, and
 * brings the pair back. SoftRoCE flushes the request in which it finds that.
 */
void expect_local_error(struct pair *p, const char *what,
			enum ibv_wc_status got);

static inline struct ref ref_l(const struct ibv_mr *mr, const void *addr)
{
	return (struct ref) { (uintptr_t)addr, mr->lkey };
}

static inline struct ref ref_r(const struct ibv_mr *mr, const void *addr)
{
	return (struct ref) { (uintptr_t)addr, mr->rkey };
}

#endif /* TESTS_PAIR_H */
