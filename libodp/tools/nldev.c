// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Which on-demand regions a device has, and their counters: the netlink messages
 * that "rdma resource show mr" and "rdma statistic show mr" are made of, and in
 * them what a driver says of a region.
 */
#include <ctype.h>
#include <err.h>
#include <stddef.h>
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

/* A number of a region, by the name that drivers give it. */
struct counter {
	const char *name;
	size_t offset;
};

#define COUNTER(name, field) { name, offsetof(struct odp_stats, field) }

/* SoftRoCE's, and what other drivers say by the same names. */
static const struct counter counters[] = {
	COUNTER("page_faults", faults),
	COUNTER("page_faults_local", local_faults),
	COUNTER("page_faults_remote", remote_faults),
	COUNTER("page_slow_faults", slow_faults),
	COUNTER("rnr_naks", rnr_naks),
	COUNTER("parked", parked),
	COUNTER("exclusive_takes", exclusive_takes),
	COUNTER("page_faulted_pages", faulted_pages),
	COUNTER("page_around_pages", around_pages),
	COUNTER("page_prefetched", prefetched_pages),
	COUNTER("page_prefetch", prefetched_pages),
	COUNTER("page_invalidations", invalidations),
	COUNTER("page_invalidated_pages", invalidated_pages),
	COUNTER("page_collisions", collisions),
	COUNTER("page_failed_faults", failed_faults),
	COUNTER("page_pinned_fallbacks", pinned_fallbacks),
	COUNTER("odp_resident_pages", resident_pages),
	COUNTER("odp_huge_entries", huge_entries),
	COUNTER("odp_windows", windows),
	COUNTER("odp_leaves", leaves),
	COUNTER("odp_table_bytes", table_bytes),
};

static void set_counter(struct odp_stats *stats, const char *name,
			uint64_t value)
{
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		if (!strcmp(counters[i].name, name))
			memcpy((char *)stats + counters[i].offset, &value,
			       sizeof(value));
	}
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
		case RDMA_NLDEV_ATTR_DRIVER_U64:
			if (key)
				set_counter(&region->stats, key,
					    nla_get_u64(entry));
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

static int by_number(const void *a, const void *b)
{
	const struct od_region *x = a, *y = b;

	return (x->mrn > y->mrn) - (x->mrn < y->mrn);
}

/* In a sorted list. */
static struct od_region *find(const struct od_regions *regions, uint32_t mrn)
{
	const struct od_region key = { .mrn = mrn };

	return bsearch(&key, regions->region, regions->nr,
		       sizeof(*regions->region), by_number);
}

/* The counters of one region: names and values. */
static void add_counters(struct dump *dump, struct nlattr *entry)
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX], *value;
	struct od_region *region;
	uint32_t mrn;
	int left;

	if (nla_parse_nested(tb, RDMA_NLDEV_ATTR_MAX - 1, entry, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_RES_MRN] ||
	    !tb[RDMA_NLDEV_ATTR_STAT_HWCOUNTERS])
		return;
	mrn = nla_get_u32(tb[RDMA_NLDEV_ATTR_RES_MRN]);
	region = find(dump->regions, mrn);
	if (!region)
		return;
	nla_for_each_nested(entry, tb[RDMA_NLDEV_ATTR_STAT_HWCOUNTERS], left) {
		if (nla_parse_nested(tb, RDMA_NLDEV_ATTR_MAX - 1, entry, NULL) ||
		    !tb[RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_NAME])
			continue;
		value = tb[RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_VALUE];
		if (value)
			set_counter(&region->stats,
				    nla_get_string(tb[RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_NAME]),
				    nla_get_u64(value));
	}
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

/* Calls @each for all regions that a message is about. */
static int each_region(struct nl_msg *msg, struct dump *dump,
		       void (*each)(struct dump *dump, struct nlattr *entry))
{
	struct nlattr *tb[RDMA_NLDEV_ATTR_MAX], *entry;
	int left;

	if (nlmsg_parse(nlmsg_hdr(msg), 0, tb, RDMA_NLDEV_ATTR_MAX - 1, NULL) ||
	    !tb[RDMA_NLDEV_ATTR_RES_MR])
		return NL_OK;
	nla_for_each_nested(entry, tb[RDMA_NLDEV_ATTR_RES_MR], left)
		each(dump, entry);
	return NL_OK;
}

static int on_regions(struct nl_msg *msg, void *arg)
{
	return each_region(msg, arg, add_region);
}

static int on_counters(struct nl_msg *msg, void *arg)
{
	return each_region(msg, arg, add_counters);
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
	     nla_put_u8(msg, RDMA_NLDEV_ATTR_DRIVER_DETAILS, 1) ||
	     (command == RDMA_NLDEV_CMD_STAT_GET &&
	      nla_put_u32(msg, RDMA_NLDEV_ATTR_STAT_RES,
			  RDMA_NLDEV_ATTR_RES_MR))))
		err = -NLE_NOMEM;
	else
		err = nl_send_auto(sock, msg);
	nlmsg_free(msg);

	return err < 0 ? err : nl_recvmsgs_default(sock);
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
	if (err || !regions->nr)
		goto out;
	qsort(regions->region, regions->nr, sizeof(*regions->region),
	      by_number);
	err = dump_all(sock, RDMA_NLDEV_CMD_STAT_GET, &dump, on_counters);
out:
	nl_socket_free(sock);
	if (err) {
		warnx("the regions of %s cannot be listed: %s", device,
		      nl_geterror(err));
		od_regions_free(regions);
		return -1;
	}
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
	return regions->nr ? find(regions, mrn) : NULL;
}
