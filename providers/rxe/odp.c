// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * On-demand paging for SoftRoCE's provider: ibv_advise_mr(3), ibv_rereg_mr(3) and
 * ibv_reg_dmabuf_mr(3), which rdma-core's provider lacks or lacked, and the
 * environment variable RXE_ODP.
 *
 * RXE_ODP=force also has queue pairs come again for ever when a peer is not ready:
 * a program that knows pinned memory only may let them give up at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odp.h"

/* Of rnr_retry. */
#define RXE_ODP_FOR_EVER 7

/* What RXE_ODP says. */
enum rxe_odp_mode {
	RXE_ODP_AS_ASKED,	/* it is not set */
	RXE_ODP_FORCE,		/* every region is an on-demand one */
	RXE_ODP_OFF,		/* none is */
	RXE_ODP_BAD,
};

static enum rxe_odp_mode rxe_odp_mode;

static void rxe_odp_read_environment(void)
{
	const char *value = getenv("RXE_ODP");

	if (!value || !*value) {
		rxe_odp_mode = RXE_ODP_AS_ASKED;
	} else if (!strcmp(value, "force")) {
		rxe_odp_mode = RXE_ODP_FORCE;
	} else if (!strcmp(value, "off")) {
		rxe_odp_mode = RXE_ODP_OFF;
	} else {
		rxe_odp_mode = RXE_ODP_BAD;
		fprintf(stderr,
			"librxe: RXE_ODP=%s is not known: use force or off, or unset it\n",
			value);
	}
}

static enum rxe_odp_mode rxe_odp_asked(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, rxe_odp_read_environment);
	return rxe_odp_mode;
}

int rxe_odp_access(int *access)
{
	switch (rxe_odp_asked()) {
	case RXE_ODP_FORCE:
		*access |= IBV_ACCESS_ON_DEMAND;
		return 0;
	case RXE_ODP_OFF:
		if (*access & IBV_ACCESS_ON_DEMAND)
			return errno = EOPNOTSUPP;
		return 0;
	case RXE_ODP_BAD:
		return errno = EINVAL;
	default:
		return 0;
	}
}

static int rxe_odp_rereg_mr(struct verbs_mr *vmr, int flags, struct ibv_pd *pd,
			    void *addr, size_t length, int access)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct ibv_rereg_mr cmd;

	if ((flags & IBV_REREG_MR_CHANGE_ACCESS) && rxe_odp_access(&access))
		return errno;
	return ibv_cmd_rereg_mr(vmr, flags, addr, length, (uintptr_t)addr,
				access, pd, &cmd, sizeof(cmd), &resp,
				sizeof(resp));
}

static int rxe_odp_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr,
			     int attr_mask)
{
	const uint8_t asked = attr->rnr_retry;
	struct ibv_modify_qp cmd = {};
	int err;

	if ((attr_mask & IBV_QP_RNR_RETRY) && rxe_odp_asked() == RXE_ODP_FORCE)
		attr->rnr_retry = RXE_ODP_FOR_EVER;
	err = ibv_cmd_modify_qp(qp, attr, attr_mask, &cmd, sizeof(cmd));
	attr->rnr_retry = asked;

	return err;
}

void rxe_odp_set_ops(struct verbs_context *context)
{
	static const struct verbs_context_ops ops = {
		.advise_mr = ibv_cmd_advise_mr,
		.dereg_mr = rxe_odp_dereg_mr,
		.modify_qp = rxe_odp_modify_qp,
		.reg_dmabuf_mr = rxe_odp_reg_dmabuf_mr,
		.rereg_mr = rxe_odp_rereg_mr,
	};

	verbs_set_ops(context, &ops);
}
