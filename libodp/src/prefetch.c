// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_prefetch(): ranges of any length become scatter-gather elements, and
 * these go to the kernel in batches.
 */
#include <errno.h>
#include <stddef.h>
#include <infiniband/odp.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>

#include "method.h"
#include "prefetch.h"

#define SGES_PER_CALL 128

/* An element's length is 32 bits wide; pieces end where huge pages do. */
#define PIECE ((uint64_t)1 << 31)

_Static_assert(sizeof(struct ibv_sge) == sizeof(struct ib_uverbs_sge) &&
	       offsetof(struct ibv_sge, addr) ==
	       offsetof(struct ib_uverbs_sge, addr) &&
	       offsetof(struct ibv_sge, length) ==
	       offsetof(struct ib_uverbs_sge, length) &&
	       offsetof(struct ibv_sge, lkey) ==
	       offsetof(struct ib_uverbs_sge, lkey),
	       "the kernel reads the elements as they are");

/* The provider of rdma-core 56 has no advise_mr, though the kernel has. */
static int advise_kernel(struct ibv_pd *pd, enum ibv_advise_mr_advice advice,
			 uint32_t flags, struct ibv_sge *sges, uint32_t nr_sges)
{
	const struct method_arg args[] = {
		arg_handle(UVERBS_ATTR_ADVISE_MR_PD_HANDLE, pd->handle),
		arg_u64(UVERBS_ATTR_ADVISE_MR_ADVICE, advice),
		arg_u64(UVERBS_ATTR_ADVISE_MR_FLAGS, flags),
		arg_buffer(UVERBS_ATTR_ADVISE_MR_SGE_LIST, sges,
			   nr_sges * sizeof(*sges)),
	};

	return uverbs_method(pd->context, UVERBS_OBJECT_MR,
			     UVERBS_METHOD_ADVISE_MR, args, 4) ? errno : 0;
}

int advise(struct ibv_pd *pd, enum ibv_advise_mr_advice advice, uint32_t flags,
	   struct ibv_sge *sges, uint32_t nr_sges)
{
	int err = ibv_advise_mr(pd, advice, flags, sges, nr_sges);

	return err == EOPNOTSUPP ?
		advise_kernel(pd, advice, flags, sges, nr_sges) : err;
}

/* The ranges that are left. */
struct cursor {
	const struct odp_range *ranges;
	size_t nr_ranges;
	uint64_t done;		/* bytes of the first one */
};

static uint32_t next_sges(struct cursor *cursor, struct ibv_sge *sges)
{
	const struct odp_range *range;
	uint32_t n = 0;
	uint64_t addr, length;

	while (cursor->nr_ranges && n < SGES_PER_CALL) {
		range = cursor->ranges;
		addr = range->addr + cursor->done;
		length = range->length - cursor->done;
		if (length > PIECE - addr % PIECE)
			length = PIECE - addr % PIECE;

		sges[n++] = (struct ibv_sge) {
			addr, (uint32_t)length, range->lkey
		};
		cursor->done += length;
		if (cursor->done == range->length) {
			cursor->ranges++;
			cursor->nr_ranges--;
			cursor->done = 0;
		}
	}
	return n;
}

static bool ranges_are_right(const struct odp_range *ranges, size_t nr_ranges)
{
	size_t i;

	for (i = 0; i < nr_ranges; i++) {
		if (!ranges[i].length || ranges[i].reserved ||
		    ranges[i].length - 1 > UINT64_MAX - ranges[i].addr)
			return false;
	}
	return true;
}

int odp_prefetch(struct ibv_pd *pd, const struct odp_range *ranges,
		 size_t nr_ranges, enum ibv_advise_mr_advice advice,
		 uint32_t flags)
{
	struct cursor cursor = { ranges, nr_ranges, 0 };
	struct ibv_sge sges[SGES_PER_CALL];
	int err = 0, missed = 0;
	uint32_t n;

	if (!pd || (!ranges && nr_ranges) ||
	    flags & ~(uint32_t)IBV_ADVISE_MR_FLAG_FLUSH ||
	    !ranges_are_right(ranges, nr_ranges)) {
		errno = EINVAL;
		return -1;
	}

	/* A page that could not be had is no reason to leave others out. */
	while (cursor.nr_ranges && !err) {
		n = next_sges(&cursor, sges);
		do {
			err = advise(pd, advice, flags, sges, n);
		} while (err == EINTR);
		if (err == EFAULT) {
			missed = EFAULT;
			err = 0;
		}
	}

	err = err ? err : missed;
	if (!err)
		return 0;
	errno = err;
	return -1;
}
