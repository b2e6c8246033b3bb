// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Persistent memory: regions over files of ext4 and xfs on an NVDIMM, mapped
 * without a page cache (DAX), and the flush that makes what peers wrote last.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dax.h"
#include "env.h"
#include "pages.h"

#define PAGES 64
#define LEN (PAGES * PAGE)
#define ACCESS (ACCESS_ALL | IBV_ACCESS_FLUSH_GLOBAL | \
		IBV_ACCESS_FLUSH_PERSISTENT)

struct pmem {
	struct env *e;
	const char *type;
	char path[64];
	int fd;
	uint8_t *mem;
	size_t len;
	struct ibv_mr *mr;
};

/* A file with data of seed 1, or with nothing in it, mapped and registered. */
static struct pmem pmem_open(struct env *e, const char *type, size_t len,
			     int flags, bool fill)
{
	struct pmem p = { .e = e, .type = type, .len = len };
	uint8_t page[PAGE];
	size_t i;

	print_message("%s\n", type);
	snprintf(p.path, sizeof(p.path), DAX_DIR "/file");
	p.fd = open(p.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (p.fd < 0 || ftruncate(p.fd, (off_t)len))
		test_fail("%s: %s", p.path, strerror(errno));
	for (i = 0; fill && i < len; i += PAGE) {
		pattern_fill(page, PAGE, 1, i);
		assert_int_equal(pwrite(p.fd, page, PAGE, (off_t)i), PAGE);
	}
	p.mem = mmap(mem_free_range(len, HUGE_2M), len, PROT_READ | PROT_WRITE,
		     flags | MAP_FIXED, p.fd, 0);
	if (p.mem == MAP_FAILED)
		test_fail("mmap: %s", strerror(errno));
	p.mr = reg_odp(&e->rig, p.mem, len, ACCESS);
	return p;
}

static void pmem_close(struct pmem *p)
{
	dereg(&p->e->rig, p->mr);
	mem_unmap(p->mem, p->len);
	close(p->fd);
	unlink(p->path);
}

/* The file holds the pattern of @seed, as others read it. */
static void check_file(const struct pmem *p, size_t at, size_t len,
		       uint64_t seed)
{
	uint8_t buf[LEN];

	assert_int_equal(pread(p->fd, buf, len, (off_t)at), len);
	pattern_check("the file", buf, len, seed, 0);
}

/* Runs @fn with each kind of file system that the machine can have. */
static void with_each(struct env *e, void (*fn)(struct env *e,
						const char *type))
{
	static const char *const types[] = { "ext4", "xfs" };
	const char *why;
	size_t i, done = 0;

	for (i = 0; i < NR(types); i++) {
		why = dax_mount(types[i]);
		if (why) {
			part_is_skipped("%s: %s", types[i], why);
			continue;
		}
		fn(e, types[i]);
		done++;
	}
	if (!done)
		skip_because("%s", why);
}

static enum ibv_wc_status flush(struct pmem *p, size_t at, size_t len,
				uint8_t level)
{
	return do_flush(&p->e->rc, ref_r(p->mr, p->mem + at), len,
			IBV_FLUSH_PERSISTENT, level);
}

static void both_ways(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_SHARED, true);

	env_read_and_check(e, p.mr, p.mem, LEN, 1);
	env_write_and_check(e, p.mr, p.mem + 100, LEN - 300, 2);
	check_file(&p, 100, LEN - 300, 2);
	assert_int_equal(fsync(p.fd), 0);
	env_write_and_check(e, p.mr, p.mem + 100, LEN - 300, 3);
	check_file(&p, 100, LEN - 300, 3);
	pmem_close(&p);
}

static void persistent_memory_goes_both_ways(void **state)
{
	with_each(*state, both_ways);
}

