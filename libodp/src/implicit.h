/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Implicit regions, which those who register share.
 */
#ifndef LIBODP_IMPLICIT_H
#define LIBODP_IMPLICIT_H

#include <infiniband/odp.h>

/* A PD's implicit region with certain rights. */
struct implicit;

/*
 * The PD's implicit region with that access, with one reference more; NULL
 * with errno set. EOPNOTSUPP if the device has none.
 */
struct implicit *implicit_get(struct ibv_pd *pd, unsigned int access);

/*
 * Gives a reference back. The region ends with its last one; if it cannot, it
 * stays, and so does the reference. Returns 0 or an errno.
 */
int implicit_put(struct implicit *implicit);

struct ibv_mr *implicit_mr(const struct implicit *implicit);

#endif /* LIBODP_IMPLICIT_H */
