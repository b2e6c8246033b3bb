// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What both tools need: opening a device, reading numbers, writing them so
 * that they are easy to read.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

int tool_version(const char *tool)
{
	printf("%s (libodp) %s\n", tool, ODP_VERSION);
	return tool_exit_status();
}

static struct ibv_device *choose(struct ibv_device **list, int nr,
				 const char *name)
{
	int i;

	if (!name && nr == 1)
		return list[0];
	for (i = 0; name && i < nr; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name))
			return list[i];
	}

	if (!nr)
		warnx("there is no RDMA device; \"rdma link add rxe0 type rxe netdev NAME\" makes one of a network interface");
	else if (!name)
		warnx("there is more than one RDMA device; say which with -d:");
	else
		warnx("there is no RDMA device %s; there are:", name);
	for (i = 0; i < nr; i++)
		fprintf(stderr, "  %s\n", ibv_get_device_name(list[i]));
	return NULL;
}

/*
 * What @take makes of the device with that name, or of the only one; NULL, after
 * a sentence, if there is no such device or @take returns NULL.
 */
static void *of_device(const char *name, void *(*take)(struct ibv_device *),
		       const char *failure)
{
	struct ibv_device **list, *device;
	void *taken = NULL;
	int nr;

	list = ibv_get_device_list(&nr);
	if (!list) {
		warn("RDMA devices cannot be listed");
		return NULL;
	}
	device = choose(list, nr, name);
	if (device) {
		taken = take(device);
		if (!taken)
			warn("%s %s", ibv_get_device_name(device), failure);
	}
	ibv_free_device_list(list);
	return taken;
}

static void *copy_name(struct ibv_device *device)
{
	return strdup(ibv_get_device_name(device));
}

static void *open_device(struct ibv_device *device)
{
	return ibv_open_device(device);
}

char *tool_device(const char *name)
{
	return of_device(name, copy_name, "cannot be looked at");
}

struct ibv_context *tool_open(const char *name)
{
	return of_device(name, open_device, "cannot be opened");
}

void tool_explain(int err, const char *device, uint32_t mrn)
{
	switch (err) {
	case EPERM:
		warnx("region %u of %s is another user's; run this as that user or as root",
		      mrn, device);
		break;
	case ENOENT:
		warnx("there is no region %u on %s; odpstat lists those that there are",
		      mrn, device);
		break;
	case EOPNOTSUPP:
		warnx("region %u of %s is not an on-demand one, or the kernel's rdma_rxe is not this project's",
		      mrn, device);
		break;
	case ESRCH:
		warnx("the process that registered region %u of %s is gone",
		      mrn, device);
		break;
	default:
		warnx("region %u of %s: %s", mrn, device, strerror(err));
	}
}

bool tool_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno &&
	       *value >= min && *value <= max;
}

bool tool_bytes(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || errno)
		return false;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (!*value || *value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

static struct short_text shorten(double value, double base, const char *units)
{
	struct short_text out;
	int unit = 0;

	while (value >= base - 0.5 && units[unit + 1]) {
		value /= base;
		unit++;
	}
	if (value < 9.95 && value != (double)(int)value)
		snprintf(out.text, sizeof(out.text), "%.1f", value);
	else
		snprintf(out.text, sizeof(out.text), "%.0f", value);
	if (unit)
		strncat(out.text, (char[]) { units[unit], '\0' }, 1);
	return out;
}

struct short_text short_bytes(uint64_t bytes)
{
	return shorten((double)bytes, 1024, " KMGTPE");
}

struct short_text short_count(double count)
{
	return shorten(count, 1000, " kMGTPE");
}

int tool_exit_status(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_SUCCESS;
	warn("the output cannot be written");
	return EXIT_FAILURE;
}
