// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Every allocation of create, fault, prefetch and report fails in turn: the
 * first one of an operation, then the second one, and so on until it ends
 * without having met the one that was to fail; or all fail from some point on.
 * What an operation may say is 0 (it found another way) or ENOMEM; afterwards
 * the same operation works, and when the memory is unmapped nothing is left of
 * it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dev.h"
#include "env.h"
#include "inject.h"
#include "pci.h"
#include "uffd.h"

#define PAGES 16
#define LEN (PAGES * PAGE)
/* More allocations than any of the operations makes. */
#define MANY 400
/* Bytes; smaller than nearly all objects that are allocated. */
#define STEP 128

#define ATOMIC 0x0123456789abcdefull

enum memory { MEM_SMALL, MEM_HUGE, MEM_DEVICE };

struct site {
	uint8_t *mem;
	int dev;
	uint8_t buf[LEN];
};

typedef int (*site_fn)(struct site *s);

static int op_write(struct site *s)
{
	return dev_write(s->dev, s->mem, s->buf, LEN);
}

static int op_read(struct site *s)
{
	return dev_read(s->dev, s->mem, s->buf, LEN);
}

static int op_prefetch(struct site *s)
{
	return dev_prefetch(s->dev, s->mem, LEN, PREFETCH_WRITE);
}

static int op_own_fault(struct site *s)
{
	return dev_fault(s->dev, s->mem, LEN, true);
}

static int op_atomic(struct site *s)
{
	return dev_atomic_write(s->dev, s->mem, ATOMIC);
}

static int op_report(struct site *s)
{
	return dev_try_states(s->dev, s->mem, s->buf, PAGES);
}

static bool all_gone(void *arg)
{
	struct odp_selftest_stats stats = dev_stats(*(int *)arg);

	return !stats.resident_pages && !stats.huge_entries &&
	       !stats.windows && !stats.leaves && !stats.table_bytes;
}

