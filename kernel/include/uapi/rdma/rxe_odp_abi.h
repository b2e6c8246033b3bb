/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR Linux-OpenIB) */
/*
 * What SoftRoCE with on-demand paging offers to user space beyond the stock
 * verbs: driver-private methods, called with RDMA_VERBS_IOCTL. A kernel
 * without them answers EPROTONOSUPPORT.
 *
 * Methods of the MR object are for the process that has the handle. Methods of
 * the device name any process's MR by its number, as "rdma resource show mr"
 * prints it (mrn), and need CAP_SYS_ADMIN (EPERM); ENOENT if there is none.
 * That command's driver details say which MRs are on-demand and, to those who
 * have CAP_SYS_ADMIN, where.
 */
#ifndef RXE_ODP_ABI_H
#define RXE_ODP_ABI_H

#include <linux/types.h>
#include <rdma/ib_user_ioctl_cmds.h>

/* Methods of UVERBS_OBJECT_MR. */
enum rxe_odp_mr_methods {
	RXE_ODP_METHOD_MR_SNAPSHOT = (1U << UVERBS_ID_NS_SHIFT),
	RXE_ODP_METHOD_MR_STATS,
	RXE_ODP_METHOD_MR_GET_POLICY,
	RXE_ODP_METHOD_MR_SET_POLICY,
	RXE_ODP_METHOD_MR_WATCH,
	RXE_ODP_METHOD_MR_PREFETCH,	/* names MRs by their keys */
};

/* Methods of UVERBS_OBJECT_DEVICE. */
enum rxe_odp_device_methods {
	RXE_ODP_METHOD_DEVICE_SNAPSHOT = (1U << UVERBS_ID_NS_SHIFT),
	RXE_ODP_METHOD_DEVICE_STATS,
	RXE_ODP_METHOD_DEVICE_POLICY,
	RXE_ODP_METHOD_DEVICE_CAPS,	/* anybody's; names no MR */
	RXE_ODP_METHOD_DEVICE_EVENTS,	/* the same */
	RXE_ODP_METHOD_DEVICE_UNWATCH,	/* the same */
};

/*
 * RXE_ODP_METHOD_MR_SNAPSHOT, RXE_ODP_METHOD_DEVICE_SNAPSHOT: the state of a
 * range of pages, as runs.
 *
 * Faults nothing in. Fails with EINVAL if the range is empty or not inside
 * the MR, EOPNOTSUPP if the MR is not an on-demand one, ESRCH if the process
 * that registered it is gone.
 */
enum rxe_odp_attrs_mr_snapshot {
	RXE_ODP_ATTR_SNAPSHOT_HANDLE = (1U << UVERBS_ID_NS_SHIFT),
					/* MR methods: the MR */
	RXE_ODP_ATTR_SNAPSHOT_REQ,	/* in:  struct rxe_odp_snapshot_req */
	RXE_ODP_ATTR_SNAPSHOT_RUNS,	/* out: array of struct rxe_odp_run */
	RXE_ODP_ATTR_SNAPSHOT_RESP,	/* out: struct rxe_odp_snapshot_resp */
	RXE_ODP_ATTR_SNAPSHOT_MRN,	/* in:  u32, device methods */
};

/*
 * A page's state, a set of these bits. 0 is FAULT: no access without a fault.
 * WRITE is only ever set together with READ.
 */
enum rxe_odp_page_state {
	RXE_ODP_PAGE_READ	= 1 << 0, /* the CPU page table gives read */
	RXE_ODP_PAGE_WRITE	= 1 << 1, /* ... and write, and the MR allows it */
	RXE_ODP_PAGE_HUGE	= 1 << 2, /* part of a mapping of 2 MiB or more */
	RXE_ODP_PAGE_MIRRORED	= 1 << 3, /* the device has it in its table */
	RXE_ODP_PAGE_DIRTY	= 1 << 4, /* ... and has written to it */
	RXE_ODP_PAGE_EXCLUSIVE	= 1 << 5, /* ... and has taken it from the CPU */
	RXE_ODP_PAGE_SPECIAL	= 1 << 6, /* a driver has mapped it by its PFN */
	RXE_ODP_PAGE_IO		= 1 << 7, /* ... and it is not the kernel's memory */
};

/**
 * struct rxe_odp_snapshot_req - which range to look at
 * @iova: first byte, in the MR's I/O virtual addresses
 * @length: bytes; every page that holds one of them is reported
 */
struct rxe_odp_snapshot_req {
	__aligned_u64 iova;
	__aligned_u64 length;
};

/**
 * struct rxe_odp_run - neighbouring pages in the same state
 * @npages: how many
 * @state: a set of enum rxe_odp_page_state
 * @reserved: 0
 */
struct rxe_odp_run {
	__aligned_u64 npages;
	__u32 state;
	__u32 reserved;
};

