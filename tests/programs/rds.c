// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The kernel's RDS sockets over RDMA: messages, and RDMA to and from memory that
 * the kernel registers for its user, all bytes compared.
 *
 *	test_rds server ADDRESS PORT [FOLDER]
 *	test_rds client ADDRESS PORT [FOLDER]
 *
 * RDS pins that memory, except where it cannot: with a folder it is a file there,
 * on an NVDIMM, and RDS asks the device for an on-demand region. Over TCP the client
 * only sees that the server's socket is there: RDS drops what has none.
 */
#include <fcntl.h>
#include <linux/rds.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "env.h"
#include "inet.h"

#define REGION_LEN MIB
#define SEED 0x726473

static const size_t sizes[] = { 1, 8, 100, 4095, 4096, 4097, 65537, 300001 };
static const size_t offsets[] = { 0, 1, 64, 4095, 12345 };
static const size_t lengths[] = { 1, 8, 4096, 5000, 65537, 300001, 900001 };

/* As the client sees it. */
enum op { WRITE, READ, NR_OPS };

struct cell {
	enum op op;
	size_t off, len;
	uint64_t seed;
};

struct end {
	int rds, tcp;
	struct sockaddr_in peer;	/* its RDS socket */
	uint8_t *mem;
	bool file;
};

static char **args;

static uint8_t *file_map(const char *folder)
{
	char path[256];
	uint8_t *mem;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, args[1]);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	must(path, fd);
	must("ftruncate", ftruncate(fd, REGION_LEN));
	mem = mmap(NULL, REGION_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	close(fd);
	return mem;
}

/* An RDS socket at @addr, and memory. */
static void end_open(struct end *e, const struct sockaddr_in *addr)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	const int transport = RDS_TRANS_IB, room = 4 * MIB;

	e->file = args[4];
	e->mem = e->file ? file_map(args[4]) : mem_anon(REGION_LEN);
	e->rds = socket(AF_RDS, SOCK_SEQPACKET, 0);
	must("a socket of RDS", e->rds);
	must("SO_RDS_TRANSPORT",
	     setsockopt(e->rds, SOL_RDS, SO_RDS_TRANSPORT, &transport,
			sizeof(transport)));
	must("SO_SNDBUFFORCE", setsockopt(e->rds, SOL_SOCKET, SO_SNDBUFFORCE,
					  &room, sizeof(room)));
	must("SO_RCVTIMEO", setsockopt(e->rds, SOL_SOCKET, SO_RCVTIMEO,
				       &patience, sizeof(patience)));
	must("bind", bind(e->rds, (const void *)addr, sizeof(*addr)));
}

static void end_close(struct end *e)
{
	close(e->rds);
	close(e->tcp);
	if (e->file)
		munmap(e->mem, REGION_LEN);
	mem_release();
}

