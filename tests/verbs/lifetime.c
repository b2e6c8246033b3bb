// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * MRs and processes that end while packets are on their way.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"

#define LEN (64 * PAGE)
#define BATCH 16

/* What the processes tell each other, in memory that they share. */
struct board {
	uint32_t parent_qpn, child_qpn;
	uint64_t addr;
	uint32_t rkey;
	int snapshot_errno;	/* of the grandchild, 0 if it succeeded */
	int ready[2];		/* pipe: the child has filled in its part */
	int go[2], end[2];	/* pipes: closed by the parent to go on */
};

/* Gives a peer that does not answer up after about two seconds. */
static const struct pair_config rc = {
	.type = IBV_QPT_RC,
	.mtu = IBV_MTU_1024,
	.timeout = 16,
};

static struct board *board_open(void)
{
	struct board *b = mem_shared(PAGE);

	if (pipe(b->ready) || pipe(b->go) || pipe(b->end))
		test_fail("no pipes");
	return b;
}

static void board_close(struct board *b)
{
	close(b->ready[0]);
	close(b->go[0]);
	close(b->end[0]);
}

static void await_child(struct board *b)
{
	char c;

	close(b->ready[1]);
	if (read(b->ready[0], &c, 1) != 1)
		test_fail("the child did not get ready");
}

/* The child's side: its own device, MR and queue pair. */
static struct ibv_mr *child_open(struct board *b, struct rig *rig)
{
	struct ibv_mr *mr;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	uint8_t *mem;

	close(b->go[1]);
	close(b->end[1]);
	rig_open(rig);
	mem = mem_anon(LEN);
	mr = reg_odp(rig, mem, LEN, ACCESS_ALL);
	cq = cq_create(rig, 16);
	qp = qp_create(rig, rig->pd, cq, NULL, IBV_QPT_RC);
	qp_connect(rig, qp, b->parent_qpn, &rc);
	b->child_qpn = qp->qp_num;
	b->addr = (uintptr_t)mem;
	b->rkey = mr->rkey;
	return mr;
}

static void child_ready(struct board *b)
{
	if (write(b->ready[1], "", 1) != 1)
		_exit(CHILD_FAILED);
}

static int owner(void *arg)
{
	struct rig rig;

	child_open(arg, &rig);
	child_ready(arg);
	for (;;)
		pause();
	return 0;
}

/* Posts a batch of writes that cover the peer's MR. */
static void post_batch(struct env *e, struct ibv_qp *qp, struct board *b)
{
	env_post_writes(e, qp, b->addr, b->rkey, BATCH, LEN / BATCH);
}

/* How many of a batch succeeded; fails on any end that is not a clean one. */
static int reap_batch(struct ibv_cq *cq)
{
	int i, good = 0;

	for (i = 0; i < BATCH; i++) {
		struct ibv_wc wc = wait_wc(cq, "write to a peer that may die");

		switch (wc.status) {
		case IBV_WC_SUCCESS:
			good++;
			break;
		case IBV_WC_WR_FLUSH_ERR:
		case IBV_WC_REM_ACCESS_ERR:
		case IBV_WC_REM_OP_ERR:
		case IBV_WC_RETRY_EXC_ERR:
			break;
		default:
			test_fail("write to a peer that may die: %s",
				  ibv_wc_status_str(wc.status));
		}
	}
	return good;
}

/* The owner of the MR is killed in the middle of the traffic. */
static void owner_is_killed(void **state)
{
	struct env *e = *state;
	int round, batches;

	for (round = 0; round < 5; round++) {
		struct board *b = board_open();
		struct ibv_cq *cq;
		struct ibv_qp *qp;
		pid_t pid;

		cq = cq_create(&e->rig, 4 * BATCH);
		qp = qp_create(&e->rig, e->rig.pd, cq, NULL, IBV_QPT_RC);
		b->parent_qpn = qp->qp_num;
		pid = child_start(owner, b);
		await_child(b);
		qp_connect(&e->rig, qp, b->child_qpn, &rc);

		for (batches = 0; batches < round; batches++) {
			post_batch(e, qp, b);
			assert_int_equal(reap_batch(cq), BATCH);
		}
		post_batch(e, qp, b);
		post_batch(e, qp, b);
		child_kill(pid);
		reap_batch(cq);
		reap_batch(cq);
		close(b->go[1]);
		close(b->end[1]);
		board_close(b);
		ibv_destroy_qp(qp);
		cq_destroy(cq);
	}
	expect_success("another MR after that",
		       do_write(&e->rc, env_buf(e),
				ref_r(e->buf_mr, e->buf + MIB), 64));
}

