/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that we support.
 */
#ifndef RXE_ODP_COMPAT_H
#define RXE_ODP_COMPAT_H

#include <linux/bits.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/sched/task.h>
#ifndef SUID_DUMP_USER
#include <linux/sched/exec_state.h>
#endif

/* Capability bits of the user ABI that not all kernels have a name for. */
#define RXE_ODP_SUPPORT_FLUSH		BIT(6)
#define RXE_ODP_SUPPORT_ATOMIC_WRITE	BIT(7)

/*
 * Is a process's memory no secret from its own user (PR_SET_DUMPABLE)? Under
 * RCU. Since 7.2 that is the process's and not its memory's.
 */
static inline bool rxe_odp_dumpable(struct task_struct *task)
{
#ifdef SUID_DUMP_USER
	bool dumpable;

	task_lock(task);
	dumpable = task->mm && get_dumpable(task->mm) == SUID_DUMP_USER;
	task_unlock(task);

	return dumpable;
#else
	struct task_exec_state *state = rcu_dereference(task->exec_state);

	return state && READ_ONCE(state->dumpable) == TASK_DUMPABLE_OWNER;
#endif
}

#endif /* RXE_ODP_COMPAT_H */