/* What is a hole reads zeros, and gets blocks when a peer writes. */
static void sparse_file(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_SHARED, false);

	memset(e->buf, 0xff, LEN);
	expect_success("read of a hole", do_read(&e->rc, env_buf(e),
						 ref_r(p.mr, p.mem), LEN));
	zeros_check("a hole", e->buf, LEN);
	expect_state("a hole", p.mr, p.mem, PAGE_ACCESS, ODP_PAGE_READ);
	env_write_and_check(e, p.mr, p.mem + 5 * PAGE, 3 * PAGE, 4);
	check_file(&p, 5 * PAGE, 3 * PAGE, 4);
	zeros_check("before it", p.mem, 5 * PAGE);
	zeros_check("behind it", p.mem + 8 * PAGE, LEN - 8 * PAGE);
	pmem_close(&p);
}

static void holes_of_a_file(void **state)
{
	with_each(*state, sparse_file);
}

/* Blocks that lie as huge pages do are mapped as such. */
static void huge_file(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, 4 * HUGE_2M, MAP_SHARED, false);
	size_t huge;

	if (fallocate(p.fd, 0, 0, 4 * HUGE_2M))
		test_fail("fallocate: %s", strerror(errno));
	memset(p.mem, 0x11, 4 * HUGE_2M);
	env_write_and_check(e, p.mr, p.mem + HUGE_2M - 5000, 10000, 5);
	huge = count_pages(p.mr, p.mem, 4 * HUGE_2M / PAGE, ODP_PAGE_HUGE);
	print_message("%zu of %zu pages are huge ones' parts\n", huge,
		      4 * HUGE_2M / PAGE);
	assert_true(huge > 0);
	assert_true(stats_of(p.mr).huge_entries > 0);
	check_file(&p, HUGE_2M - 5000, 10000, 5);
	pmem_close(&p);
}

static void huge_pages_of_a_file(void **state)
{
	with_each(*state, huge_file);
}

static void lasting(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_SHARED, true);

	/* Before anybody has touched it, and when all is there. */
	expect_success("flush of a cold page", flush(&p, PAGE, 64,
						     IBV_FLUSH_RANGE));
	env_write_and_check(e, p.mr, p.mem + 777, 9 * PAGE, 6);
	expect_success("flush of a range", flush(&p, 777, 9 * PAGE,
						 IBV_FLUSH_RANGE));
	expect_success("flush of the region", flush(&p, 0, LEN, IBV_FLUSH_MR));
	check_file(&p, 777, 9 * PAGE, 6);
	expect_refused(&e->rc, "flush beyond the region",
		       flush(&p, 1, LEN, IBV_FLUSH_RANGE));
	pmem_close(&p);
}

static void flush_makes_it_last(void **state)
{
	with_each(*state, lasting);
}

/* A region may be partly such memory: what is not must not be promised. */
static void mixed(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_SHARED, true);

	mem_map_at(p.mem + LEN / 2, LEN / 2, PROT_READ | PROT_WRITE);
	env_write_and_check(e, p.mr, p.mem + LEN / 2 - PAGE, 2 * PAGE, 7);
	expect_success("flush of the half that lasts",
		       flush(&p, 0, LEN / 2, IBV_FLUSH_RANGE));
	expect_refused(&e->rc, "flush of the half that does not",
		       flush(&p, LEN / 2, PAGE, IBV_FLUSH_RANGE));
	expect_refused(&e->rc, "flush across",
		       flush(&p, LEN / 2 - PAGE, 2 * PAGE, IBV_FLUSH_RANGE));
	expect_refused(&e->rc, "flush of all", flush(&p, 0, LEN, IBV_FLUSH_MR));

	/* Holes are no memory that could be lost. */
	mem_unmap(p.mem + LEN / 2, LEN / 2);
	expect_success("flush of the region with a hole",
		       flush(&p, 0, LEN, IBV_FLUSH_MR));
	pmem_close(&p);
}

static void flush_of_mixed_memory(void **state)
{
	with_each(*state, mixed);
}

