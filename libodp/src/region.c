// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Regions, and those that are shared.
 *
 * Shared ones stand in one list, those that were used last at its end: that
 * makes it the cache's LRU list, too. Looking one up takes a walk of the list,
 * which is little beside a registration even with thousands of them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "caps.h"
#include "region.h"

/* Guards the list, and @refs and @stale of the regions in it. */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(region_list, region) shared =
	TAILQ_HEAD_INITIALIZER(shared);

struct region *region_new(struct ibv_pd *pd, void *addr, size_t length,
			  unsigned int access, enum odp_kind kind)
{
	struct region *region;
	int err;

	region = calloc(1, sizeof(*region));
	if (!region)
		return NULL;

	region->kind = kind;
	region->access = access;
	region->refs = 1;
	if (kind != ODP_KIND_PINNED)
		access |= IBV_ACCESS_ON_DEMAND;
	region->mr = ibv_reg_mr(pd, addr, length, access);
	if (!region->mr)
		goto err;
	return region;

err:
	err = errno;
	free(region);
	errno = err;
	return NULL;
}

int region_free(struct region *region)
{
	int err = ibv_dereg_mr(region->mr);

	if (err) {
		errno = err;
		return -1;
	}
	free(region);
	return 0;
}

static int shared_remove(struct region *region)
{
	struct region *next = TAILQ_NEXT(region, link);

	TAILQ_REMOVE(&shared, region, link);
	if (!region_free(region))
		return 0;

	if (next)
		TAILQ_INSERT_BEFORE(next, region, link);
	else
		TAILQ_INSERT_TAIL(&shared, region, link);
	return -1;
}

static struct region *implicit_find(struct ibv_pd *pd, unsigned int access)
{
	struct region *region;

	TAILQ_FOREACH(region, &shared, link) {
		if (region->mr->pd == pd && region->access == access &&
		    region->kind == ODP_KIND_IMPLICIT)
			break;
	}
	return region;
}

static struct region *implicit_new(struct ibv_pd *pd, unsigned int access)
{
	struct region *region;
	struct odp_caps caps;

	if (caps_of_device(pd->context, &caps))
		return NULL;
	if (!(caps.flags & ODP_CAP_IMPLICIT)) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	region = region_new(pd, NULL, SIZE_MAX, access, ODP_KIND_IMPLICIT);
	if (region) {
		region->shared = true;
		TAILQ_INSERT_TAIL(&shared, region, link);
	}
	return region;
}

/* Making one takes the same short time for all memory, so the lock is kept. */
struct region *shared_implicit(struct ibv_pd *pd, unsigned int access)
{
	struct region *region;

	pthread_mutex_lock(&shared_lock);
	region = implicit_find(pd, access);
	if (region)
		region->refs++;
	else
		region = implicit_new(pd, access);
	pthread_mutex_unlock(&shared_lock);

	return region;
}

static bool pinned_serves(const struct region *region, uintptr_t start,
			  size_t length, bool wide)
{
	const uintptr_t has = (uintptr_t)region->mr->addr;

	if (!wide)
		return has == start && region->mr->length == length;
	return has <= start && length <= region->mr->length &&
	       start - has <= region->mr->length - length;
}

struct region *shared_pinned(struct ibv_pd *pd, void *addr, size_t length,
			     unsigned int access, bool wide)
{
	struct region *region;

	pthread_mutex_lock(&shared_lock);
	TAILQ_FOREACH(region, &shared, link) {
		if (region->mr->pd == pd && region->access == access &&
		    region->kind == ODP_KIND_PINNED && !region->stale &&
		    pinned_serves(region, (uintptr_t)addr, length, wide)) {
			region->refs++;
			break;
		}
	}
	pthread_mutex_unlock(&shared_lock);

	return region;
}

/*
 * Two threads may both have pinned the range meanwhile: then the cache has it
 * twice, which does no harm.
 */
void shared_add(struct region *region)
{
	region->shared = true;
	pthread_mutex_lock(&shared_lock);
	TAILQ_INSERT_TAIL(&shared, region, link);
	pthread_mutex_unlock(&shared_lock);
}

/*
 * Ends the PD's unused regions beyond the bounds, those first that were not
 * used for longest. One that cannot be ended, as a memory window is bound to
 * it, stays.
 */
static void cache_trim(struct ibv_pd *pd)
{
	size_t regions = 0, bytes = 0;
	struct region *region, *prev;

	for (region = TAILQ_LAST(&shared, region_list); region; region = prev) {
		prev = TAILQ_PREV(region, region_list, link);
		if (region->mr->pd != pd || region->refs)
			continue;
		regions++;
		bytes += region->mr->length;
		if (regions > ODP_CACHE_REGIONS || bytes > ODP_CACHE_BYTES) {
			regions--;
			bytes -= region->mr->length;
			shared_remove(region);
		}
	}
}

int shared_put(struct region *region)
{
	int ret = 0;

	pthread_mutex_lock(&shared_lock);
	if (region->refs > 1) {
		region->refs--;
	} else if (region->kind == ODP_KIND_IMPLICIT || region->stale) {
		ret = shared_remove(region);
	} else {
		region->refs = 0;
		TAILQ_REMOVE(&shared, region, link);
		TAILQ_INSERT_TAIL(&shared, region, link);
		cache_trim(region->mr->pd);
	}
	pthread_mutex_unlock(&shared_lock);

	return ret;
}

static bool overlaps(const struct region *region, uintptr_t start,
		     size_t length)
{
	const uintptr_t has = (uintptr_t)region->mr->addr;

	return has < start ? start - has < region->mr->length :
			     has - start < length;
}

int shared_drop(struct ibv_pd *pd, uintptr_t start, size_t length)
{
	struct region *region, *next;
	int err = 0;

	pthread_mutex_lock(&shared_lock);
	for (region = TAILQ_FIRST(&shared); region; region = next) {
		next = TAILQ_NEXT(region, link);
		if (region->mr->pd != pd || region->kind != ODP_KIND_PINNED ||
		    !overlaps(region, start, length))
			continue;
		region->stale = true;
		if (!region->refs && shared_remove(region))
			err = errno;
	}
	pthread_mutex_unlock(&shared_lock);

	if (!err)
		return 0;
	errno = err;
	return -1;
}

bool shared_evict(void)
{
	struct region *region, *next;
	bool evicted = false;

	pthread_mutex_lock(&shared_lock);
	for (region = TAILQ_FIRST(&shared); region; region = next) {
		next = TAILQ_NEXT(region, link);
		if (!region->refs && !shared_remove(region))
			evicted = true;
	}
	pthread_mutex_unlock(&shared_lock);

	return evicted;
}
