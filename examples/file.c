// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * RDMA into a file and out of it, without a copy: the region is the mapping of
 * the file. A peer writes into it, the file goes to the disk and out of memory,
 * and read() finds what the peer wrote. Then write() changes the file, and the
 * peer reads that. A pinned region of such a mapping is refused.
 *
 * Exits with 0 only if every byte was right each time.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "example.h"

#define FILE_LEN (4 * MIB)
#define FILE_PAGES (FILE_LEN / PAGE)

/* What the peer writes: neither end of it, and none of its pieces, is a page. */
#define PEER_AT 1000
#define PEER_LEN (3 * MIB + 400)
#define PIECE 5000

/* What write() changes later. */
#define CHANGE_AT (MIB + 72)
#define CHANGE_LEN (2 * MIB)

enum { SEED_FIRST, SEED_PEER, SEED_CHANGE };

struct mapped {
	int fd;
	uint8_t *mem;		/* the mapping, which the device reaches */
	struct ibv_mr *mr;
	uint8_t *want;		/* what the file should hold */
};

static uint8_t *map_private(void)
{
	uint8_t *mem = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return mem;
}

/* A file without a name goes with the process. */
static void make_file(struct mapped *f, const char *folder)
{
	f->want = map_private();
	pattern_fill(f->want, FILE_LEN, SEED_FIRST);
	f->fd = open(folder, O_TMPFILE | O_RDWR, 0600);
	if (f->fd < 0)
		err(EXIT_FAILURE, "a file in %s; --folder names another place",
		    folder);
	if (pwrite(f->fd, f->want, FILE_LEN, 0) != (ssize_t)FILE_LEN)
		err(EXIT_FAILURE, "writing the file in %s", folder);
	f->mem = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
		      f->fd, 0);
	if (f->mem == MAP_FAILED)
		err(EXIT_FAILURE, "mmap of the file");
}

/*
 * The file system must hear of each first write to a clean page. Of a pinned page
 * it would not, so the kernel refuses.
 */
static void try_pinned(struct link *peer, struct mapped *f)
{
	struct ibv_mr *mr = ibv_reg_mr(peer->pd, f->mem, FILE_LEN, ACCESS);

	claim(!mr && errno == EFAULT, "the mapping pinned: %s",
	      mr ? "registered: is this a file system in memory?" :
	      strerror(errno));
	if (mr)
		ibv_dereg_mr(mr);
}

static size_t pages_in_memory(const struct mapped *f)
{
	static unsigned char in[FILE_PAGES];
	size_t i, n = 0;

	if (mincore(f->mem, FILE_LEN, in))
		err(EXIT_FAILURE, "mincore");
	for (i = 0; i < FILE_PAGES; i++)
		n += in[i] & 1;
	return n;
}

/*
 * To the disk, and out of memory: out of the process's page table, and with
 * that out of the device's; then out of the page cache. As root, and for all
 * files, /proc/sys/vm/drop_caches does the latter, too.
 */
static void drop(struct mapped *f)
{
	size_t cached = pages_in_memory(f), left;
	uint64_t device;

	if (msync(f->mem, FILE_LEN, MS_SYNC))
		err(EXIT_FAILURE, "msync");
	if (madvise(f->mem, FILE_LEN, MADV_DONTNEED))
		err(EXIT_FAILURE, "madvise");
	errno = posix_fadvise(f->fd, 0, FILE_LEN, POSIX_FADV_DONTNEED);
	if (errno)
		err(EXIT_FAILURE, "posix_fadvise");
	left = pages_in_memory(f);
	device = stats_of(f->mr).resident_pages;
	claim(!left && !device,
	      "written out and dropped: of %zu pages in memory %zu are left, %llu of the device's",
	      cached, left, (unsigned long long)device);
}

static void peer_changes(struct link *peer, struct mapped *f)
{
	uint8_t *src = map_private();
	size_t at, len;

	pattern_fill(src, PEER_LEN, SEED_PEER);
	for (at = 0; at < PEER_LEN; at += len) {
		len = PEER_LEN - at < PIECE ? PEER_LEN - at : PIECE;
		memcpy(peer->buf, src + at, len);
		peer_write(peer, f->mem + PEER_AT + at, f->mr, len);
	}
	memcpy(f->want + PEER_AT, src, PEER_LEN);
	say("a peer wrote %zu bytes from byte %d on", PEER_LEN, PEER_AT);
	munmap(src, FILE_LEN);
}

/* What the file holds, for whoever reads it; edges of the change included. */
static void check_by_read(struct mapped *f)
{
	uint8_t *got = map_private();

	if (pread(f->fd, got, FILE_LEN, 0) != (ssize_t)FILE_LEN)
		err(EXIT_FAILURE, "reading the file");
	claim(!memcmp(got, f->want, FILE_LEN),
	      "read(): what the peer wrote, and around it what was there");
	munmap(got, FILE_LEN);
}

static void file_changes(struct mapped *f)
{
	uint8_t *src = map_private();

	pattern_fill(src, CHANGE_LEN, SEED_CHANGE);
	if (pwrite(f->fd, src, CHANGE_LEN, CHANGE_AT) != (ssize_t)CHANGE_LEN)
		err(EXIT_FAILURE, "writing the file");
	memcpy(f->want + CHANGE_AT, src, CHANGE_LEN);
	say("write() changed %zu bytes from byte %zu on", CHANGE_LEN, CHANGE_AT);
	munmap(src, FILE_LEN);
}

static void check_by_peer(struct link *peer, struct mapped *f)
{
	struct odp_stats before = stats_of(f->mr), after;
	size_t at, len, wrong = 0;

	for (at = 0; at < FILE_LEN; at += len) {
		len = FILE_LEN - at < PIECE ? FILE_LEN - at : PIECE;
		memset(peer->buf, 0, len);
		peer_read(peer, f->mem + at, f->mr, len);
		wrong += !!memcmp(peer->buf, f->want + at, len);
	}
	after = stats_of(f->mr);
	claim(!wrong,
	      "a peer read all of it, %zu pieces wrong; %llu faults, %llu waited for the disk",
	      wrong, (unsigned long long)(after.faults - before.faults),
	      (unsigned long long)(after.slow_faults - before.slow_faults));
}

int main(int argc, char **argv)
{
	static const char *device = "rxe0", *folder = "/var/tmp";
	static const struct example_option options[] = {
		DEVICE_OPTION(&device), FOLDER_OPTION(&folder), {}
	};
	struct link peer;
	struct mapped f;

	take_options(argc, argv,
		     "A peer writes into a file by RDMA, and read() finds that on the disk; write() changes\n"
		     "the file, and the peer reads that by RDMA.",
		     options);

	peer_open(&peer, device);
	make_file(&f, folder);
	try_pinned(&peer, &f);
	f.mr = ibv_reg_mr(peer.pd, f.mem, FILE_LEN,
			  ACCESS | IBV_ACCESS_ON_DEMAND);
	if (!claim(f.mr, "the mapping on demand: %s",
		   f.mr ? "registered" : strerror(errno)))
		return verdict();

	peer_changes(&peer, &f);
	drop(&f);
	check_by_read(&f);
	file_changes(&f);
	check_by_peer(&peer, &f);
	drop(&f);
	check_by_peer(&peer, &f);

	if (ibv_dereg_mr(f.mr))
		errx(EXIT_FAILURE, "ibv_dereg_mr");
	munmap(f.mem, FILE_LEN);
	munmap(f.want, FILE_LEN);
	close(f.fd);
	link_close(&peer);
	return verdict();
}
