// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A hostile owner: right and mutated calls of the driver's own methods
 * (<rdma/rxe_odp_abi.h>) and of the advice. The kernel writes to no byte beyond
 * what the call offers it, refuses with errors that the header names, and the
 * region goes on working.
 *
 * Where the kernel has KCOV, a call that reached a new place in it is kept, and
 * others are made of it by one more mutation. There a seed repeats a run only
 * as far as the kernel does the same again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <rdma/rxe_odp_abi.h>

#include "dice.h"
#include "env.h"
#include "kcov.h"

#define PAGES		64
#define MAX_ATTRS	6
#define ROOM		(16 * KIB)	/* what a call may be given to write to */
#define FIRST		(1U << UVERBS_ID_NS_SHIFT)
#define MAX_KEPT	1024	/* calls that reached something new */
#define SGES		2

/* The parts of a call: what an attribute is and how long. */
struct method {
	uint16_t object;
	uint16_t id;
	struct {
		uint16_t id;
		enum {
			HANDLE, PD_HANDLE, NUMBER, ADVICE, REQUEST, POLICY,
			SGE_LIST, EVENTS, WATCH, PREFETCH, OUT
		} what;
		uint16_t len;
	} attr[5];
	unsigned int nr_attrs;
};

#define BY_HANDLE(attr) { attr, HANDLE, 0 }
#define BY_NUMBER(attr) { attr, NUMBER, sizeof(uint32_t) }
#define SNAPSHOT \
	{ RXE_ODP_ATTR_SNAPSHOT_REQ, REQUEST, \
	  sizeof(struct rxe_odp_snapshot_req) }, \
	{ RXE_ODP_ATTR_SNAPSHOT_RUNS, OUT, 8 * sizeof(struct rxe_odp_run) }, \
	{ RXE_ODP_ATTR_SNAPSHOT_RESP, OUT, \
	  sizeof(struct rxe_odp_snapshot_resp) }
#define STATS \
	{ RXE_ODP_ATTR_STATS_RESP, OUT, sizeof(struct rxe_odp_mr_stats) }
#define POLICY_OUT \
	{ RXE_ODP_ATTR_POLICY, OUT, sizeof(struct rxe_odp_policy) }

static const struct method methods[] = {
	{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_SNAPSHOT,
	  { BY_HANDLE(RXE_ODP_ATTR_SNAPSHOT_HANDLE), SNAPSHOT }, 4 },
	{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_STATS,
	  { BY_HANDLE(RXE_ODP_ATTR_STATS_HANDLE), STATS }, 2 },
	{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_GET_POLICY,
	  { BY_HANDLE(RXE_ODP_ATTR_POLICY_HANDLE), POLICY_OUT }, 2 },
	{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_SET_POLICY,
	  { BY_HANDLE(RXE_ODP_ATTR_POLICY_HANDLE),
	    { RXE_ODP_ATTR_POLICY, POLICY, sizeof(struct rxe_odp_policy) } }, 2 },
	{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_SNAPSHOT,
	  { BY_NUMBER(RXE_ODP_ATTR_SNAPSHOT_MRN), SNAPSHOT }, 4 },
	{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_STATS,
	  { BY_NUMBER(RXE_ODP_ATTR_STATS_MRN), STATS }, 2 },
	{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_POLICY,
	  { BY_NUMBER(RXE_ODP_ATTR_POLICY_MRN), POLICY_OUT }, 2 },
	{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_CAPS,
	  { { RXE_ODP_ATTR_CAPS_RESP, OUT, sizeof(uint64_t) } }, 1 },
	{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_WATCH,
	  { BY_HANDLE(RXE_ODP_ATTR_WATCH_HANDLE),
	    { RXE_ODP_ATTR_WATCH_FD, EVENTS, 0 },
	    { RXE_ODP_ATTR_WATCH_REQ, WATCH, sizeof(struct rxe_odp_watch) },
	    { RXE_ODP_ATTR_WATCH_RESP, OUT, sizeof(uint32_t) } }, 4 },
	{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_UNWATCH,
	  { { RXE_ODP_ATTR_UNWATCH_FD, EVENTS, 0 },
	    BY_NUMBER(RXE_ODP_ATTR_UNWATCH_ID) }, 2 },
	{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_PREFETCH,
	  { { RXE_ODP_ATTR_PREFETCH_PD, PD_HANDLE, 0 },
	    { RXE_ODP_ATTR_PREFETCH_FD, EVENTS, 0 },
	    { RXE_ODP_ATTR_PREFETCH_ADVICE, ADVICE, sizeof(uint64_t) },
	    { RXE_ODP_ATTR_PREFETCH_RANGES, PREFETCH,
	      SGES * sizeof(struct rxe_odp_prefetch) },
	    { RXE_ODP_ATTR_PREFETCH_RESP, OUT, sizeof(uint32_t) } }, 5 },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_ADVISE_MR,
	  { { UVERBS_ATTR_ADVISE_MR_PD_HANDLE, PD_HANDLE, 0 },
	    { UVERBS_ATTR_ADVISE_MR_ADVICE, ADVICE, sizeof(uint64_t) },
	    { UVERBS_ATTR_ADVISE_MR_FLAGS, NUMBER, sizeof(uint32_t) },
	    { UVERBS_ATTR_ADVISE_MR_SGE_LIST, SGE_LIST,
	      SGES * sizeof(struct ib_uverbs_sge) } }, 4 },
};

