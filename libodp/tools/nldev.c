// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Which on-demand regions a device has: the netlink messages that "rdma
 * resource show mr" is made of, and in them what SoftRoCE says of a region.
 */
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <rdma/rdma_netlink.h>

#include "nldev.h"

/* What a dump is to be put into. */
struct dump {
	const char *device;
	bool found;
	uint32_t index;
	struct od_regions *regions;
	bool no_memory;
};

static void copy_string(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = isascii(from[i]) && isprint(from[i]) ? from[i] : '?';
	to[i] = '\0';
}

static void read_command(struct od_region *region)
{
	char path[32], line[sizeof(region->command)] = "-";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", region->pid);
	file = fopen(path, "re");
	if (file) {
		if (fgets(line, sizeof(line), file))
			line[strcspn(line, "\n")] = '\0';
		fclose(file);
	}
	copy_string(region->command, sizeof(region->command), line);
}

static void set(struct od_region *region, const char *key, const char *value)
{
	if (!strcmp(key, "odp")) {
		copy_string(region->kind, sizeof(region->kind), value);
	} else if (!strcmp(key, "odp_policy")) {
		copy_string(region->policy, sizeof(region->policy), value);
	} else if (!strcmp(key, "odp_va")) {
		region->va = strtoull(value, NULL, 0);
	} else if (!strcmp(key, "odp_iova")) {
		region->iova = strtoull(value, NULL, 0);
		region->has_place = true;
	} else if (!strcmp(key, "odp_bytes")) {
		region->bytes = strtoull(value, NULL, 0);
	}
}

/* Keys and values in turns; how to print a value may stand between them. */
static void parse_details(struct od_region *region, struct nlattr *table)
{
	const char *key = NULL;
	struct nlattr *entry;
	int left;

	nla_for_each_nested(entry, table, left) {
		switch (nla_type(entry)) {
		case RDMA_NLDEV_ATTR_DRIVER_STRING:
			if (!key) {
				key = nla_get_string(entry);
				continue;
			}
			set(region, key, nla_get_string(entry));
			break;
		case RDMA_NLDEV_ATTR_DRIVER_PRINT_TYPE:
			continue;
		}
		key = NULL;
	}
}

/* Takes an MR if it is an on-demand one. */
static void add_region(struct dump *dump, struct nlattr *entry)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX];
	struct od_region region = {};
	struct od_region *grown;

	if (nla_parse_nested(tb, RDMA_NLDEV_ATTR_MAX - 1, entry, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_RES_MRN] || !tb[RDMA_NLDEV_ATTR_DRIVER])
		return;
	parse_details(&region, tb[RDMA_NLDEV_ATTR_DRIVER]);
	if (!region.kind[0])
		return;
	region.mrn = nla_get_u32(tb[RDMA_NLDEV_ATTR_RES_MRN]);
	if (tb[RDMA_NLDEV_ATTR_RES_PID])
		region.pid = nla_get_u32(tb[RDMA_NLDEV_ATTR_RES_PID]);
	read_command(&region);

	grown = reallocarray(dump->regions->region, dump->regions->nr + 1,
			     sizeof(*grown));
	if (!grown) {
		dump->no_memory = true;
		return;
	}
	dump->regions->region = grown;
	grown[dump->regions->nr++] = region;
}

static int on_device(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX];
	struct dump *dump = arg;

	if (nlmsg_parse(nlmsg_hdr(msg), 0, tb, RDMA_NLDEV_ATTR_MAX - 1, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_DEV_NAME] || !tb[RDMA_NLDEV_ATTR_DEV_INDEX])
		return NL_OK;
	if (!strcmp(nla_get_string(tb[RDMA_NLDEV_ATTR_DEV_NAME]),
		    dump->device)) {
		dump->found = true;
		dump->index = nla_get_u32(tb[RDMA_NLDEV_ATTR_DEV_INDEX]);
	}
	return NL_OK;
}

static int on_regions(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX], *entry;
	int left;

	if (nlmsg_parse(nlmsg_hdr(msg), 0, tb, RDMA_NLDEV_ATTR_MAX - 1, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_RES_MR])
		return NL_OK;
	nla_for_each_nested(entry, tb[RDMA_NLDEV_ATTR_RES_MR], left)
		add_region(arg, entry);
	return NL_OK;
}

/* Asks for all that a command has; 0 or an error of libnl. */
static int dump_all(struct nl_sock *sock, int command, struct dump *dump,
		    nl_recvmsg_msg_cb_t callback)
{
	struct nl_msg *msg;
	int err;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, callback, dump);
	msg = nlmsg_alloc_simple(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command),
				 NLM_F_DUMP);
	if (!msg)
		return -NLE_NOMEM;
	if (dump->found &&
	    (nla_put_u32(msg, RDMA_NLDEV_ATTR_DEV_INDEX, dump->index) ||
	     nla_put_u8(msg, RDMA_NLDEV_ATTR_DRIVER_DETAILS, 1)))
		err = -NLE_NOMEM;
	else
		err = nl_send_auto(sock, msg);
	nlmsg_free(msg);

	return err < 0 ? err : nl_recvmsgs_default(sock);
}

static int by_number(const void *a, const void *b)
{
	const struct od_region *x = a, *y = b;

	return (x->mrn > y->mrn) - (x->mrn < y->mrn);
}

int od_regions_get(const char *device, struct od_regions *regions)
{
	struct dump dump = { .device = device, .regions = regions };
	struct nl_sock *sock;
	int err;

	*regions = (struct od_regions) {};
	sock = nl_socket_alloc();
	if (!sock) {
		warnx("out of memory");
		return -1;
	}

	err = nl_connect(sock, NETLINK_RDMA);
	if (!err)
		err = dump_all(sock, RDMA_NLDEV_CMD_GET, &dump, on_device);
	if (err)
		goto out;
	if (!dump.found)
		err = -NLE_NODEV;
	else
		err = dump_all(sock, RDMA_NLDEV_CMD_RES_MR_GET, &dump,
			       on_regions);
	if (!err && dump.no_memory)
		err = -NLE_NOMEM;
out:
	nl_socket_free(sock);
	if (err) {
		warnx("the regions of %s cannot be listed: %s", device,
		      nl_geterror(err));
		od_regions_free(regions);
		return -1;
	}
	if (regions->nr)
		qsort(regions->region, regions->nr, sizeof(*regions->region),
		      by_number);
	return 0;
}

void od_regions_free(struct od_regions *regions)
{
	free(regions->region);
	*regions = (struct od_regions) {};
}

const struct od_region *od_regions_find(const struct od_regions *regions,
					uint32_t mrn)
{
	const struct od_region key = { .mrn = mrn };

	if (!regions->nr)
		return NULL;
	return bsearch(&key, regions->region, regions->nr,
		       sizeof(*regions->region), by_number);
}
