// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A FUSE server that answers no read: a process of its own, which obeys
 * through a socket. A letter for each message: to hold back answers to reads
 * or to let them go, which it says it has done; and that it holds one.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knob.h"
#include "stuck.h"

#define DIR		"/tmp/odp_fuse"
#define HOLD		'h'
#define LET_GO		'l'
#define DONE		'd'
#define HELD		'r'
#define MAX_HELD	64
/* Inodes: the root is 1, files are named by their numbers. */
#define FIRST_FILE	2
#define FOREVER		1e9

static int sock;
static pid_t server;

/* The server's. */
static bool holding;
static struct {
	fuse_req_t req;
	size_t len;
} held[MAX_HELD];
static int nr_held;

static void say(char what)
{
	if (write(sock, &what, 1) != 1)
		test_fail("socket: %s", strerror(errno));
}

static struct stat stat_of(fuse_ino_t ino)
{
	return (struct stat) {
		.st_ino = ino,
		.st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 :
						 S_IFREG | 0600,
		.st_nlink = 1,
		.st_size = STUCK_LEN,
	};
}

static void serve_lookup(fuse_req_t req, fuse_ino_t parent,
			 const char *name)
{
	struct fuse_entry_param e = {
		.ino = FIRST_FILE + strtoul(name, NULL, 10),
		.attr_timeout = FOREVER,
		.entry_timeout = FOREVER,
	};

	e.attr = stat_of(e.ino);
	fuse_reply_entry(req, &e);
	(void)parent;
}

static void serve_getattr(fuse_req_t req, fuse_ino_t ino,
			  struct fuse_file_info *fi)
{
	struct stat st = stat_of(ino);

	fuse_reply_attr(req, &st, FOREVER);
	(void)fi;
}

static void serve_open(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	fuse_reply_open(req, fi);
	(void)ino;
}

static void answer(fuse_req_t req, size_t len)
{
	static const char zeros[STUCK_LEN];

	fuse_reply_buf(req, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
}

static void serve_read(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off,
		       struct fuse_file_info *fi)
{
	if (!holding) {
		answer(req, len);
		return;
	}
	if (nr_held == MAX_HELD)
		test_fail("more than %d reads are held back", MAX_HELD);
	held[nr_held].req = req;
	held[nr_held++].len = len;
	say(HELD);
	(void)ino;
	(void)off;
	(void)fi;
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = serve_lookup,
	.getattr = serve_getattr,
	.open = serve_open,
	.read = serve_read,
};

/* Whether there was an order. */
static bool obey(void)
{
	char order;

	if (read(sock, &order, 1) != 1)
		return false;
	holding = order == HOLD;
	while (!holding && nr_held) {
		nr_held--;
		answer(held[nr_held].req, held[nr_held].len);
	}
	say(DONE);
	return true;
}

static int serve(void *arg)
{
	char *argv[] = { "odp_fuse", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *se;
	struct fuse_buf buf = {};
	struct pollfd fds[2];

	/* The test's end: or its being closed would not be seen. */
	close(*(int *)arg);
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!se || fuse_session_mount(se, DIR))
		return EXIT_FAILURE;
	say(DONE);
	fds[0] = (struct pollfd) { fuse_session_fd(se), POLLIN, 0 };
	fds[1] = (struct pollfd) { sock, POLLIN, 0 };
	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents && !obey())
			break;
		if (fds[0].revents & POLLIN &&
		    fuse_session_receive_buf(se, &buf) > 0)
			fuse_session_process_buf(se, &buf);
	}
	fuse_session_unmount(se);
	fuse_session_destroy(se);
	free(buf.mem);
	return EXIT_SUCCESS;
}

/* Waits for a letter and passes over others. */
static bool await_letter(char want)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	char got = 0;

	while (got != want)
		if (poll(&pfd, 1, PATIENCE_MS) != 1 ||
		    read(sock, &got, 1) != 1)
			return false;
	return true;
}

static const char *server_open(void)
{
	int ends[2];

	shell_try("modprobe -q fuse");
	if (access("/dev/fuse", R_OK | W_OK))
		return "this kernel has no FUSE";
	if (mkdir(DIR, 0755) && errno != EEXIST)
		test_fail("%s: %s", DIR, strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		test_fail("socketpair: %s", strerror(errno));
	sock = ends[1];
	server = child_start(serve, &ends[0]);
	close(ends[1]);
	sock = ends[0];
	if (!await_letter(DONE))
		test_fail("the FUSE server did not start");
	return NULL;
}

static void order(char letter)
{
	say(letter);
	if (!await_letter(DONE))
		test_fail("the FUSE server does not obey");
}

static void server_release(void)
{
	order(LET_GO);
}

static void server_close(void)
{
	server_release();
	close(sock);
	child_wait_ok(server);
	rmdir(DIR);
}

static uint8_t *file_map(struct board *b)
{
	char path[64];
	uint8_t *mem;
	int fd;

	snprintf(path, sizeof(path), DIR "/%u", b->cell);
	fd = open(path, O_RDWR | O_CLOEXEC);
	mem = mmap(NULL, STUCK_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (mem == MAP_FAILED)
		test_fail("%s: %s", path, strerror(errno));
	close(fd);
	return mem;
}

static void server_stick(const struct board *b, pid_t owner)
{
	order(HOLD);
	(void)b;
	(void)owner;
}

static void server_await(void)
{
	if (!await_letter(HELD))
		test_fail("no read came to the FUSE server");
}

const struct kind kind_fuse = {
	.name = "fuse",
	.for_reads = true,
	.open = server_open,
	.close = server_close,
	.map = file_map,
	.stick = server_stick,
	.await = server_await,
	.release = server_release,
};
