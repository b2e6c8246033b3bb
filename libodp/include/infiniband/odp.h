/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * libodp: on-demand paging above the verbs.
 *
 * An on-demand memory region (MR) is an ordinary struct ibv_mr, registered with
 * ibv_reg_mr(..., IBV_ACCESS_ON_DEMAND). These functions say what a device can
 * do, choose a registration, bring pages in ahead of time, and tell what became
 * of them. They speak to the kernel through the public uverbs interface, so
 * they work with the distribution's own provider; odp_query_caps(), odp_reg()
 * and odp_prefetch() work on other devices than SoftRoCE, too.
 *
 * Names say what a function takes: odp_mr_*() any on-demand struct ibv_mr,
 * odp_mrn_*() the number of any process's MR, odp_region_*() what odp_reg()
 * returned, odp_events_*() what odp_events_open() did. As in the verbs, functions
 * that return an int return 0 or an errno, and those that return a pointer NULL,
 * with errno set. They may be called from any thread, as long as no other thread
 * deregisters the MR, closes the queue of events or closes the device
 * meanwhile.
 *
 * Structures may grow at their end. Where one is passed by its address, the
 * function takes its size, too, which the inline function of the same name without
 * "_sized" adds: what a caller built with a smaller one does not know is 0, and
 * what a library does not know must be (E2BIG).
 */
#ifndef INFINIBAND_ODP_H
#define INFINIBAND_ODP_H

#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device, its kernel side and its provider can do. */
enum odp_cap {
	ODP_CAP_EXPLICIT	= 1 << 0, /* on-demand MRs over a range */
	ODP_CAP_IMPLICIT	= 1 << 1, /* ... over the whole address space */
	ODP_CAP_PREFETCH	= 1 << 2, /* odp_prefetch() */
	ODP_CAP_SNAPSHOT	= 1 << 3, /* odp_mr_snapshot() and its like */
	ODP_CAP_STATS		= 1 << 4, /* odp_mr_get_stats() */
	ODP_CAP_POLICY		= 1 << 5, /* odp_mr_get_policy(), odp_mr_set_policy() */
	ODP_CAP_EXCLUSIVE	= 1 << 6, /* ODP_POLICY_EXCLUSIVE */
	ODP_CAP_IO		= 1 << 7, /* MRs over devices' memory */
	ODP_CAP_EVENTS		= 1 << 8, /* odp_events_open() and what goes with it */
};

/**
 * struct odp_caps - what can be done on demand
 * @flags: a set of enum odp_cap
 * @rc: operations on on-demand MRs over RC, IBV_ODP_SUPPORT_*
 * @uc: the same over UC
 * @ud: the same over UD
 * @xrc: the same over XRC
 */
struct odp_caps {
	uint32_t flags;
	uint32_t rc;
	uint32_t uc;
	uint32_t ud;
	uint32_t xrc;
};

int odp_query_caps_sized(struct ibv_context *context, struct odp_caps *caps,
			 size_t size);

/**
 * odp_query_caps - what a device can do on demand
 * @context: the device, any provider's
 * @caps: filled in
 *
 * Return: 0 or an errno.
 */
static inline int odp_query_caps(struct ibv_context *context,
				 struct odp_caps *caps)
{
	return odp_query_caps_sized(context, caps, sizeof(*caps));
}

/* What a fault does about the neighbours of the pages that it needs. */
enum odp_around {
	ODP_AROUND_STREAM,	/* look; populate ahead of a stream (default) */
	ODP_AROUND_NONE,	/* nothing */
	ODP_AROUND_SNAPSHOT,	/* look, and take what is present */
	ODP_AROUND_POPULATE,	/* bring them in too */
};

enum odp_policy_flag {
	ODP_POLICY_EXCLUSIVE	= 1 << 0, /* atomics take the page from the CPU */
};

/**
 * struct odp_policy - how an MR deals with faults
 * @around: enum odp_around
 * @max_pages: how many pages one fault may install, 1 to 512
 * @limit_ms: how long a fault waits for the kernel to end an invalidation, in
 *	milliseconds, 1 to 600000
 * @flags: a set of enum odp_policy_flag
 */
struct odp_policy {
	uint32_t around;
	uint32_t max_pages;
	uint32_t limit_ms;
	uint32_t flags;
};