/* Memory of 2 MiB, so all in one leaf. */
static uint8_t *memory_map(enum memory memory)
{
	uint8_t *mem;

	if (memory == MEM_DEVICE) {
		/* Turned off, the engine forgets what it has mapped. */
		let_peers_in(false);
		let_peers_in(true);
		mem = mem_free_range(HUGE_2M, HUGE_2M);
		return pci_map(&pci_ivshmem, "resource2", mem, LEN,
			       PROT_READ | PROT_WRITE);
	}
	mem = mem_anon_aligned(HUGE_2M, HUGE_2M);
	if (memory == MEM_SMALL)
		mem_advise(mem, HUGE_2M, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	return mem;
}

/* The pattern is in the memory, if @present; it must be there in the end. */
static void site_begin(struct site *s, enum memory memory, bool present,
		       bool own)
{
	struct dev_config config = dev_default;

	config.own_table = own;
	s->mem = memory_map(memory);
	if (present)
		pattern_fill(s->mem, LEN, 1, 0);
	pattern_fill(s->buf, LEN, 1, 0);
	s->dev = dev_open(s->mem, LEN, &config);
}

static void site_end(struct site *s, bool own)
{
	mem_unmap(s->mem, LEN);
	assert_int_equal(dev_stats(s->dev).resident_pages, 0);
	if (!own && !wait_until(all_gone, &s->dev))
		test_fail("something is left in the table");
	dev_close(s->dev);
	mem_release();
}

/* What an operation that says 0 has done. */
static void site_check(struct site *s, site_fn op, bool present)
{
	if (op == op_write || (op == op_read && present))
		pattern_check("memory", s->mem, LEN, 1, 0);
	if (op == op_read && present)
		pattern_check("what was read", s->buf, LEN, 1, 0);
	if (op == op_prefetch)
		dev_expect_pages(s->dev, s->mem, "wwwwwwwwwwwwwwww");
	if (op == op_own_fault)
		assert_int_equal(dev_own_pages(s->dev, s->mem, LEN), PAGES);
}

/* Runs @op with its first allocation failing, then its second one, ... */
static void each_fails(site_fn op, enum memory memory, bool present, bool own)
{
	bool injected = true;
	int n, err, failed = 0;
	struct site *s;

	inject_ready();
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	for (n = 1; injected; n++) {
		if (n > MANY)
			test_fail("%d allocations and no end", n);
		site_begin(s, memory, present, own);
		inject_nth(n);
		err = op(s);
		injected = inject_nth_end();
		if (err && (err != -ENOMEM || !injected))
			test_fail("allocation %d: %s", n, strerror(-err));
		failed += !!err;
		if (!err)
			site_check(s, op, present);

		err = op(s);
		if (err)
			test_fail("the next access after allocation %d: %s", n,
				  strerror(-err));
		site_check(s, op, present);
		site_end(s, own);
	}
	print_message("%d allocations, %d of them fatal\n", n - 2, failed);
	assert_true(failed);
	free(s);
}

static void write_to_cold_memory(void **state)
{
	(void)state;
	each_fails(op_write, MEM_SMALL, false, false);
}

static void write_to_present_memory(void **state)
{
	(void)state;
	each_fails(op_write, MEM_SMALL, true, false);
}

static void write_to_a_huge_page(void **state)
{
	(void)state;
	each_fails(op_write, MEM_HUGE, true, false);
}

static void read_of_present_memory(void **state)
{
	(void)state;
	each_fails(op_read, MEM_SMALL, true, false);
}

static void write_to_a_device_s_memory(void **state)
{
	(void)state;
	each_fails(op_write, MEM_DEVICE, true, false);
	let_peers_in(false);
}

static void prefetch_of_cold_memory(void **state)
{
	(void)state;
	each_fails(op_prefetch, MEM_SMALL, false, false);
}

static void prefetch_of_present_memory(void **state)
{
	(void)state;
	each_fails(op_prefetch, MEM_SMALL, true, false);
}

static void fault_into_own_table(void **state)
{
	(void)state;
	each_fails(op_own_fault, MEM_SMALL, true, true);
}

static void report_of_present_memory(void **state)
{
	(void)state;
	each_fails(op_report, MEM_SMALL, true, false);
}

static void create_as(const struct dev_config *config)
{
	int n, dev, err, failed = 0;
	bool injected = true;
	uint8_t *mem;

	inject_ready();
	mem = mem_anon(LEN);
	for (n = 1; injected; n++) {
		dev = dev_file();
		inject_nth(n);
		err = dev_create(dev, mem, LEN, config);
		injected = inject_nth_end();
		if (err && (err != -ENOMEM || !injected))
			test_fail("allocation %d: %s", n, strerror(-err));
		failed += !!err;
		if (err)
			assert_int_equal(dev_create(dev, mem, LEN, config), 0);
		if (!config->own_table)
			dev_write_and_check(dev, mem, LEN, n);
		dev_close(dev);
	}
	assert_true(failed);
	mem_release();
}

static void create(void **state)
{
	create_as(&dev_default);
	(void)state;
}

static void create_with_own_table(void **state)
{
	struct dev_config config = dev_default;

	config.own_table = true;
	create_as(&config);
	(void)state;
}

/* How a child's operation ended. */
#define INJECTED	1	/* an allocation failed */
#define FAILED		2	/* the operation, too */

/*
 * What takes more the first time that a process does it: in a new process each
 * time, until no allocation fails. Returns how many there are; in @failed, how
 * many the operation failed with.
 */
static int in_processes(int (*fn)(void *arg), int *failed)
{
	int n, status = INJECTED;

	*failed = 0;
	inject_ready();
	for (n = 1; status & INJECTED; n++) {
		if (n > MANY)
			test_fail("%d allocations and no end", n);
		status = child_wait(child_start(fn, &n));
		if (status & ~(INJECTED | FAILED))
			test_fail("allocation %d", n);
		*failed += !!(status & FAILED);
	}
	n -= 2;
	print_message("%d allocations, %d of them fatal\n", n, *failed);
	return n;
}

/*
 * A process makes something of @config for the first time, in @dev, while its @n-th
 * allocation fails with ENOMEM or @also. How that ended; now it is there.
 */
static int first_time(int dev, uint8_t *mem, const struct dev_config *config, int n,
		      int also)
{
	bool injected;
	int err;

	inject_in_child();
	inject_nth(n);
	err = dev_create(dev, mem, LEN, config);
	injected = inject_nth_end();
	if (err && ((err != -ENOMEM && err != also) || !injected))
		test_fail("allocation %d: %s", n, strerror(-err));
	if (err)
		assert_int_equal(dev_create(dev, mem, LEN, config), 0);
	return (injected ? INJECTED : 0) | (err ? FAILED : 0);
}

/*
 * The first mirror of a process, for which it gets a thread. To make a thread says
 * EAGAIN for some of its allocations, as fork() does.
 */
static int first_of_a_process(void *arg)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon(LEN);
	int dev = dev_file(), ended;

	config.shared = true;
	config.device = true;
	ended = first_time(dev, mem, &config, *(int *)arg, -EAGAIN);
	dev_write_and_check(dev, mem, LEN, 1);
	dev_close(dev);
	return ended;
}

static void create_the_first_of_a_process(void **state)
{
	int failed;

	(void)state;
	assert_true(in_processes(first_of_a_process, &failed) > 10);
	assert_true(failed > 1);
}

/* That is all that the process's notifiers are for. */
static int first_table_of_a_process(void *arg)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon(LEN);
	int dev = dev_file(), ended;

	config.own_table = true;
	ended = first_time(dev, mem, &config, *(int *)arg, -ENOMEM);
	assert_int_equal(dev_fault(dev, mem, LEN, true), 0);
	dev_close(dev);
	return ended;
}

static void create_the_first_table_of_a_process(void **state)
{
	int failed;

	(void)state;
	in_processes(first_table_of_a_process, &failed);
	assert_true(failed > 1);
}

