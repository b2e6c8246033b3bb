/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The device under test, opened: context, protection domain and the memory
 * regions that a test registers.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <infiniband/verbs.h>

#define RIG_PORT 1
#define RIG_GID_INDEX 1
#define RIG_MAX_MRS 256

#define ACCESS_ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		    IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC)

struct rig {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	union ibv_gid gid;
	struct ibv_mr *mrs[RIG_MAX_MRS];
	int nr_mrs;
};

/* Opens the device that ODP_TEST_DEVICE names, rxe0 if it is not set. */
void rig_open(struct rig *rig);

/* Gives back all, MRs that a failed test left behind included. */
void rig_close(struct rig *rig);

/* Registers on demand; fails the test if that fails. */
struct ibv_mr *reg_odp(struct rig *rig, void *addr, size_t len, int access);

/* The same with an iova, which must have the page offset of @addr. */
struct ibv_mr *reg_odp_iova(struct rig *rig, void *addr, size_t len,
			    uint64_t iova, int access);

/* Registers pinned memory. */
struct ibv_mr *reg_pinned(struct rig *rig, void *addr, size_t len, int access);

/* Deregisters; fails the test if that fails. */
void dereg(struct rig *rig, struct ibv_mr *mr);

/* Deregisters all. */
void dereg_all(struct rig *rig);

#endif /* TESTS_RIG_H */
