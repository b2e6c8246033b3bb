// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Pages that only the device uses are young to reclaim (R20): under pressure in
 * a memory control group they stay, while pages that nobody uses any more go.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "env.h"
#include "knob.h"
#include "memcg.h"

#define IMAGE	"/tmp/odp_young.img"
#define DIR	"/tmp/odp_young"
#define SET	(4 * MIB)
#define STREAM	(6 * SET)
#define ROOM	(3 * SET)
#define ROUNDS	2
#define STEP	MIB

static struct memcg group;

/* A file system of its own: its pages are charged to whoever reads them. */
static int young_setup(void **state)
{
	shell_try("modprobe -q loop");
	shell("truncate -s 64M " IMAGE " && mkfs.ext4 -q -F " IMAGE
	      " && mkdir -p " DIR " && mount -o loop " IMAGE " " DIR);
	shell("for file in hot idle; do "
	      "head -c %zu /dev/urandom >" DIR "/$file; done; "
	      "head -c %zu /dev/urandom >" DIR "/stream; sync; "
	      "echo 3 >/proc/sys/vm/drop_caches", SET, STREAM);
	if (!memcg_open(&group, "odp_young"))
		return -1;
	return env_setup(state);
}

static int young_teardown(void **state)
{
	const struct memcg root = { .dir = "/sys/fs/cgroup" };

	env_teardown(state);
	memcg_add(&root, getpid());
	memcg_close(&group);
	shell("umount " DIR " && rmdir " DIR " && rm " IMAGE);
	return 0;
}

static uint8_t *map_file(const char *path, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *mem = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		test_fail("%s: %s", path, strerror(errno));
	close(fd);
	return mem;
}

static void look(const volatile uint8_t *mem, size_t len)
{
	size_t off;

	for (off = 0; off < len; off += PAGE)
		(void)mem[off];
}

static void device_reads(struct env *e, struct ibv_mr *mr, const uint8_t *mem)
{
	size_t off;

	for (off = 0; off < SET; off += STEP)
		expect_success("read", do_read(&e->rc, env_buf(e),
					       ref_r(mr, mem + off), STEP));
}

/* How many of a file's pages are in memory. */
static int present(uint8_t *mem)
{
	static uint8_t in[SET / PAGE];
	size_t i, n = 0;

	if (mincore(mem, SET, in))
		test_fail("mincore: %s", strerror(errno));
	for (i = 0; i < SET / PAGE; i++)
		n += in[i] & 1;
	return n;
}

static void R20_what_the_device_uses_stays(void **state)
{
	const struct pair_config big = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_4096,
	};
	uint8_t *hot, *idle, *stream;
	struct ibv_mr *hot_mr, *idle_mr;
	struct env *e = *state;
	const int all = SET / PAGE;
	int round, again = 0;
	int hot_in, idle_in;
	size_t off;

	pair_close(&e->rc);
	pair_open(&e->rc, &e->rig, &big);
	if (!memcg_add(&group, getpid()) ||
	    !memcg_set_bytes(&group, "memory.max",
			     memcg_bytes(&group) + (int64_t)ROOM))
		test_fail("no memory control group");
	hot = map_file(DIR "/hot", SET);
	idle = map_file(DIR "/idle", SET);
	stream = map_file(DIR "/stream", STREAM);
	hot_mr = reg_odp(&e->rig, hot, SET, IBV_ACCESS_REMOTE_READ);
	idle_mr = reg_odp(&e->rig, idle, SET, IBV_ACCESS_REMOTE_READ);

	/* The processor looks at both once, the device at one again and again. */
	look(hot, SET);
	look(idle, SET);
	device_reads(e, hot_mr, hot);
	device_reads(e, idle_mr, idle);
	for (round = 0; round < ROUNDS; round++)
		for (off = 0; off < STREAM; off += SET / 2) {
			look(stream + off, SET / 2);
			again += all - present(hot);
			device_reads(e, hot_mr, hot);
		}
	hot_in = present(hot);
	idle_in = present(idle);
	print_message("of %d pages: %d that the device uses, %d that nobody does; %d had to come again\n",
		      all, hot_in, idle_in, again);
	munmap(hot, SET);
	munmap(idle, SET);
	munmap(stream, STREAM);
	assert_true(idle_in < all / 2);
	assert_true(hot_in >= all * 9 / 10);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(R20_what_the_device_uses_stays,
						young_setup, young_teardown),
	};

	return ENV_MAIN(argc, argv, "young", tests);
}
