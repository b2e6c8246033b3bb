/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Pages that a device takes from the CPU for its atomics (ODP_POLICY_EXCLUSIVE).
 */
#ifndef TESTS_TAKE_H
#define TESTS_TAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "env.h"

/* Whether this kernel can do it at all; the test is skipped without. */
bool can_take(struct ibv_context *ctx);
void skip_unless(bool can);

/* Gives a region the policy: what odp_mr_set_policy() returns. */
int set_exclusive(struct ibv_mr *mr);

/* An on-demand region with the policy; the test is skipped where that is none. */
struct ibv_mr *reg_exclusive(struct env *e, void *mem, size_t len);

/* The device adds @n to the eight bytes there; what was there before. */
uint64_t device_adds(struct env *e, struct ibv_mr *mr, void *at, uint64_t n);

bool is_taken(struct ibv_mr *mr, const void *at);
void expect_taken(struct ibv_mr *mr, const void *at, bool taken);

#endif /* TESTS_TAKE_H */