/* Sends @len bytes, with a control message unless @type is 0. */
static void send_with(struct end *e, const void *buf, size_t len, int type,
		      const void *control, size_t control_len)
{
	union {
		struct cmsghdr head;
		char space[128];
	} u = {};
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = {
		.msg_name = &e->peer,
		.msg_namelen = sizeof(e->peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	if (type) {
		u.head.cmsg_level = SOL_RDS;
		u.head.cmsg_type = type;
		u.head.cmsg_len = CMSG_LEN(control_len);
		memcpy(CMSG_DATA(&u.head), control, control_len);
		msg.msg_control = &u;
		msg.msg_controllen = CMSG_SPACE(control_len);
	}
	must("sendmsg", sendmsg(e->rds, &msg, 0));
}

/*
 * Receives just @len bytes, and the control message that comes with them if
 * there must be one.
 */
static void recv_with(struct end *e, void *buf, size_t len, int type,
		      void *control, size_t control_len)
{
	union {
		struct cmsghdr head;
		char space[128];
	} u;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_name = &e->peer,
		.msg_namelen = sizeof(e->peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &u,
		.msg_controllen = sizeof(u),
	};
	ssize_t got = recvmsg(e->rds, &msg, 0);
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	must("recvmsg", got);
	assert_int_equal(got, len);
	assert_int_equal(head ? head->cmsg_type : 0, type);
	if (type)
		memcpy(control, CMSG_DATA(head), control_len);
}

/* There and back again. */
static void messages(struct end *e, bool first)
{
	size_t i;

	for (i = 0; i < NR(sizes); i++) {
		pattern_fill(e->mem, REGION_LEN, SEED + i, 0);
		if (first)
			send_with(e, e->mem, sizes[i], 0, NULL, 0);
		memset(e->mem, 0, REGION_LEN);
		recv_with(e, e->mem, sizes[i], 0, NULL, 0);
		pattern_check("a message", e->mem, sizes[i], SEED + i, 0);
		if (!first)
			send_with(e, e->mem, sizes[i], 0, NULL, 0);
	}
}

/* The source's bytes are of the seed. In the target's window nothing is. */
static void fill(struct end *e, const struct cell *c, bool source)
{
	pattern_fill(e->mem, REGION_LEN, ~c->seed, 0);
	if (source)
		pattern_fill(e->mem + PAGE + c->off, c->len, c->seed, 0);
	if (e->file)
		mem_cold(e->mem, REGION_LEN);
}

static void check(struct end *e, const struct cell *c)
{
	const size_t start = PAGE + c->off, stop = start + c->len;
	char what[64];

	snprintf(what, sizeof(what), "%s at offset %zu",
		 c->op == WRITE ? "a write" : "a read", c->off);
	pattern_check("before the target", e->mem, start, ~c->seed, 0);
	pattern_check(what, e->mem + start, c->len, c->seed, 0);
	pattern_check("behind the target", e->mem + stop, REGION_LEN - stop,
		      ~c->seed, stop);
}

static void serve_cell(struct end *e, const struct cell *c)
{
	uint64_t cookie = 0;
	const struct rds_get_mr_args map = {
		.vec.addr = (uintptr_t)e->mem + PAGE + c->off,
		.vec.bytes = c->len,
		.cookie_addr = (uintptr_t)&cookie,
		.flags = RDS_RDMA_READWRITE,
	};
	struct rds_free_mr_args unmap = { .flags = RDS_RDMA_INVALIDATE };
	char byte = 0;

	fill(e, c, c->op == READ);
	send_with(e, &byte, 1, RDS_CMSG_RDMA_MAP, &map, sizeof(map));
	/* The one that the client's operation goes with, and that it is done. */
	recv_with(e, &byte, 1, 0, NULL, 0);
	recv_with(e, &byte, 1, 0, NULL, 0);
	if (c->op == WRITE)
		check(e, c);
	unmap.cookie = cookie;
	must("RDS_FREE_MR", setsockopt(e->rds, SOL_RDS, RDS_FREE_MR, &unmap,
				       sizeof(unmap)));
}

static void ask_cell(struct end *e, const struct cell *c)
{
	struct rds_iovec local = {
		.addr = (uintptr_t)e->mem + PAGE + c->off,
		.bytes = c->len,
	};
	struct rds_rdma_args rdma = {
		.remote_vec.bytes = c->len,
		.local_vec_addr = (uintptr_t)&local,
		.nr_local = 1,
		/*
		 * RDS tells of a read when the message that goes with it has
		 * been acknowledged: that one must wait for the data.
		 */
		.flags = RDS_RDMA_NOTIFY_ME |
			 (c->op == WRITE ? RDS_RDMA_READWRITE : RDS_RDMA_FENCE),
		.user_token = c->seed,
	};
	struct rds_rdma_notify done;
	char byte = 0;

	recv_with(e, &byte, 1, RDS_CMSG_RDMA_DEST, &rdma.cookie,
		  sizeof(rdma.cookie));
	fill(e, c, c->op == WRITE);
	send_with(e, &byte, 1, RDS_CMSG_RDMA_ARGS, &rdma, sizeof(rdma));
	recv_with(e, &byte, 0, RDS_CMSG_RDMA_STATUS, &done, sizeof(done));
	assert_int_equal(done.user_token, c->seed);
	assert_int_equal(done.status, RDS_RDMA_SUCCESS);
	if (c->op == READ)
		check(e, c);
	send_with(e, &byte, 1, 0, NULL, 0);
}

static unsigned int cells(struct end *e,
			  void (*one)(struct end *e, const struct cell *c))
{
	struct cell c = { .seed = SEED };
	unsigned int nr = 0;
	size_t i, j;

	for (c.op = 0; c.op < NR_OPS; c.op++) {
		for (i = 0; i < NR(offsets); i++) {
			for (j = 0; j < NR(lengths); j++, nr++) {
				c.off = offsets[i];
				c.len = lengths[j];
				c.seed++;
				one(e, &c);
			}
		}
	}
	return nr;
}

static void serve(void **state)
{
	const struct sockaddr_in addr = inet_address(args[2], args[3]);
	struct end e = {};

	(void)state;
	end_open(&e, &addr);
	e.tcp = inet_accept(AF_INET, &addr);
	messages(&e, false);
	cells(&e, serve_cell);
	end_close(&e);
}

static void ask(void **state)
{
	struct end e = { .peer = inet_address(args[2], args[3]) };
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	(void)state;
	e.tcp = inet_connect(AF_INET, &e.peer);
	must("getsockname", getsockname(e.tcp, (void *)&own, &len));
	own.sin_port = 0;
	end_open(&e, &own);
	messages(&e, true);
	print_message("%u cells\n", cells(&e, ask_cell));
	end_close(&e);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest server[] = { cmocka_unit_test(serve) };
	const struct CMUnitTest client[] = { cmocka_unit_test(ask) };

	args = argv;
	if (argc == 4 || argc == 5) {
		if (!strcmp(argv[1], "server"))
			return cmocka_run_group_tests(server, NULL, NULL);
		if (!strcmp(argv[1], "client"))
			return cmocka_run_group_tests(client, NULL, NULL);
	}
	fprintf(stderr, "usage: %s server|client ADDRESS PORT [FOLDER]\n",
		argv[0]);
	return 2;
}
