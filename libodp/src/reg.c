// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_reg(): which registration a range gets.
 *
 * The rule behind all choices: a peer never reaches more memory than was asked
 * for, unless the caller says that it may.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "caps.h"
#include "implicit.h"
#include "sized.h"

#define ALL_FLAGS (ODP_REG_WIDE | ODP_REG_OWN | ODP_REG_IOVA | ODP_REG_DMABUF)
#define ALL_TRANSPORTS (ODP_RC | ODP_UC | ODP_UD | ODP_XRC)

/* Access that a peer has. */
#define REMOTE_ACCESS (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | \
		       IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_FLUSH_GLOBAL | \
		       IBV_ACCESS_FLUSH_PERSISTENT)

struct odp_region {
	enum odp_kind kind;
	struct ibv_mr *mr;
	struct implicit *implicit;	/* whose @mr is, or NULL */
};

static int attr_check(const struct odp_reg_attr *attr)
{
	const uintptr_t start = (uintptr_t)attr->addr;

	if (!attr->length || attr->length - 1 > UINTPTR_MAX - start ||
	    attr->access & IBV_ACCESS_ON_DEMAND ||
	    attr->flags & ~(uint32_t)ALL_FLAGS || attr->choice > ODP_EITHER ||
	    attr->transports & ~(uint32_t)ALL_TRANSPORTS)
		return EINVAL;
	/* One says nothing without the other. */
	if (!attr->transports != !attr->operations)
		return EINVAL;
	return 0;
}

/* Can the device do that on demand over all of these? */
static bool caps_suffice(const struct odp_caps *caps,
			 const struct odp_reg_attr *attr)
{
	const struct {
		uint32_t transport;
		uint32_t operations;
	} can[] = {
		{ ODP_RC, caps->rc },
		{ ODP_UC, caps->uc },
		{ ODP_UD, caps->ud },
		{ ODP_XRC, caps->xrc },
	};
	size_t i;

	for (i = 0; i < sizeof(can) / sizeof(can[0]); i++) {
		if (attr->transports & can[i].transport &&
		    attr->operations & ~can[i].operations)
			return false;
	}
	return true;
}

/* Can the device do what the registration is for? Returns 0 or an errno. */
static int operations_check(struct ibv_pd *pd, const struct odp_reg_attr *attr)
{
	struct odp_caps caps;
	int err;

	if (!attr->operations)
		return 0;
	err = caps_of_device(pd->context, &caps);
	if (err)
		return err;
	return caps_suffice(&caps, attr) ? 0 : EOPNOTSUPP;
}

/* May the PD's implicit region serve? Addresses there mean the same to all. */
static bool may_share(const struct odp_reg_attr *attr)
{
	if (attr->flags & (ODP_REG_OWN | ODP_REG_IOVA | ODP_REG_DMABUF) ||
	    attr->access & IBV_ACCESS_ZERO_BASED || attr->policy)
		return false;
	return !(attr->access & REMOTE_ACCESS) || attr->flags & ODP_REG_WIDE;
}

static struct ibv_mr *reg_mr(struct ibv_pd *pd, const struct odp_reg_attr *attr,
			     int access)
{
	const uint64_t offset = (uintptr_t)attr->addr;
	const uint64_t iova = attr->flags & ODP_REG_IOVA ? attr->iova : offset;

	access |= (int)attr->access;
	if (attr->flags & ODP_REG_DMABUF)
		return ibv_reg_dmabuf_mr(pd, offset, attr->length, iova,
					 attr->dmabuf_fd, access);
	if (attr->flags & ODP_REG_IOVA)
		return ibv_reg_mr_iova(pd, attr->addr, attr->length, iova,
				       access);
	return ibv_reg_mr(pd, attr->addr, attr->length, access);
}

