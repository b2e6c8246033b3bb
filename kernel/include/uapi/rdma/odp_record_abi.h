/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR Linux-OpenIB) */
/*
 * What read() of an events file gives: an array of records, as many as there are
 * and fit. Whoever makes such a file says how it is come by; for SoftRoCE that is
 * <rdma/rxe_odp_abi.h>.
 *
 * Without a record, read() waits, or with O_NONBLOCK fails with EAGAIN. It fails
 * with EINVAL if there is no room for one; and with EIO when the device is gone
 * and all that there was to tell has been read. poll() says POLLIN while there is
 * a record, and POLLERR and POLLHUP where read() says EIO.
 */
#ifndef ODP_RECORD_ABI_H
#define ODP_RECORD_ABI_H

#include <linux/types.h>

enum odp_record_kind {
	ODP_RECORD_PREFETCHED	= 1,	/* a prefetch has ended */
	ODP_RECORD_INVALIDATED	= 2,	/* something of a watched range changed */
	ODP_RECORD_WATCH_ENDED	= 3,	/* the last record of a watch */
};

/* Why the kernel changed the process's page table. */
enum odp_record_cause {
	ODP_RECORD_CAUSE_UNMAPPED	= 1 << 0, /* addresses were unmapped, or moved */
	ODP_RECORD_CAUSE_CLEARED	= 1 << 1, /* pages were dropped, or replaced */
	ODP_RECORD_CAUSE_PROTECTED	= 1 << 2, /* rights were changed */
};

/**
 * struct odp_record - what happened
 * @kind: enum odp_record_kind
 * @error: how a prefetch ended, 0 or an errno; why a watch did: ECANCELED: its
 *	region has gone, ESRCH: the memory of its process
 * @cookie: as the prefetch or the watch was given it
 * @start: of ODP_RECORD_INVALIDATED, as the following: the first byte of what
 *	changed since the last one, as the watch names it
 * @length: from there to the last byte, all that was not touched between included
 * @count: how many invalidations that were
 * @causes: a set of enum odp_record_cause, of all of them
 * @reserved: 0
 */
struct odp_record {
	__u32 kind;
	__s32 error;
	__aligned_u64 cookie;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 count;
	__u32 causes;
	__u32 reserved[5];
};

#endif /* ODP_RECORD_ABI_H */
