/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * SoftRoCE devices of a test's own, and what the kernel says of a device.
 */
#ifndef TESTS_NIC_H
#define TESTS_NIC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes an RDMA device on a dummy interface of the same name, with an IPv4
 * address, that rig_open() then opens in place of rxe0.
 */
void nic_add(const char *name, const char *address);

/* Takes away what is left of both. */
void nic_del(const char *name);

/* Makes and removes the RDMA device alone. */
void nic_plug(const char *name);
void nic_unplug(const char *name);
bool nic_is_there(const char *name);

/* A counter of "rdma statistic"; fails the test if there is none. */
int64_t nic_counter(const char *name, const char *counter);

#endif /* TESTS_NIC_H */
