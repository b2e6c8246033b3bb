// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Events files: queues of notes, each about one thing, which read() makes records
 * of. Why there is always room for the next one says <rdma/odp_events.h>.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "events.h"
#include "watch.h"

/* So many records one read() gives at most. */
#define ODP_RECORDS_MAX	1024

/* Guards which files are which device's. */
static DEFINE_MUTEX(odp_events_mutex);

static void odp_events_free(struct kref *ref)
{
	struct odp_events *ev = container_of(ref, struct odp_events, ref);

	xa_destroy(&ev->watches);
	mutex_destroy(&ev->mutex);
	kfree(ev);
}

static void odp_events_put(struct odp_events *ev)
{
	kref_put(&ev->ref, odp_events_free);
}

/* Will nothing ever be told any more? Under the lock. */
static bool odp_events_over(const struct odp_events *ev)
{
	lockdep_assert_held(&ev->lock);
	return ev->gone && !ev->nr_notes;
}

/*
 * Under the lock: without it, whoever is told may read the note and close the file
 * before this is done.
 */
static void odp_events_wake(struct odp_events *ev)
{
	lockdep_assert_held(&ev->lock);
	if (!list_empty(&ev->ready))
		wake_up_poll(&ev->wait, EPOLLIN | EPOLLRDNORM);
	else if (odp_events_over(ev))
		wake_up_poll(&ev->wait, EPOLLERR | EPOLLHUP);
}

/**
 * odp_note_init - make room for what will be told
 * @note: zeroed memory
 * @events: the file that will tell it
 * @cookie: what the user calls it
 *
 * Return: 0; -ENOSPC if the file has too many; -EIO if its device is gone.
 */
int odp_note_init(struct odp_note *note, struct odp_events *events, u64 cookie)
{
	int err = 0;

	INIT_LIST_HEAD(&note->list);
	note->events = events;
	note->cookie = cookie;
	spin_lock(&events->lock);
	if (events->gone)
		err = -EIO;
	else if (events->nr_notes >= ODP_NOTES_MAX)
		err = -ENOSPC;
	else
		events->nr_notes++;
	spin_unlock(&events->lock);

	return err;
}

/**
 * odp_note_drop - tell no more
 * @note: the note, which nobody adds to; it is the caller's from here on
 */
void odp_note_drop(struct odp_note *note)
{
	struct odp_events *ev = note->events;

	spin_lock(&ev->lock);
	list_del_init(&note->list);
	ev->nr_notes--;
	odp_events_wake(ev);
	spin_unlock(&ev->lock);
}

static void odp_hits_add(struct odp_hits *to, const struct odp_hits *hits)
{
	if (!to->count) {
		*to = *hits;
		return;
	}
	to->count += hits->count;
	to->start = min(to->start, hits->start);
	to->last = max(to->last, hits->last);
	to->causes |= hits->causes;
}

/**
 * odp_note_hit - tell of invalidations
 * @note: a watch's
 * @hits: those
 *
 * Does not sleep.
 */
void odp_note_hit(struct odp_note *note, const struct odp_hits *hits)
{
	struct odp_events *ev = note->events;

	spin_lock(&ev->lock);
	odp_hits_add(&note->hits, hits);
	if (list_empty(&note->list)) {
		list_add_tail(&note->list, &ev->ready);
		odp_events_wake(ev);
	}
	spin_unlock(&ev->lock);
}

/**
 * odp_note_end - tell the last of something
 * @note: the note; whoever reads it may free it at once
 * @end: what to tell
 * @err: 0 or a negative errno
 *
 * Does not sleep.
 */
void odp_note_end(struct odp_note *note, enum odp_record_kind end, int err)
{
	struct odp_events *ev = note->events;

	spin_lock(&ev->lock);
	note->end = end;
	note->err = err;
	if (list_empty(&note->list))
		list_add_tail(&note->list, &ev->ready);
	odp_events_wake(ev);
	spin_unlock(&ev->lock);
}

static void odp_note_free(struct odp_note *note)
{
	kfree(note);
}

/**
 * odp_note_prefetch - make room for the end of a prefetch
 * @events: the file that will tell it
 * @cookie: what the user calls it
 *
 * Return: the note, for odp_note_prefetched() or odp_note_cancel(), or ERR_PTR()
 * of -ENOMEM or of what odp_note_init() says.
 */
struct odp_note *odp_note_prefetch(struct odp_events *events, u64 cookie)
{
	struct odp_note *note = kzalloc(sizeof(*note), GFP_KERNEL_ACCOUNT);
	int err;

	if (!note)
		return ERR_PTR(-ENOMEM);
	note->free = odp_note_free;
	err = odp_note_init(note, events, cookie);
	if (err) {
		kfree(note);
		return ERR_PTR(err);
	}
	kref_get(&events->ref);

	return note;
}

/**
 * odp_note_cancel - there is no prefetch after all
 * @note: as odp_note_prefetch() returned it
 */
