/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR Linux-OpenIB) */
/*
 * /dev/odp_selftest: a device with a mirror and no NIC. An open file is one
 * mirror, made by ODP_SELFTEST_CREATE; all other calls need it and fail with
 * ENXIO before. Only tests include this.
 */
#ifndef ODP_SELFTEST_ABI_H
#define ODP_SELFTEST_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * mmap() shows 2 MiB of the file's own memory as a PFN map. The offset, in units
 * of 2 MiB, says in which way; none needs a mirror.
 */
enum odp_selftest_map {
	ODP_SELFTEST_MAP_REMAP,	/* all at once; private mappings, too */
	ODP_SELFTEST_MAP_SMALL,	/* page by page, when touched */
	ODP_SELFTEST_MAP_HUGE,	/* 2 MiB, when touched */
};

/**
 * struct odp_selftest_create - what to mirror
 * @start: first virtual address
 * @length: in bytes
 * @pid: whose memory, as this process numbers it; 0 for its own
 * @writable: may the device write?
 * @own_table: keep pages in a table of the device's own, not the engine's
 * @around: enum odp_around
 * @max_pages: see struct odp_policy
 * @limit_ms: see struct odp_policy
 * @shared: view the table that all mirrors of the memory share; there are no
 *	hold points then
 * @device: count it as one of a device's mirrors
 */
struct odp_selftest_create {
	__aligned_u64 start;
	__aligned_u64 length;
	__s32 pid;
	__u32 writable;
	__u32 own_table;
	__u32 around;
	__u32 max_pages;
	__u32 limit_ms;
	__u32 shared;
	__u32 device;
};

/**
 * struct odp_selftest_policy - see struct odp_policy
 * @around: enum odp_around
 * @max_pages: how many pages one fault may install
 * @limit_ms: how long a fault waits for an invalidation, in milliseconds
 * @exclusive: do accesses with ODP_SELFTEST_ATOMIC take pages from the CPU?
 */
struct odp_selftest_policy {
	__u32 around;
	__u32 max_pages;
	__u32 limit_ms;
	__u32 exclusive;
};

/* How an access goes about it. */
enum odp_selftest_how {
	ODP_SELFTEST_NOWAIT = 1 << 0,	/* EINPROGRESS if it would wait */
	ODP_SELFTEST_ATOMIC = 1 << 1,	/* of eight bytes in a page */
};

/**
 * struct odp_selftest_io - move data, or pages
 * @va: virtual address in the mirror
 * @length: in bytes
 * @buffer: the caller's address of data or states, outside the mirror
 * @write: ODP_SELFTEST_FAULT: for writing?; ODP_SELFTEST_PREFETCH: enum
 *	odp_prefetch
 * @how: ODP_SELFTEST_READ, _WRITE: a set of enum odp_selftest_how
 */
struct odp_selftest_io {
	__aligned_u64 va;
	__aligned_u64 length;
	__aligned_u64 buffer;
	__u32 write;
	__u32 how;
};

/* The counters of struct odp_stats, in its order. */
struct odp_selftest_stats {
	__aligned_u64 faults;
	__aligned_u64 local_faults;
	__aligned_u64 remote_faults;
	__aligned_u64 slow_faults;
	__aligned_u64 rnr_naks;
	__aligned_u64 parked;
	__aligned_u64 exclusive_takes;
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
};

/**
 * struct odp_selftest_time - how long does it take to write?
 * @va: virtual address in the mirror
 * @length: in bytes, up to 1 MiB
 * @rounds: how many times
 * @plain: not through the mirror: by memcpy() to the pages, pinned and mapped
 *	one by one
 * @ns: the time is put here
 *
 * What is written is a pattern of no meaning.
 */
struct odp_selftest_time {
	__aligned_u64 va;
	__aligned_u64 length;
	__u32 rounds;
	__u32 plain;
	__aligned_u64 ns;
};

/* Where a hold point stops whoever comes by. */
enum odp_selftest_point {
	ODP_SELFTEST_SNAPSHOT,	 /* a fault between snapshot and install */
	ODP_SELFTEST_INVALIDATE, /* an invalidation between start and end */
};

/**
 * struct odp_selftest_hold - a hold point
 * @slot: which of ODP_SELFTEST_HOLDS
 * @point: enum odp_selftest_point
 * @start: hold only what overlaps [@start, @end)
 * @end: see @start
 * @times: how many to hold, one after the other
 * @timeout_ms: ODP_SELFTEST_AWAIT: how long; ODP_SELFTEST_HOLD: how long one
 *	is held if nobody releases it
 */
struct odp_selftest_hold {
	__u32 slot;
	__u32 point;
	__aligned_u64 start;
	__aligned_u64 end;
	__u32 times;
	__u32 timeout_ms;
};

#define ODP_SELFTEST_HOLDS	4

#define ODP_SELFTEST_CREATE	_IOW('o', 1, struct odp_selftest_create)
/* Device access: from memory to the buffer, and the other way. */
#define ODP_SELFTEST_READ	_IOW('o', 2, struct odp_selftest_io)
#define ODP_SELFTEST_WRITE	_IOW('o', 3, struct odp_selftest_io)
/* Bring pages into the device's own table. */
#define ODP_SELFTEST_FAULT	_IOW('o', 4, struct odp_selftest_io)
#define ODP_SELFTEST_PREFETCH	_IOW('o', 5, struct odp_selftest_io)
/* One byte a page into the buffer: a set of ODP_PAGE_* bits. */
#define ODP_SELFTEST_REPORT	_IOW('o', 6, struct odp_selftest_io)
#define ODP_SELFTEST_STATS	_IOR('o', 7, struct odp_selftest_stats)
#define ODP_SELFTEST_KILL	_IO('o', 8)
/* Arm a hold point; wait until one is held (ETIMEDOUT); let it go on. */
#define ODP_SELFTEST_HOLD	_IOW('o', 9, struct odp_selftest_hold)
#define ODP_SELFTEST_AWAIT	_IOW('o', 10, struct odp_selftest_hold)
#define ODP_SELFTEST_RELEASE	_IOW('o', 11, struct odp_selftest_hold)
/* How many pages of a range are in the device's own table. */
#define ODP_SELFTEST_OWN_PAGES	_IOW('o', 12, struct odp_selftest_io)
#define ODP_SELFTEST_SET_POLICY	_IOW('o', 13, struct odp_selftest_policy)
#define ODP_SELFTEST_GET_POLICY	_IOR('o', 14, struct odp_selftest_policy)
/* Takes back all that mmap() shows; if not 0, for good. Needs no mirror. */
#define ODP_SELFTEST_REVOKE	_IOW('o', 15, __u32)
#define ODP_SELFTEST_TIME	_IOWR('o', 16, struct odp_selftest_time)

#endif /* ODP_SELFTEST_ABI_H */
