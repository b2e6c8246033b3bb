/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The ODP engine's interface: mirrors of a process's address space for a
 * device that looks pages up when it needs them.
 */
#ifndef RDMA_ODP_MIRROR_H
#define RDMA_ODP_MIRROR_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct mm_struct;
struct odp_mirror;
struct odp_snap;

/**
 * DOC: The engine
 *
 * Components
 * ==========
 *
 * A *space* (space.c) is the mirror of one address space. It is found through
 * the mmu_notifier that it is, shared by all who mirror a part of it, and ends
 * a second after the last of them, or with the process.
 *
 * A *mirror* (mirror.c) is one memory region's view of a space: a range of
 * virtual addresses, whether the device may write, a policy, counters, and a
 * life of its own. Making and ending one costs the same whatever its length, and
 * touches no entry: what one mirror brought in, the next one finds. Entries say
 * what the CPU page table says; rights are checked at the mirror.
 *
 * A *window* (window.c) is an aligned GiB of a space, made when the device
 * first touches it. It has a *sequence*, a number that every invalidation
 * moves, and is *quiet* while none is under way.
 *
 * A *leaf* (leaf.c) holds the entries of an aligned 2 MiB of a window: either
 * one huge entry, or up to 512 small ones. Windows and leaves that hold
 * nothing are freed by the space's *tender*, a work item.
 *
 * An *access* (access.c) finds a page's entry and touches the page. When the
 * entry is missing it *faults* (fault.c): the pages that it needs are the
 * *critical* ones; fault-around (around.c) says how far to look beyond them.
 *
 * An *exclusive* access (exclusive.c) takes its page from the CPU first, if the
 * policy says so and the kernel can. Meanwhile the CPU page table has a
 * device-exclusive entry and the leaf an exclusive one, which an invalidation
 * takes out before the CPU gets the page back. The kernel's word to all that we
 * take a page (MMU_NOTIFY_EXCLUSIVE, with the space as its owner) is none to us.
 *
 * A *PFN map* (pfnmap.c) is memory that a driver has mapped by page frame numbers.
 * Its pages have *special* entries: no struct page is taken from one, not to make
 * it dirty either. Where other pages are pinned for an access, one of these is
 * touched under the lock of the CPU page table. What of it is not the kernel's
 * memory, a device's own mostly, is *I/O memory* (iomem.c). It gets a mapping for
 * some time, found by pfn under RCU, and is touched only through a valid entry, or
 * under the page table's lock: that the mapping may stay for longer is nobody's
 * way in.
 *
 * A *slow fault* (slow.c) is one that would wait for others. An access that must
 * not wait leaves it to the space's *workers* (worker.c).
 *
 * An *events* file (events.c) tells of prefetches that have ended, and, by
 * *watches* (watch.c), of invalidations; <rdma/odp_events.h> says how.
 *
 * A *device* (device.c) is what the mirrors of one device share: counters, and
 * the end that it can put to all of their faults.
 *
 * A *snapshot* (snap.c) is what the CPU page table says of a range at one
 * moment. report.c makes one for people to look at; fault.c makes one to
 * install it in the table.
 *
 * Tracepoints (trace.h): odp:odp_fault, odp_install, odp_invalidate, odp_retry,
 * odp_slow and odp_slow_end.
 *
 * The fault flow
 * ==============
 *
 * ::
 *
 *	odp_mirror_visit():
 *	again:
 *		rcu_read_lock(), find the leaf, read_lock(leaf)
 *		entry good? touch the page, unlock, done
 *		unlock
 *		odp_fault():
 *			mmget_not_zero(), find or make the window
 *			mmap_read_lock()
 *			handle_mm_fault() for each critical page	(a)
 *			seq = the window's sequence, once it is quiet	(b)
 *			snapshot of the pages around, faulting nothing	(c)
 *			a critical page not there? (a), (b) and (c) again
 *			more to be brought in? so it is; (b) and (c) again
 *			mmap_read_unlock()
 *			write_lock(leaf)
 *			sequence moved? unlock, drop it all, again	(d)
 *			install what is valid, unlock
 *		goto again
 *
 * Step (a) may drop the mmap lock and wait, for userfaultfd too. It comes before
 * (b) because breaking COW invalidates the very page that it brings in: a
 * sequence noted before would always have moved. Where the faults before found
 * their pages there, it is left out the first time: nothing need be asked for
 * that is there. Only (a) to (d) in this order on the snapshot are needed for (c)
 * never to be stale: an invalidation that ends before (b) is seen by (c); any
 * other has moved the sequence, or will clear the entries after (d).
 *
 * Copies to and from what has been used before, which is what traffic is made of,
 * have a way of their own in front of all that (warm.h): a copy that meets
 * anything to be said, done or decided goes on as a visit.
 *
 * An access that loses to invalidations round after round, or for which a
 * window does not become quiet within the policy's limit, pins its critical
 * page for just that access, so it ends.
 *
 * Nothing waits for a fault
 * =========================
 *
 * With ODP_ACCESS_NOWAIT, (a) asks for a page only where nobody can keep the
 * caller waiting (quick.c): memory without a file behind it, tmpfs, and what is
 * in the page cache, for reading; the mmap lock is tried for, half a
 * millisecond long; a window that is not quiet is not waited for. Else a slow
 * fault is requested and the access ends with -EINPROGRESS. It will come again
 * by itself, or when its *waiter* (waiter.c) is woken. There is one slow fault per page,
 * however many wait for it.
 *
 * Workers are threads of the process that registered the memory, made with
 * vhost_task_create(): they die with it, even while they wait; its memory
 * cgroup and its processor time pay for them; its memory policy, cpuset and OOM
 * handling apply to what they fault. Kernel threads would have none of that,
 * and nobody would tell them that the process was killed, whose memory they
 * keep. Each process has one from its first mirror on; there is always a spare
 * one for the next fault, up to 16. When all are busy they take turns with
 * pages that a userfaultfd owes. A process whose workers have died, while
 * another one uses the same memory, gets new ones with its next mirror.
 *
 * A slow fault holds its mirror, and the mirror its space: never a region, a
 * queue pair or a device. So these go without waiting for anybody's memory.
 * Where a signal would not reach the worker, in page_mkwrite() of a file system
 * that is frozen, it waits for the thaw before it goes there.
 *
 * Quiet
 * =====
 *
 * Starts and ends of invalidations are counted per window. A window that is made
 * while any are under way in its space cannot know which ends are theirs: it is
 * *blind*, and not quiet, until none is.
 *
 * Locking
 * =======
 *
 * In this order, outermost first:
 *
 * 1. space->attached_lock, device->lock (mutexes): which devices count what
 * 2. space->windows_lock (mutex): making and unmaking windows; never on the
 *    warm path
 * 3. mmap_lock (taken by the engine for reading; by mmu_notifier_get() for
 *    writing)
 * 4. slow->lock (spinlock): slow faults and workers; odp_waiters_lock inside
 * 5. space->lock (spinlock): counts, lists, and the publication of windows
 * 6. window->lock (spinlock): the sequence and the publication of leaves
 * 7. leaf->lock (rwlock): entries, and the pages behind them: a page does not
 *    leave the CPU page table while it is held
 * 8. the lock of a space's watches (spinlock): their tree; neither 5 nor what
 *    follows it is held with it
 * 9. events->lock (spinlock), inside of 4 as well: what is to be told
 *
 * An events file has a mutex, outside of 8, under which nobody waits for pages. No
 * invalidation and no mirror's end takes it.
 *
 * An exclusive access holds the folio's lock from the moment the page is taken,
 * between 3 and 4. There, too, iomem.c has a mutex of its own, for making and
 * unmaking mappings, with none of the others inside. Invalidations take 5, 6 and
 * 7, one after the other, never sleep and never allocate.
 */

