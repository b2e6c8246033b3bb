// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * On-demand paging on SoftRoCE, to be watched: a memory region over holes that
 * the device reaches into, before and after a hole is filled, and a region of
 * a terabyte of which only what is used takes memory.
 *
 * Exits with 0 only if every step did what it says.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <infiniband/odp.h>

#include "link.h"

#define PAGE ((size_t)4096)
#define TIB ((size_t)1 << 40)
#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_READ | IBV_ACCESS_ON_DEMAND)

/* Where no library puts a mapping of its own into the demo's holes. */
#define QUIET_PLACE ((void *)(32 * TIB))

/* Pages of the terabyte that are written, in runs far apart from each other. */
#define FAR_RUNS 4
#define FAR_RUN_PAGES 64
#define FAR_PAGES (FAR_RUNS * FAR_RUN_PAGES)

/* How long a page may take to leave after the kernel has been told, in ms. */
#define PATIENCE_MS 5000

static int step_nr;
static bool failed;

__attribute__((format(printf, 1, 2)))
static void step(const char *fmt, ...)
{
	va_list args;

	printf("\n%d. ", ++step_nr);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* Says what came out, and whether that is what should have. */
__attribute__((format(printf, 2, 3)))
static bool result(bool good, const char *fmt, ...)
{
	va_list args;

	printf("   %s ", good ? "[ok]   " : "[WRONG]");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	failed |= !good;
	return good;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static const char *state_name(uint8_t state)
{
	if (state & ODP_PAGE_WRITE)
		return "R/W";
	return state & ODP_PAGE_READ ? "R" : "FAULT";
}

/* Prints the three pages' states; whether they are the ones wanted. */
static bool show_snapshot(struct ibv_mr *mr, const uint8_t *start,
			  const char *const want[3])
{
	uint8_t states[3];
	bool good = true;
	int i, err;

	err = odp_mr_snapshot(mr, (uintptr_t)start, 3, states);
	if (err)
		return result(false, "no snapshot: %s", strerror(err));

	for (i = 0; i < 3; i++)
		good &= !strcmp(state_name(states[i]), want[i]);
	return result(good, "snapshot: %s  %s  %s", state_name(states[0]),
		      state_name(states[1]), state_name(states[2]));
}

/* Writes one page from the second queue pair and says how that ended. */
static bool show_write(struct link *l, struct ibv_mr *mr, uint8_t *to,
		       enum ibv_wc_status want)
{
	enum ibv_wc_status status;
	size_t i;

	for (i = 0; i < PAGE; i++)
		l->buf[i] = (uint8_t)(i * 7 + i / 256 + (size_t)step_nr);
	if (link_write(l, (uintptr_t)to, mr->rkey, PAGE, &status))
		return result(false, "the write could not be posted: %s",
			      strerror(errno));
	return result(status == want, "the write ended with: %s",
		      ibv_wc_status_str(status));
}

static bool show_data(const struct link *l, const uint8_t *page)
{
	bool same = !memcmp(page, l->buf, PAGE);

	return result(same, "the page holds %s %zu bytes that were sent",
		      same ? "the" : "something else than the", PAGE);
}

/* The main job: a region over a page between two holes. */
static bool three_pages(struct link *l)
{
	static const char *const before[] = { "FAULT", "R/W", "FAULT" };
	static const char *const after[] = { "FAULT", "R/W", "R/W" };
	uint8_t *start, *page, *hole;
	struct ibv_mr *mr = NULL;
	bool good = false;

	step("Map three pages, touch them, and unmap the outer two again.");
	start = mmap(QUIET_PLACE, 3 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE |
		     MAP_FIXED_NOREPLACE, -1, 0);
	if (start == MAP_FAILED)
		return result(false, "mmap: %s", strerror(errno));
	page = start + PAGE;
	hole = start + 2 * PAGE;
	if (munmap(start, PAGE) || munmap(hole, PAGE)) {
		result(false, "munmap: %s", strerror(errno));
		goto out;
	}
	result(true, "hole at %p, page at %p, hole at %p", (void *)start,
	       (void *)page, (void *)hole);

	step("Register all three as one memory region, on demand.");
	mr = ibv_reg_mr(l->pd, start, 3 * PAGE, ACCESS);
	if (!result(!!mr, "ibv_reg_mr(%p, 3 pages, ON_DEMAND): %s",
		    (void *)start, mr ? "registered" : strerror(errno)))
		goto out;
	if (!show_snapshot(mr, start, before))
		goto out;

	step("RDMA-write a page from the second queue pair into the middle.");
	if (!show_write(l, mr, page, IBV_WC_SUCCESS) || !show_data(l, page))
		goto out;

	step("RDMA-write a page into the second hole: this must be refused.");
	if (!show_write(l, mr, hole, IBV_WC_REM_ACCESS_ERR))
		goto out;
	if (!result(!link_restart(l), "the queue pairs are connected again"))
		goto out;

	step("Map the hole, and write again: same region, same key.");
	if (mmap(hole, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != hole) {
		result(false, "mmap: %s", strerror(errno));
		goto out;
	}
	good = show_write(l, mr, hole, IBV_WC_SUCCESS) &&
	       show_data(l, hole) && show_snapshot(mr, start, after);
out:
	if (mr && ibv_dereg_mr(mr))
		good = result(false, "ibv_dereg_mr failed");
	munmap(start, 3 * PAGE);
	return good;
}

static uint8_t *far_run(uint8_t *start, size_t run)
{
	return start + TIB / FAR_RUNS * run + 12345 * PAGE;
}

/* How many of the pages the device has in its table; -1 if it cannot say. */
static long count_mirrored(struct ibv_mr *mr, uint8_t *start)
{
	uint8_t states[FAR_RUN_PAGES];
	size_t run, i;
	long count = 0;

	for (run = 0; run < FAR_RUNS; run++) {
		if (odp_mr_snapshot(mr, (uintptr_t)far_run(start, run),
				    FAR_RUN_PAGES, states))
			return -1;
		for (i = 0; i < FAR_RUN_PAGES; i++)
			count += !!(states[i] & ODP_PAGE_MIRRORED);
	}
	return count;
}

static bool register_terabyte(struct link *l, uint8_t *start,
			      struct ibv_mr **mr)
{
	struct odp_stats stats;
	uint64_t ns;
	int err;

	step("Register 1 TiB of address space that nobody has touched.");
	ns = now_ns();
	*mr = ibv_reg_mr(l->pd, start, TIB, ACCESS);
	ns = now_ns() - ns;
	if (!*mr)
		return result(false, "ibv_reg_mr: %s", strerror(errno));
	err = odp_mr_get_stats(*mr, &stats);
	if (err)
		return result(false, "no counters: %s", strerror(err));
	return result(ns < 10000000 && !stats.table_bytes,
		      "registered in %.1f us, with %llu bytes of page table",
		      (double)ns / 1000, (unsigned long long)stats.table_bytes);
}

static bool write_far_pages(struct link *l, uint8_t *start, struct ibv_mr *mr)
{
	enum ibv_wc_status status;
	struct odp_stats stats;
	int err;
	size_t run, i;

	step("RDMA-write %d pages of it, in %d runs that are %zu GiB apart.",
	     FAR_PAGES, FAR_RUNS, TIB / FAR_RUNS >> 30);
	memset(l->buf, 0x77, PAGE);
	for (run = 0; run < FAR_RUNS; run++) {
		for (i = 0; i < FAR_RUN_PAGES; i++) {
			uint8_t *to = far_run(start, run) + i * PAGE;

			if (link_write(l, (uintptr_t)to, mr->rkey, PAGE,
				       &status))
				return result(false, "not posted: %s",
					      strerror(errno));
			if (status != IBV_WC_SUCCESS)
				return result(false, "write to %p: %s",
					      (void *)to,
					      ibv_wc_status_str(status));
			if (memcmp(to, l->buf, PAGE))
				return result(false, "wrong data at %p",
					      (void *)to);
		}
	}
	err = odp_mr_get_stats(mr, &stats);
	if (err)
		return result(false, "no counters: %s", strerror(err));
	return result(stats.faults < FAR_PAGES &&
		      stats.resident_pages >= FAR_PAGES &&
		      count_mirrored(mr, start) == FAR_PAGES,
		      "%llu pages were brought in by %llu faults; page table: %llu bytes",
		      (unsigned long long)stats.resident_pages,
		      (unsigned long long)stats.faults,
		      (unsigned long long)stats.table_bytes);
}

static bool drop_far_pages(uint8_t *start, struct ibv_mr *mr)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t deadline = now_ns() + PATIENCE_MS * 1000000ull;
	struct odp_stats stats;
	uint64_t before;
	long mirrored;
	int err;

	err = odp_mr_get_stats(mr, &stats);
	if (err)
		return result(false, "no counters: %s", strerror(err));
	before = stats.table_bytes;

	step("Give all of it back to the kernel: madvise(MADV_DONTNEED).");
	if (madvise(start, TIB, MADV_DONTNEED))
		return result(false, "madvise: %s", strerror(errno));

	mirrored = count_mirrored(mr, start);
	err = odp_mr_get_stats(mr, &stats);
	if (err)
		return result(false, "no counters: %s", strerror(err));
	if (!result(!mirrored && !stats.resident_pages,
		    "the device has %ld of the %d pages; %llu were taken from it",
		    mirrored, FAR_PAGES,
		    (unsigned long long)stats.invalidated_pages))
		return false;

	/* The table is taken down by a worker of the kernel. */
	while (!odp_mr_get_stats(mr, &stats) && stats.leaves &&
	       now_ns() < deadline)
		nanosleep(&pause, NULL);
	return result(!stats.leaves, "page table: %llu bytes, down from %llu",
		      (unsigned long long)stats.table_bytes,
		      (unsigned long long)before);
}

/* The region is much larger than memory, and only what is used counts. */
static bool terabyte(struct link *l)
{
	struct ibv_mr *mr = NULL;
	bool good = false;
	uint8_t *start;

	start = mmap(NULL, TIB, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return result(false, "mmap: %s", strerror(errno));
	/* Small pages, so that the counts below are the same everywhere. */
	madvise(start, TIB, MADV_NOHUGEPAGE);

	good = register_terabyte(l, start, &mr) &&
	       write_far_pages(l, start, mr) && drop_far_pages(start, mr);
	if (mr && ibv_dereg_mr(mr))
		good = result(false, "ibv_dereg_mr failed");
	munmap(start, TIB);
	return good;
}

static void usage(FILE *to)
{
	fprintf(to,
		"Usage: odp_demo [--device NAME] [--help]\n\n"
		"Shows on-demand paging on SoftRoCE, step by step: a memory region over holes, and one\n"
		"of a terabyte. Needs the project's kernel side. The exit status is 0 only if every\n"
		"step did what it says.\n\n"
		"  --device NAME  the RDMA device, rxe0 if it is not given\n"
		"  --help         this text\n");
}

int main(int argc, char **argv)
{
	const char *device = "rxe0";
	struct link link;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 3 && !strcmp(argv[1], "--device")) {
		device = argv[2];
	} else if (argc != 1) {
		usage(stderr);
		return EXIT_FAILURE;
	}

	step("Open %s and connect two of its queue pairs with each other.",
	     device);
	if (!result(!link_open(&link, device), "%s", link.message)) {
		link_close(&link);
		return EXIT_FAILURE;
	}
	if (three_pages(&link))
		terabyte(&link);
	link_close(&link);

	printf("\n%s\n", failed ? "The demo FAILED." :
	       "Every step did what it says.");
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
