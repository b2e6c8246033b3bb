// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The process that owns the stuck memory, and what it is told to do.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "prefetch.h"
#include "rereg.h"
#include "stuck.h"

/* Memory that its death must give back, too. */
#define BALLAST (8 * MIB)
#define FOOD (16 * MIB)

static const struct pair_config rc = {
	.type = IBV_QPT_RC,
	.mtu = IBV_MTU_1024,
	.forever = true,
};

static void expect_done(const char *what, int err)
{
	if (err)
		test_fail("%s: %s", what, strerror(err));
}

void owner_connect(struct owner *o)
{
	qp_connect(&o->rig, o->qp, o->b->test_qpn, &rc);
}

void owner_recv(struct owner *o)
{
	struct ibv_sge sge = { (uintptr_t)o->mem, STUCK_LEN, o->mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	expect_done("ibv_post_recv", ibv_post_recv(o->qp, &wr, &bad));
}

void stuck_post(struct ibv_qp *qp, enum ibv_wr_opcode opcode, struct ref local,
		struct ref remote)
{
	struct ibv_sge sge = { local.addr, 64, local.key };
	struct ibv_send_wr wr = {
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = { .remote_addr = remote.addr, .rkey = remote.key },
	};

	post_send(qp, &wr);
}

static void post(struct owner *o, enum ibv_wr_opcode opcode)
{
	stuck_post(o->qp, opcode, ref_l(o->mr, o->mem), o->b->test_mem);
}

void owner_write(struct owner *o)
{
	post(o, IBV_WR_RDMA_WRITE);
}

void owner_read(struct owner *o)
{
	post(o, IBV_WR_RDMA_READ);
}

/* What this comes to depends on what is done to it. */
static void *prefetcher(void *arg)
{
	struct owner *o = arg;
	struct ibv_sge sge = { (uintptr_t)o->mem, STUCK_LEN, o->mr->lkey };

	advise(o->rig.pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
	       IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1);
	return NULL;
}

/* The call itself waits, so it is another thread's. */
void owner_prefetch(struct owner *o)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, prefetcher, o))
		test_fail("no thread");
	pthread_detach(thread);
}

void owner_destroy_qp(struct owner *o)
{
	expect_done("ibv_destroy_qp", ibv_destroy_qp(o->qp));
}

void owner_reset_qp(struct owner *o)
{
	qp_set_state(o->qp, IBV_QPS_RESET);
}

void owner_err_qp(struct owner *o)
{
	qp_set_state(o->qp, IBV_QPS_ERR);
}

void owner_dereg(struct owner *o)
{
	dereg(&o->rig, o->mr);
}

void owner_rereg(struct owner *o)
{
	expect_done("rereg", rereg(o->mr, IBV_REREG_MR_CHANGE_ACCESS, NULL,
				   NULL, IBV_ACCESS_REMOTE_READ |
				   IBV_ACCESS_ON_DEMAND));
}

/* As a program does that ends in good order. */
void owner_close(struct owner *o)
{
	owner_destroy_qp(o);
	cq_destroy(o->cq);
	rig_close(&o->rig);
}

/* More than its group may have. */
void owner_eat(struct owner *o)
{
	memset(o->food, 1, FOOD);
	test_fail("there was memory for all of it");
}

int owner_run(void *arg)
{
	struct owner_job *job = arg;
	struct owner o = { .b = job->b };
	owner_fn fn;

	/* It goes into its group first. */
	if (read(job->sock, &fn, sizeof(fn)) != sizeof(fn))
		return CHILD_FAILED;
	memset(mem_anon(BALLAST), 1, BALLAST);
	/* Who waits for a page may keep others from mapping memory. */
	o.food = mem_anon(FOOD);
	rig_open(&o.rig);
	o.mem = job->kind->map(o.b);
	o.mr = reg_odp(&o.rig, o.mem, STUCK_LEN, ACCESS_ALL);
	o.cq = cq_create(&o.rig, 16);
	o.qp = qp_create(&o.rig, o.rig.pd, o.cq, NULL, IBV_QPT_RC);
	o.b->owner_mem = ref_r(o.mr, o.mem);
	o.b->owner_qpn = o.qp->qp_num;
	while (write(job->sock, "", 1) == 1 &&
	       read(job->sock, &fn, sizeof(fn)) == sizeof(fn))
		fn(&o);
	/* And leaves all as it is. */
	return 0;
}
