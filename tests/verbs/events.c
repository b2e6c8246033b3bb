// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Queues of events: each prefetch that was accepted is told of once, whatever
 * becomes of it; limits; wrong arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dice.h"
#include "env.h"
#include "nic.h"
#include "queue.h"
#include "uffd.h"

#define NR_PAGES 16
#define LEN (NR_PAGES * PAGE)
#define READ IBV_ADVISE_MR_ADVICE_PREFETCH
#define WRITE IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE
#define NO_FAULT IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT

static struct odp_events *q;
static struct uffd uffd;

static int setup(void **state)
{
	q = queue_setup(state);
	return 0;
}

static int teardown(void **state)
{
	uffd_close(&uffd);
	return queue_teardown(state, q);
}

#define queue_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static struct odp_range range(struct ibv_mr *mr, void *addr, uint64_t len)
{
	return (struct odp_range) { (uintptr_t)addr, len, mr->lkey, 0 };
}

static void a_descriptor(void **state)
{
	struct env *e = *state;
	struct odp_event event;
	struct odp_caps caps;
	size_t nr;

	assert_int_equal(odp_query_caps(e->rig.ctx, &caps), 0);
	assert_true(caps.flags & ODP_CAP_EVENTS);
	assert_int_equal(fcntl(odp_events_fd(q), F_GETFD), FD_CLOEXEC);
	queue_expect_none(q);
	queue_block(q, false);
	expect_error("nothing there", odp_events_read(q, &event, 1, &nr),
		     EAGAIN);
}

#define MANY 300

/* Readers of a queue, who count what they get by its cookie. */
struct tally {
	unsigned int told[MANY];
	int error[MANY];
	unsigned int left;
	pthread_mutex_t lock;
};

static void tally_add(struct tally *t, const struct odp_event *event)
{
	pthread_mutex_lock(&t->lock);
	if (event->kind == ODP_EVENT_PREFETCHED && event->cookie < MANY) {
		t->told[event->cookie]++;
		t->error[event->cookie] = event->error;
	}
	t->left--;
	pthread_mutex_unlock(&t->lock);
}

static bool tally_is_full(struct tally *t)
{
	bool full;

	pthread_mutex_lock(&t->lock);
	full = !t->left;
	pthread_mutex_unlock(&t->lock);
	return full;
}

static void *reader(void *arg)
{
	struct odp_event events[3];
	struct tally *t = arg;
	size_t nr, i;

	while (!tally_is_full(t)) {
		if (!queue_poll(q, 10) ||
		    odp_events_read(q, events, 3, &nr) == EAGAIN)
			continue;
		for (i = 0; i < nr; i++)
			tally_add(t, &events[i]);
	}
	return NULL;
}

/* A hole in every seventh range; all cookies, once each, to whoever reads. */
static void each_prefetch_once(void **state)
{
	struct tally t = { .left = MANY, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct env *e = *state;
	uint8_t *mem = mem_anon(2 * MANY * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 2 * MANY * PAGE, ACCESS_ALL);
	struct odp_range list[MANY];
	uint64_t cookies[MANY];
	uint32_t order[MANY];
	pthread_t readers[2];
	size_t i;

	shuffle(order, MANY);
	for (i = 0; i < MANY; i++) {
		cookies[i] = order[i];
		list[i] = range(mr, mem + 2 * i * PAGE, 2 * PAGE);
		if (i % 7 == 3)
			mem_unmap(mem + 2 * i * PAGE, PAGE);
	}
	queue_block(q, false);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader, &t),
				 0);
	assert_int_equal(odp_prefetch_notify(e->rig.pd, list, MANY, WRITE, q,
					     cookies), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_join(readers[i], NULL), 0);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(list[i].error, 0);
		assert_int_equal(t.told[order[i]], 1);
		assert_int_equal(t.error[order[i]], i % 7 == 3 ? EFAULT : 0);
	}
	/* And when it was told, it was so. */
	assert_int_equal(count_pages(mr, mem, 2 * MANY, ODP_PAGE_MIRRORED),
			 2 * MANY - (MANY + 3) / 7);
	queue_expect_none(q);
}

/* Who takes only what is there is not told of holes. */
static void no_fault_finds_no_fault(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_range r = range(mr, mem, LEN);
	const uint64_t cookie = UINT64_MAX;
	struct odp_event event;

	mem_touch(mem + 4 * PAGE, 5 * PAGE);
	mem_unmap(mem + 10 * PAGE, PAGE);
	assert_int_equal(odp_prefetch_notify(e->rig.pd, &r, 1, NO_FAULT, q,
					     &cookie), 0);
	event = queue_next(q);
	assert_int_equal(event.kind, ODP_EVENT_PREFETCHED);
	assert_int_equal(event.error, 0);
	assert_int_equal(event.cookie, UINT64_MAX);
	assert_int_equal(count_pages(mr, mem, NR_PAGES, ODP_PAGE_MIRRORED), 5);
}

