// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A shared mapping of a file on a frozen ext4: its pages are there, but the
 * first write to one has to wait until the file system is thawed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "knob.h"
#include "stuck.h"

#define IMAGE		"/tmp/odp_frozen.img"
#define DIR		"/tmp/odp_frozen"
#define FILE_NAME	DIR "/file"
/* Each cell has pages of its own, which were not written before. */
#define CELLS		256
#define SEED		1

static int dir = -1;
static pid_t user;
static bool frozen;

static const char *frozen_open(void)
{
	uint8_t page[STUCK_LEN];
	unsigned int i;
	int fd;

	shell_try("modprobe -q loop");
	shell("truncate -s 48M " IMAGE " && mkdir -p " DIR);
	if (!shell_try("mkfs.ext4 -q -F " IMAGE) ||
	    !shell_try("mount -o loop " IMAGE " " DIR))
		return "no ext4 can be mounted from a loop device";
	fd = open(FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (i = 0; i < CELLS; i++) {
		pattern_fill(page, sizeof(page), SEED, i * sizeof(page));
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			test_fail("%s: %s", FILE_NAME, strerror(errno));
	}
	if (fsync(fd))
		test_fail("fsync: %s", strerror(errno));
	close(fd);
	dir = open(DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return NULL;
}

static void frozen_release(void)
{
	if (frozen && ioctl(dir, FITHAW, 0))
		test_fail("thaw: %s", strerror(errno));
	frozen = false;
}

static void frozen_close(void)
{
	frozen_release();
	close(dir);
	shell("umount " DIR " && rmdir " DIR " && rm " IMAGE);
}

static uint8_t *frozen_map(struct board *b)
{
	int fd = open(FILE_NAME, O_RDWR | O_CLOEXEC);
	uint8_t *mem;

	if (b->cell >= CELLS)
		test_fail("more than %d cells", CELLS);
	mem = mmap(NULL, STUCK_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   b->cell * STUCK_LEN);
	if (mem == MAP_FAILED)
		test_fail("mmap: %s", strerror(errno));
	close(fd);
	/* Which brings them in, to be read. */
	pattern_check("the file", mem, STUCK_LEN, SEED, b->cell * STUCK_LEN);
	return mem;
}

static void frozen_stick(const struct board *b, pid_t owner)
{
	if (ioctl(dir, FIFREEZE, 0))
		test_fail("freeze: %s", strerror(errno));
	frozen = true;
	user = owner;
	(void)b;
}

static bool worker_waits(void *arg)
{
	(void)arg;
	return shell_try("grep -qs 'odp-worker) D' /proc/%d/task/*/stat", user);
}

/* The file system tells nobody that somebody waits for it. */
static void frozen_await(void)
{
	if (!wait_until(worker_waits, NULL))
		test_fail("nobody wants to write to the frozen file system");
}

const struct kind kind_frozen = {
	.name = "frozen_ext4",
	.open = frozen_open,
	.close = frozen_close,
	.map = frozen_map,
	.stick = frozen_stick,
	.await = frozen_await,
	.release = frozen_release,
};