/**
 * enum odp_around - what a fault does about the neighbours of its pages
 * @ODP_AROUND_STREAM: look at a few, or as many as are there already; once
 *	accesses go up or down through memory, also populate ahead, twice as far
 *	each time; where many were used, up to four times as many
 * @ODP_AROUND_NONE: nothing
 * @ODP_AROUND_SNAPSHOT: look at them, install those that are present
 * @ODP_AROUND_POPULATE: bring them in too
 */
enum odp_around {
	ODP_AROUND_STREAM,
	ODP_AROUND_NONE,
	ODP_AROUND_SNAPSHOT,
	ODP_AROUND_POPULATE,
};

/* The most pages that one fault can look at: a leaf's. */
#define ODP_AROUND_MAX 512

/* The longest time that a fault can be told to wait for an invalidation. */
#define ODP_LIMIT_MAX_MS 600000

/**
 * struct odp_policy - how a mirror deals with faults
 * @around: what to do about neighbours
 * @max_pages: how many pages one fault may install, 1 to ODP_AROUND_MAX
 * @limit_ms: how long a fault that waits does so for an invalidation to end, in
 *	milliseconds, 1 to ODP_LIMIT_MAX_MS
 * @exclusive: take pages from the CPU for accesses with ODP_ACCESS_ATOMIC
 */