struct call {
	struct ib_uverbs_ioctl_hdr hdr;
	struct ib_uverbs_attr attrs[MAX_ATTRS];
};

/* All that the kernel reads, and may write to if a wrong call says so. */
struct input {
	struct call call;
	struct rxe_odp_snapshot_req request;
	struct rxe_odp_policy policy;
	struct ib_uverbs_sge sge[SGES];
	struct rxe_odp_watch watch;
	struct rxe_odp_prefetch prefetch[SGES];
};

struct try {
	struct input in;
	size_t offered;		/* how much of the room it may write to */
	bool wrong;		/* the offer may be anything */
};

struct owner {
	struct env *env;
	struct ibv_mr *mr;
	struct odp_events *events;
	uint8_t *mem;
	uint8_t *room;		/* ROOM bytes, then a page that is not there */
	struct input *in;	/* where attributes point to; nothing near it */
	struct try now;
	struct kcov *kcov;	/* or NULL */
	struct try kept[MAX_KEPT];
	unsigned int nr_kept;
};

/* Numbers that are right, and at times anything. */
static void make_input(struct dice *d, struct owner *o)
{
	uint64_t va = (uintptr_t)o->mem;
	struct input *in = &o->now.in;
	unsigned int i;

	in->request = (struct rxe_odp_snapshot_req) { va, PAGES * PAGE };
	in->policy = (struct rxe_odp_policy) {
		.around = roll(d, 4),
		.max_pages = 1 + roll(d, 512),
		.limit_ms = 1 + roll(d, 600000),
		.flags = roll(d, 2),
	};
	for (i = 0; i < SGES; i++)
		in->sge[i] = (struct ib_uverbs_sge) {
			.addr = va, .length = PAGES * PAGE,
			.lkey = o->mr->lkey,
		};
	in->watch = (struct rxe_odp_watch) {
		.iova = va, .length = PAGES * PAGE, .causes = roll(d, 8),
	};
	for (i = 0; i < SGES; i++)
		in->prefetch[i] = (struct rxe_odp_prefetch) {
			.iova = va, .length = PAGES * PAGE,
			.lkey = o->mr->lkey,
		};
	if (roll(d, 2))
		return;
	in->request.iova = one_of(d, va, va + 1, va - 1, 0, UINT64_MAX,
				 va + PAGES * PAGE, va + PAGE,
				 0xffff888000000000ull, roll(d, UINT64_MAX));
	in->request.length = one_of(d, 0, 1, PAGE, PAGES * PAGE - 1,
				   PAGES * PAGE + 1, UINT64_MAX,
				   1ull << 63, roll(d, UINT64_MAX));
	in->policy.around = one_of(d, 4, 0x80000000, roll(d, UINT32_MAX));
	in->policy.max_pages = one_of(d, 0, 513, UINT32_MAX);
	in->policy.limit_ms = one_of(d, 0, 600001, UINT32_MAX);
	in->policy.flags = one_of(d, 2, 0x80000000, roll(d, UINT32_MAX));
	i = roll(d, SGES);
	in->sge[i].addr = in->request.iova;
	in->sge[i].length = in->request.length;
	in->sge[i].lkey = one_of(d, o->mr->lkey, o->mr->lkey ^ 1, 0,
				 o->env->buf_mr->lkey, roll(d, UINT32_MAX));
	in->watch.iova = in->request.iova;
	in->watch.length = in->request.length;
	in->watch.causes = one_of(d, 8, 0x80000000, roll(d, UINT32_MAX));
	in->watch.reserved = roll(d, 2);
	in->prefetch[i].iova = in->request.iova;
	in->prefetch[i].length = in->request.length;
	in->prefetch[i].lkey = in->sge[i].lkey;
	in->prefetch[i].reserved = roll(d, 2);
}

