/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the engine alone takes, without system calls and packets.
 */
#ifndef ODP_SELFTEST_SPEED_H
#define ODP_SELFTEST_SPEED_H

#include <rdma/odp_mirror.h>

#include "odp_selftest_abi.h"

int odp_time(struct odp_mirror *mirror, struct odp_selftest_time *time);

#endif /* ODP_SELFTEST_SPEED_H */
