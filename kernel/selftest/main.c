// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * /dev/odp_selftest: a device with a mirror and no NIC, so that a test can
 * read, write, snapshot, hold and race it. It gives root the memory of any
 * process, as /proc/PID/mem does; it is for test machines.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hold.h"
#include "map.h"
#include "odp_selftest_abi.h"
#include "speed.h"
#include "table.h"

/* A transfer goes through a buffer of this size. */
#define ODP_SELFTEST_CHUNK	65536

/* What ODP_SELFTEST_CREATE may count a mirror as one of. */
static struct odp_device odp_selftest_nic;

/**
 * struct odp_selftest - an open file
 * @mirror: NULL until ODP_SELFTEST_CREATE
 * @holds: its hold points
 * @table: its own table, if it has one
 * @map: what mmap() shows
 */
struct odp_selftest {
	struct odp_mirror *mirror;
	struct odp_holds holds;
	struct odp_own_table table;
	struct odp_map map;
};

typedef int (*odp_selftest_fn)(struct odp_selftest *st, void *arg);

static struct mm_struct *odp_selftest_mm(pid_t pid_nr)
{
	struct task_struct *task;
	struct mm_struct *mm;
	struct pid *pid;

	if (!pid_nr) {
		mmget(current->mm);
		return current->mm;
	}

	pid = find_get_pid(pid_nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return NULL;
	mm = get_task_mm(task);
	put_task_struct(task);

	return mm;
}

static int odp_selftest_create(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_create *create = arg;
	struct odp_mirror_attr attr = {
		.start = create->start,
		.length = create->length,
		.writable = create->writable,
		.policy = {
			.around = create->around,
			.max_pages = create->max_pages,
			.limit_ms = create->limit_ms,
		},
	};
	struct odp_mirror *mirror;

	if (!create->shared) {
		attr.probe = &odp_hold_probe;
		attr.probe_arg = &st->holds;
	}
	if (create->own_table) {
		attr.ops = &odp_own_ops;
		attr.table = &st->table;
	}
	if (create->device)
		attr.device = &odp_selftest_nic;
	attr.mm = odp_selftest_mm(create->pid);
	if (!attr.mm)
		return -ESRCH;
	mirror = odp_mirror_create(&attr);
	mmput(attr.mm);
	if (IS_ERR(mirror))
		return PTR_ERR(mirror);
	if (cmpxchg(&st->mirror, NULL, mirror)) {
		odp_mirror_destroy(mirror);
		return -EBUSY;
	}

	return 0;
}

static int odp_selftest_transfer(struct odp_selftest *st,
				 struct odp_selftest_io *io, bool write)
{
	unsigned int how =
		(io->how & ODP_SELFTEST_NOWAIT ? ODP_ACCESS_NOWAIT : 0) |
		(io->how & ODP_SELFTEST_ATOMIC ? ODP_ACCESS_ATOMIC : 0);
	void __user *buffer = u64_to_user_ptr(io->buffer);
	size_t bytes, done;
	void *chunk;
	int err = 0;

