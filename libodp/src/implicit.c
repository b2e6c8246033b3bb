// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Implicit regions. A process has few of them: one for each PD and set of rights.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "caps.h"
#include "implicit.h"

struct implicit {
	struct ibv_mr *mr;
	unsigned int access;
	unsigned int refs;
	LIST_ENTRY(implicit) link;
};

/*
 * Guards the list, and the references. Making a region and ending one take the
 * same short time for all memory, so it is held meanwhile.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, implicit) all = LIST_HEAD_INITIALIZER(all);

static struct implicit *implicit_find(struct ibv_pd *pd, unsigned int access)
{
	struct implicit *implicit;

	LIST_FOREACH(implicit, &all, link) {
		if (implicit->mr->pd == pd && implicit->access == access)
			break;
	}
	return implicit;
}

static struct implicit *implicit_new(struct ibv_pd *pd, unsigned int access)
{
	struct implicit *implicit;
	struct odp_caps caps;
	int err;

	err = caps_of_device(pd->context, &caps);
	if (!err && !(caps.flags & ODP_CAP_IMPLICIT))
		err = EOPNOTSUPP;
	if (err) {
		errno = err;
		return NULL;
	}

	implicit = calloc(1, sizeof(*implicit));
	if (!implicit)
		return NULL;
	implicit->access = access;
	implicit->mr = ibv_reg_mr(pd, NULL, SIZE_MAX,
				  (int)access | IBV_ACCESS_ON_DEMAND);
	if (!implicit->mr)
		goto err;
	LIST_INSERT_HEAD(&all, implicit, link);

	return implicit;

err:
	err = errno;
	free(implicit);
	errno = err;
	return NULL;
}

struct implicit *implicit_get(struct ibv_pd *pd, unsigned int access)
{
	struct implicit *implicit;

	pthread_mutex_lock(&lock);
	implicit = implicit_find(pd, access);
	if (!implicit)
		implicit = implicit_new(pd, access);
	if (implicit)
		implicit->refs++;
	pthread_mutex_unlock(&lock);

	return implicit;
}

int implicit_put(struct implicit *implicit)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if (implicit->refs == 1)
		err = ibv_dereg_mr(implicit->mr);
	if (!err && !--implicit->refs) {
		LIST_REMOVE(implicit, link);
		free(implicit);
	}
	pthread_mutex_unlock(&lock);

	return err;
}

struct ibv_mr *implicit_mr(const struct implicit *implicit)
{
	return implicit->mr;
}
