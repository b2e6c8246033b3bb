// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Who may see where a region's memory is and what its table has: who may see
 * all (CAP_SYS_ADMIN), and the user whose process registered it.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <net/sock.h>
#include <rdma/restrack.h>

#include "rxe.h"
#include "odp_compat.h"

/*
 * The rules of ptrace(2) for looking at a process: all of its identities are
 * the looker's, it has no right that the looker lacks, and its memory is no
 * secret from its own user. That function itself is not for modules.
 */
static bool rxe_odp_same_user(const struct cred *who, struct task_struct *task)
{
	const struct cred *cred = __task_cred(task);

	return who->user_ns == cred->user_ns &&
	       uid_eq(who->fsuid, cred->euid) &&
	       uid_eq(who->fsuid, cred->suid) &&
	       uid_eq(who->fsuid, cred->uid) &&
	       gid_eq(who->fsgid, cred->egid) &&
	       gid_eq(who->fsgid, cred->sgid) &&
	       gid_eq(who->fsgid, cred->gid) &&
	       cap_issubset(cred->cap_permitted, who->cap_permitted) &&
	       rxe_odp_dumpable(task);
}

/* The thread that registered the region may have ended: ask its process. */
static bool rxe_odp_owns(const struct cred *who, const struct rxe_mr *mr)
{
	struct task_struct *task = mr->ibmr.res.task;
	bool owns = false;

	if (!task)
		return false;
	rcu_read_lock();
	task = pid_task(task_tgid(task), PIDTYPE_TGID);
	if (task)
		owns = rxe_odp_same_user(who, task);
	rcu_read_unlock();

	return owns;
}

/**
 * rxe_odp_may_look - may the calling process look at a region by its number?
 * @mr: an on-demand region; the caller holds its restrack entry
 *
 * Return: true if it may.
 */
bool rxe_odp_may_look(const struct rxe_mr *mr)
{
	return capable(CAP_SYS_ADMIN) || rxe_odp_owns(current_cred(), mr);
}

/**
 * rxe_odp_may_see_place - may a netlink message tell where a region is?
 * @msg: the message; of one that does not belong to a socket yet, the reader
 *	 is not known
 * @mr: an on-demand region; the caller holds its restrack entry
 *
 * As with keys, which the RDMA core leaves out by itself, it takes the right
 * of who opened the socket and of who reads now.
 *
 * Return: true if it may.
 */
bool rxe_odp_may_see_place(const struct sk_buff *msg, const struct rxe_mr *mr)
{
	if (!msg->sk)
		return false;

	return sk_capable(msg->sk, CAP_SYS_ADMIN) ||
	       (rxe_odp_owns(msg->sk->sk_socket->file->f_cred, mr) &&
		rxe_odp_owns(current_cred(), mr));
}
