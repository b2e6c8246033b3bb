// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Mirrors: views of a space, each with a range, rights, a policy, counters and
 * a life of its own. Making and ending one touches no entry.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "mirror.h"
#include "space.h"

static int odp_policy_check(const struct odp_policy *policy)
{
	if (policy->around > ODP_AROUND_POPULATE || !policy->max_pages ||
	    policy->max_pages > ODP_AROUND_MAX || !policy->limit_ms ||
	    policy->limit_ms > ODP_LIMIT_MAX_MS)
		return -EINVAL;
	return policy->exclusive && !odp_has_exclusive() ? -EOPNOTSUPP : 0;
}

/**
 * odp_mirror_create - mirror a range of a process's address space
 * @attr: what and how
 *
 * Takes the same time and memory whatever the length: nothing is looked at,
 * nothing is pinned. May sleep. The caller holds a reference on the mm's users.
 *
 * Return: the mirror, or ERR_PTR(): -EINVAL for an empty range, one that
 * wraps around or leaves the user address space, or a bad policy; -ENOMEM;
 * -EAGAIN if the process may have no more threads and has none to fault.
 */
struct odp_mirror *odp_mirror_create(const struct odp_mirror_attr *attr)
{
	struct odp_mirror *m;
	int err;

	if (!attr->length || attr->start >= TASK_SIZE_MAX ||
	    attr->length > TASK_SIZE_MAX - attr->start)
		return ERR_PTR(-EINVAL);
	err = odp_policy_check(&attr->policy);
	if (err)
		return ERR_PTR(err);

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);
	kref_init(&m->ref);
	INIT_LIST_HEAD(&m->watches);
	m->start = attr->start;
	m->last = attr->start + attr->length - 1;
	m->writable = attr->writable;
	m->policy = attr->policy;
	m->space = odp_space_get(attr);
	if (IS_ERR(m->space)) {
		err = PTR_ERR(m->space);
		goto err_free;
	}
	if (attr->device) {
		m->attach = odp_attach(m->space, attr->device);
		if (IS_ERR(m->attach)) {
			err = PTR_ERR(m->attach);
			goto err_space;
		}
		RCU_INIT_POINTER(m->device, attr->device);
	}
	m->invalidations = atomic64_read(&m->space->invalidations);
	m->invalidated_pages = atomic64_read(&m->space->invalidated_pages);

	return m;

err_space:
	odp_space_put(m->space);
err_free:
	kfree(m);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(odp_mirror_create);

static void odp_mirror_free(struct kref *ref)
{
	struct odp_mirror *m = container_of(ref, struct odp_mirror, ref);

	odp_space_put(m->space);
	kfree(m);
}

/**
 * odp_mirror_get - take a reference
 * @m: the mirror, to which the caller has one
 */
void odp_mirror_get(struct odp_mirror *m)
{
	kref_get(&m->ref);
}
EXPORT_SYMBOL_GPL(odp_mirror_get);

/**
 * odp_mirror_put - give a reference back
 * @m: the mirror
 *
 * May sleep if the mirror has a table of its own.
 */
void odp_mirror_put(struct odp_mirror *m)
{
	kref_put(&m->ref, odp_mirror_free);
}
EXPORT_SYMBOL_GPL(odp_mirror_put);

/**
 * odp_mirror_kill - let no fault begin any more, and none wait
 * @m: the mirror
 *
 * Accesses that find their page go on; those that would have to fault end
 * with -ECANCELED. So do those that wait for a page, soon, for which this does
 * not wait. May be called again.
 */
void odp_mirror_kill(struct odp_mirror *m)
{
	WRITE_ONCE(m->dying, true);
	odp_slow_forget(m);
}
EXPORT_SYMBOL_GPL(odp_mirror_kill);

/**
 * odp_mirror_destroy - end a mirror
 * @m: the mirror, which no access uses any more
 *
 * Waits for nobody's memory: a fault that does keeps what it needs. Its watches
 * have ended when this returns. May sleep.
 */
void odp_mirror_destroy(struct odp_mirror *m)
{
	odp_mirror_kill(m);
	odp_watches_leave(m);
	if (m->attach) {
		RCU_INIT_POINTER(m->device, NULL);
		odp_detach(m->attach);
	}
	odp_mirror_put(m);
}
EXPORT_SYMBOL_GPL(odp_mirror_destroy);

/**
 * odp_mirror_start - where a mirror begins
 * @m: the mirror
 *
 * Return: the virtual address of its first byte.
 */
u64 odp_mirror_start(const struct odp_mirror *m)
{
	return m->start;
}
EXPORT_SYMBOL_GPL(odp_mirror_start);

/**
 * odp_mirror_length - how much a mirror covers
 * @m: the mirror
 *
 * Return: that, in bytes.
 */
u64 odp_mirror_length(const struct odp_mirror *m)
{
	return m->last - m->start + 1;
}
EXPORT_SYMBOL_GPL(odp_mirror_length);

/**
 * odp_mirror_set_policy - say how a mirror deals with faults from now on
 * @m: the mirror
 * @policy: how
 *
 * Return: 0; -EINVAL for a policy that there is not; -EOPNOTSUPP if it wants
 * pages taken from the CPU and this kernel cannot.
 */
int odp_mirror_set_policy(struct odp_mirror *m, const struct odp_policy *policy)
{
	int err = odp_policy_check(policy);

	if (err)
		return err;
	WRITE_ONCE(m->policy.around, policy->around);
	WRITE_ONCE(m->policy.max_pages, policy->max_pages);
	WRITE_ONCE(m->policy.limit_ms, policy->limit_ms);
	WRITE_ONCE(m->policy.exclusive, policy->exclusive);

	return 0;
}
EXPORT_SYMBOL_GPL(odp_mirror_set_policy);

/**
 * odp_mirror_get_policy - tell how a mirror deals with faults
 * @m: the mirror
 * @policy: filled in
 */
void odp_mirror_get_policy(const struct odp_mirror *m,
			   struct odp_policy *policy)
{
	policy->around = READ_ONCE(m->policy.around);
	policy->max_pages = READ_ONCE(m->policy.max_pages);
	policy->limit_ms = READ_ONCE(m->policy.limit_ms);
	policy->exclusive = READ_ONCE(m->policy.exclusive);
}
EXPORT_SYMBOL_GPL(odp_mirror_get_policy);

/**
 * odp_mirror_set_writable - say whether the device may write from now on
 * @m: the mirror
 * @writable: may it?
 *
 * An access under way may still go by the old answer.
 */
void odp_mirror_set_writable(struct odp_mirror *m, bool writable)
{
	WRITE_ONCE(m->writable, writable);
}
EXPORT_SYMBOL_GPL(odp_mirror_set_writable);