/* A private map's copies are in RAM. */
static void copied(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_PRIVATE, true);

	env_read_and_check(e, p.mr, p.mem, LEN, 1);
	env_write_and_check(e, p.mr, p.mem, 3 * PAGE, 8);
	check_file(&p, 0, 3 * PAGE, 1);
	expect_success("flush of the file's own", flush(&p, 4 * PAGE, PAGE,
							IBV_FLUSH_RANGE));
	expect_refused(&e->rc, "flush of copies", flush(&p, 0, PAGE,
							IBV_FLUSH_RANGE));
	pmem_close(&p);
}

static void private_maps_do_not_last(void **state)
{
	with_each(*state, copied);
}

static void shrinking(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_SHARED, true);

	env_write_and_check(e, p.mr, p.mem, LEN, 9);
	if (fallocate(p.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      2 * PAGE, 4 * PAGE))
		test_fail("hole punch: %s", strerror(errno));
	/* And those around it, for the file system makes sure of them all. */
	expect_pages(p.mr, p.mem + 2 * PAGE, "FFFF");
	memset(e->buf, 0xff, 4 * PAGE);
	expect_success("read of the hole", do_read(&e->rc, env_buf(e),
						   ref_r(p.mr, p.mem + 2 * PAGE),
						   4 * PAGE));
	zeros_check("the hole", e->buf, 4 * PAGE);
	env_write_and_check(e, p.mr, p.mem + 3 * PAGE, PAGE, 10);
	check_file(&p, 3 * PAGE, PAGE, 10);

	assert_int_equal(ftruncate(p.fd, LEN / 2), 0);
	expect_pages(p.mr, p.mem + LEN / 2, "FF");
	expect_refused(&e->rc, "a write behind the end",
		       do_write(&e->rc, env_buf(e),
				ref_r(p.mr, p.mem + LEN / 2), 64));
	assert_int_equal(ftruncate(p.fd, LEN), 0);
	env_write_and_check(e, p.mr, p.mem + LEN / 2, LEN / 2, 11);
	check_file(&p, LEN / 2, LEN / 2, 11);
	pmem_close(&p);
}

static void truncate_and_hole_punch(void **state)
{
	with_each(*state, shrinking);
}

/* Files that share their blocks: a peer's write gets the file its own. */
static void shared_blocks(struct env *e, const char *type)
{
	struct pmem p = pmem_open(e, type, LEN, MAP_SHARED, true);
	struct pmem clone = p;

	env_read_and_check(e, p.mr, p.mem, LEN, 1);
	clone.fd = open(DAX_DIR "/clone", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (ioctl(clone.fd, FICLONE, p.fd)) {
		print_message("%s: no reflinks (%s)\n", type, strerror(errno));
		assert_string_equal(type, "ext4");
		goto out;
	}
	env_write_and_check(e, p.mr, p.mem + 1000, 5 * PAGE, 12);
	check_file(&p, 1000, 5 * PAGE, 12);
	check_file(&clone, 0, LEN, 1);
	expect_success("flush", flush(&p, 1000, 5 * PAGE, IBV_FLUSH_RANGE));

	/* And when the other one changes, this one does not. */
	pattern_fill(e->buf, PAGE, 13, 0);
	assert_int_equal(pwrite(clone.fd, e->buf, PAGE, 20 * PAGE), PAGE);
	memset(e->buf, 0, PAGE);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(p.mr, p.mem + 20 * PAGE), PAGE));
	pattern_check("the first file", e->buf, PAGE, 1, 20 * PAGE);
out:
	close(clone.fd);
	unlink(DAX_DIR "/clone");
	pmem_close(&p);
}

static void reflinks(void **state)
{
	with_each(*state, shared_blocks);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(persistent_memory_goes_both_ways),
		env_test(holes_of_a_file),
		env_test(huge_pages_of_a_file),
		env_test(flush_makes_it_last),
		env_test(flush_of_mixed_memory),
		env_test(private_maps_do_not_last),
		env_test(truncate_and_hole_punch),
		env_test(reflinks),
	};
	int status = ENV_MAIN(argc, argv, "pmem", tests);

	dax_umount();
	return status;
}
