// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_reg(): which registration a range gets.
 *
 * The rule behind all choices: a peer never reaches more memory than was asked
 * for, unless the caller says that it may.
 */
#include <errno.h>
#include <stdlib.h>

#include "caps.h"
#include "region.h"

#define ALL_FLAGS (ODP_REG_WIDE | ODP_REG_OWN | ODP_REG_PINNED | ODP_REG_CACHED)

struct odp_mr {
	struct region *region;
};

/* What is asked for. */
struct request {
	struct ibv_pd *pd;
	void *addr;
	size_t length;
	unsigned int access;
	bool share, wide, pinned, cached;
};

static int request_init(struct request *req, struct ibv_pd *pd, void *addr,
			size_t length, unsigned int access, unsigned int flags)
{
	if (!pd || !length || length - 1 > UINTPTR_MAX - (uintptr_t)addr ||
	    access & IBV_ACCESS_ON_DEMAND || flags & ~(unsigned int)ALL_FLAGS ||
	    (flags & ODP_REG_CACHED && !(flags & ODP_REG_PINNED))) {
		errno = EINVAL;
		return -1;
	}

	*req = (struct request) {
		.pd = pd,
		.addr = addr,
		.length = length,
		.access = access,
		/* Addresses in a shared region must mean the same to all. */
		.share = !(flags & ODP_REG_OWN) &&
			 !(access & IBV_ACCESS_ZERO_BASED),
		.wide = flags & ODP_REG_WIDE || !(access & REMOTE_ACCESS),
		.pinned = flags & ODP_REG_PINNED,
		.cached = flags & ODP_REG_CACHED,
	};
	return 0;
}

/* What counts against the limit of locked memory may be in the cache. */
static struct region *pin(const struct request *req)
{
	struct region *region;

	region = region_new(req->pd, req->addr, req->length, req->access,
			    ODP_KIND_PINNED);
	if (region || errno != ENOMEM || !shared_evict())
		return region;
	return region_new(req->pd, req->addr, req->length, req->access,
			  ODP_KIND_PINNED);
}

static struct region *get_pinned(const struct request *req)
{
	struct region *region;

	if (!req->cached || !req->share)
		return pin(req);

	region = shared_pinned(req->pd, req->addr, req->length, req->access,
			       req->wide);
	if (!region) {
		region = pin(req);
		if (region)
			shared_add(region);
	}
	return region;
}

/* Why an on-demand registration has just failed; errno is kept if not. */
static bool is_for_want_of_odp(struct ibv_pd *pd)
{
	const int err = errno;
	struct odp_caps caps;
	bool want;

	want = err == EOPNOTSUPP ||
	       (!caps_of_device(pd->context, &caps) &&
		!(caps.flags & ODP_CAP_EXPLICIT));
	errno = err;
	return want;
}

static struct region *get_region(const struct request *req)
{
	struct region *region = NULL;

	if (req->share && req->wide)
		region = shared_implicit(req->pd, req->access);
	if (!region)
		region = region_new(req->pd, req->addr, req->length,
				    req->access, ODP_KIND_EXPLICIT);
	if (!region && req->pinned && is_for_want_of_odp(req->pd))
		region = get_pinned(req);
	return region;
}

int odp_reg(struct ibv_pd *pd, void *addr, size_t length, unsigned int access,
	    unsigned int flags, struct odp_mr **mr)
{
	struct request req;
	struct odp_mr *new;
	int err;

	if (!mr) {
		errno = EINVAL;
		return -1;
	}
	if (request_init(&req, pd, addr, length, access, flags))
		return -1;

	new = malloc(sizeof(*new));
	if (!new)
		return -1;
	new->region = get_region(&req);
	if (!new->region)
		goto err;

	*mr = new;
	return 0;

err:
	err = errno;
	free(new);
	errno = err;
	return -1;
}

int odp_dereg(struct odp_mr *mr)
{
	int ret;

	if (!mr) {
		errno = EINVAL;
		return -1;
	}

	ret = mr->region->shared ? shared_put(mr->region) :
				   region_free(mr->region);
	if (!ret)
		free(mr);
	return ret;
}

int odp_cache_drop(struct ibv_pd *pd, void *addr, size_t length)
{
	if (!pd || !length) {
		errno = EINVAL;
		return -1;
	}
	return shared_drop(pd, (uintptr_t)addr, length);
}

int odp_mr_kind(const struct odp_mr *mr)
{
	if (!mr) {
		errno = EINVAL;
		return -1;
	}
	return (int)mr->region->kind;
}

struct ibv_mr *odp_mr_ibv(const struct odp_mr *mr)
{
	if (!mr) {
		errno = EINVAL;
		return NULL;
	}
	return mr->region->mr;
}

uint32_t odp_mr_lkey(const struct odp_mr *mr)
{
	const struct ibv_mr *ibmr = odp_mr_ibv(mr);

	return ibmr ? ibmr->lkey : 0;
}

uint32_t odp_mr_rkey(const struct odp_mr *mr)
{
	const struct ibv_mr *ibmr = odp_mr_ibv(mr);

	return ibmr ? ibmr->rkey : 0;
}
