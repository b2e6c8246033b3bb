// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Devices: what all mirrors of one share, whatever their space: counters and
 * an end.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "device.h"
#include "events.h"
#include "space.h"

/**
 * odp_device_init - begin with no mirrors
 * @device: zeroed memory
 */
void odp_device_init(struct odp_device *device)
{
	mutex_init(&device->lock);
	INIT_LIST_HEAD(&device->attached);
	INIT_LIST_HEAD(&device->events);
}
EXPORT_SYMBOL_GPL(odp_device_init);

/**
 * odp_device_kill - a device goes: let no fault of its mirrors wait any more
 * @device: the device
 *
 * To all of its mirrors, those that are yet to be made as well, this is what
 * odp_mirror_kill() is. Its events files take nothing new; no more of them may be
 * made, and without this the device may not be freed while there are any. May
 * sleep, but not for any page.
 */
void odp_device_kill(struct odp_device *device)
{
	struct odp_attach *attach;

	mutex_lock(&device->lock);
	WRITE_ONCE(device->dying, true);
	list_for_each_entry(attach, &device->attached, device_list)
		mod_delayed_work(odp_wq, &attach->space->slow.kicker, 0);
	mutex_unlock(&device->lock);
	odp_events_hang_up(device);
}
EXPORT_SYMBOL_GPL(odp_device_kill);

/**
 * odp_attach - a device has a new mirror of a space
 * @s: the space
 * @device: what the device counts into
 *
 * Return: what to give to odp_detach(), or ERR_PTR(-ENOMEM).
 */
struct odp_attach *odp_attach(struct odp_space *s, struct odp_device *device)
{
	struct odp_attach *attach;

	mutex_lock(&s->attached_lock);
	list_for_each_entry(attach, &s->attached, space_list)
		if (attach->device == device)
			goto found;

	attach = kzalloc(sizeof(*attach), GFP_KERNEL_ACCOUNT);
	if (!attach) {
		attach = ERR_PTR(-ENOMEM);
		goto out;
	}
	attach->space = s;
	attach->device = device;
	attach->invalidations = atomic64_read(&s->invalidations);
	attach->invalidated_pages = atomic64_read(&s->invalidated_pages);
	list_add(&attach->space_list, &s->attached);
	mutex_lock(&device->lock);
	list_add(&attach->device_list, &device->attached);
	mutex_unlock(&device->lock);
found:
	attach->views++;
out:
	mutex_unlock(&s->attached_lock);
	return attach;
}

/**
 * odp_detach - a device's mirror of a space is gone
 * @attach: as odp_attach() returned it
 */
void odp_detach(struct odp_attach *attach)
{
	struct odp_device *device = attach->device;
	struct odp_space *s = attach->space;

	mutex_lock(&s->attached_lock);
	if (--attach->views)
		goto out;
	list_del(&attach->space_list);
	mutex_lock(&device->lock);
	list_del(&attach->device_list);
	device->invalidations += atomic64_read(&s->invalidations) -
				 attach->invalidations;
	device->invalidated_pages += atomic64_read(&s->invalidated_pages) -
				     attach->invalidated_pages;
	mutex_unlock(&device->lock);
	kfree(attach);
out:
	mutex_unlock(&s->attached_lock);
}
