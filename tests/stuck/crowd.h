/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Many connected pairs of queue pairs of one process, each of which writes to
 * a page of its own that has not come yet.
 */
#ifndef TESTS_STUCK_CROWD_H
#define TESTS_STUCK_CROWD_H

#include "env.h"
#include "uffd.h"

#define CROWD_WRITE 64
#define CROWD_SEED 3

struct crowd {
	struct rig *rig;
	size_t n;
	struct ibv_cq *cq;
	struct ibv_qp **a, **b;
	uint8_t *data, *mem;	/* a page each */
	struct ibv_mr *data_mr, *mr;
	struct uffd uffd;
};

/* All of them, with pages that nobody supplies yet. */
void crowd_open(struct crowd *c, struct rig *rig, size_t n,
		const struct pair_config *cfg);

/* Posts a write of each, and waits until somebody waits for a page. */
void crowd_go(struct crowd *c);

/* Waits for the writes, which shall succeed, and checks what they wrote. */
void crowd_reap(struct crowd *c);

void crowd_close(struct crowd *c);

#endif /* TESTS_STUCK_CROWD_H */
