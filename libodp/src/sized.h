/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Structures that grow: the caller's may be shorter or longer than the library's.
 * None is shorter than it was when it first came.
 */
#ifndef LIBODP_SIZED_H
#define LIBODP_SIZED_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* How long the structures were in libodp 1.0. */
#define CAPS_MIN	(5 * sizeof(uint32_t))
#define STATS_MIN	(20 * sizeof(uint64_t))
#define POLICY_MIN	(4 * sizeof(uint32_t))
#define EVENT_MIN	(6 * sizeof(uint64_t))
#define WATCH_ATTR_MIN	(4 * sizeof(uint64_t))
#define REG_ATTR_MIN	(offsetof(struct odp_reg_attr, policy_size) + \
			 sizeof(size_t))

/* Hands @from out; what the caller has and we have not is 0. Returns 0 or EINVAL. */
static inline int sized_out(void *to, size_t size, size_t min, const void *from,
			    size_t from_size)
{
	if (!to || size < min)
		return EINVAL;
	memset(to, 0, size);
	memcpy(to, from, size < from_size ? size : from_size);

	return 0;
}

/* Takes @from in. Returns 0; EINVAL; E2BIG if it asks for what we do not know. */
static inline int sized_in(void *to, size_t to_size, const void *from,
			   size_t size, size_t min)
{
	const unsigned char *byte = from;
	size_t i;

	if (!from || size < min)
		return EINVAL;
	for (i = to_size; i < size; i++) {
		if (byte[i])
			return E2BIG;
	}
	memset(to, 0, to_size);
	memcpy(to, from, size < to_size ? size : to_size);

	return 0;
}

#endif /* LIBODP_SIZED_H */