/* How a range came to be registered. */
enum odp_kind {
	ODP_KIND_IMPLICIT,	/* through the PD's MR of all memory */
	ODP_KIND_EXPLICIT,	/* by an on-demand MR of its own */
	ODP_KIND_PINNED,	/* by a pinned MR */
};

/* How it shall be. */
enum odp_choice {
	ODP_ON_DEMAND,		/* on demand, or not at all */
	ODP_PINNED,		/* pinned, or not at all */
	ODP_EITHER,		/* on demand; pinned if that cannot be */
};

/* Transports that a registration is for. */
enum odp_transport {
	ODP_RC	= 1 << 0,
	ODP_UC	= 1 << 1,
	ODP_UD	= 1 << 2,
	ODP_XRC	= 1 << 3,
};

enum odp_reg_flag {
	ODP_REG_WIDE	= 1 << 0, /* peers may be given more than the range */
	ODP_REG_OWN	= 1 << 1, /* an MR that nobody else shares */
	ODP_REG_IOVA	= 1 << 2, /* @iova counts */
	ODP_REG_DMABUF	= 1 << 3, /* @dmabuf_fd counts */
};

/**
 * struct odp_reg_attr - what to register, and how
 * @addr: first byte; of a dma-buf, its offset there
 * @length: in bytes
 * @iova: with ODP_REG_IOVA: what work requests call the first byte; else its
 *	virtual address, of a dma-buf its offset
 * @access: IBV_ACCESS_*, without IBV_ACCESS_ON_DEMAND
 * @flags: a set of enum odp_reg_flag
 * @choice: enum odp_choice
 * @transports: a set of enum odp_transport, see @operations
 * @operations: a set of IBV_ODP_SUPPORT_*: on demand will only do if the device
 *	can do all of these so over all of @transports; 0: do not ask
 * @dmabuf_fd: with ODP_REG_DMABUF
 * @policy: how to deal with faults, if on demand, from the first one on; or NULL
 * @policy_size: sizeof(*@policy), if there is one
 *
 * Members that are not set are 0.
 */
struct odp_reg_attr {
	void *addr;
	size_t length;
	uint64_t iova;
	uint32_t access;
	uint32_t flags;
	uint32_t choice;
	uint32_t transports;
	uint32_t operations;
	int32_t dmabuf_fd;
	const struct odp_policy *policy;
	size_t policy_size;
};

/* A registration. */
struct odp_region;

struct odp_region *odp_reg_sized(struct ibv_pd *pd,
				 const struct odp_reg_attr *attr, size_t size);

/**
 * odp_reg - the best registration that a device offers for a range
 * @pd: protection domain
 * @attr: what to register
 *
 * Return: the registration, or NULL with errno set.
 */
static inline struct odp_region *odp_reg(struct ibv_pd *pd,
					 const struct odp_reg_attr *attr)
{
	return odp_reg_sized(pd, attr, sizeof(*attr));
}

/**
 * odp_dereg - end a registration
 * @region: from odp_reg(); gone after success
 *
 * Return: 0 or an errno.
 */
int odp_dereg(struct odp_region *region);

/**
 * odp_region_kind - how it came to be
 * @region: a registration
 */
enum odp_kind odp_region_kind(const struct odp_region *region);

/**
 * odp_region_lkey - the key for local use
 * @region: a registration
 */
uint32_t odp_region_lkey(const struct odp_region *region);

/**
 * odp_region_rkey - the key for peers
 * @region: a registration
 */
uint32_t odp_region_rkey(const struct odp_region *region);

/**
 * odp_region_mr - the MR behind a registration
 * @region: a registration; the MR may be shared: it must not be deregistered
 */
struct ibv_mr *odp_region_mr(const struct odp_region *region);

/**
 * struct odp_range - bytes of an MR
 * @addr: the first one, as the MR's peers name it (the iova)
 * @length: in bytes
 * @lkey: of the MR
 * @error: 0 or an errno is put here: what became of this one
 */
struct odp_range {
	uint64_t addr;
	uint64_t length;
	uint32_t lkey;
	int32_t error;
};