/* Keeps the device's file open when the owner's address space is gone. */
static int grandchild(struct board *b, struct ibv_mr *mr)
{
	uint8_t states[4];
	char c;

	/* The parent closes its end when the owner is gone. */
	if (read(b->go[0], &c, 1) != 0)
		return CHILD_FAILED;
	b->snapshot_errno = odp_mr_snapshot(mr, b->addr, sizeof(states),
					    states);
	child_ready(b);
	/* The MR must stay until the parent has tried it as well. */
	if (read(b->end[0], &c, 1) != 0)
		return CHILD_FAILED;
	return 0;
}

static int owner_with_heir(void *arg)
{
	struct board *b = arg;
	struct ibv_mr *mr;
	struct rig rig;

	mr = child_open(b, &rig);
	memset((void *)(uintptr_t)b->addr, 0, LEN);
	if (!fork())
		_exit(grandchild(b, mr));
	child_ready(b);
	return 0;
}

/*
 * The owner's address space is gone, but the MR lives on, because another
 * process has the device's file: no access, no oops, and ESRCH from libodp.
 */
static void address_space_is_gone(void **state)
{
	struct env *e = *state;
	struct board *b = board_open();
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	int status;
	char c;

	/* The heir becomes this process's child, to be waited for. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cq = cq_create(&e->rig, 4 * BATCH);
	qp = qp_create(&e->rig, e->rig.pd, cq, NULL, IBV_QPT_RC);
	b->parent_qpn = qp->qp_num;
	child_wait_ok(child_start(owner_with_heir, b));
	await_child(b);
	qp_connect(&e->rig, qp, b->child_qpn, &rc);

	close(b->go[1]);
	assert_int_equal(read(b->ready[0], &c, 1), 1);
	assert_int_equal(b->snapshot_errno, ESRCH);
	post_batch(e, qp, b);
	assert_int_equal(reap_batch(cq), 0);

	close(b->end[1]);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	board_close(b);
	ibv_destroy_qp(qp);
	cq_destroy(cq);
}

/* Batches go on while the MR that they aim at is taken away. */
static void dereg_with_packets_in_flight(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	int round, good = 0;

	for (round = 0; round < 100; round++) {
		struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
		struct board b = {
			.addr = (uintptr_t)mem, .rkey = mr->rkey,
		};
		struct ibv_wc wc;
		int n;

		mem_cold(mem, LEN);
		post_batch(e, e->rc.a, &b);
		/* Later and later, so that all points of a batch are met. */
		for (n = 0; n < round % BATCH; n++) {
			wc = wait_wc(e->rc.a_cq, "write before the dereg");
			expect_success("write before the dereg", wc.status);
		}
		dereg(&e->rig, mr);
		for (; n < BATCH; n++) {
			wc = wait_wc(e->rc.a_cq, "write around the dereg");
			good += wc.status == IBV_WC_SUCCESS;
		}
		pair_reset(&e->rc);
	}
	print_message("%d writes were done before their MR went\n", good);
	expect_success("another MR after that",
		       do_write(&e->rc, env_buf(e),
				ref_r(e->buf_mr, e->buf + MIB), 64));
}

/* The same with the MR as the sender's own memory, read and written. */
static void dereg_of_local_memory_in_flight(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	int round, i;

	for (round = 0; round < 50; round++) {
		struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
		struct ibv_sge sge = { (uintptr_t)mem, LEN, mr->lkey };
		struct ibv_send_wr wr = {
			.opcode = round % 2 ? IBV_WR_RDMA_READ :
					      IBV_WR_RDMA_WRITE,
			.send_flags = IBV_SEND_SIGNALED,
			.sg_list = &sge,
			.num_sge = 1,
			.wr.rdma = {
				.remote_addr = (uintptr_t)e->buf,
				.rkey = e->buf_mr->rkey,
			},
		};

		mem_cold(mem, LEN);
		for (i = 0; i < 4; i++)
			post_send(e->rc.a, &wr);
		dereg(&e->rig, mr);
		for (i = 0; i < 4; i++)
			wait_wc(e->rc.a_cq, "request around the dereg");
		pair_reset(&e->rc);
	}
}

/* Memory goes away, not the MR: requests end, with or without success. */
static void munmap_with_packets_in_flight(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(LEN, PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct board b = { .addr = (uintptr_t)mem, .rkey = mr->rkey };
	int round;

	for (round = 0; round < 50; round++) {
		mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
		post_batch(e, e->rc.a, &b);
		mem_unmap(mem, LEN);
		reap_batch(e->rc.a_cq);
		pair_reset(&e->rc);
	}
	mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
	env_write_and_check(e, mr, mem, LEN, 1);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(owner_is_killed),
		env_test(address_space_is_gone),
		env_test(dereg_with_packets_in_flight),
		env_test(dereg_of_local_memory_in_flight),
		env_test(munmap_with_packets_in_flight),
	};

	return ENV_MAIN(argc, argv, "lifetime", tests);
}