void odp_note_cancel(struct odp_note *note)
{
	struct odp_events *ev = note->events;

	odp_note_drop(note);
	kfree(note);
	odp_events_put(ev);
}

/**
 * odp_note_prefetched - a prefetch has ended
 * @note: as odp_note_prefetch() returned it
 * @err: how: 0 or a negative errno
 *
 * That the process has gone is no other end than that the region has. Does not
 * sleep.
 */
void odp_note_prefetched(struct odp_note *note, int err)
{
	struct odp_events *ev = note->events;
	bool closed;

	if (err == -ESRCH || err == -EINTR)
		err = -ECANCELED;
	spin_lock(&ev->lock);
	closed = ev->closed;
	if (!closed) {
		note->end = ODP_RECORD_PREFETCHED;
		note->err = err;
		list_add_tail(&note->list, &ev->ready);
		odp_events_wake(ev);
	}
	spin_unlock(&ev->lock);
	if (closed)
		kfree(note);
	odp_events_put(ev);
}

/* What read() would say: 1: something, -EAGAIN: nothing yet, -EIO: nothing. */
static int odp_events_state(struct odp_events *ev)
{
	int state = -EAGAIN;

	spin_lock(&ev->lock);
	if (!list_empty(&ev->ready))
		state = 1;
	else if (odp_events_over(ev))
		state = -EIO;
	spin_unlock(&ev->lock);

	return state;
}

static struct odp_record odp_note_record(const struct odp_note *note,
					 const struct odp_hits *hits)
{
	if (!hits->count)
		return (struct odp_record) {
			.kind = note->end,
			.error = -note->err,
			.cookie = note->cookie,
		};
	return (struct odp_record) {
		.kind = ODP_RECORD_INVALIDATED,
		.cookie = note->cookie,
		.start = hits->start + note->name,
		.length = hits->last - hits->start + 1,
		.count = hits->count,
		.causes = hits->causes,
	};
}

/* Take what is to be told next: hits, if there are any, or else the end. */
static struct odp_note *odp_events_take(struct odp_events *ev,
					struct odp_hits *hits)
{
	struct odp_note *note;

	lockdep_assert_held(&ev->mutex);
	spin_lock(&ev->lock);
	note = list_first_entry_or_null(&ev->ready, struct odp_note, list);
	if (note) {
		*hits = note->hits;
		note->hits = (struct odp_hits) {};
		if (!hits->count || !note->end)
			list_del_init(&note->list);
	}
	spin_unlock(&ev->lock);

	return note;
}

/* It could not be told. */
static void odp_events_put_back(struct odp_events *ev, struct odp_note *note,
				const struct odp_hits *hits)
{
	lockdep_assert_held(&ev->mutex);
	spin_lock(&ev->lock);
	if (hits->count)
		odp_hits_add(&note->hits, hits);
	list_move(&note->list, &ev->ready);
	odp_events_wake(ev);
	spin_unlock(&ev->lock);
}

/*
 * Tell the next thing. Does not wait for the user's memory: others may wait for
 * the mutex, and a device's end for them. Returns 0, -EAGAIN or -EFAULT.
 */
static int odp_events_tell(struct odp_events *ev, char __user *buf)
{
	struct odp_record record;
	struct odp_note *note;
	struct odp_hits hits;

	note = odp_events_take(ev, &hits);
	if (!note)
		return -EAGAIN;
	record = odp_note_record(note, &hits);
	if (copy_to_user_nofault(buf, &record, sizeof(record))) {
		odp_events_put_back(ev, note, &hits);
		return -EFAULT;
	}
	if (!hits.count) {
		odp_note_drop(note);
		note->free(note);
	}

	return 0;
}

/* Tell what there is. Returns the length, -EAGAIN or another error. */
static ssize_t odp_events_tell_all(struct odp_events *ev, char __user *buf,
				   size_t room)
{
	size_t done;
	int err = 0;

	if (mutex_lock_interruptible(&ev->mutex))
		return -ERESTARTSYS;
	for (done = 0; done < room && !err;) {
		err = odp_events_tell(ev, buf + done * sizeof(struct odp_record));
		if (!err)
			done++;
	}
	mutex_unlock(&ev->mutex);

	return done ? done * sizeof(struct odp_record) : err;
}

/* The state, which is not -EAGAIN if the caller would wait. Or -ERESTARTSYS. */
static int odp_events_await(struct odp_events *ev, bool wait)
{
	int state;

	while ((state = odp_events_state(ev)) == -EAGAIN && wait)
		if (wait_event_interruptible(ev->wait,
					     odp_events_state(ev) != -EAGAIN))
			return -ERESTARTSYS;

	return state;
}