/**
 * odp_prefetch - bring pages in before they are needed
 * @pd: protection domain of all the MRs
 * @ranges: which bytes of which MRs
 * @nr_ranges: how many ranges; none is no error
 * @advice: IBV_ADVISE_MR_ADVICE_PREFETCH, _PREFETCH_WRITE or
 *	_PREFETCH_NO_FAULT
 * @flags: IBV_ADVISE_MR_FLAG_FLUSH: return when it is done; 0: start it
 *
 * A range that fails keeps no other from being brought in.
 *
 * Return: 0, or the first error of all.
 */
int odp_prefetch(struct ibv_pd *pd, struct odp_range *ranges, size_t nr_ranges,
		 enum ibv_advise_mr_advice advice, uint32_t flags);

/* A page's state is a set of these; ODP_PAGE_FAULT is none of them. */
enum odp_page_state {
	ODP_PAGE_FAULT		= 0,
	ODP_PAGE_READ		= 1 << 0,
	ODP_PAGE_WRITE		= 1 << 1,
	ODP_PAGE_HUGE		= 1 << 2,
	ODP_PAGE_MIRRORED	= 1 << 3,
	ODP_PAGE_DIRTY		= 1 << 4,
	ODP_PAGE_EXCLUSIVE	= 1 << 5,
	ODP_PAGE_SPECIAL	= 1 << 6,
	ODP_PAGE_IO		= 1 << 7,
};

/**
 * odp_mr_snapshot - the state of every page of a range of an MR
 * @mr: an on-demand MR
 * @addr: an address in the range's first page, as the MR's peers name it
 *	(the iova; without ibv_reg_mr_iova() that is the virtual address)
 * @npages: how many pages
 * @states: one byte a page is put here, a set of enum odp_page_state
 *
 * Faults nothing in and waits for no page.
 *
 * Return: 0 or an errno.
 */
int odp_mr_snapshot(struct ibv_mr *mr, uint64_t addr, size_t npages,
		    uint8_t *states);

/**
 * struct odp_run - neighbouring pages in the same state
 * @npages: how many
 * @state: a set of enum odp_page_state
 * @reserved: 0
 */
struct odp_run {
	uint64_t npages;
	uint32_t state;
	uint32_t reserved;
};

/**
 * odp_mr_snapshot_runs - the states of a large range, summarised
 * @mr: an on-demand MR
 * @addr: an address in the range's first page, as the MR's peers name it
 * @npages: how many pages
 * @runs: filled in, upwards from @addr
 * @room: elements of @runs
 * @nr_runs: how many were filled in; if they describe fewer than @npages
 *	pages, @runs was too short or it took long: ask for the rest
 *
 * Faults nothing in and waits for no page.
 *
 * Return: 0 or an errno.
 */
int odp_mr_snapshot_runs(struct ibv_mr *mr, uint64_t addr, uint64_t npages,
			 struct odp_run *runs, size_t room, size_t *nr_runs);

/**
 * struct odp_stats - an MR's counters, see odp_mr_get_stats(3)
 * @faults: accesses that found a page missing and went for it
 * @faulted_pages: pages that came in because an access needed them
 * @around_pages: pages that came in because a fault looked around
 * @prefetched_pages: pages that came in by odp_prefetch()
 * @invalidations: times that the kernel took pages of the table back
 * @invalidated_pages: pages so taken back
 * @collisions: looks at the page table thrown away because it changed meanwhile
 * @failed_faults: accesses that ended in an error
 * @pinned_fallbacks: accesses that pinned their pages for once
 * @resident_pages: pages of the MR in the table now
 * @huge_entries: entries of 2 MiB there
 * @windows: parts of the table for 1 GiB each
 * @leaves: parts of a window for 2 MiB each
 * @table_bytes: kernel memory of these windows and leaves
 * @local_faults: those of @faults that the process's own work requests made
 * @remote_faults: those of peers
 * @slow_faults: those left to threads of the process
 * @rnr_naks: times that a peer was told to come again
 * @parked: times that a work request was put aside
 * @exclusive_takes: times that an atomic took a page from the CPU
 */
struct odp_stats {
	uint64_t faults;
	uint64_t faulted_pages;
	uint64_t around_pages;
	uint64_t prefetched_pages;
	uint64_t invalidations;
	uint64_t invalidated_pages;
	uint64_t collisions;
	uint64_t failed_faults;
	uint64_t pinned_fallbacks;
	uint64_t resident_pages;
	uint64_t huge_entries;
	uint64_t windows;
	uint64_t leaves;
	uint64_t table_bytes;
	uint64_t local_faults;
	uint64_t remote_faults;
	uint64_t slow_faults;
	uint64_t rnr_naks;
	uint64_t parked;
	uint64_t exclusive_takes;
};