/* Nobody knows the region yet, so none of its faults was dealt with otherwise. */
static int policy_at_birth(struct ibv_mr *mr, const struct odp_reg_attr *attr)
{
	int err;

	if (!attr->policy)
		return 0;
	err = odp_mr_set_policy_sized(mr, attr->policy, attr->policy_size);
	if (err)
		ibv_dereg_mr(mr);
	return err;
}

/* All of these return 0 or an errno. */
static int reg_explicit(struct odp_region *region, struct ibv_pd *pd,
			const struct odp_reg_attr *attr)
{
	region->kind = ODP_KIND_EXPLICIT;
	/* A dma-buf is never pinned: its exporter moves it. */
	region->mr = reg_mr(pd, attr, attr->flags & ODP_REG_DMABUF ?
				      0 : IBV_ACCESS_ON_DEMAND);
	return region->mr ? policy_at_birth(region->mr, attr) : errno;
}

static int reg_implicit(struct odp_region *region, struct ibv_pd *pd,
			const struct odp_reg_attr *attr)
{
	region->kind = ODP_KIND_IMPLICIT;
	region->implicit = implicit_get(pd, attr->access);
	if (!region->implicit)
		return errno;
	region->mr = implicit_mr(region->implicit);

	return 0;
}

/* Some devices without on-demand paging say that the argument is wrong. */
static int why_not(struct ibv_pd *pd, int err)
{
	struct odp_caps caps;

	if (caps_of_device(pd->context, &caps) ||
	    caps.flags & ODP_CAP_EXPLICIT)
		return err;
	return EOPNOTSUPP;
}

static int reg_on_demand(struct odp_region *region, struct ibv_pd *pd,
			 const struct odp_reg_attr *attr)
{
	int err;

	err = operations_check(pd, attr);
	if (err)
		return err;
	if (may_share(attr) && !reg_implicit(region, pd, attr))
		return 0;
	err = reg_explicit(region, pd, attr);

	return err ? why_not(pd, err) : 0;
}

static int reg_pinned(struct odp_region *region, struct ibv_pd *pd,
		      const struct odp_reg_attr *attr)
{
	region->kind = ODP_KIND_PINNED;
	region->mr = reg_mr(pd, attr, 0);

	return region->mr ? 0 : errno;
}

static int reg_any(struct odp_region *region, struct ibv_pd *pd,
		   const struct odp_reg_attr *attr)
{
	int err;

	if (attr->choice == ODP_PINNED)
		return reg_pinned(region, pd, attr);
	err = reg_on_demand(region, pd, attr);
	if (err == EOPNOTSUPP && attr->choice == ODP_EITHER)
		return reg_pinned(region, pd, attr);
	return err;
}

struct odp_region *odp_reg_sized(struct ibv_pd *pd,
				 const struct odp_reg_attr *attr, size_t size)
{
	struct odp_reg_attr want;
	struct odp_region *region;
	int err;

	err = sized_in(&want, sizeof(want), attr, size, REG_ATTR_MIN);
	if (!err)
		err = pd ? attr_check(&want) : EINVAL;
	if (err)
		goto err;

	region = calloc(1, sizeof(*region));
	if (!region)
		return NULL;
	err = reg_any(region, pd, &want);
	if (!err)
		return region;
	free(region);
err:
	errno = err;
	return NULL;
}

int odp_dereg(struct odp_region *region)
{
	int err;

	if (!region)
		return EINVAL;
	err = region->implicit ? implicit_put(region->implicit) :
				 ibv_dereg_mr(region->mr);
	if (!err)
		free(region);
	return err;
}

enum odp_kind odp_region_kind(const struct odp_region *region)
{
	return region->kind;
}

struct ibv_mr *odp_region_mr(const struct odp_region *region)
{
	return region->mr;
}

uint32_t odp_region_lkey(const struct odp_region *region)
{
	return region->mr->lkey;
}

uint32_t odp_region_rkey(const struct odp_region *region)
{
	return region->mr->rkey;
}
