/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Regions: what struct odp_mr refers to. Some are shared: a PD's implicit
 * region, and the pinned ones of the cache.
 */
#ifndef LIBODP_REGION_H
#define LIBODP_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <infiniband/odp.h>

struct region {
	struct ibv_mr *mr;
	enum odp_kind kind;
	unsigned int access;	/* without IBV_ACCESS_ON_DEMAND */
	bool shared;		/* in the list of those, and all that follows */
	bool stale;		/* not to be given out again */
	unsigned int refs;
	TAILQ_ENTRY(region) link;
};

/* Access that a peer has. */
#define REMOTE_ACCESS (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | \
		       IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_FLUSH_GLOBAL | \
		       IBV_ACCESS_FLUSH_PERSISTENT)

/* Registers; NULL with errno set. The region is nobody else's. */
struct region *region_new(struct ibv_pd *pd, void *addr, size_t length,
			  unsigned int access, enum odp_kind kind);

/* Deregisters and frees; -1 with errno set if the region has to stay. */
int region_free(struct region *region);

/*
 * The PD's implicit region with that access, with one reference more; NULL
 * with errno set. EOPNOTSUPP if the device has none.
 */
struct region *shared_implicit(struct ibv_pd *pd, unsigned int access);

/*
 * A pinned region from the cache, with one reference more, or NULL. It spans
 * the range exactly, or at least, if it may be wider.
 */
struct region *shared_pinned(struct ibv_pd *pd, void *addr, size_t length,
			     unsigned int access, bool wide);

/* Puts a new pinned region with its one reference into the cache. */
void shared_add(struct region *region);

/*
 * Gives a reference back. An implicit region ends with its last one; a pinned
 * one stays in the cache, as long as there is room. -1 with errno set if it
 * has to end and cannot; the reference then stays.
 */
int shared_put(struct region *region);

/* odp_cache_drop() for sane arguments. */
int shared_drop(struct ibv_pd *pd, uintptr_t start, size_t length);

/* Ends all regions that nobody uses, any PD's; whether there were some. */
bool shared_evict(void);

#endif /* LIBODP_REGION_H */
