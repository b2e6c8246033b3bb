// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Regions over dma-bufs, of our provider: ibv_reg_dmabuf_mr() on a buffer of
 * udmabuf, which is made of a memfd's pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "env.h"
#include "knob.h"
#include "pages.h"

#define PAGES 32
#define LEN (PAGES * PAGE)
#define IOVA 0x123456000ull

struct buffer {
	uint8_t *mem;		/* the memfd's pages */
	int fd;			/* the dma-buf */
};

static struct buffer buffer_make(void)
{
	struct udmabuf_create create = { .size = LEN };
	struct buffer b = {};
	int dev, memfd;

	shell_try("modprobe -q udmabuf");
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		skip_because("this kernel has no udmabuf");
	memfd = memfd_create("odp-dmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, LEN) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		test_fail("memfd: %s", strerror(errno));
	b.mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (b.mem == MAP_FAILED)
		test_fail("mmap: %s", strerror(errno));
	create.memfd = (uint32_t)memfd;
	create.flags = UDMABUF_FLAGS_CLOEXEC;
	b.fd = ioctl(dev, UDMABUF_CREATE, &create);
	if (b.fd < 0)
		test_fail("UDMABUF_CREATE: %s", strerror(errno));
	close(memfd);
	close(dev);
	return b;
}

static void buffer_drop(struct buffer *b)
{
	munmap(b->mem, LEN);
	close(b->fd);
}

static struct ibv_mr *reg(struct env *e, uint64_t offset, size_t len,
			  uint64_t iova, int fd)
{
	return ibv_reg_dmabuf_mr(e->rig.pd, offset, len, iova, fd, ACCESS_ALL);
}

static void expect_refusal(struct env *e, const char *what, uint64_t offset,
			   size_t len, int fd)
{
	errno = 0;
	if (reg(e, offset, len, IOVA, fd) || errno != EINVAL)
		test_fail("%s: %s", what, strerror(errno));
}

static struct ref at(struct ibv_mr *mr, uint64_t iova)
{
	return (struct ref) { iova, mr->rkey };
}

static void goes_both_ways(void **state)
{
	struct env *e = *state;
	struct buffer b = buffer_make();
	struct ibv_mr *mr;

	mr = reg(e, 0, LEN, IOVA, b.fd);
	if (!mr)
		test_fail("ibv_reg_dmabuf_mr: %s", strerror(errno));
	/* The file is not needed any more, and no page before it is. */
	close(b.fd);
	assert_int_equal(stats_of(mr).resident_pages, 0);

	pattern_fill(e->buf, LEN - 200, 1, 0);
	expect_success("write", do_write(&e->rc, env_buf(e), at(mr, IOVA + 100),
					 LEN - 200));
	pattern_check("the buffer", b.mem + 100, LEN - 200, 1, 0);
	assert_int_equal(stats_of(mr).resident_pages, PAGES);

	pattern_fill(b.mem, LEN, 2, 0);
	memset(e->buf, 0, LEN);
	expect_success("read", do_read(&e->rc, env_buf(e), at(mr, IOVA), LEN));
	pattern_check("what was read", e->buf, LEN, 2, 0);

	memset(b.mem, 0, 16);
	expect_success("atomic", do_fetch_add(&e->rc, env_buf(e),
					      at(mr, IOVA + 8), 7));
	assert_int_equal(mem_load(b.mem + 8), 7);
	expect_refused(&e->rc, "a write behind the end",
		       do_write(&e->rc, env_buf(e), at(mr, IOVA + LEN - 1), 2));
	assert_int_equal(ibv_dereg_mr(mr), 0);
	munmap(b.mem, LEN);
}

/* A part that begins in the midst of a page. */
static void part_of_a_buffer(void **state)
{
	const uint64_t offset = 3 * PAGE + 123;
	const size_t len = 5 * PAGE;
	struct env *e = *state;
	struct buffer b = buffer_make();
	struct ibv_mr *mr;

	pattern_fill(b.mem, LEN, 3, 0);
	mr = reg(e, offset, len, IOVA + 123, b.fd);
	if (!mr)
		test_fail("ibv_reg_dmabuf_mr: %s", strerror(errno));
	pattern_fill(e->buf, len, 4, 0);
	expect_success("write", do_write(&e->rc, env_buf(e),
					 at(mr, IOVA + 123), (uint32_t)len));
	pattern_check("the part", b.mem + offset, len, 4, 0);
	pattern_check("before it", b.mem, offset, 3, 0);
	pattern_check("behind it", b.mem + offset + len, LEN - offset - len, 3,
		      offset + len);
	expect_refused(&e->rc, "a write before the part",
		       do_write(&e->rc, env_buf(e), at(mr, IOVA + 122), 1));
	assert_int_equal(ibv_dereg_mr(mr), 0);
	buffer_drop(&b);
}

/* How often the process has a dma-buf mapped. */
static unsigned int mappings(void)
{
	char line[512];
	unsigned int n = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	if (!maps)
		test_fail("/proc/self/maps: %s", strerror(errno));
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "dmabuf:") != NULL;
	fclose(maps);
	return n;
}

static void nothing_is_left(void **state)
{
	struct env *e = *state;
	struct buffer b = buffer_make();
	struct ibv_mr *mr;
	int i;

	assert_int_equal(mappings(), 0);
	for (i = 0; i < 100; i++) {
		mr = reg(e, 0, LEN, IOVA, b.fd);
		if (!mr)
			test_fail("ibv_reg_dmabuf_mr: %s", strerror(errno));
		assert_int_equal(mappings(), 1);
		assert_int_equal(ibv_dereg_mr(mr), 0);
		assert_int_equal(mappings(), 0);
	}
	buffer_drop(&b);
}

static void what_is_refused(void **state)
{
	struct env *e = *state;
	struct buffer b = buffer_make();
	int file = memfd_create("plain", MFD_CLOEXEC);

	assert_int_equal(ftruncate(file, LEN), 0);
	expect_refusal(e, "a file that is no dma-buf", 0, PAGE, file);
	expect_refusal(e, "nothing", 0, 0, b.fd);
	expect_refusal(e, "more than there is", 0, LEN + 1, b.fd);
	expect_refusal(e, "a part that leaves it", LEN - PAGE, PAGE + 1, b.fd);
	expect_refusal(e, "a length that wraps", PAGE, SIZE_MAX, b.fd);
	expect_refusal(e, "a part behind it", LEN + PAGE, PAGE, b.fd);
	assert_int_equal(mappings(), 0);
	close(file);
	buffer_drop(&b);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(goes_both_ways),
		env_test(part_of_a_buffer),
		env_test(nothing_is_left),
		env_test(what_is_refused),
	};

	return ENV_MAIN(argc, argv, "dmabuf", tests);
}
