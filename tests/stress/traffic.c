// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A thread that uses the on-demand region over all of its process's memory, through
 * two queue pairs that talk to each other: it copies data between places of its own
 * and compares them, and reads whatever else is mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <infiniband/verbs.h>

#include "carrier.h"

#define PAGE 4096ul
#define OWN (16 * PAGE)
#define VISIT (3 * PAGE)

#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		IBV_ACCESS_REMOTE_READ)
#define PORT 1
#define GID_INDEX 1
/* About half a second, which is tried for ever: nothing is lost on the way. */
#define ACK_TIMEOUT 17
#define FOR_EVER 7
/* Longer than a queue pair takes to an error state. */
#define PATIENCE_NS 20000000000ul

struct own {
	uint8_t from[OWN];
	uint8_t to[OWN];
	uint8_t want[OWN];	/* what must be in @to */
	uint8_t visited[VISIT];
	uint8_t before[VISIT];
	uint8_t after[VISIT];
};

static struct {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	struct ibv_qp *qp[2];
	union ibv_gid gid;
	struct own *own;
	uint64_t dice;
	uint64_t cursor;	/* where the last visit was */
} t;

void traffic_forget(void)
{
	if (t.channel)
		close(t.channel->fd);
	if (t.ctx) {
		close(t.ctx->async_fd);
		close(t.ctx->cmd_fd);
	}
	if (t.own)
		munmap(t.own, sizeof(*t.own));
	memset(&t, 0, sizeof(t));
}

static uint64_t roll(uint64_t sides)
{
	t.dice ^= t.dice << 13;
	t.dice ^= t.dice >> 7;
	t.dice ^= t.dice << 17;
	return t.dice % sides;
}

/* Bytes that do not come again. */
static void fill(uint8_t *mem, size_t len)
{
	uint64_t word;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		word = roll(UINT64_MAX);
		n = len - i < sizeof(word) ? len - i : sizeof(word);
		memcpy(mem + i, &word, n);
	}
}

static int qp_connect(struct ibv_qp *qp, uint32_t peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = PORT,
		.qp_access_flags = ACCESS,
	};
	int err;

	err = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
				       IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
	if (err)
		return err;

	attr = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT,
			.grh = {
				.dgid = t.gid,
				.sgid_index = GID_INDEX,
				.hop_limit = 64,
			},
		},
	};
	err = ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
			    IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			    IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	if (err)
		return err;

	attr = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTS,
		.timeout = ACK_TIMEOUT,
		.retry_cnt = FOR_EVER,
		.rnr_retry = FOR_EVER,
		.max_rd_atomic = 1,
	};
	return ibv_modify_qp(qp, &attr,
			     IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT |
			     IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			     IBV_QP_MAX_QP_RD_ATOMIC);
}

static bool connect_pair(void)
{
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++)
		err = qp_connect(t.qp[i], t.qp[!i]->qp_num);
	if (err)
		trouble("ibv_modify_qp: %s", strerror(err));
	return !err;
}

/* A completion tells of an error before the queue pair is in the error state. */
static bool await_error(struct ibv_qp *qp)
{
	const uint64_t start = now_ns();
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	do {
		if (ibv_query_qp(qp, &attr, IBV_QP_STATE, &init))
			return false;
		if (attr.qp_state == IBV_QPS_ERR)
			return true;
		sched_yield();
	} while (now_ns() - start < PATIENCE_NS);
	return false;
}

/*
 * After an error the pair begins anew, when that has come to an end in both: in who
 * asked always, in who answered if that was what refused. New queue pairs would
 * change what is mapped.
 */
static bool reset_pair(enum ibv_wc_status status)
{
	const bool remote = status == IBV_WC_REM_ACCESS_ERR ||
			    status == IBV_WC_REM_INV_REQ_ERR ||
			    status == IBV_WC_REM_OP_ERR;
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct ibv_wc wc;
	int i, err;

	if (!await_error(t.qp[0]) || (remote && !await_error(t.qp[1]))) {
		trouble("no error state after: %s", ibv_wc_status_str(status));
		slot->lost++;
		return false;
	}
	for (i = 0; i < 2; i++) {
		err = ibv_modify_qp(t.qp[i], &attr, IBV_QP_STATE);
		if (err) {
			trouble("no reset: %s", strerror(err));
			return false;
		}
	}
	while (ibv_poll_cq(t.cq, 1, &wc) > 0)
		;
	return connect_pair();
}

static struct ibv_context *open_device(void)
{
	const char *name = getenv("ODP_TEST_DEVICE");
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = NULL;
	int i;