struct odp_policy {
	enum odp_around around;
	unsigned int max_pages;
	unsigned int limit_ms;
	bool exclusive;
};

#define ODP_POLICY_DEFAULT {			\
	.around = ODP_AROUND_STREAM,		\
	.max_pages = ODP_AROUND_MAX,		\
	.limit_ms = 10000,			\
}

/**
 * struct odp_table_ops - a table of the device's own
 * @install: take the table's lock, ask odp_snap_stale(), and unless it is
 *	stale install what odp_snap_page() says of each of the snapshot's pages.
 *	Returns the number of pages that were new, -EAGAIN if it was stale, or
 *	another negative errno. May sleep before it takes the lock.
 * @zap: take the same lock and forget the pages of [@start, @end). Never
 *	sleeps or allocates; may be called from the OOM reaper. Returns the
 *	number of pages that were there.
 *
 * A mirror without these keeps its pages in the engine's own leaves, which all
 * mirrors of the address space share. One with them has a space of its own.
 */
struct odp_table_ops {
	int (*install)(void *table, const struct odp_snap *snap);
	unsigned long (*zap)(void *table, unsigned long start,
			     unsigned long end);
};

#ifdef ODP_SELFTEST
/**
 * struct odp_probe - where a test may look on, and hold things up
 * @snapshot_taken: a fault has its snapshot of [@start, @end) and will next
 *	install it; the fault holds no lock
 * @invalidated: an invalidation of [@start, @end) has started and cleared its
 *	entries; it ends some time after this returns. May sleep if @blockable.
 *
 * A mirror with a probe has a space of its own.
 */
struct odp_probe {
	void (*snapshot_taken)(void *arg, unsigned long start,
			       unsigned long end);
	void (*invalidated)(void *arg, unsigned long start, unsigned long end,
			    bool blockable);
};
#endif

/**
 * struct odp_mirror_attr - what to mirror
 * @mm: whose memory; the mirror takes a reference that does not keep the
 *	memory alive. Only the current process's gets workers for slow faults
 * @start: the first byte's virtual address
 * @length: in bytes; not 0
 * @writable: may the device write?
 * @policy: how to deal with faults
 * @ops: a table of the device's own, or NULL
 * @table: passed to @ops
 * @probe: a test's, or NULL
 * @probe_arg: passed to @probe
 * @device: whose mirror it is, or NULL; outlives the destruction of each by an
 *	RCU grace period
 */
struct odp_mirror_attr {
	struct mm_struct *mm;
	u64 start;
	u64 length;
	bool writable;
	struct odp_policy policy;
	const struct odp_table_ops *ops;
	void *table;
#ifdef ODP_SELFTEST
	const struct odp_probe *probe;
	void *probe_arg;
#endif
	struct odp_device *device;
};

/**
 * struct odp_stats - a mirror's counters
 * @faults: times an access found a page missing and went for it
 * @local_faults: those of the owner's own work requests
 * @remote_faults: those of peers
 * @slow_faults: those that were left to the process's workers
 * @rnr_naks: times a peer was told to come again later
 * @parked: times a work request was put aside until a page is there
 * @exclusive_takes: times a page was taken from the CPU
 * @faulted_pages: pages installed because an access needed them
 * @around_pages: pages installed because a fault looked around
 * @prefetched_pages: pages installed by odp_mirror_prefetch()
 * @invalidations: times the kernel took pages back, since the mirror was made,
 *	from the table that it shares
 * @invalidated_pages: pages so taken
 * @collisions: snapshots dropped because an invalidation passed them
 * @failed_faults: accesses that ended in an error
 * @pinned_fallbacks: accesses that kept losing to invalidations and pinned
 * @resident_pages: pages of its range in the table now (a huge entry counts 512)
 * @huge_entries: huge entries there now
 * @windows: windows there now
 * @leaves: leaves there now
 * @table_bytes: memory of these windows and leaves
 */