static void refused_prefetches(void **state)
{
	struct env *e = *state;
	struct ibv_pd *other = ibv_alloc_pd(e->rig.ctx);
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct ibv_mr *ro = reg_odp(&e->rig, mem, LEN, IBV_ACCESS_REMOTE_READ);
	struct odp_range list[] = {
		range(mr, mem, 1),
		range(mr, mem, 0),
		range(mr, mem + PAGE, LEN),
		range(mr, mem, UINT64_MAX),
		range(ro, mem, PAGE),
		range(e->buf_mr, e->buf, PAGE),
		range(mr, mem, PAGE),
		range(mr, mem + 3 * PAGE, PAGE),
	};
	const int errors[] = {
		0, EINVAL, EFAULT, EFAULT, EPERM, EINVAL, ENOENT, 0,
	};
	const uint64_t cookies[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	uint64_t told = 0;
	size_t i;

	assert_non_null(other);
	list[6].lkey = 0xfffff000;
	expect_error("the first one",
		     odp_prefetch_notify(e->rig.pd, list, 8, WRITE, q, cookies),
		     EINVAL);
	for (i = 0; i < 8; i++)
		assert_int_equal(list[i].error, errors[i]);
	told |= 1ull << queue_next(q).cookie;
	told |= 1ull << queue_next(q).cookie;
	assert_int_equal(told, 1 << 0 | 1 << 7);

	expect_error("another PD's",
		     odp_prefetch_notify(other, list, 1, WRITE, q, cookies),
		     EPERM);
	expect_error("an advice",
		     odp_prefetch_notify(e->rig.pd, list, 1,
					 (enum ibv_advise_mr_advice)99, q,
					 cookies), EOPNOTSUPP);
	expect_error("no PD",
		     odp_prefetch_notify(NULL, list, 1, READ, q, cookies),
		     EINVAL);
	expect_error("no ranges",
		     odp_prefetch_notify(e->rig.pd, NULL, 1, READ, q, cookies),
		     EINVAL);
	expect_error("no queue", odp_prefetch_notify(e->rig.pd, list, 1, READ,
						     NULL, cookies), EINVAL);
	expect_error("no cookies",
		     odp_prefetch_notify(e->rig.pd, list, 1, READ, q, NULL),
		     EINVAL);
	assert_int_equal(odp_prefetch_notify(e->rig.pd, NULL, 0, READ, q, NULL),
			 0);
	queue_expect_none(q);
	assert_int_equal(ibv_dealloc_pd(other), 0);
}

/* So many a process may have under way, here in memory that does not come. */
static void prefetches_are_limited(void **state)
{
	enum { UNDER_WAY = 4096 };
	static struct odp_range list[UNDER_WAY + 1];
	static uint64_t cookies[UNDER_WAY + 1];
	static unsigned int told[UNDER_WAY];
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	size_t i;

	for (i = 0; i <= UNDER_WAY; i++) {
		list[i] = range(mr, mem + i % NR_PAGES * PAGE, 1);
		cookies[i] = i;
	}
	uffd_open(&uffd, mem, LEN);
	expect_error("one too many",
		     odp_prefetch_notify(e->rig.pd, list, UNDER_WAY + 1, READ,
					 q, cookies), EBUSY);
	assert_int_equal(list[UNDER_WAY].error, EBUSY);
	uffd_serve(&uffd, 1);
	for (i = 0; i < UNDER_WAY; i++)
		told[queue_next(q).cookie]++;
	for (i = 0; i < UNDER_WAY; i++)
		assert_int_equal(told[i], 1);
	queue_expect_none(q);
}

#define NOTES 16384

static void notes_are_limited(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_events *second = queue_open(e->rig.ctx);
	const struct odp_watch_attr attr = {
		.addr = (uintptr_t)mem, .length = 1,
	};
	struct odp_range list[] = { range(mr, mem, 1), range(mr, mem, 1) };
	const uint64_t cookies[] = { 1, 2 };
	uint32_t id, last = 0;
	size_t i;

	for (i = 0; i < NOTES; i++)
		last = watch(q, mr, mem + i % LEN, 1, 3);
	expect_error("a watch more", odp_mr_watch(mr, q, &attr, &id), ENOSPC);
	expect_error("of the process", odp_mr_watch(mr, second, &attr, &id),
		     ENOSPC);
	assert_int_equal(odp_events_unwatch(q, last), 0);
	/* What has ended counts until it was read. */
	expect_error("a prefetch more",
		     odp_prefetch_notify(e->rig.pd, list, 2, READ, q, cookies),
		     ENOSPC);
	assert_int_equal(list[0].error, 0);
	assert_int_equal(list[1].error, ENOSPC);
	assert_int_equal(queue_poll(q, PATIENCE_MS), POLLIN);
	expect_error("not read",
		     odp_prefetch_notify(e->rig.pd, list, 1, READ, q, cookies),
		     ENOSPC);
	assert_int_equal(queue_now(q).cookie, 1);
	assert_int_equal(odp_prefetch_notify(e->rig.pd, list, 1, READ, q,
					     cookies), 0);
	assert_int_equal(queue_next(q).cookie, 1);

	/* A queue that is closed gives all of them back. */
	queue_expect_none(q);
	assert_int_equal(odp_events_close(q), 0);
	q = second;
	for (i = 0; i < NOTES; i++)
		watch(q, mr, mem + i % LEN, 1, i);
	/* One for all of them; each hears of it. */
	mem_cold(mem, LEN);
	for (i = 0; i < NOTES; i++)
		assert_int_equal(queue_now(q).count, 1);
	queue_expect_none(q);
}

static void wrong_watches(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct ibv_mr copy = *mr;
	struct odp_watch_attr attr = {
		.addr = (uintptr_t)mem, .length = LEN, .cookie = 1,
	};
	const struct odp_watch_attr good = attr;
	struct {
		struct odp_watch_attr attr;
		uint64_t later;
	} longer = { attr, 1 };
	uint32_t id;

	expect_error("no MR", odp_mr_watch(NULL, q, &attr, &id), EINVAL);
	expect_error("no queue", odp_mr_watch(mr, NULL, &attr, &id), EINVAL);
	expect_error("no range", odp_mr_watch(mr, q, NULL, &id), EINVAL);
	expect_error("no number", odp_mr_watch(mr, q, &attr, NULL), EINVAL);
	expect_error("pinned", odp_mr_watch(e->buf_mr, q, &attr, &id),
		     EOPNOTSUPP);
	copy.handle += 1000;
	expect_error("no such MR", odp_mr_watch(&copy, q, &attr, &id), ENOENT);
	attr.length = 0;
	expect_error("empty", odp_mr_watch(mr, q, &attr, &id), EINVAL);
	attr.length = LEN + 1;
	expect_error("too long", odp_mr_watch(mr, q, &attr, &id), EINVAL);
	attr.length = UINT64_MAX;
	expect_error("wraps", odp_mr_watch(mr, q, &attr, &id), EINVAL);
	attr = good;
	attr.addr--;
	expect_error("before", odp_mr_watch(mr, q, &attr, &id), EINVAL);
	attr = good;
	attr.causes = 1 << 3;
	expect_error("a cause", odp_mr_watch(mr, q, &attr, &id), EINVAL);
	attr = good;
	attr.reserved = 1;
	expect_error("reserved", odp_mr_watch(mr, q, &attr, &id), EINVAL);
	expect_error("too short",
		     odp_mr_watch_sized(mr, q, &good, &id, sizeof(good) - 1),
		     EINVAL);
	expect_error("asks for more",
		     odp_mr_watch_sized(mr, q, &longer.attr, &id,
					sizeof(longer)), E2BIG);
	longer.later = 0;
	assert_int_equal(odp_mr_watch_sized(mr, q, &longer.attr, &id,
					    sizeof(longer)), 0);
	expect_error("no queue", odp_events_unwatch(NULL, id), EINVAL);
	expect_error("no such watch", odp_events_unwatch(q, id + 1), ENOENT);
	expect_error("none", odp_events_unwatch(q, 0), ENOENT);
	assert_int_equal(odp_events_unwatch(q, id), 0);
}

/* What has no room, or no memory, for a record takes none. */
static void wrong_reads(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN), *buf = mem_anon(2 * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const int fd = odp_events_fd(q);
	struct odp_event event;
	size_t nr;

	errno = 0;
	assert_null(odp_events_open(NULL));
	assert_int_equal(errno, EINVAL);
	expect_error("no queue", odp_events_close(NULL), EINVAL);
	expect_error("no queue", odp_events_read(NULL, &event, 1, &nr), EINVAL);
	expect_error("no list", odp_events_read(q, NULL, 1, &nr), EINVAL);
	expect_error("no room", odp_events_read(q, &event, 0, &nr), EINVAL);
	expect_error("no count", odp_events_read(q, &event, 1, NULL), EINVAL);
	expect_error("too short",
		     odp_events_read_sized(q, &event, 1, &nr,
					   sizeof(event) - 1), EINVAL);

	watch(q, mr, mem, PAGE, 1);
	watch(q, mr, mem + PAGE, PAGE, 2);
	mem_cold(mem, LEN);
	expect_errno("short", (int)read(fd, buf, QUEUE_RECORD - 1), EINVAL);
	expect_errno("at an offset", (int)pread(fd, buf, QUEUE_RECORD, 0), ESPIPE);
	expect_errno("write", (int)write(fd, buf, QUEUE_RECORD), EBADF);
	mem_unmap(buf + PAGE, PAGE);
	expect_errno("no memory", (int)read(fd, buf + PAGE - 8, QUEUE_RECORD),
		     EFAULT);
	/* Room for both, memory for one. */
	assert_int_equal(read(fd, buf + PAGE - QUEUE_RECORD - 8,
			      2 * QUEUE_RECORD), QUEUE_RECORD);
	mem_cold(mem, LEN);
	assert_int_equal(queue_now(q).count, 2);
	assert_int_equal(queue_now(q).count, 1);
	queue_expect_none(q);
}

/* A file that is no queue, and another device's. */
static void wrong_files(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const struct odp_watch_attr attr = {
		.addr = (uintptr_t)mem, .length = LEN,
	};
	const int fd = odp_events_fd(q), kept = dup(fd);
	struct odp_range r = range(mr, mem, LEN);
	const uint64_t cookie = 1;
	struct odp_events *foreign;
	struct rig other;
	uint32_t id;

	assert_int_equal(dup2(e->rig.ctx->cmd_fd, fd), fd);
	expect_error("watch", odp_mr_watch(mr, q, &attr, &id), EBADF);
	expect_error("unwatch", odp_events_unwatch(q, 1), EBADF);
	expect_error("prefetch", odp_prefetch_notify(e->rig.pd, &r, 1, READ, q,
						     &cookie), EBADF);
	close(fd);
	expect_error("closed", odp_mr_watch(mr, q, &attr, &id), EBADF);
	assert_int_equal(dup2(kept, fd), fd);
	close(kept);
	watch(q, mr, mem, LEN, 1);

	nic_add("rxe_queue", "203.0.113.9");
	rig_open(&other);
	foreign = queue_open(other.ctx);
	expect_error("watch", odp_mr_watch(mr, foreign, &attr, &id), EINVAL);
	expect_error("prefetch", odp_prefetch_notify(e->rig.pd, &r, 1, READ,
						     foreign, &cookie), EINVAL);
	assert_int_equal(odp_events_close(foreign), 0);
	rig_close(&other);
}

static int wrong_files_teardown(void **state)
{
	nic_del("rxe_queue");
	return teardown(state);
}

/* Callers that were built with a longer struct odp_event. */
static void callers_of_later_versions(void **state)
{
	struct longer {
		struct odp_event event;
		uint64_t later;
	} list[3];
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	size_t nr, i;

	watch(q, mr, mem, PAGE, 31);
	watch(q, mr, mem + PAGE, PAGE, 32);
	mem_cold(mem, PAGE);
	mem_cold(mem + PAGE, PAGE);
	memset(list, 0xa5, sizeof(list));
	assert_int_equal(odp_events_read_sized(q, &list[0].event, 3, &nr,
					       sizeof(list[0])), 0);
	assert_int_equal(nr, 2);
	for (i = 0; i < nr; i++) {
		assert_int_equal(list[i].event.cookie, 31 + i);
		assert_int_equal(list[i].event.reserved, 0);
		assert_int_equal(list[i].later, 0);
	}
	assert_int_equal(list[2].later, 0xa5a5a5a5a5a5a5a5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		queue_test(a_descriptor),
		queue_test(each_prefetch_once),
		queue_test(no_fault_finds_no_fault),
		queue_test(refused_prefetches),
		queue_test(prefetches_are_limited),
		queue_test(notes_are_limited),
		queue_test(wrong_watches),
		queue_test(wrong_reads),
		cmocka_unit_test_setup_teardown(wrong_files, setup,
						wrong_files_teardown),
		queue_test(callers_of_later_versions),
	};

	return ENV_MAIN(argc, argv, "events", tests);
}
