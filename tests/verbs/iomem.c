// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory that is not the kernel's (R10): PCI devices' own, and RAM that was kept
 * from the kernel. Out of reach by default; else used as it must be, and not more.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "env.h"
#include "knob.h"
#include "pages.h"
#include "pci.h"

#define LEN (64 * PAGE)
#define PAGE_IO (ODP_PAGE_SPECIAL | ODP_PAGE_IO)

/* Registers of "edu". */
#define EDU_IDENT 0x00
#define EDU_INVERT 0x04
#define EDU_IDENT_IS 0x010000edu

static int setup(void **state)
{
	let_peers_in(true);
	return env_setup(state);
}

static int teardown(void **state)
{
	let_peers_in(false);
	return env_teardown(state);
}

#define io_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static uint32_t caps_of(struct env *e)
{
	struct odp_caps caps;
	int err = odp_query_caps(e->rig.ctx, &caps);

	if (err)
		test_fail("odp_query_caps: %s", strerror(err));
	return caps.flags;
}

/* The memory of a PCI device, and a region over it. */
static struct ibv_mr *device_open(struct env *e, uint8_t **mem)
{
	*mem = pci_map(&pci_ivshmem, "resource2", NULL, LEN,
		       PROT_READ | PROT_WRITE);
	return reg_odp(&e->rig, *mem, LEN,
		       ACCESS_ALL | IBV_ACCESS_FLUSH_PERSISTENT);
}

static void device_close(struct env *e, struct ibv_mr *mr, uint8_t *mem)
{
	dereg(&e->rig, mr);
	mem_unmap(mem, LEN);
}

static void expect_out_of_reach(struct env *e, struct ibv_mr *mr, uint8_t *mem)
{
	expect_pages(mr, mem, "FFFF");
	expect_refused(&e->rc, "a write to it",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 64));
	expect_refused(&e->rc, "a read of it",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem), 64));
}

/* A region over memory, and the memory with it, both ways and at any place. */
static struct ibv_mr *try_memory(struct env *e, uint8_t *mem)
{
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	env_write_and_check(e, mr, mem, LEN, 1);
	expect_state("it", mr, mem + 3 * PAGE,
		     PAGE_RW | PAGE_IO | ODP_PAGE_MIRRORED,
		     PAGE_RW | PAGE_IO | ODP_PAGE_MIRRORED);
	env_write_and_check(e, mr, mem + 4093, 2 * PAGE + 7, 2);
	pattern_check("before it", mem, 4093, 1, 0);
	pattern_check("behind it", mem + 4093 + 2 * PAGE + 7, PAGE, 1,
		      4093 + 2 * PAGE + 7);
	pattern_fill(mem + 777, 5 * PAGE, 3, 0);
	env_read_and_check(e, mr, mem + 777, 5 * PAGE, 3);
	return mr;
}

static void R10_device_memory_is_out_of_reach(void **state)
{
	struct env *e = *state;
	uint8_t *mem;
	struct ibv_mr *mr = device_open(e, &mem);

	assert_int_equal(caps_of(e) & ODP_CAP_IO, 0);
	pattern_fill(mem, LEN, 9, 0);
	expect_out_of_reach(e, mr, mem);
	pattern_check("the device's memory", mem, LEN, 9, 0);
	device_close(e, mr, mem);
}

static void R10_device_memory_goes_both_ways(void **state)
{
	static const char *const files[] = {
		"resource2", "resource2_wc", "resource2",
	};
	struct env *e = *state;
	struct ibv_mr *mr;
	uint8_t *mem;
	size_t i;

	for (i = 0; i < NR(files); i++) {
		print_message("%s\n", files[i]);
		if (pci_lacks(&pci_ivshmem, files[i])) {
			part_is_skipped("this kernel has no PAT");
			continue;
		}
		mem = pci_map(&pci_ivshmem, files[i], NULL, LEN,
			      PROT_READ | PROT_WRITE);
		assert_int_equal(caps_of(e) & ODP_CAP_IO, ODP_CAP_IO);
		mr = try_memory(e, mem);
		mem_unmap(mem, LEN);
		assert_int_equal(stats_of(mr).resident_pages, 0);
		expect_out_of_reach(e, mr, mem);
		dereg(&e->rig, mr);
	}
}

static void R10_no_atomics_on_devices(void **state)
{
	struct env *e = *state;
	uint8_t *mem;
	struct ibv_mr *mr = device_open(e, &mem);
	int cold;

	pattern_fill(mem, LEN, 4, 0);
	for (cold = 1; cold >= 0; cold--) {
		expect_refused(&e->rc, "fetch and add",
			       do_fetch_add(&e->rc, env_buf(e),
					    ref_r(mr, mem + 8), 1));
		expect_refused(&e->rc, "compare and swap",
			       do_cmp_swap(&e->rc, env_buf(e),
					   ref_r(mr, mem + 8), 0, 1));
		expect_refused(&e->rc, "atomic write",
			       do_atomic_write(&e->rc, ref_r(mr, mem + 8), 5));
		expect_refused(&e->rc, "flush",
			       do_flush(&e->rc, ref_r(mr, mem), PAGE,
					IBV_FLUSH_PERSISTENT, IBV_FLUSH_RANGE));
		env_read_and_check(e, mr, mem, LEN, 4);
	}
	pattern_check("the device's memory", mem, LEN, 4, 0);
	device_close(e, mr, mem);
}

