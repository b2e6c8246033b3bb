// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What a device tells of a queue pair besides completions.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "env.h"

#define ERRORS 20

/* How many times is it told, of those that are there, that a QP is drained? */
static unsigned int drained(struct ibv_context *ctx, struct ibv_qp *qp)
{
	struct ibv_async_event event;
	unsigned int times = 0;

	while (!ibv_get_async_event(ctx, &event)) {
		times += event.event_type == IBV_EVENT_QP_LAST_WQE_REACHED &&
			 event.element.qp == qp;
		ibv_ack_async_event(&event);
	}
	assert_int_equal(errno, EAGAIN);
	return times;
}

static unsigned int await_drained(struct ibv_context *ctx, struct ibv_qp *qp)
{
	struct pollfd fd = { .fd = ctx->async_fd, .events = POLLIN };
	unsigned int times;

	do {
		if (poll(&fd, 1, PATIENCE_MS) != 1)
			test_fail("nobody tells that the queue pair is drained");
		times = drained(ctx, qp);
	} while (!times);
	return times;
}

/*
 * UCX destroys a queue pair when it is told, and takes a second time for a bug
 * of its own. The responder runs at each change of the state; a reset waits for
 * it.
 */
static void last_receive_is_told_of_once(void **state)
{
	const struct pair_config srq = {
		.type = IBV_QPT_RC,
		.mtu = IBV_MTU_1024,
		.srq = true,
	};
	struct env *e = *state;
	struct ibv_context *ctx = e->rig.ctx;
	unsigned int i, life;
	struct pair p;

	assert_int_equal(fcntl(ctx->async_fd, F_SETFL, O_NONBLOCK), 0);
	pair_open(&p, &e->rig, &srq);
	for (life = 0; life < 3; life++) {
		qp_set_state(p.b, IBV_QPS_ERR);
		assert_int_equal(await_drained(ctx, p.b), 1);
		for (i = 0; i < ERRORS; i++)
			qp_set_state(p.b, IBV_QPS_ERR);
		qp_reset(p.b);
		assert_int_equal(drained(ctx, p.b), 0);
		qp_connect(&e->rig, p.b, p.a->qp_num, &srq);
	}
	pair_close(&p);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(last_receive_is_told_of_once),
	};

	return ENV_MAIN(argc, argv, "async", tests);
}
