/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Devices, to which mirrors belong.
 */
#ifndef ODP_DEVICE_H
#define ODP_DEVICE_H

#include <linux/list.h>
#include <rdma/odp_mirror.h>

struct odp_space;

/**
 * struct odp_attach - a device that has mirrors of a space
 * @space: the space
 * @device: the device
 * @space_list: in space->attached
 * @device_list: in @device->attached
 * @views: its mirrors
 * @invalidations: the space's when the device came to it
 * @invalidated_pages: the same
 */
struct odp_attach {
	struct odp_space *space;
	struct odp_device *device;
	struct list_head space_list;
	struct list_head device_list;
	unsigned int views;
	u64 invalidations;
	u64 invalidated_pages;
};

struct odp_attach *odp_attach(struct odp_space *s, struct odp_device *device);
void odp_detach(struct odp_attach *attach);

#endif /* ODP_DEVICE_H */
