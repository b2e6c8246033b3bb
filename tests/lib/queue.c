// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Queues of events, and what comes out of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "env.h"
#include "fail.h"
#include "queue.h"

struct odp_events *queue_setup(void **state)
{
	struct env *e;

	env_setup(state);
	e = *state;
	return queue_open(e->rig.ctx);
}

int queue_teardown(void **state, struct odp_events *q)
{
	odp_events_close(q);
	return env_teardown(state);
}

struct odp_events *queue_open(struct ibv_context *ctx)
{
	struct odp_events *q = odp_events_open(ctx);

	if (!q)
		test_fail("odp_events_open: %s", strerror(errno));
	return q;
}

void queue_block(struct odp_events *q, bool block)
{
	const int fd = odp_events_fd(q), flags = fcntl(fd, F_GETFL);

	if (fcntl(fd, F_SETFL, block ? flags & ~O_NONBLOCK :
				       flags | O_NONBLOCK))
		test_fail("O_NONBLOCK: %s", strerror(errno));
}

int queue_poll(struct odp_events *q, int ms)
{
	struct pollfd pfd = { .fd = odp_events_fd(q), .events = POLLIN };

	if (poll(&pfd, 1, ms) < 0)
		test_fail("poll: %s", strerror(errno));
	return pfd.revents;
}

static struct odp_event next(struct odp_events *q, int ms)
{
	struct odp_event event;
	size_t nr = 0;
	int err;

	if (queue_poll(q, ms) != POLLIN)
		test_fail("there is no event");
	err = odp_events_read(q, &event, 1, &nr);
	if (err || nr != 1)
		test_fail("odp_events_read: %s, %zu events", strerror(err), nr);
	return event;
}

struct odp_event queue_next(struct odp_events *q)
{
	return next(q, PATIENCE_MS);
}

struct odp_event queue_now(struct odp_events *q)
{
	return next(q, 0);
}

void queue_expect_none(struct odp_events *q)
{
	int revents = queue_poll(q, 0);
	struct odp_event event;

	if (!revents)
		return;
	if (revents != POLLIN)
		test_fail("poll says 0x%x", revents);
	event = queue_now(q);
	test_fail("there is an event: kind %u, error %d, cookie %" PRIu64
		  ", %#" PRIx64 ", length %" PRIu64 ", count %" PRIu64
		  ", causes %#x", event.kind, event.error, event.cookie,
		  event.addr, event.length, event.count, event.causes);
}

uint64_t queue_count(struct odp_events *q, uint64_t cookie, const void *addr,
		     size_t len)
{
	const uint64_t start = (uintptr_t)addr;
	uint64_t count = 0;

	while (queue_poll(q, 0) == POLLIN) {
		struct odp_event event = queue_now(q);

		assert_int_equal(event.kind, ODP_EVENT_INVALIDATED);
		assert_int_equal(event.cookie, cookie);
		assert_true(event.count > 0);
		assert_true(event.length > 0);
		assert_true(event.addr >= start);
		assert_true(event.addr + event.length <= start + len);
		count += event.count;
	}
	return count;
}

uint32_t watch(struct odp_events *q, struct ibv_mr *mr, const void *addr,
	       size_t len, uint64_t cookie)
{
	const struct odp_watch_attr attr = {
		.addr = (uintptr_t)addr,
		.length = len,
		.cookie = cookie,
	};
	uint32_t id = 0;
	int err;

	err = odp_mr_watch(mr, q, &attr, &id);
	if (err)
		test_fail("odp_mr_watch: %s", strerror(err));
	return id;
}

void expect_hit(struct odp_events *q, uint64_t cookie, const void *addr,
		size_t len, uint64_t count, uint32_t causes)
{
	struct odp_event event = queue_now(q);

	assert_int_equal(event.kind, ODP_EVENT_INVALIDATED);
	assert_int_equal(event.cookie, cookie);
	assert_int_equal(event.addr, (uintptr_t)addr);
	assert_int_equal(event.length, len);
	assert_int_equal(event.count, count);
	assert_int_equal(event.causes, causes);
	assert_int_equal(event.error, 0);
	queue_expect_none(q);
}

void expect_end(struct odp_events *q, uint64_t cookie, int error)
{
	struct odp_event event = queue_now(q);

	assert_int_equal(event.kind, ODP_EVENT_WATCH_ENDED);
	assert_int_equal(event.cookie, cookie);
	assert_int_equal(event.error, error);
	queue_expect_none(q);
}
