// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Prefetch: bringing pages in before an access needs them.
 */
#include <linux/module.h>
#include <linux/sched.h>

#include "fault.h"
#include "leaf.h"
#include "mirror.h"

/* Does the table give access to all of a span? */
static bool odp_prefetched(struct odp_mirror *m, struct odp_span span,
			   bool write)
{
	unsigned long va = span.start;

	for (; span.npages; span.npages--, va += PAGE_SIZE)
		if (!odp_pte_allows(odp_leaf_peek(m, va), write))
			return false;
	return true;
}

/**
 * odp_mirror_prefetch - bring a range's pages in
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes
 * @how: how far to go for a page
 *
 * Pages that cannot be had are passed over. May sleep.
 *
 * Return: 0; -EFAULT if a page could not be had (never for
 * ODP_PREFETCH_NO_FAULT), all others having been brought in; -EINVAL,
 * -EACCES, -ENOMEM, -ESRCH, -ETIMEDOUT, -ECANCELED as odp_mirror_visit().
 */
int odp_mirror_prefetch(struct odp_mirror *m, u64 va, u64 length,
			enum odp_prefetch how)
{
	bool write = how == ODP_PREFETCH_WRITE, missed = false;
	struct odp_span span, none = {};
	u64 end = va + length;
	unsigned int round;
	int err;

	if (!length)
		return 0;
	if (!odp_mirror_covers(m, va, length))
		return -EINVAL;
	if (write && !READ_ONCE(m->writable))
		return -EACCES;

	for (; va < end; va = span.start + (span.npages << PAGE_SHIFT)) {
		span = odp_span_of(va, end - va);
		if (odp_prefetched(m, span, write))
			continue;
		err = -EAGAIN;
		for (round = 0; round < ODP_ROUNDS && err == -EAGAIN; round++)
			err = odp_fault(m, none, span, write,
					how == ODP_PREFETCH_NO_FAULT ?
					ODP_POPULATE_NO : ODP_POPULATE_WAIT);
		if (err && err != -EAGAIN)
			return err;
		missed = missed || !odp_prefetched(m, span, write);
		cond_resched();
	}

	return missed && how != ODP_PREFETCH_NO_FAULT ? -EFAULT : 0;
}
EXPORT_SYMBOL_GPL(odp_mirror_prefetch);
