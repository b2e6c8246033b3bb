// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Advice: prefetches for one who waits for them, and for one who does not.
 */
#include <linux/module.h>

#include "events.h"
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
	err = odp_slow_prefetch(m, va, length, how, &answer, NULL);
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

	return odp_slow_prefetch(m, va, length, how, NULL, NULL);
}
EXPORT_SYMBOL_GPL(odp_mirror_prefetch_later);

/**
 * odp_mirror_prefetch_notify - have a range's pages brought in, and be told
 * @m: the mirror
 * @va: the first byte's virtual address
 * @length: in bytes, not 0
 * @how: how far to go for a page
 * @events: the file that tells of the end, with an ODP_RECORD_PREFETCHED
 * @cookie: what the record calls it
 *
 * As odp_mirror_prefetch_later(). The error of the record is what
 * odp_mirror_prefetch() would return, with ECANCELED if the mirror or the process
 * was gone first.
 *
 * Return: 0, and there will be one record, unless the file is closed before; the
 * errors of odp_mirror_prefetch_later(), -EINVAL if the range is empty, -ENOSPC
 * if the file has too many notes, and -EIO if its device is gone, of which there
 * will be none.
 */
int odp_mirror_prefetch_notify(struct odp_mirror *m, u64 va, u64 length,
			       enum odp_prefetch how,
			       struct odp_events *events, u64 cookie)
{
	struct odp_note *note;
	int err;

	err = length ? odp_prefetch_check(m, va, length, how) : -EINVAL;
	if (err)
		return err;
	note = odp_note_prefetch(events, cookie);
	if (IS_ERR(note))
		return PTR_ERR(note);
	err = odp_slow_prefetch(m, va, length, how, NULL, note);
	if (err)
		odp_note_cancel(note);

	return err;
}
EXPORT_SYMBOL_GPL(odp_mirror_prefetch_notify);
