// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A PCI device's memory, mapped through VFIO (R10): by huge entries where the
 * kernel makes such, and taken back when the device stops answering.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "env.h"
#include "knob.h"
#include "pages.h"
#include "pci.h"

#define DRIVER "/sys/bus/pci/drivers/vfio-pci/"
#define ROUNDS 100

struct vfio {
	char name[32];		/* of the device, such as 0000:00:03.0 */
	int container, group, device;
	uint64_t bar, bar_len;	/* where in the device's file */
	uint64_t config;
};

/* Gives the device to vfio-pci; the number of its group. */
static int vfio_bind(struct vfio *v)
{
	const char *folder = pci_folder(&pci_ivshmem);
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;

	if (!folder)
		skip_because("this machine has no PCI device ivshmem-plain");
	snprintf(path, sizeof(path), "%siommu_group", folder);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		skip_because("this machine has no IOMMU");
	target[len] = '\0';
	if (!shell_try("modprobe vfio-pci && modprobe vfio_iommu_type1 && "
		       "echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"))
		skip_because("this kernel has no vfio-pci");

	snprintf(path, sizeof(path), "%sdriver_override", folder);
	if (!knob_set(path, "vfio-pci"))
		test_fail("%s cannot be set", path);
	snprintf(path, sizeof(path), "%s", folder);
	snprintf(v->name, sizeof(v->name), "%s", basename(path));
	if (access(DRIVER, F_OK) ||
	    !knob_set("/sys/bus/pci/drivers_probe", v->name))
		test_fail("%s: no driver", v->name);
	return atoi(basename(target));
}

static void vfio_region(struct vfio *v, unsigned int index, uint64_t *offset,
			uint64_t *len)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(v->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		test_fail("region %u: %s", index, strerror(errno));
	*offset = info.offset;
	*len = info.size;
}

static void vfio_open(struct vfio *v)
{
	char path[64];
	uint64_t len;

	snprintf(path, sizeof(path), "/dev/vfio/%d", vfio_bind(v));
	v->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	v->group = open(path, O_RDWR | O_CLOEXEC);
	if (v->container < 0 || v->group < 0 ||
	    ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container) ||
	    ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		test_fail("%s: %s", path, strerror(errno));
	v->device = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, v->name);
	if (v->device < 0)
		test_fail("%s: %s", v->name, strerror(errno));
	vfio_region(v, VFIO_PCI_BAR2_REGION_INDEX, &v->bar, &v->bar_len);
	vfio_region(v, VFIO_PCI_CONFIG_REGION_INDEX, &v->config, &len);
}

/* With the same functions that the driver itself is unbound with. */
static void vfio_close(struct vfio *v)
{
	close(v->device);
	close(v->group);
	close(v->container);
	knob_set(DRIVER "unbind", v->name);
}

/* Has the device answer, or not: then nobody may have its memory mapped. */
static void vfio_answer(struct vfio *v, bool on)
{
	uint16_t command;

	if (pread(v->device, &command, sizeof(command),
		  (off_t)v->config + PCI_COMMAND) != sizeof(command))
		test_fail("PCI command: %s", strerror(errno));
	command = (uint16_t)(on ? command | PCI_COMMAND_MEMORY :
				  command & ~PCI_COMMAND_MEMORY);
	if (pwrite(v->device, &command, sizeof(command),
		   (off_t)v->config + PCI_COMMAND) != sizeof(command))
		test_fail("PCI command: %s", strerror(errno));
}

static uint8_t *vfio_map(struct vfio *v, void *at, size_t len)
{
	if (mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 v->device, (off_t)v->bar) != at)
		test_fail("BAR 2: %s", strerror(errno));
	return at;
}

static struct vfio vfio = { .device = -1, .group = -1, .container = -1 };

static int setup(void **state)
{
	let_peers_in(true);
	return env_setup(state);
}

static int teardown(void **state)
{
	let_peers_in(false);
	vfio_close(&vfio);
	vfio = (struct vfio) { .device = -1, .group = -1, .container = -1 };
	return env_teardown(state);
}

#define vfio_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Bytes of the process's page tables, of all levels. */
static int64_t page_tables(void)
{
	char text[4096], *line;

	if (!knob_get("/proc/self/status", text, sizeof(text)))
		test_fail("no /proc/self/status");
	line = strstr(text, "VmPTE:");
	return line ? strtoll(line + 6, NULL, 10) * 1024 : 0;
}

/*
 * A GiB that is aligned as the BAR is can be one entry of the page table; moved
 * by 2 MiB, it takes some of 2 MiB; moved by a page, small ones.
 */
