// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The on-demand paging engine, through its test device: what a device sees of a
 * process's memory, and what becomes of a fault that meets an invalidation.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "odp_selftest_abi.h"

#define DEVICE		"/dev/odp_selftest"
#define PAGES		3
#define AROUND_NONE	1
#define MIRRORED	8	/* of a page's state: ODP_PAGE_MIRRORED */

FIXTURE(odp) {
	int dev;
	size_t page;
	char *memory;		/* a hole, a page, a hole */
	char *middle;
};

static int map(char *at, size_t length, int prot)
{
	return mmap(at, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0) == at ? 0 : -errno;
}

FIXTURE_SETUP(odp)
{
	struct odp_selftest_create create = {
		.writable = 1,
		.around = AROUND_NONE,
		.max_pages = 1,
		.limit_ms = 10000,
	};

	self->page = sysconf(_SC_PAGESIZE);
	self->dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (self->dev < 0)
		SKIP(return, "no " DEVICE ": load odp_selftest, as root");

	self->memory = mmap(NULL, PAGES * self->page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(self->memory, MAP_FAILED);
	self->middle = self->memory + self->page;
	ASSERT_EQ(map(self->middle, self->page, PROT_READ | PROT_WRITE), 0);

	create.start = (uintptr_t)self->memory;
	create.length = PAGES * self->page;
	ASSERT_EQ(ioctl(self->dev, ODP_SELFTEST_CREATE, &create), 0);
}

FIXTURE_TEARDOWN(odp)
{
	munmap(self->memory, PAGES * self->page);
	close(self->dev);
}

static int transfer(int dev, unsigned long call, const void *va, void *buffer,
		    size_t length, unsigned int how)
{
	struct odp_selftest_io io = {
		.va = (uintptr_t)va,
		.length = length,
		.buffer = (uintptr_t)buffer,
		.how = how,
	};

	return ioctl(dev, call, &io) < 0 ? -errno : 0;
}

static int device_write(int dev, void *va, const char *text)
{
	return transfer(dev, ODP_SELFTEST_WRITE, va, (void *)text,
			strlen(text) + 1, 0);
}

static int device_read(int dev, const void *va, void *buffer, size_t length)
{
	return transfer(dev, ODP_SELFTEST_READ, va, buffer, length, 0);
}

static bool is_mirrored(int dev, const void *va)
{
	unsigned char state = 0;

	return !transfer(dev, ODP_SELFTEST_REPORT, va, &state,
			 sysconf(_SC_PAGESIZE), 0) && (state & MIRRORED);
}

static int hold(int dev, unsigned long call, unsigned int point, void *start,
		size_t length)
{
	struct odp_selftest_hold hold = {
		.point = point,
		.start = (uintptr_t)start,
		.end = (uintptr_t)start + length,
		.times = 1,
		.timeout_ms = 10000,
	};

	return ioctl(dev, call, &hold) < 0 ? -errno : 0;
}

TEST_F(odp, write_and_read)
{
	char *place = self->middle + 1001;
	char buffer[16] = "";

	EXPECT_EQ(device_write(self->dev, place, "from the device"), 0);
	EXPECT_STREQ(place, "from the device");
	EXPECT_EQ(place[-1], 0);
	EXPECT_EQ(place[16], 0);

	strcpy(place, "from the CPU");
	EXPECT_EQ(device_read(self->dev, place, buffer, sizeof(buffer)), 0);
	EXPECT_STREQ(buffer, "from the CPU");
}

TEST_F(odp, hole_is_filled_later)
{
	EXPECT_EQ(device_write(self->dev, self->memory, "x"), -EFAULT);
	EXPECT_EQ(device_write(self->dev, self->middle - 1, "xy"), -EFAULT);

	ASSERT_EQ(map(self->memory, self->page, PROT_READ | PROT_WRITE), 0);
	EXPECT_EQ(device_write(self->dev, self->middle - 1, "xy"), 0);
	EXPECT_STREQ(self->middle - 1, "xy");
}

TEST_F(odp, page_is_taken_back)
{
	char byte = 'x';

	ASSERT_EQ(device_write(self->dev, self->middle, "old"), 0);
	EXPECT_TRUE(is_mirrored(self->dev, self->middle));
	ASSERT_EQ(madvise(self->middle, self->page, MADV_DONTNEED), 0);
	EXPECT_FALSE(is_mirrored(self->dev, self->middle));
	EXPECT_EQ(device_read(self->dev, self->middle, &byte, 1), 0);
	EXPECT_EQ(byte, 0);
}

TEST_F(odp, memory_is_replaced)
{
	char buffer[4] = "";

	ASSERT_EQ(device_write(self->dev, self->middle, "old"), 0);
	ASSERT_EQ(map(self->middle, self->page, PROT_READ | PROT_WRITE), 0);
	strcpy(self->middle, "new");
	EXPECT_EQ(device_read(self->dev, self->middle, buffer, 4), 0);
	EXPECT_STREQ(buffer, "new");
}

TEST_F(odp, page_is_made_read_only)
{
	char byte = 0;

	ASSERT_EQ(device_write(self->dev, self->middle, "old"), 0);
	ASSERT_EQ(mprotect(self->middle, self->page, PROT_READ), 0);
	EXPECT_EQ(device_write(self->dev, self->middle, "new"), -EFAULT);
	EXPECT_EQ(device_read(self->dev, self->middle, &byte, 1), 0);
	EXPECT_EQ(byte, 'o');
}

struct reader {
	int dev;
	const char *va;
	char text[4];
	int err;
};

static void *read_it(void *arg)
{
	struct reader *r = arg;

	r->err = device_read(r->dev, r->va, r->text, sizeof(r->text));

	return NULL;
}

/* What a fault saw before the page was dropped must not be used. */
TEST_F(odp, invalidation_overtakes_a_fault)
{
	struct reader r = { .dev = self->dev, .va = self->middle };
	struct odp_selftest_stats stats = {};
	pthread_t thread;

	strcpy(self->middle, "old");
	ASSERT_EQ(hold(self->dev, ODP_SELFTEST_HOLD, ODP_SELFTEST_SNAPSHOT,
		       self->middle, self->page), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, read_it, &r), 0);
	EXPECT_EQ(hold(self->dev, ODP_SELFTEST_AWAIT, ODP_SELFTEST_SNAPSHOT,
		       self->middle, self->page), 0);
	EXPECT_EQ(madvise(self->middle, self->page, MADV_DONTNEED), 0);
	strcpy(self->middle, "new");
	EXPECT_EQ(hold(self->dev, ODP_SELFTEST_RELEASE, ODP_SELFTEST_SNAPSHOT,
		       self->middle, self->page), 0);
	pthread_join(thread, NULL);

	EXPECT_EQ(r.err, 0);
	EXPECT_STREQ(r.text, "new");
	EXPECT_EQ(ioctl(self->dev, ODP_SELFTEST_STATS, &stats), 0);
	EXPECT_NE(stats.collisions, 0ULL);
}