	chunk = kvmalloc(ODP_SELFTEST_CHUNK, GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;

	for (done = 0; done < io->length && !err; done += bytes) {
		bytes = min_t(size_t, io->length - done, ODP_SELFTEST_CHUNK);
		if (write && copy_from_user(chunk, buffer + done, bytes))
			err = -EIO;
		else if (write)
			err = odp_mirror_copy_in(st->mirror, io->va + done,
						 chunk, bytes, how);
		else
			err = odp_mirror_copy_out(st->mirror, io->va + done,
						  chunk, bytes, how);
		if (!err && !write && copy_to_user(buffer + done, chunk, bytes))
			err = -EIO;
	}
	kvfree(chunk);

	return err;
}

static int odp_selftest_read(struct odp_selftest *st, void *arg)
{
	return odp_selftest_transfer(st, arg, false);
}

static int odp_selftest_write(struct odp_selftest *st, void *arg)
{
	return odp_selftest_transfer(st, arg, true);
}

static int odp_selftest_fault(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_io *io = arg;

	return odp_mirror_fault(st->mirror, io->va, io->length, io->write);
}

static int odp_selftest_prefetch(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_io *io = arg;

	return odp_mirror_prefetch(st->mirror, io->va, io->length, io->write);
}

static int odp_selftest_report_run(u64 npages, unsigned int state, void *arg)
{
	u8 __user **states = arg;

	for (; npages; npages--, (*states)++)
		if (put_user((u8)state, *states))
			return -EIO;
	return 0;
}

static int odp_selftest_report(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_io *io = arg;
	u8 __user *states = u64_to_user_ptr(io->buffer);

	return odp_mirror_report(st->mirror, io->va, io->length, 0,
				 odp_selftest_report_run, &states);
}

static int odp_selftest_stats(struct odp_selftest *st, void *arg)
{
	BUILD_BUG_ON(sizeof(struct odp_selftest_stats) !=
		     sizeof(struct odp_stats));
	odp_mirror_stats(st->mirror, arg);

	return 0;
}

static int odp_selftest_kill(struct odp_selftest *st, void *arg)
{
	odp_mirror_kill(st->mirror);

	return 0;
}

static int odp_selftest_hold(struct odp_selftest *st, void *arg)
{
	return odp_hold_arm(&st->holds, arg);
}

static int odp_selftest_await(struct odp_selftest *st, void *arg)
{
	return odp_hold_await(&st->holds, arg);
}

static int odp_selftest_release(struct odp_selftest *st, void *arg)
{
	return odp_hold_release(&st->holds, arg);
}

static int odp_selftest_own_pages(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_io *io = arg;

	return odp_own_count(&st->table, io->va, io->va + io->length);
}

static int odp_selftest_set_policy(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_policy *want = arg;
	struct odp_policy policy = {
		.around = want->around,
		.max_pages = want->max_pages,
		.limit_ms = want->limit_ms,
		.exclusive = want->exclusive,
	};

	return odp_mirror_set_policy(st->mirror, &policy);
}

static int odp_selftest_get_policy(struct odp_selftest *st, void *arg)
{
	struct odp_selftest_policy *is = arg;
	struct odp_policy policy;

	odp_mirror_get_policy(st->mirror, &policy);
	*is = (struct odp_selftest_policy) {
		.around = policy.around,
		.max_pages = policy.max_pages,
		.limit_ms = policy.limit_ms,
		.exclusive = policy.exclusive,
	};

	return 0;
}

static int odp_selftest_revoke(struct odp_selftest *st, void *arg)
{
	__u32 *for_good = arg;

	odp_map_revoke(&st->map, *for_good);

	return 0;
}

static int odp_selftest_time(struct odp_selftest *st, void *arg)
{
	return odp_time(st->mirror, arg);
}

/* The calls, by number. */
static const struct odp_selftest_call {
	unsigned int cmd;
	odp_selftest_fn fn;
	bool bare;		/* needs no mirror */
} odp_selftest_calls[] = {
	{ ODP_SELFTEST_CREATE, odp_selftest_create, true },
	{ ODP_SELFTEST_REVOKE, odp_selftest_revoke, true },
	{ ODP_SELFTEST_READ, odp_selftest_read },
	{ ODP_SELFTEST_WRITE, odp_selftest_write },
	{ ODP_SELFTEST_FAULT, odp_selftest_fault },
	{ ODP_SELFTEST_PREFETCH, odp_selftest_prefetch },
	{ ODP_SELFTEST_REPORT, odp_selftest_report },
	{ ODP_SELFTEST_STATS, odp_selftest_stats },
	{ ODP_SELFTEST_KILL, odp_selftest_kill },
	{ ODP_SELFTEST_HOLD, odp_selftest_hold },
	{ ODP_SELFTEST_AWAIT, odp_selftest_await },
	{ ODP_SELFTEST_RELEASE, odp_selftest_release },
	{ ODP_SELFTEST_OWN_PAGES, odp_selftest_own_pages },
	{ ODP_SELFTEST_SET_POLICY, odp_selftest_set_policy },
	{ ODP_SELFTEST_GET_POLICY, odp_selftest_get_policy },
	{ ODP_SELFTEST_TIME, odp_selftest_time },
};

static const struct odp_selftest_call *odp_selftest_find(unsigned int cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(odp_selftest_calls); i++)
		if (odp_selftest_calls[i].cmd == cmd)
			return &odp_selftest_calls[i];
	return NULL;
}

static long odp_selftest_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	union {
		struct odp_selftest_create create;
		struct odp_selftest_io io;
		struct odp_selftest_stats stats;
		struct odp_selftest_hold hold;
		struct odp_selftest_policy policy;
		struct odp_selftest_time time;
		__u32 for_good;
	} u = {};
	const struct odp_selftest_call *call = odp_selftest_find(cmd);
	struct odp_selftest *st = file->private_data;
	void __user *user = (void __user *)arg;
	int ret;

	if (!call)
		return -ENOTTY;
	if (!call->bare && !READ_ONCE(st->mirror))
		return -ENXIO;
	if ((_IOC_DIR(cmd) & _IOC_WRITE) &&
	    copy_from_user(&u, user, _IOC_SIZE(cmd)))
		return -EFAULT;
	ret = call->fn(st, &u);
	if (ret >= 0 && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(user, &u, _IOC_SIZE(cmd)))
		return -EFAULT;

	return ret;
}

static int odp_selftest_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct odp_selftest *st = file->private_data;

	return odp_map_mmap(&st->map, vma);
}

static int odp_selftest_open(struct inode *inode, struct file *file)
{
	struct odp_selftest *st = kzalloc(sizeof(*st), GFP_KERNEL);

	if (!st)
		return -ENOMEM;
	odp_holds_init(&st->holds);
	odp_own_init(&st->table);
	odp_map_init(&st->map, file->f_mapping);
	file->private_data = st;

	return 0;
}

static int odp_selftest_close(struct inode *inode, struct file *file)
{
	struct odp_selftest *st = file->private_data;

	odp_holds_release_all(&st->holds);
	if (st->mirror)
		odp_mirror_destroy(st->mirror);
	odp_own_destroy(&st->table);
	odp_map_destroy(&st->map);
	kfree(st);

	return 0;
}

static const struct file_operations odp_selftest_fops = {
	.owner = THIS_MODULE,
	.open = odp_selftest_open,
	.release = odp_selftest_close,
	.unlocked_ioctl = odp_selftest_ioctl,
	.mmap = odp_selftest_mmap,
};

static struct miscdevice odp_selftest_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "odp_selftest",
	.fops = &odp_selftest_fops,
	.mode = 0600,
};

static int __init odp_selftest_init(void)
{
	odp_device_init(&odp_selftest_nic);

	return misc_register(&odp_selftest_dev);
}

static void __exit odp_selftest_exit(void)
{
	misc_deregister(&odp_selftest_dev);
	/* The mirrors that were destroyed last. */
	synchronize_rcu();
}

module_init(odp_selftest_init);
module_exit(odp_selftest_exit);

MODULE_DESCRIPTION("A mirror for tests of the ODP engine");
MODULE_LICENSE("Dual BSD/GPL");
