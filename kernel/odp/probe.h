/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Where odp_selftest looks on and holds things up: nothing of it is compiled
 * into a machine's own modules, only with the option ODP_SELFTEST of cmake.
 */
#ifndef ODP_PROBE_H
#define ODP_PROBE_H

#include "space.h"

#ifdef ODP_SELFTEST

/* A mirror with a probe has a space of its own. */
static inline bool odp_probe_is_asked_for(const struct odp_mirror_attr *attr)
{
	return attr->probe;
}

static inline void odp_probe_init(struct odp_space *s, const struct odp_mirror_attr *attr)
{
	s->probe = attr->probe;
	s->probe_arg = attr->probe_arg;
}

/* A fault has its snapshot of [@start, @end) and will next install it. */
static inline void odp_probe_snapshot(struct odp_space *s, unsigned long start,
				      unsigned long end)
{
	if (s->probe && s->probe->snapshot_taken)
		s->probe->snapshot_taken(s->probe_arg, start, end);
}

/* An invalidation of [@start, @end) has cleared its entries. */
static inline void odp_probe_invalidated(struct odp_space *s, unsigned long start,
					 unsigned long end, bool blockable)
{
	if (s->probe && s->probe->invalidated)
		s->probe->invalidated(s->probe_arg, start, end, blockable);
}

#else

static inline bool odp_probe_is_asked_for(const struct odp_mirror_attr *attr)
{
	return false;
}

static inline void odp_probe_init(struct odp_space *s, const struct odp_mirror_attr *attr)
{
}

static inline void odp_probe_snapshot(struct odp_space *s, unsigned long start,
				      unsigned long end)
{
}

static inline void odp_probe_invalidated(struct odp_space *s, unsigned long start,
					 unsigned long end, bool blockable)
{
}

#endif /* ODP_SELFTEST */

#endif /* ODP_PROBE_H */