static void R10_read_only_device_memory(void **state)
{
	struct env *e = *state;
	uint8_t *mem;
	struct ibv_mr *mr = device_open(e, &mem);

	env_write_and_check(e, mr, mem, LEN, 5);
	mem_protect(mem, LEN, PROT_READ);
	env_read_and_check(e, mr, mem, LEN, 5);
	expect_pages(mr, mem, "RRRR");
	expect_refused(&e->rc, "a write to what may only be read",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 64));
	pattern_check("the device's memory", mem, LEN, 5, 0);
	mem_protect(mem, LEN, PROT_READ | PROT_WRITE);
	env_write_and_check(e, mr, mem, LEN, 6);
	device_close(e, mr, mem);
}

/* Its administrator changes their mind while pages stand in the table. */
static void R10_shut_out_at_once(void **state)
{
	struct env *e = *state;
	uint8_t *mem;
	struct ibv_mr *mr = device_open(e, &mem);

	env_write_and_check(e, mr, mem, LEN, 7);
	let_peers_in(false);
	expect_out_of_reach(e, mr, mem);
	pattern_check("the device's memory", mem, LEN, 7, 0);
	let_peers_in(true);
	env_write_and_check(e, mr, mem, LEN, 8);
	device_close(e, mr, mem);
}

/* These answer to words of four bytes, and say nothing sensible to all else. */
static void R10_registers_by_words(void **state)
{
	struct env *e = *state;
	uint8_t *mem = pci_map(&pci_edu, "resource0", NULL, PAGE,
			       PROT_READ | PROT_WRITE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);
	uint32_t word[2], value = 0x12345678;

	memcpy(e->buf, &value, sizeof(value));
	expect_success("write to a register",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem + EDU_INVERT),
				sizeof(value)));
	assert_int_equal(*(volatile uint32_t *)(mem + EDU_INVERT), ~value);
	expect_success("read of two registers",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem + EDU_IDENT),
			       sizeof(word)));
	memcpy(word, e->buf, sizeof(word));
	assert_int_equal(word[0], EDU_IDENT_IS);
	assert_int_equal(word[1], ~value);

	/* As a source, and for what comes in, too. */
	expect_success("read into a register",
		       do_read(&e->rc, ref_l(mr, mem + EDU_INVERT),
			       env_buf(e), sizeof(value)));
	assert_int_equal(*(volatile uint32_t *)(mem + EDU_INVERT),
			 ~EDU_IDENT_IS);
	dereg(&e->rig, mr);
	mem_unmap(mem, PAGE);
}

/*
 * Memory that a PCI device lends to others has struct pages, and is a device's all
 * the same. There is no caching that the kernel's mapping and this one agree on.
 */
static void R10_memory_that_devices_lend(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;
	glob_t found;
	uint8_t *mem;
	int fd;

	shell_try("modprobe -q nvme");
	if (glob("/sys/bus/pci/devices/*/p2pmem/allocate", 0, NULL, &found))
		skip_because("no device of this machine lends memory");
	fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		test_fail("%s: %s", found.gl_pathv[0], strerror(errno));
	close(fd);
	globfree(&found);
	memset(mem, 0x11, PAGE);
	mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);
	expect_pages(mr, mem, "F");
	expect_refused(&e->rc, "a write to it",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 64));
	expect_refused(&e->rc, "a read of it",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem), 64));
	assert_int_equal(mem[0], 0x11);
	dereg(&e->rig, mr);
	mem_unmap(mem, PAGE);
}

/* Where "memmap=2M$" and a place in the kernel's command line keep some. */
static uint8_t *map_kept_ram(void)
{
	char line[4096], *kept;
	void *mem;
	int fd;

	if (!knob_get("/proc/cmdline", line, sizeof(line)))
		test_fail("no command line");
	kept = strstr(line, "memmap=2M$");
	fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (!kept || fd < 0)
		skip_because("no RAM was kept from this kernel, or there is no /dev/mem");
	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   (off_t)strtoull(strchr(kept, '$') + 1, NULL, 0));
	close(fd);
	if (mem == MAP_FAILED)
		test_fail("/dev/mem: %s", strerror(errno));
	return mem;
}

static void R10_ram_that_was_kept_from_the_kernel(void **state)
{
	struct env *e = *state;
	uint8_t *mem = map_kept_ram();
	struct ibv_mr *mr = try_memory(e, mem);

	let_peers_in(false);
	expect_out_of_reach(e, mr, mem);
	dereg(&e->rig, mr);
	mem_unmap(mem, LEN);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R10_device_memory_is_out_of_reach),
		io_test(R10_device_memory_goes_both_ways),
		io_test(R10_no_atomics_on_devices),
		io_test(R10_read_only_device_memory),
		io_test(R10_shut_out_at_once),
		io_test(R10_registers_by_words),
		env_test(R10_memory_that_devices_lend),
		io_test(R10_memory_that_devices_lend),
		io_test(R10_ram_that_was_kept_from_the_kernel),
	};

	return ENV_MAIN(argc, argv, "iomem", tests);
}
