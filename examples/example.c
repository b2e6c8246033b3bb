// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What the examples share: their options, a peer whose requests must succeed,
 * data that does not repeat, and what an example claims.
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "example.h"

static bool failed;

static void usage(FILE *to, const char *about,
		  const struct example_option *list)
{
	fprintf(to, "Usage: %s [OPTION]...\n\n%s\n\n",
		program_invocation_short_name, about);
	for (; list->name; list++)
		fprintf(to, "  --%-6s %-5s %s; %s if it is not given\n",
			list->name, list->value, list->text, *list->to);
	fprintf(to, "  --help         this text\n");
}

void take_options(int argc, char **argv, const char *about,
		  const struct example_option *list)
{
	struct option options[MAX_OPTIONS + 2] = {};
	int n, chosen;

	for (n = 0; list[n].name && n < MAX_OPTIONS; n++)
		options[n] = (struct option) {
			list[n].name, required_argument, NULL, n
		};
	options[n] = (struct option) { "help", no_argument, NULL, n };

	while ((chosen = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (chosen == n) {
			usage(stdout, about, list);
			exit(EXIT_SUCCESS);
		}
		if (chosen > n)
			break;
		*list[chosen].to = optarg;
	}
	if (chosen >= 0 || optind < argc) {
		usage(stderr, about, list);
		exit(EXIT_FAILURE);
	}
}

void peer_open(struct link *peer, const char *device)
{
	if (link_open(peer, device))
		errx(EXIT_FAILURE, "%s", peer->message);
}

void peer_write(struct link *peer, void *to, const struct ibv_mr *mr,
		size_t len)
{
	enum ibv_wc_status status;

	if (link_write(peer, (uintptr_t)to, mr->rkey, (uint32_t)len, &status))
		err(EXIT_FAILURE, "an RDMA write to %p", to);
	if (status != IBV_WC_SUCCESS)
		errx(EXIT_FAILURE, "an RDMA write to %p: %s", to,
		     ibv_wc_status_str(status));
}

void peer_read(struct link *peer, const void *from, const struct ibv_mr *mr,
	       size_t len)
{
	enum ibv_wc_status status;

	if (link_read(peer, (uintptr_t)from, mr->rkey, (uint32_t)len, &status))
		err(EXIT_FAILURE, "an RDMA read from %p", from);
	if (status != IBV_WC_SUCCESS)
		errx(EXIT_FAILURE, "an RDMA read from %p: %s", from,
		     ibv_wc_status_str(status));
}

uint64_t pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15ull + index;

	x = (x ^ (x >> 31)) * 0xda942042e4dd58b5ull;
	x = (x ^ (x >> 30)) * 0xff51afd7ed558ccdull;
	return htole64(x ^ (x >> 32));
}

void pattern_fill(void *buf, size_t len, uint64_t seed)
{
	uint64_t word;
	size_t at;

	for (at = 0; at < len; at += sizeof(word)) {
		word = pattern_word(seed, at);
		memcpy((uint8_t *)buf + at, &word, sizeof(word));
	}
}

bool pattern_is(const void *buf, size_t len, uint64_t seed)
{
	uint64_t word;
	size_t at;

	for (at = 0; at < len; at += sizeof(word)) {
		word = pattern_word(seed, at);
		if (memcmp((const uint8_t *)buf + at, &word, sizeof(word)))
			return false;
	}
	return true;
}

struct odp_stats stats_of(struct ibv_mr *mr)
{
	struct odp_stats stats;

	errno = odp_mr_get_stats(mr, &stats);
	if (errno)
		err(EXIT_FAILURE, "the region's counters");
	return stats;
}

static void print_line(const char *mark, const char *fmt, va_list args)
{
	printf("%-8s", mark);
	vprintf(fmt, args);
	printf("\n");
	fflush(stdout);
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line("", fmt, args);
	va_end(args);
}

bool claim(bool seen, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line(seen ? "[ok]" : "[WRONG]", fmt, args);
	va_end(args);
	failed |= !seen;
	return seen;
}

int verdict(void)
{
	puts(failed ? "It did NOT do what it says." : "It did what it says.");
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
