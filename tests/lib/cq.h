/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Completion queues, and waiting for what comes out of them: asleep, so that
 * an emulated machine has its processors for those who work.
 */
#ifndef TESTS_CQ_H
#define TESTS_CQ_H

#include <stdbool.h>
#include <stdint.h>
#include <infiniband/verbs.h>

#include "rig.h"

/* A queue for @depth completions that tells of them through a channel. */
struct ibv_cq *cq_create(struct rig *rig, int depth);
void cq_destroy(struct ibv_cq *cq);

/*
 * Waits for one completion and fails the test if there is none in time; what
 * for is said by @what.
 */
struct ibv_wc wait_wc(struct ibv_cq *cq, const char *what);

/* The same, but false after @ms without one. */
bool wait_wc_ms(struct ibv_cq *cq, struct ibv_wc *wc, int64_t ms);

#endif /* TESTS_CQ_H */
