// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Snapshots: the kernel describes pages as runs, as many as fit the array that
 * it is given. They are handed on as runs, or become one byte a page.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <infiniband/odp.h>
#include <rdma/rxe_odp_abi.h>

#include "method.h"

#define RUNS_PER_CALL 256

/* An argument's length is 16 bits wide. */
#define RUNS_MAX (UINT16_MAX / sizeof(struct odp_run))

_Static_assert((int)ODP_PAGE_READ == (int)RXE_ODP_PAGE_READ &&
	       (int)ODP_PAGE_WRITE == (int)RXE_ODP_PAGE_WRITE &&
	       (int)ODP_PAGE_HUGE == (int)RXE_ODP_PAGE_HUGE &&
	       (int)ODP_PAGE_MIRRORED == (int)RXE_ODP_PAGE_MIRRORED &&
	       (int)ODP_PAGE_DIRTY == (int)RXE_ODP_PAGE_DIRTY &&
	       (int)ODP_PAGE_EXCLUSIVE == (int)RXE_ODP_PAGE_EXCLUSIVE &&
	       (int)ODP_PAGE_SPECIAL == (int)RXE_ODP_PAGE_SPECIAL &&
	       (int)ODP_PAGE_IO == (int)RXE_ODP_PAGE_IO,
	       "the library hands the kernel's states on as they are");

_Static_assert(sizeof(struct odp_run) == sizeof(struct rxe_odp_run) &&
	       offsetof(struct odp_run, npages) ==
	       offsetof(struct rxe_odp_run, npages) &&
	       offsetof(struct odp_run, state) ==
	       offsetof(struct rxe_odp_run, state),
	       "the kernel writes into the caller's runs");

static const struct twins snapshot_method = {
	RXE_ODP_METHOD_MR_SNAPSHOT, RXE_ODP_METHOD_DEVICE_SNAPSHOT,
	RXE_ODP_ATTR_SNAPSHOT_HANDLE, RXE_ODP_ATTR_SNAPSHOT_MRN,
};

/* What is left of a range. */
struct walk {
	struct subject subject;
	uint64_t page_size;
	uint64_t iova;		/* of its first byte */
	uint64_t last;		/* of its last page's first byte */
	uint64_t npages;
};

/*
 * The range ends with the first byte of its last page. If the MR reaches into
 * that page at all, it has that byte; the page's end may be beyond the MR's.
 */
static int walk_init(struct walk *walk, struct subject subject, uint64_t addr,
		     uint64_t npages)
{
	const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = addr - addr % page_size;

	if (!npages || npages - 1 > (UINT64_MAX - first) / page_size)
		return EINVAL;

	*walk = (struct walk) {
		.subject = subject,
		.page_size = page_size,
		.iova = addr,
		.last = first + (npages - 1) * page_size,
		.npages = npages,
	};
	return 0;
}

/*
 * Whether the runs are what the contract says: what becomes of them must never
 * depend on the kernel being right.
 */
static bool runs_are_right(const struct odp_run *runs, uint32_t room,
			   const struct rxe_odp_snapshot_resp *resp,
			   uint64_t npages)
{
	uint64_t done = 0;
	uint32_t i;

	if (resp->nr_runs > room || !resp->npages || resp->npages > npages)
		return false;

	for (i = 0; i < resp->nr_runs; i++) {
		if (!runs[i].npages || runs[i].npages > resp->npages - done)
			return false;
		done += runs[i].npages;
	}
	return done == resp->npages;
}

/* The next runs; how many is put into @nr. Returns 0 or an errno. */
static int walk_next(struct walk *walk, struct odp_run *runs, size_t room,
		     size_t *nr)
{
	struct rxe_odp_snapshot_req req = {
		.iova = walk->iova,
		.length = walk->iova < walk->last ?
			  walk->last - walk->iova + 1 : 1,
	};
	struct rxe_odp_snapshot_resp resp = {};
	struct method_arg args[3];
	int err;

	if (room > RUNS_MAX)
		room = RUNS_MAX;
	/* Nothing undefined is ever looked at, whatever the kernel fills in. */
	memset(runs, 0, room * sizeof(*runs));
	args[0] = arg_buffer(RXE_ODP_ATTR_SNAPSHOT_REQ, &req, sizeof(req));
	args[1] = arg_buffer(RXE_ODP_ATTR_SNAPSHOT_RUNS, runs,
			     room * sizeof(*runs));
	args[2] = arg_buffer(RXE_ODP_ATTR_SNAPSHOT_RESP, &resp, sizeof(resp));

	do {
		err = subject_method(&walk->subject, &snapshot_method, args, 3);
	} while (err == EINTR);
	if (err)
		return err;

	if (!runs_are_right(runs, (uint32_t)room, &resp, walk->npages))
		return EPROTO;

	walk->npages -= resp.npages;
	walk->iova += resp.npages * walk->page_size -
		      walk->iova % walk->page_size;
	*nr = resp.nr_runs;

	return 0;
}

int odp_mr_snapshot(struct ibv_mr *mr, uint64_t addr, size_t npages,
		    uint8_t *states)
{
	struct odp_run runs[RUNS_PER_CALL];
	struct walk walk;
	size_t nr, i;
	int err;

	if (!mr || !states)
		return EINVAL;
	err = walk_init(&walk, subject_mr(mr), addr, npages);

	while (!err && walk.npages) {
		err = walk_next(&walk, runs, RUNS_PER_CALL, &nr);
		if (err)
			break;
		for (i = 0; i < nr; i++) {
			memset(states, (int)runs[i].state, runs[i].npages);
			states += runs[i].npages;
		}
	}
	return err;
}

/* One call's last run and the next one's first may be the same. */
static size_t join(struct odp_run *runs, size_t have, size_t more)
{
	if (!have || !more || runs[have - 1].state != runs[have].state)
		return have + more;

	runs[have - 1].npages += runs[have].npages;
	memmove(&runs[have], &runs[have + 1], (more - 1) * sizeof(*runs));
	return have + more - 1;
}

static int snapshot_runs(struct subject subject, uint64_t addr, uint64_t npages,
			 struct odp_run *runs, size_t room, size_t *nr_runs)
{
	struct walk walk;
	size_t have = 0, nr;
	int err;

	if (!runs || !room || !nr_runs)
		return EINVAL;
	err = walk_init(&walk, subject, addr, npages);

	while (!err && walk.npages && have < room) {
		err = walk_next(&walk, runs + have, room - have, &nr);
		if (!err)
			have = join(runs, have, nr);
	}
	if (!err)
		*nr_runs = have;

	return err;
}

int odp_mr_snapshot_runs(struct ibv_mr *mr, uint64_t addr, uint64_t npages,
			 struct odp_run *runs, size_t room, size_t *nr_runs)
{
	if (!mr)
		return EINVAL;
	return snapshot_runs(subject_mr(mr), addr, npages, runs, room, nr_runs);
}

int odp_mrn_snapshot_runs(struct ibv_context *context, uint32_t mrn,
			  uint64_t addr, uint64_t npages, struct odp_run *runs,
			  size_t room, size_t *nr_runs)
{
	if (!context)
		return EINVAL;
	return snapshot_runs(subject_mrn(context, mrn), addr, npages, runs,
			     room, nr_runs);
}
