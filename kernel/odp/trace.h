/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Tracepoints of the engine: odp:odp_fault, odp:odp_install,
 * odp:odp_invalidate, odp:odp_retry, odp:odp_slow, odp:odp_slow_end. None is on
 * the warm path.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM odp

#if !defined(ODP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ODP_TRACE_H

#include <linux/tracepoint.h>

#include "mirror.h"
#include "space.h"

/* An access found a page missing. */
TRACE_EVENT(odp_fault,
	TP_PROTO(const struct odp_mirror *m, unsigned long va,
		 unsigned long npages, bool write),
	TP_ARGS(m, va, npages, write),
	TP_STRUCT__entry(
		__field(const void *, mirror)
		__field(unsigned long, va)
		__field(unsigned long, npages)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->mirror = m;
		__entry->va = va;
		__entry->npages = npages;
		__entry->write = write;
	),
	TP_printk("mirror=%p va=%#lx npages=%lu %s", __entry->mirror,
		  __entry->va, __entry->npages,
		  __entry->write ? "write" : "read")
);

/* A snapshot went into the table. */
TRACE_EVENT(odp_install,
	TP_PROTO(const struct odp_mirror *m, unsigned long start,
		 unsigned long npages, int fresh),
	TP_ARGS(m, start, npages, fresh),
	TP_STRUCT__entry(
		__field(const void *, mirror)
		__field(unsigned long, start)
		__field(unsigned long, npages)
		__field(int, fresh)
	),
	TP_fast_assign(
		__entry->mirror = m;
		__entry->start = start;
		__entry->npages = npages;
		__entry->fresh = fresh;
	),
	TP_printk("mirror=%p start=%#lx npages=%lu fresh=%d", __entry->mirror,
		  __entry->start, __entry->npages, __entry->fresh)
);

/* The kernel took pages back, or told that it would have. */
TRACE_EVENT(odp_invalidate,
	TP_PROTO(const struct odp_space *s, unsigned long start,
		 unsigned long end, unsigned long gone),
	TP_ARGS(s, start, end, gone),
	TP_STRUCT__entry(
		__field(const void *, space)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(unsigned long, gone)
	),
	TP_fast_assign(
		__entry->space = s;
		__entry->start = start;
		__entry->end = end;
		__entry->gone = gone;
	),
	TP_printk("space=%p start=%#lx end=%#lx gone=%lu", __entry->space,
		  __entry->start, __entry->end, __entry->gone)
);

/* A fault lost a round to an invalidation. */
TRACE_EVENT(odp_retry,
	TP_PROTO(const struct odp_mirror *m, unsigned long start,
		 unsigned long npages),
	TP_ARGS(m, start, npages),
	TP_STRUCT__entry(
		__field(const void *, mirror)
		__field(unsigned long, start)
		__field(unsigned long, npages)
	),
	TP_fast_assign(
		__entry->mirror = m;
		__entry->start = start;
		__entry->npages = npages;
	),
	TP_printk("mirror=%p start=%#lx npages=%lu", __entry->mirror,
		  __entry->start, __entry->npages)
);

/* A fault is left to the process's workers; -EINPROGRESS if one took it. */
DECLARE_EVENT_CLASS(odp_slow_class,
	TP_PROTO(const struct odp_mirror *m, unsigned long start,
		 unsigned long npages, int err),
	TP_ARGS(m, start, npages, err),
	TP_STRUCT__entry(
		__field(const void *, mirror)
		__field(unsigned long, start)
		__field(unsigned long, npages)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->mirror = m;
		__entry->start = start;
		__entry->npages = npages;
		__entry->err = err;
	),
	TP_printk("mirror=%p start=%#lx npages=%lu err=%d", __entry->mirror,
		  __entry->start, __entry->npages, __entry->err)
);

DEFINE_EVENT(odp_slow_class, odp_slow,
	TP_PROTO(const struct odp_mirror *m, unsigned long start,
		 unsigned long npages, int err),
	TP_ARGS(m, start, npages, err)
);

/* It has had a turn; -EINPROGRESS if it needs another. */
DEFINE_EVENT(odp_slow_class, odp_slow_end,
	TP_PROTO(const struct odp_mirror *m, unsigned long start,
		 unsigned long npages, int err),
	TP_ARGS(m, start, npages, err)
);

#endif /* ODP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