static ssize_t odp_events_read(struct file *file, char __user *buf,
			       size_t size, loff_t *pos)
{
	size_t room = min_t(size_t, size / sizeof(struct odp_record),
			    ODP_RECORDS_MAX);
	struct odp_events *ev = file->private_data;
	ssize_t done;
	int state;

	if (!room)
		return -EINVAL;
	do {
		state = odp_events_await(ev, !(file->f_flags & O_NONBLOCK));
		if (state < 0)
			return state;
		if (fault_in_safe_writeable(buf, sizeof(struct odp_record)))
			return -EFAULT;
		done = odp_events_tell_all(ev, buf, room);
		/* Another reader was faster, or the page is gone again. */
	} while ((done == -EAGAIN || done == -EFAULT) &&
		 !signal_pending(current));

	return done == -EAGAIN || done == -EFAULT ? -ERESTARTSYS : done;
}

static __poll_t odp_events_poll(struct file *file, poll_table *wait)
{
	struct odp_events *ev = file->private_data;

	poll_wait(file, &ev->wait, wait);
	switch (odp_events_state(ev)) {
	case -EAGAIN:
		return 0;
	case -EIO:
		return EPOLLERR | EPOLLHUP;
	default:
		return EPOLLIN | EPOLLRDNORM;
	}
}

static int odp_events_release(struct inode *inode, struct file *file)
{
	struct odp_events *ev = file->private_data;
	struct odp_note *note, *next;
	LIST_HEAD(notes);

	mutex_lock(&odp_events_mutex);
	list_del_init(&ev->device_list);
	mutex_unlock(&odp_events_mutex);

	odp_events_unwatch_all(ev);
	spin_lock(&ev->lock);
	ev->closed = true;
	list_splice_init(&ev->ready, &notes);
	spin_unlock(&ev->lock);
	list_for_each_entry_safe(note, next, &notes, list)
		note->free(note);
	odp_events_put(ev);

	return 0;
}

static const struct file_operations odp_events_fops = {
	.owner = THIS_MODULE,
	.read = odp_events_read,
	.poll = odp_events_poll,
	.release = odp_events_release,
	.llseek = noop_llseek,
};

/**
 * odp_events_file - make an events file
 * @device: for whose mirrors; once odp_device_kill() was called, and all notes
 *	were read, the file says that it is over
 *
 * Return: the file, or ERR_PTR(): -ENOMEM, -ENFILE.
 */
struct file *odp_events_file(struct odp_device *device)
{
	struct odp_events *ev;
	struct file *file;

	ev = kzalloc(sizeof(*ev), GFP_KERNEL_ACCOUNT);
	if (!ev)
		return ERR_PTR(-ENOMEM);
	kref_init(&ev->ref);
	mutex_init(&ev->mutex);
	xa_init_flags(&ev->watches, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&ev->device_list);
	spin_lock_init(&ev->lock);
	INIT_LIST_HEAD(&ev->ready);
	init_waitqueue_head(&ev->wait);

	file = anon_inode_getfile("[odp-events]", &odp_events_fops, ev,
				  O_RDONLY);
	if (IS_ERR(file)) {
		odp_events_put(ev);
		return file;
	}
	stream_open(file_inode(file), file);

	mutex_lock(&odp_events_mutex);
	ev->gone = READ_ONCE(device->dying);
	if (!ev->gone) {
		WRITE_ONCE(ev->device, device);
		list_add(&ev->device_list, &device->events);
	}
	mutex_unlock(&odp_events_mutex);

	return file;
}
EXPORT_SYMBOL_GPL(odp_events_file);

/**
 * odp_events_of - the events that a file is
 * @file: any file, which the caller holds
 * @device: whose they should be
 *
 * Return: those, as long as the file; or ERR_PTR(): -EBADF if it is another kind of
 * file, -EINVAL if it is another device's, -EIO if its device is gone.
 */
struct odp_events *odp_events_of(struct file *file,
				 const struct odp_device *device)
{
	const struct odp_device *of;
	struct odp_events *ev;

	if (file->f_op != &odp_events_fops)
		return ERR_PTR(-EBADF);
	ev = file->private_data;
	of = READ_ONCE(ev->device);
	if (!of)
		return ERR_PTR(-EIO);
	return of == device ? ev : ERR_PTR(-EINVAL);
}
EXPORT_SYMBOL_GPL(odp_events_of);

/**
 * odp_events_hang_up - a device goes
 * @device: the device, for which new files are made no more
 *
 * Its files take no new notes. Each is over when those that it has were read.
 */
void odp_events_hang_up(struct odp_device *device)
{
	struct odp_events *ev, *next;

	mutex_lock(&odp_events_mutex);
	list_for_each_entry_safe(ev, next, &device->events, device_list) {
		list_del_init(&ev->device_list);
		WRITE_ONCE(ev->device, NULL);
		spin_lock(&ev->lock);
		ev->gone = true;
		odp_events_wake(ev);
		spin_unlock(&ev->lock);
	}
	mutex_unlock(&odp_events_mutex);
}
