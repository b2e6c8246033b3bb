// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Completion queues, and waiting for what comes out of them.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cq.h"
#include "fail.h"

struct ibv_cq *cq_create(struct rig *rig, int depth)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(rig->ctx);
	struct ibv_cq *cq;

	if (!channel)
		test_fail("ibv_create_comp_channel: %s", strerror(errno));
	cq = ibv_create_cq(rig->ctx, depth, NULL, channel, 0);
	if (!cq)
		test_fail("ibv_create_cq: %s", strerror(errno));
	return cq;
}

void cq_destroy(struct ibv_cq *cq)
{
	struct ibv_comp_channel *channel = cq->channel;

	ibv_destroy_cq(cq);
	ibv_destroy_comp_channel(channel);
}

static bool cq_poll(struct ibv_cq *cq, struct ibv_wc *wc)
{
	int n = ibv_poll_cq(cq, 1, wc);

	if (n < 0)
		test_fail("ibv_poll_cq failed");
	return n;
}

/* Sleeps until the queue tells of something, which may be gone already. */
static bool cq_sleep(struct ibv_cq *cq, int64_t ms)
{
	struct pollfd pollfd = { .fd = cq->channel->fd, .events = POLLIN };
	struct ibv_cq *which;
	void *context;
	int n;

	n = poll(&pollfd, 1, ms > 0 ? ms : 0);
	if (n < 0 && errno == EINTR)
		return true;
	if (n != 1)
		return false;
	if (ibv_get_cq_event(cq->channel, &which, &context))
		test_fail("ibv_get_cq_event: %s", strerror(errno));
	ibv_ack_cq_events(cq, 1);
	return true;
}

bool wait_wc_ms(struct ibv_cq *cq, struct ibv_wc *wc, int64_t ms)
{
	int64_t deadline = now_ms() + ms;

	while (!cq_poll(cq, wc)) {
		if (ibv_req_notify_cq(cq, 0))
			test_fail("ibv_req_notify_cq failed");
		/* What came before it was asked for is not told. */
		if (cq_poll(cq, wc))
			break;
		if (!cq_sleep(cq, deadline - now_ms()))
			return cq_poll(cq, wc);
	}
	return true;
}

struct ibv_wc wait_wc(struct ibv_cq *cq, const char *what)
{
	struct ibv_wc wc;

	if (!wait_wc_ms(cq, &wc, PATIENCE_MS))
		test_fail("%s: no completion in %d ms", what, PATIENCE_MS);
	return wc;
}
