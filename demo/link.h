/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Two queue pairs of one device that talk to each other: the verbs that the
 * demo and the examples need but do not want to show.
 */
#ifndef DEMO_LINK_H
#define DEMO_LINK_H

#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

#define LINK_BUF_LEN 16384

struct link {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp[2];	/* memory is behind [0], requests come from [1] */
	struct ibv_mr *buf_mr;
	uint8_t buf[LINK_BUF_LEN];	/* what is written, what was read */
	char message[128];	/* how link_open() went */
};

/* Returns 0, or -1; says what happened in @message either way. */
int link_open(struct link *l, const char *device);
void link_close(struct link *l);

/* Makes the queue pairs anew: a refused request stops them. 0 or -1. */
int link_restart(struct link *l);

/*
 * Writes the first @len bytes of the buffer to the other side's memory and
 * waits for the end of it. Returns 0 with @status, or -1 with errno.
 */
int link_write(struct link *l, uint64_t addr, uint32_t rkey, uint32_t len,
	       enum ibv_wc_status *status);

/* The same the other way: reads @len bytes of that memory into the buffer. */
int link_read(struct link *l, uint64_t addr, uint32_t rkey, uint32_t len,
	      enum ibv_wc_status *status);

#endif /* DEMO_LINK_H */