/* A fault that is left to the process's threads: it is that, or will be. */
static int slow_fault_of_a_process(void *arg)
{
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon(LEN), byte;
	bool injected;
	struct uffd uffd;
	int dev, err;

	config.shared = true;
	uffd_open(&uffd, mem, LEN);
	dev = dev_open(mem, LEN, &config);
	inject_in_child();
	inject_nth(*(int *)arg);
	err = dev_read_nowait(dev, mem, &byte, 1);
	injected = inject_nth_end();
	if (err != -EINPROGRESS)
		test_fail("allocation %d: %s", *(int *)arg, strerror(-err));
	assert_int_equal(dev_read_nowait(dev, mem, &byte, 1), -EINPROGRESS);
	dev_close(dev);
	uffd_close(&uffd);
	return injected ? INJECTED : 0;
}

static void slow_fault(void **state)
{
	int failed;

	(void)state;
	assert_true(in_processes(slow_fault_of_a_process, &failed) > 1);
	assert_int_equal(failed, 0);
}

/* One that takes its page from the CPU. */
static void atomic_write(void **state)
{
	struct dev_config config = dev_default;
	struct site *s;
	int n, err;
	bool injected = true;

	(void)state;
	inject_ready();
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	config.exclusive = true;
	for (n = 1; injected; n++) {
		site_begin(s, MEM_SMALL, true, false);
		if (dev_set_policy(s->dev, &config))
			skip_because("this kernel takes no pages");
		inject_nth(n);
		err = op_atomic(s);
		injected = inject_nth_end();
		if (err && (err != -ENOMEM || !injected))
			test_fail("allocation %d: %s", n, strerror(-err));
		assert_int_equal(op_atomic(s), 0);
		assert_int_equal(mem_load(s->mem), ATOMIC);
		site_end(s, false);
	}
	assert_true(n > 2);
	free(s);
}

/* No fall-back helps when there is no memory at all. */
static void no_memory_at_all(void **state)
{
	int dev, created, prefetched, faulted, reported;
	struct site *s;

	(void)state;
	inject_ready();
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	dev = dev_file();
	site_begin(s, MEM_SMALL, true, false);
	inject_after(0);
	created = dev_create(dev, s->mem, LEN, &dev_default);
	prefetched = op_prefetch(s);
	faulted = dev_fault(s->dev, s->mem, PAGE, true);
	reported = op_report(s);
	assert_true(inject_after_end());

	assert_int_equal(created, -ENOMEM);
	assert_int_equal(prefetched, -ENOMEM);
	assert_int_equal(faulted, -ENOMEM);
	assert_int_equal(reported, -ENOMEM);
	assert_int_equal(op_write(s), 0);
	pattern_check("memory", s->mem, LEN, 1, 0);
	dev_close(dev);
	site_end(s, false);
	free(s);
}

/* In a process whose memory nobody has mirrored yet; exits with whether it fell short. */
static int first_write_short(void *arg)
{
	unsigned int bytes = *(unsigned int *)arg;
	struct site *s = calloc(1, sizeof(*s));
	bool fell_short;
	int err;

	if (!s)
		return CHILD_FAILED;
	site_begin(s, MEM_SMALL, true, false);
	inject_after(bytes);
	err = op_write(s);
	fell_short = inject_after_end();
	if (err && (err != -ENOMEM || !fell_short))
		test_fail("%u bytes, then none: %s", bytes, strerror(-err));
	err = op_write(s);
	if (err)
		test_fail("once there was memory again: %s", strerror(-err));
	pattern_check("memory", s->mem, LEN, 1, 0);
	site_end(s, false);
	free(s);
	return fell_short;
}

/*
 * Memory runs out and does not come back, so no second try helps: after the
 * first few bytes, after some more, and so on, until the write needs no more.
 * (Not at a device's memory: the kernel's alloc_vmap_area() warns then.)
 */
static void memory_runs_out(void **state)
{
	unsigned int bytes;
	int status = 1;

	(void)state;
	inject_ready();
	for (bytes = 0; status; bytes += STEP) {
		if (bytes > MANY * STEP)
			test_fail("%u bytes and no end", bytes);
		status = child_wait(child_start(first_write_short, &bytes));
		if (status != 0 && status != 1)
			test_fail("with %u bytes", bytes);
	}
	print_message("%u bytes\n", bytes);
	assert_true(bytes > 2 * STEP);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create),
		cmocka_unit_test(create_with_own_table),
		cmocka_unit_test(create_the_first_of_a_process),
		cmocka_unit_test(create_the_first_table_of_a_process),
		cmocka_unit_test(slow_fault),
		cmocka_unit_test(atomic_write),
		cmocka_unit_test(write_to_cold_memory),
		cmocka_unit_test(write_to_present_memory),
		cmocka_unit_test(write_to_a_huge_page),
		cmocka_unit_test(read_of_present_memory),
		cmocka_unit_test(write_to_a_device_s_memory),
		cmocka_unit_test(prefetch_of_cold_memory),
		cmocka_unit_test(prefetch_of_present_memory),
		cmocka_unit_test(fault_into_own_table),
		cmocka_unit_test(report_of_present_memory),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(memory_runs_out),
	};

	return ENV_MAIN(argc, argv, "fault_injection", tests);
}