struct odp_stats {
	u64 faults;
	u64 local_faults;
	u64 remote_faults;
	u64 slow_faults;
	u64 rnr_naks;
	u64 parked;
	u64 exclusive_takes;
	u64 faulted_pages;
	u64 around_pages;
	u64 prefetched_pages;
	u64 invalidations;
	u64 invalidated_pages;
	u64 collisions;
	u64 failed_faults;
	u64 pinned_fallbacks;
	u64 resident_pages;
	u64 huge_entries;
	u64 windows;
	u64 leaves;
	u64 table_bytes;
};

/* What of struct odp_stats is counted as it happens, remote faults as the rest. */
struct odp_counters {
	atomic64_t faults;
	atomic64_t local_faults;
	atomic64_t slow_faults;
	atomic64_t rnr_naks;
	atomic64_t parked;
	atomic64_t exclusive_takes;
	atomic64_t faulted_pages;
	atomic64_t around_pages;
	atomic64_t prefetched_pages;
	atomic64_t collisions;
	atomic64_t failed_faults;
	atomic64_t pinned_fallbacks;
} ____cacheline_aligned;

/* So many processors count without meeting. */
#define ODP_SHARDS	8

/**
 * struct odp_device - what all mirrors of a device share
 * @shard: what they did, by processor
 * @dying: no fault of theirs may start, or go on waiting
 * @lock: guards what follows
 * @attached: the spaces that it has mirrors of
 * @invalidations: of those that it had
 * @invalidated_pages: the same
 * @events: its events files, under a lock of theirs
 */
struct odp_device {
	struct odp_counters shard[ODP_SHARDS];
	bool dying;
	struct mutex lock; /* see above */
	struct list_head attached;
	u64 invalidations;
	u64 invalidated_pages;
	struct list_head events;
};

struct odp_mirror *odp_mirror_create(const struct odp_mirror_attr *attr);
void odp_mirror_kill(struct odp_mirror *mirror);
void odp_mirror_destroy(struct odp_mirror *mirror);
void odp_mirror_get(struct odp_mirror *mirror);
void odp_mirror_put(struct odp_mirror *mirror);
u64 odp_mirror_start(const struct odp_mirror *mirror);
u64 odp_mirror_length(const struct odp_mirror *mirror);
void odp_mirror_set_writable(struct odp_mirror *mirror, bool writable);
int odp_mirror_set_policy(struct odp_mirror *mirror,
			  const struct odp_policy *policy);
void odp_mirror_get_policy(const struct odp_mirror *mirror,
			   struct odp_policy *policy);
void odp_mirror_stats(struct odp_mirror *mirror, struct odp_stats *stats);
void odp_mirror_count_rnr(struct odp_mirror *mirror);
void odp_mirror_count_parked(struct odp_mirror *mirror);
bool odp_has_exclusive(void);
bool odp_has_iomem(void);
void odp_device_init(struct odp_device *device);
void odp_device_kill(struct odp_device *device);
void odp_device_stats(struct odp_device *device, struct odp_stats *stats);

/* How an access goes about it: a set of these. */
#define ODP_ACCESS_WRITE	BIT(0)
#define ODP_ACCESS_LOCAL	BIT(1)	/* the owner's work request, not a peer's */
#define ODP_ACCESS_NOWAIT	BIT(2)	/* waits for nobody */
#define ODP_ACCESS_ATOMIC	BIT(3)	/* one write; see policy.exclusive */

/**
 * typedef odp_visit_fn - touch a piece of one page
 * @kaddr: where the kernel has the piece mapped. Of I/O memory this is a copy: to
 *	write, write all of it
 * @bytes: its length; it does not leave the page
 * @arg: the caller's
 *
 * Called with spinlocks held: must not sleep.
 *
 * Return: 0 to go on, or a negative errno, which ends the visit. Must not be
 * -ENOENT.
 */
