// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Accesses that wait for nobody (R19): what becomes of slow faults when there are
 * more than are kept, when nobody asks how they ended, and when something else is
 * in the way.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev.h"
#include "env.h"
#include "uffd.h"

/* The engine keeps 4096 of a process. */
#define PAGES 4400
#define LEN (PAGES * PAGE)

static const struct dev_config shared = {
	.shared = true,
	.around = AROUND_NONE,
	.max_pages = 1,
	.limit_ms = 10000,
};

/* Asks for the page at @at until it is there, or fails. */
struct ask {
	int dev;
	const uint8_t *at;
	uint8_t buf[PAGE];
	int err;
};

static bool answered(void *arg)
{
	struct ask *ask = arg;

	ask->err = dev_read_nowait(ask->dev, ask->at, ask->buf, PAGE);
	return ask->err != -EINPROGRESS;
}

static int ask_until_answered(int dev, const uint8_t *at, uint8_t *buf)
{
	struct ask ask = { .dev = dev, .at = at };

	if (!wait_until(answered, &ask))
		test_fail("no answer");
	memcpy(buf, ask.buf, PAGE);
	return ask.err;
}

static void expect_on_its_way(int dev, const uint8_t *mem, size_t page)
{
	uint8_t buf[PAGE];
	int err = dev_read_nowait(dev, mem + page * PAGE, buf, PAGE);

	if (err != -EINPROGRESS)
		test_fail("page %zu: %s", page, strerror(-err));
}

/* Pages that are asked for until all are there, in whatever order they come. */
struct asks {
	int dev;
	const uint8_t *mem;
	bool there[PAGES];
	size_t left;
	size_t next;
};

static bool has_come(struct asks *asks, size_t i)
{
	uint8_t buf[PAGE];
	int err = dev_read_nowait(asks->dev, asks->mem + i * PAGE, buf, PAGE);

	if (err == -EINPROGRESS)
		return false;
	assert_int_equal(err, 0);
	pattern_check("a page", buf, PAGE, 1, i * PAGE);
	asks->there[i] = true;
	asks->left--;
	return true;
}

/* Asks for those that are not there, from where it was, until one has come. */
static bool one_has_come(void *arg)
{
	struct asks *asks = arg;
	size_t n, i;

	for (n = 0; n < PAGES; n++) {
		i = asks->next;
		asks->next = (i + 1) % PAGES;
		if (!asks->there[i] && has_come(asks, i))
			return true;
	}
	return false;
}

static void R19_more_slow_faults_than_are_kept(void **state)
{
	static struct asks asks;
	uint8_t *mem = mem_anon(LEN);
	struct uffd uffd;
	size_t i;
	int dev;

	(void)state;
	uffd_open(&uffd, mem, LEN);
	dev = dev_open(mem, LEN, &shared);
	for (i = 0; i < PAGES; i++)
		expect_on_its_way(dev, mem, i);
	/* And once more: it is the same faults. */
	for (i = 0; i < PAGES; i++)
		expect_on_its_way(dev, mem, i);

	uffd_serve(&uffd, 1);
	asks = (struct asks) { .dev = dev, .mem = mem, .left = PAGES };
	while (asks.left) {
		if (!wait_until(one_has_come, &asks))
			test_fail("%zu pages do not come", asks.left);
	}
	dev_close(dev);
	uffd_close(&uffd);
}

/* Pages behind the end of a file; twice as many faults as are kept fail. */
static void R19_errors_that_nobody_asks_for(void **state)
{
	uint8_t *mem = mem_free_range(2 * LEN, HUGE_2M), buf[PAGE];
	size_t i;
	int fd, dev;

	(void)state;
	fd = open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		skip_because("no file in /var/tmp: %s", strerror(errno));
	if (mmap(mem, 2 * LEN, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != mem)
		test_fail("mmap: %s", strerror(errno));
	dev = dev_open(mem, 2 * LEN, &shared);
	for (i = 0; i < 2 * PAGES; i++)
		expect_on_its_way(dev, mem, i);
	assert_int_equal(ask_until_answered(dev, mem + (2 * PAGES - 1) * PAGE,
					    buf), -EFAULT);
	dev_close(dev);
	mem_unmap(mem, 2 * LEN);
	close(fd);
}

/* What goes with one mirror is not what waits for another one's page. */
static void R19_one_of_two_mirrors_goes(void **state)
{
	uint8_t *mem = mem_anon(64 * PAGE), buf[PAGE];
	struct uffd uffd;
	size_t i;
	int a, b;

	(void)state;
	uffd_open(&uffd, mem, 64 * PAGE);
	a = dev_open(mem, 32 * PAGE, &shared);
	b = dev_open(mem + 32 * PAGE, 32 * PAGE, &shared);
	for (i = 0; i < 32; i++) {
		expect_on_its_way(a, mem, i);
		expect_on_its_way(b, mem, 32 + i);
	}
	dev_close(a);
	uffd_serve(&uffd, 2);
	for (i = 32; i < 64; i++) {
		assert_int_equal(ask_until_answered(b, mem + i * PAGE, buf), 0);
		pattern_check("a page", buf, PAGE, 2, i * PAGE);
	}
	dev_close(b);
	uffd_close(&uffd);
}

/* The mmap lock's holder waits: whoever does not wait, comes again. */
static void R19_the_mmap_lock_is_held(void **state)
{
	uint8_t *mem = mem_anon(16 * PAGE), buf[PAGE];
	struct dev_config config = dev_default;
	int dev, exclusive, err;
	struct job job;

	(void)state;
	config.max_pages = 1;
	config.around = AROUND_NONE;
	pattern_fill(mem, 16 * PAGE, 3, 0);
	dev = dev_open(mem, 16 * PAGE, &config);
	config.exclusive = true;
	exclusive = dev_open(mem, 16 * PAGE, &config);
	err = dev_set_policy(exclusive, &config);
	dev_read_and_check(dev, mem, PAGE, 3);

	dev_hold(dev, 0, ODP_SELFTEST_INVALIDATE, mem, PAGE, 1);
	job_protect(&job, mem, PAGE);
	job_go(&job);
	dev_await(dev, 0);
	assert_int_equal(dev_read_nowait(dev, mem + 3 * PAGE, buf, PAGE),
			 -ESRCH);
	if (!err)
		assert_int_equal(dev_atomic_write_nowait(exclusive,
							 mem + 3 * PAGE, 1),
				 -ESRCH);
	dev_release(dev, 0);
	assert_int_equal(job_wait(&job), 0);
	job_free(&job);
	assert_int_equal(dev_read(dev, mem + 3 * PAGE, buf, PAGE), 0);
	pattern_check("what the device read", buf, PAGE, 3, 3 * PAGE);
	dev_close(exclusive);
	dev_close(dev);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(R19_more_slow_faults_than_are_kept),
		cmocka_unit_test(R19_errors_that_nobody_asks_for),
		cmocka_unit_test(R19_one_of_two_mirrors_goes),
		cmocka_unit_test(R19_the_mmap_lock_is_held),
	};

	return ENV_MAIN(argc, argv, "nowait", tests);
}