	for (i = 0; list && list[i]; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name ?: "rxe0"))
			ctx = ibv_open_device(list[i]);
	}
	if (list)
		ibv_free_device_list(list);
	return ctx;
}

bool traffic_open(void)
{
	struct ibv_qp_init_attr attr = {
		.cap = {
			.max_send_wr = 4, .max_recv_wr = 1,
			.max_send_sge = 1, .max_recv_sge = 1,
		},
		.qp_type = IBV_QPT_RC,
	};
	const char *what = "memory";
	int i;

	errno = 0;
	t.dice = now_ns() * getpid() | 1;
	t.own = mmap(NULL, sizeof(*t.own), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t.own == MAP_FAILED) {
		t.own = NULL;
		goto err;
	}
	if (plain)
		return true;
	what = "the device";
	t.ctx = open_device();
	if (!t.ctx)
		goto err;
	what = "the GID";
	if (ibv_query_gid(t.ctx, PORT, GID_INDEX, &t.gid))
		goto err;
	what = "ibv_alloc_pd";
	t.pd = ibv_alloc_pd(t.ctx);
	if (!t.pd)
		goto err;
	what = "ibv_create_comp_channel";
	t.channel = ibv_create_comp_channel(t.ctx);
	if (!t.channel)
		goto err;
	what = "ibv_create_cq";
	t.cq = ibv_create_cq(t.ctx, 16, NULL, t.channel, 0);
	if (!t.cq)
		goto err;
	what = "the implicit region";
	t.mr = ibv_reg_mr(t.pd, NULL, SIZE_MAX, ACCESS | IBV_ACCESS_ON_DEMAND);
	if (!t.mr)
		goto err;
	what = "ibv_create_qp";
	attr.send_cq = t.cq;
	attr.recv_cq = t.cq;
	for (i = 0; i < 2; i++) {
		t.qp[i] = ibv_create_qp(t.pd, &attr);
		if (!t.qp[i])
			goto err;
	}
	return connect_pair();
err:
	trouble("%s: %s", what, strerror(errno));
	return false;
}

/* False if the process may not go on with it. */
static bool completion(struct ibv_wc *wc)
{
	struct ibv_cq *cq;
	void *context;
	int n;

	for (;;) {
		n = ibv_poll_cq(t.cq, 1, wc);
		if (n)
			return n > 0;
		/* Poll once more after asking for an event: it may be there. */
		if (ibv_req_notify_cq(t.cq, 0))
			return false;
		n = ibv_poll_cq(t.cq, 1, wc);
		if (n)
			return n > 0;
		if (ibv_get_cq_event(t.channel, &cq, &context))
			return false;
		ibv_ack_cq_events(cq, 1);
	}
}

static void op_begin(enum op op, uint64_t addr, uint32_t len)
{
	uint64_t now = now_ns();

	slot->now = (struct record) { .addr = addr, .len = len, .op = op };
	waited_all(shared, slot, now, slot->now.waited);
	slot->since = now;
}

static void op_end(void)
{
	struct record r = record_of(shared, slot, now_ns());

	slot->since = 0;
	slot->ops[r.op]++;
	record_keep(slot, &r);
}

static bool by_rdma(enum op op, void *local, uint64_t remote, uint32_t len,
		    enum ibv_wc_status *status)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)local, .length = len, .lkey = t.mr->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = op == OP_WRITE ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = remote, .rkey = t.mr->rkey },
	};
	struct ibv_wc wc;
	int err = ibv_post_send(t.qp[0], &wr, &bad);

	if (err) {
		trouble("ibv_post_send: %s", strerror(err));
		return false;
	}
	if (!completion(&wc)) {
		trouble("no completion: %s", strerror(errno));
		return false;
	}
	*status = wc.status;
	return true;
}

/* The kernel's own way to memory that need not be there. */
static void by_system_call(enum op op, void *local, uint64_t remote,
			   uint32_t len, enum ibv_wc_status *status)
{
	struct iovec here = { local, len }, there = { (void *)remote, len };
	ssize_t n;

	if (op == OP_WRITE)
		n = process_vm_writev(getpid(), &here, 1, &there, 1, 0);
	else
		n = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	*status = n == len ? IBV_WC_SUCCESS : IBV_WC_REM_ACCESS_ERR;
}

/* One operation; whether another one can follow. */
static bool operate(enum op op, void *local, uint64_t remote, uint32_t len,
		    enum ibv_wc_status *status)
{
	op_begin(op, remote, len);
	if (plain)
		by_system_call(op, local, remote, len, status);
	else if (!by_rdma(op, local, remote, len, status))
		return false;
	op_end();
	return *status == IBV_WC_SUCCESS || plain || reset_pair(*status);
}

