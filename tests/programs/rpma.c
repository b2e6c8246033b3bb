// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * librpma, the library of remote persistent memory, on SoftRoCE: a server with a
 * file on an NVDIMM, a client that writes to it and makes that last. Such a file
 * cannot be pinned, so librpma itself asks for an on-demand region.
 */
#include <errno.h>
#include <fcntl.h>
#include <librpma.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dax.h"
#include "env.h"
#include "nldev.h"

#define ADDRESS "192.0.2.1"
#define PORT "18901"
#define LEN (64 * PAGE)

static void must(const char *what, int ret)
{
	if (ret)
		test_fail("%s: %s", what, rpma_err_2str(ret));
}

static void expect_event(struct rpma_conn *conn, enum rpma_conn_event want)
{
	enum rpma_conn_event event;

	must("event", rpma_conn_next_event(conn, &event));
	if (event != want)
		test_fail("%s, not %s", rpma_utils_conn_event_2str(event),
			  rpma_utils_conn_event_2str(want));
}

static struct rpma_peer *peer_of(enum rpma_util_ibv_context_type type)
{
	struct rpma_peer *peer;
	struct ibv_context *ctx;

	must("device", rpma_utils_get_ibv_context(ADDRESS, type, &ctx));
	must("peer", rpma_peer_new(ctx, &peer));
	return peer;
}

/* This process's only region. */
static void expect_on_demand(void)
{
	struct od_regions list;
	size_t i, nr = 0;

	if (od_regions_get("rxe0", &list))
		test_fail("no list of regions");
	for (i = 0; i < list.nr; i++)
		nr += list.region[i].pid == (uint32_t)getpid();
	od_regions_free(&list);
	assert_int_equal(nr, 1);
}

/* Serves one client; @arg is a pipe that is told when it can come. */
static int serve(void *arg)
{
	struct rpma_conn_private_data data;
	struct rpma_mr_local *mr;
	struct rpma_conn_req *req;
	struct rpma_peer *peer;
	struct rpma_conn *conn;
	struct rpma_ep *ep;
	char descriptor[64];
	const int *ready = arg;
	size_t len;
	void *mem;
	int fd;

	fd = open(DAX_DIR "/rpma", O_RDWR | O_CLOEXEC);
	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		test_fail("mmap: %s", strerror(errno));
	peer = peer_of(RPMA_UTIL_IBV_CONTEXT_LOCAL);
	must("listen", rpma_ep_listen(peer, ADDRESS, PORT, &ep));
	must("register", rpma_mr_reg(peer, mem, LEN, RPMA_MR_USAGE_WRITE_DST |
				     RPMA_MR_USAGE_READ_SRC |
				     RPMA_MR_USAGE_FLUSH_TYPE_PERSISTENT, &mr));
	expect_on_demand();
	must("descriptor", rpma_mr_get_descriptor_size(mr, &len));
	assert_true(len <= sizeof(descriptor));
	must("descriptor", rpma_mr_get_descriptor(mr, descriptor));
	data = (struct rpma_conn_private_data) { descriptor, (uint8_t)len };

	if (write(ready[1], "", 1) != 1)
		return CHILD_FAILED;
	must("request", rpma_ep_next_conn_req(ep, NULL, &req));
	must("accept", rpma_conn_req_connect(&req, &data, &conn));
	expect_event(conn, RPMA_CONN_ESTABLISHED);
	expect_event(conn, RPMA_CONN_CLOSED);
	must("disconnect", rpma_conn_disconnect(conn));
	must("delete", rpma_conn_delete(&conn));
	must("deregister", rpma_mr_dereg(&mr));
	must("shutdown", rpma_ep_shutdown(&ep));
	must("peer", rpma_peer_delete(&peer));
	return 0;
}

static struct rpma_conn *connect_to_server(struct rpma_peer *peer,
					   struct rpma_mr_remote **remote)
{
	struct rpma_conn_private_data data;
	struct rpma_peer_cfg *cfg;
	struct rpma_conn_req *req;
	struct rpma_conn *conn;

	must("request", rpma_conn_req_new(peer, ADDRESS, PORT, NULL, &req));
	must("connect", rpma_conn_req_connect(&req, NULL, &conn));
	expect_event(conn, RPMA_CONN_ESTABLISHED);
	must("private data", rpma_conn_get_private_data(conn, &data));
	must("remote region", rpma_mr_remote_from_descriptor(data.ptr, data.len,
							     remote));
	/* Nothing is between the server's network and its NVDIMM. */
	must("configuration", rpma_peer_cfg_new(&cfg));
	must("configuration", rpma_peer_cfg_set_direct_write_to_pmem(cfg, true));
	must("configuration", rpma_conn_apply_remote_peer_cfg(conn, cfg));
	must("configuration", rpma_peer_cfg_delete(&cfg));
	return conn;
}

static void write_and_flush(struct rpma_conn *conn,
			    struct rpma_mr_remote *remote,
			    struct rpma_mr_local *local)
{
	struct rpma_cq *cq;
	struct ibv_wc wc;

	must("write", rpma_write(conn, remote, 100, local, 0, LEN - 100,
				 RPMA_F_COMPLETION_ON_ERROR, NULL));
	must("flush", rpma_flush(conn, remote, 100, LEN - 100,
				 RPMA_FLUSH_TYPE_PERSISTENT,
				 RPMA_F_COMPLETION_ALWAYS, NULL));
	must("completions", rpma_conn_get_cq(conn, &cq));
	must("completion", rpma_cq_wait(cq));
	must("completion", rpma_cq_get_wc(cq, 1, &wc, NULL));
	expect_success("flush", wc.status);
}

static void librpma_writes_to_a_file(void **state)
{
	const char *why = dax_mount("ext4");
	struct rpma_mr_remote *remote;
	struct rpma_mr_local *local;
	struct rpma_peer *peer;
	struct rpma_conn *conn;
	uint8_t *mem, buf[LEN];
	int fd, ready[2];
	char c;
	pid_t pid;

	(void)state;
	if (why)
		skip_because("%s", why);
	fd = open(DAX_DIR "/rpma", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, LEN) || pipe(ready))
		test_fail(DAX_DIR "/rpma: %s", strerror(errno));
	pid = child_start(serve, ready);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		test_fail("no server");

	peer = peer_of(RPMA_UTIL_IBV_CONTEXT_REMOTE);
	mem = mem_anon(LEN);
	pattern_fill(mem, LEN, 1, 0);
	must("register", rpma_mr_reg(peer, mem, LEN, RPMA_MR_USAGE_WRITE_SRC,
				     &local));
	conn = connect_to_server(peer, &remote);
	write_and_flush(conn, remote, local);
	assert_int_equal(pread(fd, buf, LEN, 0), LEN);
	pattern_check("the file", buf + 100, LEN - 100, 1, 0);
	zeros_check("before it", buf, 100);

	must("disconnect", rpma_conn_disconnect(conn));
	expect_event(conn, RPMA_CONN_CLOSED);
	must("delete", rpma_mr_remote_delete(&remote));
	must("delete", rpma_conn_delete(&conn));
	must("deregister", rpma_mr_dereg(&local));
	must("peer", rpma_peer_delete(&peer));
	child_wait_ok(pid);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(librpma_writes_to_a_file),
	};
	int status = ENV_MAIN(argc, argv, "rpma", tests);

	dax_umount();
	return status;
}