struct dropper {
	char *start;
	size_t length;
	int err;
};

static void *drop_it(void *arg)
{
	struct dropper *d = arg;

	d->err = madvise(d->start, d->length, MADV_DONTNEED);

	return NULL;
}

/*
 * Nothing is installed while an invalidation is under way. An access may still
 * have the page, as it is not gone yet.
 */
TEST_F(odp, fault_meets_an_invalidation)
{
	struct dropper d = { .start = self->middle, .length = self->page };
	pthread_t thread;
	char byte = 0;
	int err;

	ASSERT_EQ(device_write(self->dev, self->middle, "old"), 0);
	ASSERT_EQ(hold(self->dev, ODP_SELFTEST_HOLD, ODP_SELFTEST_INVALIDATE,
		       self->middle, self->page), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, drop_it, &d), 0);
	EXPECT_EQ(hold(self->dev, ODP_SELFTEST_AWAIT, ODP_SELFTEST_INVALIDATE,
		       self->middle, self->page), 0);
	err = transfer(self->dev, ODP_SELFTEST_READ, self->middle, &byte, 1,
		       ODP_SELFTEST_NOWAIT);
	EXPECT_TRUE(err == -EINPROGRESS || (!err && byte == 'o'));
	EXPECT_FALSE(is_mirrored(self->dev, self->middle));
	EXPECT_EQ(hold(self->dev, ODP_SELFTEST_RELEASE, ODP_SELFTEST_INVALIDATE,
		       self->middle, self->page), 0);
	pthread_join(thread, NULL);

	EXPECT_EQ(d.err, 0);
	EXPECT_EQ(device_read(self->dev, self->middle, &byte, 1), 0);
	EXPECT_EQ(byte, 0);
}

TEST_HARNESS_MAIN
