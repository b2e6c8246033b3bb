/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Queues of events from the inside.
 */
#ifndef LIBODP_EVENTS_H
#define LIBODP_EVENTS_H

#include <infiniband/odp.h>

struct odp_events {
	struct ibv_context *context;
	int fd;
};

#endif /* LIBODP_EVENTS_H */
