// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The kernel's SMC sockets (SMC-R): bytes that go there and back through buffers
 * that the other host writes by RDMA, all of them compared. Where it cannot, SMC
 * falls back to TCP; that fails here.
 *
 *	test_smc server ADDRESS PORT
 *	test_smc client ADDRESS PORT
 */
#include <linux/smc.h>
#include <linux/smc_diag.h>
#include <linux/sock_diag.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
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

static char **args;

static void must_nl(const char *what, int err)
{
	if (err < 0)
		test_fail("%s: %s", what, nl_geterror(err));
}

/* A name that both hosts have lets SMC go over RoCE v2, which is what rxe has. */
static void name_host(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	int family, err;

	assert_non_null(sock);
	assert_non_null(msg);
	must_nl("netlink", genl_connect(sock));
	family = genl_ctrl_resolve(sock, SMC_GENL_FAMILY_NAME);
	must_nl("SMC over netlink", family);
	assert_non_null(genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
				    SMC_NETLINK_ADD_UEID,
				    SMC_GENL_FAMILY_VERSION));
	must_nl("netlink", nla_put_string(msg, SMC_NLA_EID_TABLE_ENTRY, EID));
	err = nl_send_sync(sock, msg);
	if (err != -NLE_EXIST)
		must_nl("a name for the host", err);
	nl_socket_free(sock);
}

struct mode {
	ino_t inode;
	int mode;
};

static int look_at_socket(struct nl_msg *msg, void *arg)
{
	const struct smc_diag_msg *diag = nlmsg_data(nlmsg_hdr(msg));
	struct mode *m = arg;

	if (diag->diag_inode == m->inode)
		m->mode = diag->diag_mode;
	return NL_OK;
}

/* How the kernel moves what goes through a socket. */
static int mode_of(int fd)
{
	struct smc_diag_req req = { .diag_family = AF_SMC };
	struct nl_sock *sock = nl_socket_alloc();
	struct mode m = { .mode = -1 };
	struct stat st;

	must("fstat", fstat(fd, &st));
	m.inode = st.st_ino;
	assert_non_null(sock);
	must_nl("netlink", nl_connect(sock, NETLINK_SOCK_DIAG));
	must_nl("netlink", nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM,
					       look_at_socket, &m));
	must_nl("netlink", nl_send_simple(sock, SOCK_DIAG_BY_FAMILY,
					  NLM_F_DUMP, &req, sizeof(req)));
	must_nl("SMC's sockets", nl_recvmsgs_default(sock));
	nl_socket_free(sock);
	return m.mode;
}

static void expect_rdma(int fd)
{
	int mode = mode_of(fd);

	if (mode != SMC_DIAG_MODE_SMCR)
		test_fail("the socket's mode is %d: it is not RDMA", mode);
}

static void serve(void **state)
{
	const struct sockaddr_in addr = inet_address(args[2], args[3]);
	uint8_t *mem = mem_anon(MIB);
	size_t i;
	int conn;

	(void)state;
	name_host();
	conn = inet_accept(AF_SMC, &addr);
	expect_rdma(conn);
	for (i = 0; i < NR(sizes); i++) {
		inet_receive(conn, mem, sizes[i]);
		pattern_check("what came", mem, sizes[i], SEED + i, 0);
		inet_send(conn, mem, sizes[i]);
	}
	close(conn);
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
	fd = inet_connect(AF_SMC, &addr);
	expect_rdma(fd);
	for (i = 0; i < NR(sizes); i++) {
		pattern_fill(mem, sizes[i], SEED + i, 0);
		inet_send(fd, mem, sizes[i]);
		memset(mem, 0, sizes[i]);
		inet_receive(fd, mem, sizes[i]);
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
