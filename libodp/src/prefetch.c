// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odp_prefetch(): ranges of any length become scatter-gather elements, and
 * these go to the kernel in batches.
 */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <infiniband/odp.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>

#include "method.h"
#include "prefetch.h"

#define SGES_PER_CALL 128

/* An invalidation may get in between again, on devices that say so. */
#define TRIES 100

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
			     UVERBS_METHOD_ADVISE_MR, args, 4);
}

int advise(struct ibv_pd *pd, enum ibv_advise_mr_advice advice, uint32_t flags,
	   struct ibv_sge *sges, uint32_t nr_sges)
{
	int err = ibv_advise_mr(pd, advice, flags, sges, nr_sges);

	return err == EOPNOTSUPP ?
		advise_kernel(pd, advice, flags, sges, nr_sges) : err;
}

/* What is asked for. */
struct prefetch {
	struct ibv_pd *pd;
	enum ibv_advise_mr_advice advice;
	uint32_t flags;
};

/* Something got in between: that is no answer. */
static bool is_no_answer(int err, unsigned int *tries)
{
	if (err == EINTR)
		return true;
	return err == EAGAIN && (*tries)++ < TRIES && !sched_yield();
}

static int prefetch_sges(const struct prefetch *p, struct ibv_sge *sges,
			 uint32_t n)
{
	unsigned int tries = 0;
	int err;

	do {
		err = advise(p->pd, p->advice, p->flags, sges, n);
	} while (is_no_answer(err, &tries));

	return err;
}

static bool range_is_right(const struct odp_range *range)
{
	return range->length && range->length - 1 <= UINT64_MAX - range->addr;
}

/* How many elements a range takes. */
static uint64_t range_pieces(const struct odp_range *range)
{
	return (range->addr % PIECE + range->length - 1) / PIECE + 1;
}

/* As many of a range's elements as there is room for; moves @done on. */
static uint32_t range_sges(const struct odp_range *range, uint64_t *done,
			   struct ibv_sge *sges, uint32_t room)
{
	uint64_t addr, length;
	uint32_t n = 0;

	for (; n < room && *done < range->length; *done += length) {
		addr = range->addr + *done;
		length = range->length - *done;
		if (length > PIECE - addr % PIECE)
			length = PIECE - addr % PIECE;
		sges[n++] = (struct ibv_sge) {
			addr, (uint32_t)length, range->lkey
		};
	}

	return n;
}

/* A page that could not be had is no reason to leave others out. */
static int prefetch_alone(const struct prefetch *p,
			  const struct odp_range *range)
{
	struct ibv_sge sges[SGES_PER_CALL];
	int err = 0, missed = 0;
	uint64_t done = 0;
	uint32_t n;

	while (done < range->length && (!err || err == EFAULT)) {
		n = range_sges(range, &done, sges, SGES_PER_CALL);
		err = prefetch_sges(p, sges, n);
		if (err == EFAULT)
			missed = EFAULT;
	}

	return err ? err : missed;
}

/* Ranges that one call can take. If it fails, each says for itself why. */
static void prefetch_group(const struct prefetch *p, struct odp_range *ranges,
			   size_t nr)
{
	struct ibv_sge sges[SGES_PER_CALL];
	uint64_t done;
	uint32_t n = 0;
	size_t i;
	int err;

	for (i = 0; i < nr; i++) {
		done = 0;
		n += range_sges(&ranges[i], &done, sges + n, SGES_PER_CALL - n);
	}
	err = prefetch_sges(p, sges, n);
	for (i = 0; i < nr; i++)
		ranges[i].error = err && nr > 1 ?
				  prefetch_alone(p, &ranges[i]) : err;
}

/* How many ranges one call can take, or 0 if not even the first. */
static size_t group_size(const struct odp_range *ranges, size_t nr)
{
	uint64_t pieces = 0;
	size_t i;

	for (i = 0; i < nr && range_is_right(&ranges[i]); i++) {
		pieces += range_pieces(&ranges[i]);
		if (pieces > SGES_PER_CALL)
			break;
	}

	return i;
}

/* The first ranges; how many. */
static size_t prefetch_next(const struct prefetch *p, struct odp_range *ranges,
			    size_t nr)
{
	size_t n;

	if (!range_is_right(ranges)) {
		ranges->error = EINVAL;
		return 1;
	}
	n = group_size(ranges, nr);
	if (!n) {
		ranges->error = prefetch_alone(p, ranges);
		return 1;
	}
	prefetch_group(p, ranges, n);

	return n;
}

int ranges_error(const struct odp_range *ranges, size_t nr_ranges)
{
	size_t i;

	for (i = 0; i < nr_ranges; i++) {
		if (ranges[i].error)
			return ranges[i].error;
	}

	return 0;
}

int odp_prefetch(struct ibv_pd *pd, struct odp_range *ranges, size_t nr_ranges,
		 enum ibv_advise_mr_advice advice, uint32_t flags)
{
	const struct prefetch p = { pd, advice, flags };
	size_t i;

	if (!pd || (!ranges && nr_ranges) ||
	    flags & ~(uint32_t)IBV_ADVISE_MR_FLAG_FLUSH)
		return EINVAL;

	for (i = 0; i < nr_ranges;)
		i += prefetch_next(&p, ranges + i, nr_ranges - i);

	return ranges_error(ranges, nr_ranges);
}