int odp_mr_get_stats_sized(struct ibv_mr *mr, struct odp_stats *stats,
			   size_t size);

/**
 * odp_mr_get_stats - what an MR has been doing
 * @mr: an on-demand MR
 * @stats: filled in
 *
 * Return: 0 or an errno.
 */
static inline int odp_mr_get_stats(struct ibv_mr *mr, struct odp_stats *stats)
{
	return odp_mr_get_stats_sized(mr, stats, sizeof(*stats));
}

int odp_mr_get_policy_sized(struct ibv_mr *mr, struct odp_policy *policy,
			    size_t size);

/**
 * odp_mr_get_policy - how an MR deals with faults
 * @mr: an on-demand MR
 * @policy: filled in
 *
 * Return: 0 or an errno.
 */
static inline int odp_mr_get_policy(struct ibv_mr *mr,
				    struct odp_policy *policy)
{
	return odp_mr_get_policy_sized(mr, policy, sizeof(*policy));
}

int odp_mr_set_policy_sized(struct ibv_mr *mr, const struct odp_policy *policy,
			    size_t size);

/**
 * odp_mr_set_policy - change how an MR deals with faults from now on
 * @mr: an on-demand MR
 * @policy: all of it
 *
 * Return: 0 or an errno.
 */
static inline int odp_mr_set_policy(struct ibv_mr *mr,
				    const struct odp_policy *policy)
{
	return odp_mr_set_policy_sized(mr, policy, sizeof(*policy));
}

/* A queue of what has happened. */
struct odp_events;

/**
 * odp_events_open - a file descriptor that tells what happens
 * @context: the device
 *
 * Return: the queue, or NULL with errno set.
 */
struct odp_events *odp_events_open(struct ibv_context *context);

/**
 * odp_events_close - end it, and all of its watches
 * @events: from odp_events_open(); gone after success
 *
 * Return: 0 or an errno.
 */
int odp_events_close(struct odp_events *events);

/**
 * odp_events_fd - for poll(2) and the like
 * @events: the queue; its descriptor is not to be closed
 *
 * Return: the descriptor.
 */
int odp_events_fd(const struct odp_events *events);

enum odp_event_kind {
	ODP_EVENT_PREFETCHED	= 1,	/* a prefetch has ended */
	ODP_EVENT_INVALIDATED	= 2,	/* something of a watched range changed */
	ODP_EVENT_WATCH_ENDED	= 3,	/* the last event of a watch */
};

/* Why the kernel changed the process's page table. */
enum odp_cause {
	ODP_CAUSE_UNMAPPED	= 1 << 0, /* addresses were unmapped, or moved */
	ODP_CAUSE_CLEARED	= 1 << 1, /* pages were dropped, or replaced */
	ODP_CAUSE_PROTECTED	= 1 << 2, /* rights were changed */
};

/**
 * struct odp_event - what happened
 * @kind: enum odp_event_kind
 * @error: how a prefetch ended, 0 or an errno; why a watch did: ECANCELED: its MR
 *	has gone, ESRCH: the memory of its process
 * @cookie: as the prefetch or the watch was given it
 * @addr: of ODP_EVENT_INVALIDATED, as the following: the first byte of what has
 *	changed since the last one, as the MR's peers name it
 * @length: from there to the last byte, all between included
 * @count: how many invalidations that were
 * @causes: a set of enum odp_cause, of all of them
 * @reserved: 0
 */
struct odp_event {
	uint32_t kind;
	int32_t error;
	uint64_t cookie;
	uint64_t addr;
	uint64_t length;
	uint64_t count;
	uint32_t causes;
	uint32_t reserved;
};

int odp_events_read_sized(struct odp_events *events, struct odp_event *list,
			  size_t room, size_t *nr, size_t size);

/**
 * odp_events_read - take what has happened
 * @events: the queue
 * @list: filled in, oldest first
 * @room: elements of @list
 * @nr: how many were filled in, at least 1
 *
 * Waits for the first one, unless the descriptor is O_NONBLOCK: EAGAIN.
 *
 * Return: 0 or an errno.
 */
