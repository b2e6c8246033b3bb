// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * RDMA for an ordinary user who may lock no memory at all (ulimit -l 0), as in
 * most containers: a pinned region of a page is refused, an on-demand one of
 * 64 GiB is not. Then a hundred thousand regions, which cost the process no
 * mapping and no pinned page.
 *
 * Exits with 0 only if all of that was so, and a peer's data was right.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "example.h"

#define NOBODY 65534
#define LARGE (64 * GIB)

/* Places of the large region that the peer writes and reads. */
#define PLACES 500

/* Of so many regions, the peer uses each hundredth. */
#define REGIONS 100000
#define USED 100

/* What they are registered over, in turn. */
#define SMALL_PAGES 1024

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Nobody in particular, with a limit of 0: both are what a container gives. */
static void become_ordinary(void)
{
	const struct rlimit none = {};

	if (setrlimit(RLIMIT_MEMLOCK, &none))
		err(EXIT_FAILURE, "setrlimit(RLIMIT_MEMLOCK)");
	if (!geteuid() && (setresgid(NOBODY, NOBODY, NOBODY) ||
			   setresuid(NOBODY, NOBODY, NOBODY)))
		err(EXIT_FAILURE, "becoming an ordinary user");
	say("user %u, RLIMIT_MEMLOCK 0", geteuid());
}

static uint8_t *map_memory(size_t len)
{
	uint8_t *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		err(EXIT_FAILURE, "mmap of %zu bytes", len);
	return mem;
}

/* How many mappings the process has: a limit, too (vm.max_map_count, 65530). */
static size_t count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	size_t lines = 0;
	int c;

	if (!maps)
		err(EXIT_FAILURE, "/proc/self/maps");
	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

static size_t pinned_kib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	size_t kib = SIZE_MAX;
	char line[128];

	if (!status)
		err(EXIT_FAILURE, "/proc/self/status");
	while (fgets(line, sizeof(line), status) &&
	       sscanf(line, "VmPin: %zu kB", &kib) != 1)
		;
	fclose(status);
	return kib;
}

/* EPERM of a limit of 0; one that is too low is ENOMEM. */
static void try_pinned(struct link *peer, uint8_t *mem, size_t len,
		       const char *size)
{
	struct ibv_mr *mr = ibv_reg_mr(peer->pd, mem, len, ACCESS);

	claim(!mr && errno == EPERM, "%s pinned: %s", size,
	      mr ? "registered" : strerror(errno));
	if (mr)
		ibv_dereg_mr(mr);
}

/* The peer writes to a place and reads it again; both must be what was sent. */
static bool use(struct link *peer, uint8_t *mem, struct ibv_mr *mr,
		uint64_t seed)
{
	pattern_fill(peer->buf, PAGE, seed);
	peer_write(peer, mem, mr, PAGE);
	memset(peer->buf, 0, PAGE);
	peer_read(peer, mem, mr, PAGE);
	return pattern_is(mem, PAGE, seed) &&
	       pattern_is(peer->buf, PAGE, seed);
}

static void large_region(struct link *peer, uint8_t *mem)
{
	double took = now_s();
	struct ibv_mr *mr;
	int i, wrong = 0;
	size_t page;

	mr = ibv_reg_mr(peer->pd, mem, LARGE, ACCESS | IBV_ACCESS_ON_DEMAND);
	took = now_s() - took;
	if (!claim(mr, "64 GiB on demand: %s, in %.1f us",
		   mr ? "registered" : strerror(errno), took * 1e6))
		return;
	for (i = 0; i < PLACES; i++) {
		page = pattern_word(1, (uint64_t)i) % (LARGE / PAGE);
		wrong += !use(peer, mem + page * PAGE, mr, page);
	}
	claim(!wrong, "a peer wrote and read %d pages all over it, %d of them wrong",
	      PLACES, wrong);
	claim(!pinned_kib(), "pinned: %zu KiB", pinned_kib());
	if (ibv_dereg_mr(mr))
		errx(EXIT_FAILURE, "ibv_dereg_mr");
}

static void many_regions(struct link *peer)
{
	static struct ibv_mr *mrs[REGIONS];
	uint8_t *mem = map_memory(SMALL_PAGES * PAGE);
	size_t before, after;
	int i, wrong = 0;
	double took;

	before = count_mappings();
	took = now_s();
	for (i = 0; i < REGIONS; i++) {
		mrs[i] = ibv_reg_mr(peer->pd, mem + i % SMALL_PAGES * PAGE,
				    PAGE, ACCESS | IBV_ACCESS_ON_DEMAND);
		if (!mrs[i])
			err(EXIT_FAILURE, "region %d", i);
	}
	took = now_s() - took;
	for (i = 0; i < REGIONS; i += REGIONS / USED)
		wrong += !use(peer, mem + i % SMALL_PAGES * PAGE, mrs[i],
			      (uint64_t)i);
	after = count_mappings();

	claim(before == after,
	      "%d regions, %.1f us each: %zu mappings before, %zu after",
	      REGIONS, took * 1e6 / REGIONS, before, after);
	claim(!wrong && !pinned_kib(),
	      "a peer used %d of them, %d wrong; pinned: %zu KiB", USED, wrong,
	      pinned_kib());
	for (i = 0; i < REGIONS; i++)
		if (ibv_dereg_mr(mrs[i]))
			errx(EXIT_FAILURE, "ibv_dereg_mr");
	munmap(mem, SMALL_PAGES * PAGE);
}

int main(int argc, char **argv)
{
	static const char *device = "rxe0";
	static const struct example_option options[] = {
		DEVICE_OPTION(&device), {}
	};
	struct link peer;
	uint8_t *mem;

	take_options(argc, argv,
		     "Takes RLIMIT_MEMLOCK 0, becomes nobody if it was root, and registers memory: pinned,\n"
		     "which fails, and on demand, 64 GiB first and then a hundred thousand regions.",
		     options);

	become_ordinary();
	peer_open(&peer, device);
	mem = map_memory(LARGE);
	try_pinned(&peer, mem, PAGE, "4 KiB");
	try_pinned(&peer, mem, LARGE, "64 GiB");
	large_region(&peer, mem);
	many_regions(&peer);
	munmap(mem, LARGE);
	link_close(&peer);
	return verdict();
}