static void compare(const char *what, const uint8_t *got, const uint8_t *want,
		    size_t len)
{
	size_t i, first = len, bad = 0;

	slot->compared += len;
	if (!memcmp(got, want, len))
		return;
	for (i = 0; i < len; i++) {
		if (got[i] == want[i])
			continue;
		bad++;
		if (first == len)
			first = i;
	}
	slot->wrong += bad;
	trouble("%s: %zu of %zu bytes are wrong, the first one, %zu, is 0x%02x, not 0x%02x",
		what, bad, len, first, got[first], want[first]);
}

/*
 * An operation failed that may not, unless its own memory is gone: there are programs
 * that unmap all they find. Whether another one can follow.
 */
static bool lose(const char *what, enum ibv_wc_status status)
{
	unsigned char there[sizeof(*t.own) / PAGE];

	if (mincore(t.own, sizeof(*t.own), there))
		return false;
	trouble("%s: %s", what, ibv_wc_status_str(status));
	slot->lost++;
	return true;
}

/* Between places of its own. */
static bool copy(void)
{
	const uint32_t len = 1 + roll(OWN / 4);
	const size_t from = roll(OWN - len), to = roll(OWN - len);
	const enum op op = roll(2) ? OP_WRITE : OP_READ;
	const size_t gone = roll(OWN / PAGE) * PAGE;
	struct own *own = t.own;
	enum ibv_wc_status status;
	bool on;

	fill(own->from + from, len);
	/* Memory that is locked stays. */
	if (!roll(4) && !madvise(own->to + gone, OWN - gone, MADV_DONTNEED))
		memset(own->want + gone, 0, OWN - gone);
	if (op == OP_WRITE)
		on = operate(op, own->from + from, (uintptr_t)own->to + to, len,
			     &status);
	else
		on = operate(op, own->to + to, (uintptr_t)own->from + from, len,
			     &status);
	if (!on)
		return false;
	if (status != IBV_WC_SUCCESS) {
		if (!lose("its own memory", status))
			return false;
		/* As much of it may have been written as wants to. */
		memcpy(own->want, own->to, OWN);
		return true;
	}
	memcpy(own->want + to, own->from + from, len);
	compare(op == OP_WRITE ? "written" : "read", own->to, own->want, OWN);
	/* What was wrong once is not counted again. */
	memcpy(own->want, own->to, OWN);
	return true;
}

/* The mapping at an address, or the next one. */
static bool mapping(uint64_t addr, struct procmap_query *q)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	bool found;

	if (fd < 0)
		return false;
	*q = (struct procmap_query) {
		.size = sizeof(*q),
		.query_flags = PROCMAP_QUERY_COVERING_OR_NEXT_VMA,
		.query_addr = addr,
	};
	found = !ioctl(fd, PROCMAP_QUERY, q);
	close(fd);
	return found;
}

/* What is there as the process sees it, if all of it is. */
static bool peek(uint64_t addr, uint8_t *mem, size_t len)
{
	struct iovec here = { mem, len }, there = { (void *)addr, len };

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) ==
	       (ssize_t)len;
}

/* A program's code, which nobody changes. */
static bool is_code(const struct procmap_query *q)
{
	return q->inode && q->vma_flags == (PROCMAP_QUERY_VMA_READABLE |
					    PROCMAP_QUERY_VMA_EXECUTABLE);
}

/* Somewhere in the next mapping, or some way beyond its end. */
static bool visit(void)
{
	const uint32_t len = 1 + roll(VISIT);
	struct procmap_query q;
	enum ibv_wc_status status;
	struct own *own = t.own;
	uint64_t addr;
	bool known;

	if (!mapping(t.cursor, &q)) {
		t.cursor = 0;
		return true;
	}
	t.cursor = q.vma_end;
	addr = q.vma_start + roll(q.vma_end - q.vma_start);
	known = is_code(&q) && peek(addr, own->before, len);
	if (!operate(OP_VISIT, own->visited, addr, len, &status))
		return false;
	if (status == IBV_WC_REM_ACCESS_ERR) {
		slot->refused++;
		return true;
	}
	if (status != IBV_WC_SUCCESS)
		return lose("what is mapped", status);
	if (known && peek(addr, own->after, len) &&
	    !memcmp(own->before, own->after, len))
		compare("a program's code", own->visited, own->before, len);
	return true;
}

void *traffic_run(void *unused)
{
	prctl(PR_SET_NAME, "odp-traffic");
	slot->thread = gettid();
	while (copy() && visit() && visit())
		;
	return unused;
}