typedef int (*odp_visit_fn)(void *kaddr, size_t bytes, void *arg);

int odp_mirror_visit(struct odp_mirror *mirror, u64 va, u64 length,
		     unsigned int how, odp_visit_fn fn, void *arg);
int odp_mirror_copy_in(struct odp_mirror *mirror, u64 va, const void *src,
		       size_t length, unsigned int how);
int odp_mirror_copy_out(struct odp_mirror *mirror, u64 va, void *dst,
			size_t length, unsigned int how);

/**
 * struct odp_waiter - somebody who is to come again when a page is there
 * @list: with others who wait for it
 * @wake: called then
 *
 * Holds nothing and is held by nothing: odp_waiter_cancel() ends it at any time.
 */
struct odp_waiter {
	struct list_head list;
	void (*wake)(struct odp_waiter *waiter);
};

void odp_waiter_init(struct odp_waiter *waiter,
		     void (*wake)(struct odp_waiter *waiter));
void odp_waiter_cancel(struct odp_waiter *waiter);
int odp_mirror_ready(struct odp_mirror *mirror, u64 va, u64 length,
		     unsigned int how, struct odp_waiter *waiter);
unsigned int odp_mirror_slow_faults(const struct odp_mirror *mirror);
unsigned int odp_mirror_slow_done(const struct odp_mirror *mirror);
int odp_mirror_fault(struct odp_mirror *mirror, u64 va, u64 length,
		     bool write);

/**
 * enum odp_prefetch - how far odp_mirror_prefetch() goes for a page
 * @ODP_PREFETCH_READ: bring it in for reading
 * @ODP_PREFETCH_WRITE: bring it in for writing
 * @ODP_PREFETCH_NO_FAULT: take it if it is present
 */
enum odp_prefetch {
	ODP_PREFETCH_READ,
	ODP_PREFETCH_WRITE,
	ODP_PREFETCH_NO_FAULT,
};

int odp_mirror_prefetch(struct odp_mirror *mirror, u64 va, u64 length,
			enum odp_prefetch how);
int odp_mirror_prefetch_later(struct odp_mirror *mirror, u64 va, u64 length,
			      enum odp_prefetch how);

/* A page's state in a report: a set of these; 0 is FAULT. */
#define ODP_PAGE_READ		BIT(0)	/* the CPU page table gives read */
#define ODP_PAGE_WRITE		BIT(1)	/* and write, and the mirror allows it */
#define ODP_PAGE_HUGE		BIT(2)	/* part of a mapping of 2 MiB or more */
#define ODP_PAGE_MIRRORED	BIT(3)	/* it is in the table */
#define ODP_PAGE_DIRTY		BIT(4)	/* and the device has written to it */
#define ODP_PAGE_EXCLUSIVE	BIT(5)	/* it was taken from the CPU */
#define ODP_PAGE_SPECIAL	BIT(6)	/* of a PFN map: a struct page is not its */
#define ODP_PAGE_IO		BIT(7)	/* and it is not the kernel's memory */

/**
 * typedef odp_report_fn - take note of neighbouring pages in the same state
 * @npages: how many
 * @state: a set of ODP_PAGE_* bits
 * @arg: the caller's
 *
 * Called with no lock held. Neighbouring runs may have the same state.
 *
 * Return: 0 to go on; anything else ends the report and is returned.
 */
typedef int (*odp_report_fn)(u64 npages, unsigned int state, void *arg);

int odp_mirror_report(struct odp_mirror *mirror, u64 va, u64 length,
		      unsigned int how, odp_report_fn fn, void *arg);
int odp_mirror_check_dax(struct odp_mirror *mirror, u64 va, u64 length);

bool odp_snap_stale(const struct odp_snap *snap);
unsigned long odp_snap_start(const struct odp_snap *snap);
unsigned long odp_snap_npages(const struct odp_snap *snap);
unsigned int odp_snap_page(const struct odp_snap *snap, unsigned long index,
			   unsigned long *pfn);

#endif /* RDMA_ODP_MIRROR_H */
