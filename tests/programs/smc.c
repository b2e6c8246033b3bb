// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The kernel's SMC sockets (SMC-R): bytes that go there and back through buffers
 * that the other host writes by RDMA, all of them compared. Where it cannot, SMC
 * falls back to TCP; that fails here.
 *
 *	test_smc server ADDRESS PORT
 *	test_smc client ADDRESS PORT
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/smc.h>
#include <linux/smc_diag.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "inet.h"

/* Hosts of one name find each other; as long as the kernel wants it. */
#define EID "ODP.TEST                        "
#define SEED 0x736d63

static const size_t sizes[] = { 1, 8, 100, 4095, 4097, 65537, 300001, 900001 };

#define NR(array) (sizeof(array) / sizeof(*(array)))

static char **args;

/* A message of generic netlink with one string in it. */
struct request {
	struct nlmsghdr head;
	struct genlmsghdr gen;
	struct nlattr attr;
	char text[64];
};

static void ask_netlink(int fd, int family, int cmd, int attr,
			const char *text)
{
	struct request r = {
		.head.nlmsg_type = family,
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.gen = { .cmd = cmd, .version = SMC_GENL_FAMILY_VERSION },
		.attr.nla_type = attr,
	};

	strcpy(r.text, text);
	r.attr.nla_len = NLA_HDRLEN + strlen(text) + 1;
	r.head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) +
			   NLA_ALIGN(r.attr.nla_len);
	must("netlink", send(fd, &r, r.head.nlmsg_len, 0));
}

/* The family's number, of what the kernel says of it. */
static int family_number(const void *buf, size_t len)
{
	const struct nlmsghdr *head = buf;
	const char *at = (char *)NLMSG_DATA(head) + GENL_HDRLEN;
	const char *end = (char *)buf + len;

	if (head->nlmsg_type == NLMSG_ERROR)
		test_fail("this kernel has no SMC over netlink");
	for (; at < end; at += NLA_ALIGN(((struct nlattr *)at)->nla_len))
		if (((struct nlattr *)at)->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(at + NLA_HDRLEN);
	test_fail("SMC's number in netlink is not told");
}

/* A name that both hosts have lets SMC go over RoCE v2, which is what rxe has. */
static void name_host(void)
{
	char buf[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *head = (void *)buf;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	int family, err;
	ssize_t len;

	must("netlink", fd);
	ask_netlink(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
		    CTRL_ATTR_FAMILY_NAME, SMC_GENL_FAMILY_NAME);
	len = recv(fd, buf, sizeof(buf), 0);
	must("netlink", len);
	family = family_number(buf, len);
	must("netlink", recv(fd, buf, sizeof(buf), 0));
	ask_netlink(fd, family, SMC_NETLINK_ADD_UEID, SMC_NLA_EID_TABLE_ENTRY,
		    EID);
	must("netlink", recv(fd, buf, sizeof(buf), 0));
	assert_int_equal(head->nlmsg_type, NLMSG_ERROR);
	err = ((struct nlmsgerr *)NLMSG_DATA(head))->error;
	if (err && err != -EEXIST)
		test_fail("the host cannot be named: %s", strerror(-err));
	close(fd);
}

/* How the kernel moves what goes through a socket. */
static int mode_of(int sock)
{
	struct {
		struct nlmsghdr head;
		struct smc_diag_req smc;
	} r = {
		.head.nlmsg_len = sizeof(r),
		.head.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.smc.diag_family = AF_SMC,
	};
	char buf[16384] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), mode = -1;
	const struct smc_diag_msg *msg;
	struct nlmsghdr *head;
	bool more = true;
	struct stat st;
	ssize_t len;

	must("fstat", fstat(sock, &st));
	must("netlink", fd);
	must("netlink", send(fd, &r, sizeof(r), 0));
	while (more) {
		len = recv(fd, buf, sizeof(buf), 0);
		must("netlink", len);
		for (head = (void *)buf; NLMSG_OK(head, len);
		     head = NLMSG_NEXT(head, len)) {
			more = head->nlmsg_type == SOCK_DIAG_BY_FAMILY;
			msg = NLMSG_DATA(head);
			if (more && msg->diag_inode == st.st_ino)
				mode = msg->diag_mode;
		}
	}
	close(fd);
	return mode;
}

static void expect_rdma(int fd)
{
	int mode = mode_of(fd);

	if (mode != SMC_DIAG_MODE_SMCR)
		test_fail("the socket's mode is %d: it is not RDMA", mode);
}

static void send_all(int fd, const uint8_t *buf, size_t len)
{
	ssize_t sent;

	for (; len; buf += sent, len -= sent) {
		sent = send(fd, buf, len, MSG_NOSIGNAL);
		must("send", sent);
	}
}

static void recv_all(int fd, uint8_t *buf, size_t len)
{
	ssize_t got;

	for (; len; buf += got, len -= got) {
		got = recv(fd, buf, len, 0);
		must("recv", got);
		if (!got)
			test_fail("the other host has gone");
	}
}

static void serve(void **state)
{
	const struct sockaddr_in addr = inet_address(args[2], args[3]);
	uint8_t *mem = mem_anon(MIB);
	int fd, conn;
	size_t i;

	(void)state;
	name_host();
	fd = socket(AF_SMC, SOCK_STREAM, 0);
	must("a socket of SMC", fd);
	must("bind", bind(fd, (const void *)&addr, sizeof(addr)));
	must("listen", listen(fd, 1));
	conn = accept(fd, NULL, NULL);
	must("accept", conn);
	expect_rdma(conn);
	for (i = 0; i < NR(sizes); i++) {
		recv_all(conn, mem, sizes[i]);
		pattern_check("what came", mem, sizes[i], SEED + i, 0);
		send_all(conn, mem, sizes[i]);
	}
	close(conn);
	close(fd);
	mem_release();
}

static void ask(void **state)
{
	const struct sockaddr_in addr = inet_address(args[2], args[3]);
	uint8_t *mem = mem_anon(MIB);
	size_t i;
	int fd;

	(void)state;
	name_host();
	fd = socket(AF_SMC, SOCK_STREAM, 0);
	must("a socket of SMC", fd);
	must("connect", connect(fd, (const void *)&addr, sizeof(addr)));
	expect_rdma(fd);
	for (i = 0; i < NR(sizes); i++) {
		pattern_fill(mem, sizes[i], SEED + i, 0);
		send_all(fd, mem, sizes[i]);
		memset(mem, 0, sizes[i]);
		recv_all(fd, mem, sizes[i]);
		pattern_check("what came back", mem, sizes[i], SEED + i, 0);
	}
	close(fd);
	mem_release();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest server[] = { cmocka_unit_test(serve) };
	const struct CMUnitTest client[] = { cmocka_unit_test(ask) };

	args = argv;
	if (argc == 4 && !strcmp(argv[1], "server"))
		return cmocka_run_group_tests(server, NULL, NULL);
	if (argc == 4 && !strcmp(argv[1], "client"))
		return cmocka_run_group_tests(client, NULL, NULL);
	fprintf(stderr, "usage: %s server|client ADDRESS PORT\n", argv[0]);
	return 2;
}