/* The n-th attribute of a right call. */
static struct ib_uverbs_attr make_attr(struct dice *d, struct owner *o,
				       const struct method *m, unsigned int n)
{
	struct ib_uverbs_attr attr = {
		.attr_id = m->attr[n].id,
		.len = m->attr[n].len,
		.flags = UVERBS_ATTR_F_MANDATORY,
	};

	switch (m->attr[n].what) {
	case HANDLE:
		attr.data = one_of(d, o->mr->handle, o->mr->handle,
				   o->mr->handle, o->env->buf_mr->handle);
		break;
	case PD_HANDLE:
		attr.data = o->env->rig.pd->handle;
		break;
	case NUMBER:
		attr.data = roll(d, 8);
		break;
	case ADVICE:
		attr.data = roll(d, 4);
		break;
	case REQUEST:
		attr.data = (uintptr_t)&o->in->request;
		break;
	case POLICY:
		attr.data = (uintptr_t)&o->in->policy;
		break;
	case SGE_LIST:
		attr.data = (uintptr_t)&o->in->sge;
		break;
	case EVENTS:
		attr.data = one_of(d, odp_events_fd(o->events),
				   odp_events_fd(o->events),
				   odp_events_fd(o->events),
				   o->env->rig.ctx->cmd_fd);
		break;
	case WATCH:
		attr.data = (uintptr_t)&o->in->watch;
		break;
	case PREFETCH:
		attr.data = (uintptr_t)&o->in->prefetch;
		break;
	case OUT:
		/* As near to the end as it may be. */
		o->now.offered += attr.len;
		attr.data = (uintptr_t)o->room + ROOM - o->now.offered;
	}

	return attr;
}

static void make_wrong(struct dice *d, struct owner *o)
{
	struct call *call = &o->now.in.call;
	struct ib_uverbs_attr *attr = &call->attrs[roll(d, MAX_ATTRS)];

	o->now.wrong = true;
	switch (roll(d, 8)) {
	case 0:
		attr->attr_id = one_of(d, FIRST + roll(d, 8), roll(d, 16),
				       roll(d, UINT16_MAX));
		break;
	case 1:
		/* Nowhere, or not all there. */
		attr->data = one_of(d, 0, 8, UINT64_MAX, 0xffff888000000000ull,
				    (uintptr_t)o->room + ROOM,
				    (uintptr_t)o->room + ROOM - 4);
		break;
	case 2:
		attr->len = one_of(d, 0, 1, 4, 7, 8, 9, 15, 16, 17);
		break;
	case 3:
		attr->flags = roll(d, UINT16_MAX);
		break;
	case 4:
		call->hdr.num_attrs = one_of(d, 0, 1, MAX_ATTRS, UINT16_MAX);
		break;
	case 5:
		call->hdr.length = one_of(d, 0, sizeof(call->hdr),
					  sizeof(*call), UINT16_MAX);
		break;
	case 6:
		call->hdr.driver_id = roll(d, 32);
		break;
	default:
		/* Within the room, or far from all that is ours. */
		attr->data ^= 1ull << one_of(d, roll(d, 13), 47 + roll(d, 17));
	}
}