/**
 * struct rxe_odp_snapshot_resp - how far the snapshot got
 * @npages: pages that the runs describe, from the page of @iova on; fewer
 *	than asked for if the array was too short for all runs, or if it took
 *	long: ask again for the rest
 * @nr_runs: elements of the array that were filled in
 * @page_shift: log2 of the page size in bytes
 */
struct rxe_odp_snapshot_resp {
	__aligned_u64 npages;
	__u32 nr_runs;
	__u32 page_shift;
};

/*
 * RXE_ODP_METHOD_MR_STATS, RXE_ODP_METHOD_DEVICE_STATS: an on-demand MR's
 * counters.
 *
 * Later kernels may append fields: the kernel fills in as much as the caller
 * has room for and zeroes the rest. EOPNOTSUPP if the MR is not on-demand.
 */
enum rxe_odp_attrs_mr_stats {
	RXE_ODP_ATTR_STATS_HANDLE = (1U << UVERBS_ID_NS_SHIFT),
					/* MR methods: the MR */
	RXE_ODP_ATTR_STATS_RESP,	/* out: struct rxe_odp_mr_stats */
	RXE_ODP_ATTR_STATS_MRN,		/* in:  u32, device methods */
};

/**
 * struct rxe_odp_mr_stats - what an on-demand MR has been doing
 * @faults: times an access found a page missing and went for it
 * @faulted_pages: pages installed because an access needed them
 * @around_pages: pages installed because a fault looked around
 * @prefetched_pages: pages installed by ibv_advise_mr
 * @invalidations: times the kernel took pages back since the MR was made, from
 *	the table that all on-demand MRs of the process share
 * @invalidated_pages: pages so taken
 * @collisions: snapshots dropped because an invalidation passed them
 * @failed_faults: accesses that ended in an error
 * @pinned_fallbacks: accesses that kept losing to invalidations and pinned
 * @resident_pages: pages of the MR in the table now (a 2 MiB entry counts 512)
 * @huge_entries: 2 MiB entries there now
 * @windows: windows there now
 * @leaves: leaves there now
 * @table_bytes: kernel memory of these
 * @local_faults: faults of the owner's own work requests
 * @remote_faults: faults of peers
 * @slow_faults: faults that would have waited for others: a disk, a userfaultfd
 * @rnr_naks: times a peer was therefore told to come again later
 * @parked: times a work request was therefore put aside
 * @exclusive_takes: times an atomic operation took a page from the CPU
 */
struct rxe_odp_mr_stats {
	__aligned_u64 faults;
	__aligned_u64 faulted_pages;
	__aligned_u64 around_pages;
	__aligned_u64 prefetched_pages;
	__aligned_u64 invalidations;
	__aligned_u64 invalidated_pages;
	__aligned_u64 collisions;
	__aligned_u64 failed_faults;
	__aligned_u64 pinned_fallbacks;
	__aligned_u64 resident_pages;
	__aligned_u64 huge_entries;
	__aligned_u64 windows;
	__aligned_u64 leaves;
	__aligned_u64 table_bytes;
	__aligned_u64 local_faults;
	__aligned_u64 remote_faults;
	__aligned_u64 slow_faults;
	__aligned_u64 rnr_naks;
	__aligned_u64 parked;
	__aligned_u64 exclusive_takes;
};

/* What a fault does about the neighbours of the pages that it needs. */
enum rxe_odp_around {
	RXE_ODP_AROUND_STREAM,	/* look; populate ahead of a stream (default) */
	RXE_ODP_AROUND_NONE,	/* nothing */
	RXE_ODP_AROUND_SNAPSHOT, /* look, and take what is present */
	RXE_ODP_AROUND_POPULATE, /* bring them in too */
};

/*
 * RXE_ODP_METHOD_MR_GET_POLICY, RXE_ODP_METHOD_MR_SET_POLICY,
 * RXE_ODP_METHOD_DEVICE_POLICY (get): EOPNOTSUPP if the MR is not on-demand,
 * EINVAL for a policy that there is not, EOPNOTSUPP for one that this kernel
 * cannot follow.
 */
enum rxe_odp_attrs_mr_policy {
	RXE_ODP_ATTR_POLICY_HANDLE = (1U << UVERBS_ID_NS_SHIFT),
					/* MR methods: the MR */
	RXE_ODP_ATTR_POLICY,		/* struct rxe_odp_policy, out or in */
	RXE_ODP_ATTR_POLICY_MRN,	/* in:  u32, device methods */
};

/* Flags of a policy. */
enum rxe_odp_policy_flags {
	RXE_ODP_POLICY_EXCLUSIVE	= 1 << 0, /* atomics take the page from the CPU */
};

/**
 * struct rxe_odp_policy - how an MR deals with faults
 * @around: enum rxe_odp_around
 * @max_pages: how many pages one fault may install, 1 to 512
 * @limit_ms: how long a fault waits for an invalidation to end, in
 *	milliseconds; 1 to 600000
 * @flags: a set of enum rxe_odp_policy_flags
 */
