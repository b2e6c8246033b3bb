// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The device under test, opened.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "rig.h"

static struct ibv_context *open_by_name(const char *name)
{
	struct ibv_device **list;
	struct ibv_context *ctx = NULL;
	int i;

	list = ibv_get_device_list(NULL);
	for (i = 0; list && list[i]; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name))
			ctx = ibv_open_device(list[i]);
	}
	if (list)
		ibv_free_device_list(list);
	return ctx;
}

void rig_open(struct rig *rig)
{
	const char *name = getenv("ODP_TEST_DEVICE");

	if (!name)
		name = "rxe0";

	memset(rig, 0, sizeof(*rig));
	rig->ctx = open_by_name(name);
	if (!rig->ctx)
		test_fail("no RDMA device %s can be opened: is rdma_rxe loaded?",
			  name);

	rig->pd = ibv_alloc_pd(rig->ctx);
	if (!rig->pd)
		test_fail("ibv_alloc_pd: %s", strerror(errno));

	if (ibv_query_gid(rig->ctx, RIG_PORT, RIG_GID_INDEX, &rig->gid))
		test_fail("%s has no GID index %d: it needs an IPv4 address",
			  name, RIG_GID_INDEX);
}

void rig_close(struct rig *rig)
{
	dereg_all(rig);
	if (rig->pd)
		ibv_dealloc_pd(rig->pd);
	if (rig->ctx)
		ibv_close_device(rig->ctx);
	memset(rig, 0, sizeof(*rig));
}

static struct ibv_mr *keep(struct rig *rig, struct ibv_mr *mr)
{
	if (rig->nr_mrs == RIG_MAX_MRS)
		test_fail("more than %d MRs in one test", RIG_MAX_MRS);
	rig->mrs[rig->nr_mrs++] = mr;
	return mr;
}

struct ibv_mr *reg_odp_iova(struct rig *rig, void *addr, size_t len,
			    uint64_t iova, int access)
{
	struct ibv_mr *mr;

	mr = ibv_reg_mr_iova(rig->pd, addr, len, iova,
			     access | IBV_ACCESS_ON_DEMAND);
	if (!mr)
		test_fail("on-demand MR at %p, %zu bytes, access 0x%x: %s%s",
			  addr, len, access, strerror(errno),
			  errno == EOPNOTSUPP ?
			  " (this kernel's rdma_rxe has no on-demand paging)" :
			  "");
	return keep(rig, mr);
}

struct ibv_mr *reg_odp(struct rig *rig, void *addr, size_t len, int access)
{
	return reg_odp_iova(rig, addr, len, (uintptr_t)addr, access);
}

struct ibv_mr *reg_pinned(struct rig *rig, void *addr, size_t len, int access)
{
	struct ibv_mr *mr;

	mr = ibv_reg_mr(rig->pd, addr, len, access);
	if (!mr)
		test_fail("pinned MR at %p, %zu bytes: %s", addr, len,
			  strerror(errno));
	return keep(rig, mr);
}

void dereg(struct rig *rig, struct ibv_mr *mr)
{
	int i, err;

	for (i = 0; i < rig->nr_mrs; i++) {
		if (rig->mrs[i] == mr)
			rig->mrs[i] = rig->mrs[--rig->nr_mrs];
	}
	err = ibv_dereg_mr(mr);
	if (err)
		test_fail("ibv_dereg_mr: %s", strerror(err));
}

void dereg_all(struct rig *rig)
{
	while (rig->nr_mrs)
		dereg(rig, rig->mrs[rig->nr_mrs - 1]);
}
