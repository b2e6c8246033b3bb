// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_prefetch_notify(): prefetches that an event ends. The kernel takes ranges in
 * batches and stops at the first that it refuses, after which the next one has its
 * turn.
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rxe_odp_abi.h>

#include "events.h"
#include "method.h"
#include "prefetch.h"

#define RANGES_PER_CALL 128

/* What is asked for. */
struct notify {
	struct ibv_pd *pd;
	enum ibv_advise_mr_advice advice;
	struct odp_events *events;
};

/*
 * Hands the kernel the first of the ranges. Returns how many of them have their
 * answer.
 */
static size_t notify_next(const struct notify *n, struct odp_range *ranges,
			  size_t nr, const uint64_t *cookies)
{
	struct rxe_odp_prefetch req[RANGES_PER_CALL];
	uint32_t accepted = 0;
	struct method_arg args[5];
	uint32_t i;
	int err;

	if (nr > RANGES_PER_CALL)
		nr = RANGES_PER_CALL;
	for (i = 0; i < nr; i++) {
		req[i] = (struct rxe_odp_prefetch) {
			.iova = ranges[i].addr,
			.length = ranges[i].length,
			.cookie = cookies[i],
			.lkey = ranges[i].lkey,
		};
	}
	args[0] = arg_handle(RXE_ODP_ATTR_PREFETCH_PD, n->pd->handle);
	args[1] = arg_fd(RXE_ODP_ATTR_PREFETCH_FD, n->events->fd);
	args[2] = arg_u64(RXE_ODP_ATTR_PREFETCH_ADVICE, n->advice);
	args[3] = arg_buffer(RXE_ODP_ATTR_PREFETCH_RANGES, req,
			     nr * sizeof(*req));
	args[4] = arg_buffer(RXE_ODP_ATTR_PREFETCH_RESP, &accepted,
			     sizeof(accepted));
	err = uverbs_method(n->pd->context, UVERBS_OBJECT_MR,
			    RXE_ODP_METHOD_MR_PREFETCH, args, 5);
	/* Never believe more than was asked. */
	if (accepted > nr || (!err && accepted < nr)) {
		err = EPROTO;
		accepted = 0;
	}
	for (i = 0; i < accepted; i++)
		ranges[i].error = 0;
	if (!err)
		return nr;
	ranges[accepted].error = err;

	return accepted + 1;
}

int odp_prefetch_notify(struct ibv_pd *pd, struct odp_range *ranges,
			size_t nr_ranges, enum ibv_advise_mr_advice advice,
			struct odp_events *events, const uint64_t *cookies)
{
	const struct notify n = { pd, advice, events };
	size_t i;

	if (!pd || !events || (nr_ranges && (!ranges || !cookies)))
		return EINVAL;

	for (i = 0; i < nr_ranges;)
		i += notify_next(&n, ranges + i, nr_ranges - i, cookies + i);

	return ranges_error(ranges, nr_ranges);
}