struct rxe_odp_policy {
	__u32 around;
	__u32 max_pages;
	__u32 limit_ms;
	__u32 flags;
};

/* RXE_ODP_METHOD_DEVICE_CAPS: what this kernel can do beyond the verbs. */
enum rxe_odp_attrs_device_caps {
	RXE_ODP_ATTR_CAPS_RESP = (1U << UVERBS_ID_NS_SHIFT),
					/* out: u64, enum rxe_odp_caps */
};

enum rxe_odp_caps {
	RXE_ODP_CAP_EXCLUSIVE	= 1 << 0, /* RXE_ODP_POLICY_EXCLUSIVE */
	RXE_ODP_CAP_IO		= 1 << 1, /* devices' memory may be touched */
};

/*
 * RXE_ODP_METHOD_DEVICE_EVENTS: a new file descriptor, closed on exec, from which
 * to read what has happened; <rdma/odp_record_abi.h> says what. It belongs to the
 * device, and to no context of it.
 *
 * A file has at most 16384 watches and prefetches whose end has not been read:
 * ENOSPC. What has an fd fails with EBADF if it is of another kind, EINVAL if it
 * is another device's, EIO if the device is gone.
 */
enum rxe_odp_attrs_device_events {
	RXE_ODP_ATTR_EVENTS_RESP = (1U << UVERBS_ID_NS_SHIFT),
					/* out: s32, the fd */
};

/*
 * RXE_ODP_METHOD_MR_WATCH: have invalidations of a range told, whether or not the
 * device has pages there.
 *
 * What changed the process's page table, such as munmap(2), does not return before
 * the record of it can be read. Ends with the MR, with the memory of its process,
 * with RXE_ODP_METHOD_DEVICE_UNWATCH, or when the file is closed.
 *
 * Fails with EINVAL if the range is empty or not inside the MR, or for unknown
 * causes; EOPNOTSUPP if the MR is not an on-demand one; ENOSPC also if the process
 * has 16384 watches; ESRCH if the process that registered it is gone; ENOMEM;
 * EINTR.
 */
enum rxe_odp_attrs_mr_watch {
	RXE_ODP_ATTR_WATCH_HANDLE = (1U << UVERBS_ID_NS_SHIFT),
	RXE_ODP_ATTR_WATCH_FD,		/* raw fd: the file */
	RXE_ODP_ATTR_WATCH_REQ,		/* in:  struct rxe_odp_watch */
	RXE_ODP_ATTR_WATCH_RESP,	/* out: u32, the watch's number */
};

/**
 * struct rxe_odp_watch - what to watch
 * @iova: first byte, in the MR's I/O virtual addresses, which records have, too
 * @length: in bytes
 * @cookie: for the records
 * @causes: a set of enum odp_record_cause; 0: all
 * @reserved: 0
 */
struct rxe_odp_watch {
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 cookie;
	__u32 causes;
	__u32 reserved;
};

/*
 * RXE_ODP_METHOD_DEVICE_UNWATCH: end a watch; no record of it is read from then
 * on. ENOENT if the file has no such watch, because its end has been read.
 */
enum rxe_odp_attrs_device_unwatch {
	RXE_ODP_ATTR_UNWATCH_FD = (1U << UVERBS_ID_NS_SHIFT),
					/* raw fd: the file */
	RXE_ODP_ATTR_UNWATCH_ID,	/* in:  u32, the watch's number */
};

/*
 * RXE_ODP_METHOD_MR_PREFETCH: start to bring ranges of MRs in, and have the end of
 * each told: there is exactly one record for each range that was accepted.
 *
 * Ranges are taken in their order; the first one that is refused ends the call
 * with its error, and the response says how many were accepted. The errors are
 * those of advice without IB_UVERBS_ADVISE_MR_FLAG_FLUSH; EINVAL also for an empty
 * range.
 */
enum rxe_odp_attrs_mr_prefetch {
	RXE_ODP_ATTR_PREFETCH_PD = (1U << UVERBS_ID_NS_SHIFT),
					/* PD handle: whose MRs */
	RXE_ODP_ATTR_PREFETCH_FD,	/* raw fd: the file */
	RXE_ODP_ATTR_PREFETCH_ADVICE,	/* const: enum ib_uverbs_advise_mr_advice */
	RXE_ODP_ATTR_PREFETCH_RANGES,	/* in:  array of struct rxe_odp_prefetch */
	RXE_ODP_ATTR_PREFETCH_RESP,	/* out: u32, how many were accepted */
};

/**
 * struct rxe_odp_prefetch - what to bring in
 * @iova: first byte, in the MR's I/O virtual addresses
 * @length: in bytes
 * @cookie: for the record
 * @lkey: of the MR
 * @reserved: 0
 */
struct rxe_odp_prefetch {
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 cookie;
	__u32 lkey;
	__u32 reserved;
};

#endif /* RXE_ODP_ABI_H */