static void R10_huge_maps_of_a_bar(void **state)
{
	static const struct {
		const char *name;
		size_t shift;
		int64_t tables;	/* at most, for 16 places of it */
	} ways[] = {
		{ "1 GiB", 0, 8 * KIB },
		{ "2 MiB", HUGE_2M, 16 * KIB },
		{ "4 KiB", PAGE, 256 * KIB },
	};
	struct env *e = *state;
	int64_t before, tables;
	struct ibv_mr *mr;
	uint8_t *mem;
	size_t i, j, len;

	vfio_open(&vfio);
	vfio_answer(&vfio, true);
	for (i = 0; i < NR(ways); i++) {
		mem = mem_free_range(3 * GIB, GIB);
		before = page_tables();
		vfio_map(&vfio, mem + ways[i].shift, vfio.bar_len);
		mem += ways[i].shift;
		len = vfio.bar_len;
		mr = reg_odp(&e->rig, mem, len, ACCESS_ALL);
		for (j = 0; j < 16; j++)
			env_write_and_check(e, mr,
					    mem + (j + 1) * (len / 17) - 12345,
					    3 * PAGE, j + 1);
		env_write_and_check(e, mr, mem + len - 777, 777, 20);
		for (j = 0; j < 16; j++)
			env_read_and_check(e, mr,
					   mem + (j + 1) * (len / 17) - 12345,
					   3 * PAGE, j + 1);
		expect_state("the BAR", mr, mem + len - PAGE,
			     ODP_PAGE_IO | ODP_PAGE_SPECIAL | PAGE_RW,
			     ODP_PAGE_IO | ODP_PAGE_SPECIAL | PAGE_RW);
		tables = page_tables() - before;
		print_message("%s: %lld KiB of page tables\n", ways[i].name,
			      (long long)tables / 1024);
		assert_true(tables <= ways[i].tables);
		dereg(&e->rig, mr);
		mem_unmap(mem, len);
	}
}

/* The beginning of the BAR, and a region over it. */
static struct ibv_mr *bar_open(struct env *e, uint8_t **mem, size_t len)
{
	vfio_open(&vfio);
	vfio_answer(&vfio, true);
	*mem = vfio_map(&vfio, mem_free_range(len, HUGE_2M), len);
	return reg_odp(&e->rig, *mem, len, ACCESS_ALL);
}

static void R10_a_device_that_stops_answering(void **state)
{
	const size_t len = 4 * HUGE_2M;
	struct env *e = *state;
	struct ibv_mr *mr;
	uint8_t *mem;

	mr = bar_open(e, &mem, len);
	env_write_and_check(e, mr, mem + HUGE_2M - 5000, 10000, 1);
	assert_true(stats_of(mr).resident_pages > 0);

	vfio_answer(&vfio, false);
	assert_int_equal(stats_of(mr).resident_pages, 0);
	expect_pages(mr, mem, "FFFF");
	expect_refused(&e->rc, "a write",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 64));
	expect_refused(&e->rc, "a read",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem), 64));

	vfio_answer(&vfio, true);
	env_read_and_check(e, mr, mem + HUGE_2M - 5000, 10000, 1);
	env_write_and_check(e, mr, mem + HUGE_2M - 5000, 10000, 2);
	dereg(&e->rig, mr);
	mem_unmap(mem, len);
}

/* Once in each write, at any moment: more often, and no peer would get through. */
static void *stop_and_go(void *arg)
{
	atomic_int *turn = arg;
	unsigned int seed = 1;
	int now, last = 0;

	while ((now = atomic_load(turn)) >= 0) {
		usleep(1000 * ((useconds_t)rand_r(&seed) % 8));
		if (now != last) {
			vfio_answer(&vfio, false);
			vfio_answer(&vfio, true);
		}
		last = now;
	}
	return NULL;
}

/* Each access is done or refused; what was done before stays. */
static void R10_stops_under_traffic(void **state)
{
	const size_t len = 2 * HUGE_2M;
	unsigned int i, done = 0;
	struct env *e = *state;
	atomic_int turn = 0;
	pthread_t thread;
	struct ibv_mr *mr;
	uint8_t *mem;

	mr = bar_open(e, &mem, len);
	env_write_and_check(e, mr, mem, len / 4, 1);
	if (pthread_create(&thread, NULL, stop_and_go, &turn))
		test_fail("no thread");
	for (i = 0; i < ROUNDS; i++) {
		pattern_fill(e->buf, len / 8, i, 0);
		atomic_store(&turn, (int)i + 1);
		if (do_write(&e->rc, env_buf(e), ref_r(mr, mem + len / 2),
			     len / 8) == IBV_WC_SUCCESS)
			done++;
		else
			pair_reset(&e->rc);
	}
	atomic_store(&turn, -1);
	pthread_join(thread, NULL);
	print_message("%u of %d writes done, %llu pages taken back\n", done,
		      ROUNDS, (unsigned long long)stats_of(mr).invalidated_pages);
	assert_true(stats_of(mr).invalidated_pages > 0);
	pattern_check("what was written before", mem, len / 4, 1, 0);
	env_write_and_check(e, mr, mem + len / 2, len / 8, ROUNDS);
	dereg(&e->rig, mr);
	mem_unmap(mem, len);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		vfio_test(R10_huge_maps_of_a_bar),
		vfio_test(R10_a_device_that_stops_answering),
		vfio_test(R10_stops_under_traffic),
	};

	return ENV_MAIN(argc, argv, "vfio", tests);
}
