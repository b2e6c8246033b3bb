// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Advice: prefetches for one who waits for them, and for one who does not.
 */
#include <linux/module.h>

#include "mirror.h"
#include "prefetch.h"
#include "slow.h"
#include "space.h"

/**
 * odp_mirror_prefetch - bring a range's pages in
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes
 * @how: how far to go for a page
 *
 * Pages that cannot be had are passed over. The caller brings in what can be
 * had at once. From the first page on that cannot, the process's workers do it
 * and the caller waits for them: from that wait a mirror's end gets it out,
 * whatever the page's own wait is like.
 *
 * Return: 0; -EFAULT if a page could not be had (never for
 * ODP_PREFETCH_NO_FAULT), all others having been brought in; -EINTR; -EINVAL,
 * -EACCES, -ENOMEM, -ESRCH, -ETIMEDOUT, -ECANCELED as odp_mirror_visit().
 */
int odp_mirror_prefetch(struct odp_mirror *m, u64 va, u64 length,
			enum odp_prefetch how)
{
	struct odp_answer answer;
	bool missed = false;
	int err;

	err = odp_prefetch_check(m, va, length, how);
	if (err)
		return err;

	err = odp_prefetch(m, &va, &length, how, false, &missed);
	if (err != -EINPROGRESS)
		goto out;
	err = odp_slow_prefetch(m, va, length, how, &answer);
	if (!err) {
		err = odp_slow_await(m, &answer);
		missed |= answer.missed;
	} else if (err == -ESRCH) {
		/* There never was a worker, or they are dead. */
		err = odp_prefetch(m, &va, &length, how, true, &missed);
	}
out:
	if (!err && missed && how != ODP_PREFETCH_NO_FAULT)
		err = -EFAULT;

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_prefetch);

/**
 * odp_mirror_prefetch_later - have a range's pages brought in
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes
 * @how: how far to go for a page
 *
 * The process's workers do it, as long as the mirror lives. Does not wait for
 * any page.
 *
 * Return: 0; -EINVAL, -EACCES as odp_mirror_prefetch(); -EBUSY if the process
 * has too many of them under way; -ESRCH if it has no worker any more; -ENOMEM.
 */
int odp_mirror_prefetch_later(struct odp_mirror *m, u64 va, u64 length,
			      enum odp_prefetch how)
{
	int err;

	err = odp_prefetch_check(m, va, length, how);
	if (err || !length)
		return err;

	return odp_slow_prefetch(m, va, length, how, NULL);
}
EXPORT_SYMBOL_GPL(odp_mirror_prefetch_later);