static void make_call(struct dice *d, struct owner *o)
{
	struct call *call = &o->now.in.call;
	const struct method *m =
		&methods[roll(d, NR(methods))];
	unsigned int i;

	o->now.offered = 0;
	o->now.wrong = false;
	make_input(d, o);
	*call = (struct call) {
		.hdr = {
			.length = sizeof(call->hdr) +
				  m->nr_attrs * sizeof(call->attrs[0]),
			.object_id = m->object,
			.method_id = m->id,
			.num_attrs = m->nr_attrs,
			.driver_id = RDMA_DRIVER_RXE,
		},
	};
	for (i = 0; i < m->nr_attrs; i++)
		call->attrs[i] = make_attr(d, o, m, i);
	if (roll(d, 2))
		while (roll(d, 2))
			make_wrong(d, o);
}

/* One more step away from a call that once reached something new. */
static void change_call(struct dice *d, struct owner *o)
{
	o->now = o->kept[roll(d, o->nr_kept)];
	if (roll(d, 2))
		make_input(d, o);
	else
		make_wrong(d, o);
}

/* Returns 0 or an errno. */
static int do_call(struct owner *o)
{
	int fd = o->env->rig.ctx->cmd_fd, err;

	*o->in = o->now.in;
	if (!o->kcov)
		return ioctl(fd, RDMA_VERBS_IOCTL, &o->in->call) ? errno : 0;

	kcov_start(o->kcov);
	err = ioctl(fd, RDMA_VERBS_IOCTL, &o->in->call) ? errno : 0;
	if (kcov_stop(o->kcov) && o->nr_kept < MAX_KEPT)
		o->kept[o->nr_kept++] = o->now;

	return err;
}

/* What a call was not offered, or with an error gave nothing for, is as before. */
static void expect_kept(const struct owner *o, uint8_t byte)
{
	size_t i;

	for (i = 0; i < ROOM - o->now.offered; i++)
		if (o->room[i] != byte)
			test_fail("byte %zu before what was offered is written to",
				  ROOM - o->now.offered - i);
}

/* What the calls have made happen, and made room for. */
static void read_events(struct owner *o)
{
	struct odp_event list[64];
	size_t nr;

	while (!odp_events_read(o->events, list, 64, &nr))
		;
}

static struct dice_run run;

static void hostile_methods(void **state)
{
	unsigned long i, done = 0, refused = 0;
	static struct owner o;
	struct dice d = { run.seed };
	int err;

	o.env = *state;
	o.kcov = kcov_open();
	/* Wrong addresses are off by less than two pages, or by a lot. */
	o.in = mem_anon(5 * PAGE) + 2 * PAGE;
	o.mem = mem_anon(PAGES * PAGE);
	o.room = mem_anon(ROOM + PAGE);
	mem_unmap(o.room + ROOM, PAGE);
	o.mr = reg_odp(&o.env->rig, o.mem, PAGES * PAGE, ACCESS_ALL);
	o.events = odp_events_open(o.env->rig.ctx);
	assert_non_null(o.events);
	assert_int_equal(fcntl(odp_events_fd(o.events), F_SETFL, O_NONBLOCK),
			 0);

	for (i = 0; i < run.count; i++) {
		if (o.nr_kept && roll(&d, 2))
			change_call(&d, &o);
		else
			make_call(&d, &o);
		memset(o.room, (uint8_t)i, ROOM);
		err = do_call(&o);
		if (err == EIO || err == ENOMEM)
			test_fail("call %lu: %s", i, strerror(err));
		/* A wrong address or length is an offer, too. */
		if (!o.now.wrong)
			expect_kept(&o, (uint8_t)i);
		done += !err;
		refused += !!err;
		if (i % 64 == 0)
			read_events(&o);
	}
	printf("%lu calls done, %lu refused\n", done, refused);
	if (o.kcov) {
		printf("%u calls reached something new, together %u places\n",
		       o.nr_kept, kcov_reached(o.kcov));
		assert_true(o.nr_kept > NR(methods));
		kcov_close(o.kcov);
	}
	assert_true(done > run.count / 20 && refused > run.count / 20);
	env_write_and_check(o.env, o.mr, o.mem, PAGES * PAGE, 3);
	assert_int_equal(odp_events_close(o.events), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(hostile_methods),
	};

	run = dice_run(argc, argv, 100000,
		       "Makes right and wrong calls of the driver's own methods.");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