static inline int odp_events_read(struct odp_events *events,
				  struct odp_event *list, size_t room,
				  size_t *nr)
{
	return odp_events_read_sized(events, list, room, nr, sizeof(*list));
}

/**
 * odp_prefetch_notify - bring pages in, and tell when that has ended
 * @pd: protection domain of all the MRs
 * @ranges: which bytes of which MRs
 * @nr_ranges: how many ranges; none is no error
 * @advice: as odp_prefetch() takes it
 * @events: the queue that tells
 * @cookies: one for each range
 *
 * Starts it, and waits for no page. There is exactly one event for each range whose
 * error is 0, and none for the others.
 *
 * Return: 0, or the first error of all.
 */
int odp_prefetch_notify(struct ibv_pd *pd, struct odp_range *ranges,
			size_t nr_ranges, enum ibv_advise_mr_advice advice,
			struct odp_events *events, const uint64_t *cookies);

/**
 * struct odp_watch_attr - what to watch
 * @addr: first byte, as the MR's peers name it
 * @length: in bytes
 * @cookie: for the events
 * @causes: a set of enum odp_cause; 0: all
 * @reserved: 0
 */
struct odp_watch_attr {
	uint64_t addr;
	uint64_t length;
	uint64_t cookie;
	uint32_t causes;
	uint32_t reserved;
};

int odp_mr_watch_sized(struct ibv_mr *mr, struct odp_events *events,
		       const struct odp_watch_attr *attr, uint32_t *watch,
		       size_t size);

/**
 * odp_mr_watch - hear of what the kernel changes in a range of an MR
 * @mr: an on-demand MR
 * @events: the queue that tells
 * @attr: what to watch
 * @watch: the watch's number is put here, for odp_events_unwatch()
 *
 * Return: 0 or an errno.
 */
static inline int odp_mr_watch(struct ibv_mr *mr, struct odp_events *events,
			       const struct odp_watch_attr *attr,
			       uint32_t *watch)
{
	return odp_mr_watch_sized(mr, events, attr, watch, sizeof(*attr));
}

/**
 * odp_events_unwatch - hear of it no more
 * @events: the queue
 * @watch: from odp_mr_watch()
 *
 * Return: 0 or an errno.
 */
int odp_events_unwatch(struct odp_events *events, uint32_t watch);

/*
 * Snapshots, counters and policy of an MR of any process, by the number that
 * "rdma resource show mr" prints (mrn). The caller needs CAP_SYS_ADMIN, unless the region is of a
 * process of its own user that it may look at, by the rules of ptrace(2).
 */

/**
 * odp_mrn_snapshot_runs - odp_mr_snapshot_runs() of any process's MR
 * @context: the device
 * @mrn: the MR's number
 * @addr: an address in the range's first page
 * @npages: how many pages
 * @runs: filled in
 * @room: elements of @runs
 * @nr_runs: how many were filled in
 *
 * Return: 0 or an errno.
 */
int odp_mrn_snapshot_runs(struct ibv_context *context, uint32_t mrn,
			  uint64_t addr, uint64_t npages, struct odp_run *runs,
			  size_t room, size_t *nr_runs);

int odp_mrn_get_stats_sized(struct ibv_context *context, uint32_t mrn,
			    struct odp_stats *stats, size_t size);

/**
 * odp_mrn_get_stats - odp_mr_get_stats() of any process's MR
 * @context: the device
 * @mrn: the MR's number
 * @stats: filled in
 *
 * Return: 0 or an errno.
 */
static inline int odp_mrn_get_stats(struct ibv_context *context, uint32_t mrn,
				    struct odp_stats *stats)
{
	return odp_mrn_get_stats_sized(context, mrn, stats, sizeof(*stats));
}

int odp_mrn_get_policy_sized(struct ibv_context *context, uint32_t mrn,
			     struct odp_policy *policy, size_t size);

/**
 * odp_mrn_get_policy - odp_mr_get_policy() of any process's MR
 * @context: the device
 * @mrn: the MR's number
 * @policy: filled in
 *
 * Return: 0 or an errno.
 */
static inline int odp_mrn_get_policy(struct ibv_context *context, uint32_t mrn,
				     struct odp_policy *policy)
{
	return odp_mrn_get_policy_sized(context, mrn, policy, sizeof(*policy));
}

#ifdef __cplusplus
}
#endif

#endif /* INFINIBAND_ODP_H */
