// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Queues of events, when what they tell of goes: the region, the process, its
 * memory, the device. What was promised is told first; whoever waits is woken.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"
#include "knob.h"
#include "nic.h"
#include "queue.h"
#include "uffd.h"

#define NR_PAGES 16
#define LEN (NR_PAGES * PAGE)
#define READ IBV_ADVISE_MR_ADVICE_PREFETCH
#define NIC "rxe_life"

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

#define life_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Starts prefetches of all pages, each with its number as the cookie. */
static void prefetch_pages(struct odp_events *events, struct ibv_mr *mr)
{
	struct odp_range list[NR_PAGES];
	uint64_t cookies[NR_PAGES];
	size_t i;
	int err;

	for (i = 0; i < NR_PAGES; i++) {
		cookies[i] = i;
		list[i] = (struct odp_range) {
			(uintptr_t)mr->addr + i * PAGE, PAGE, mr->lkey, 0
		};
	}
	err = odp_prefetch_notify(mr->pd, list, NR_PAGES, READ, events,
				  cookies);
	if (err)
		test_fail("odp_prefetch_notify: %s", strerror(err));
}

static void region_goes(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct ibv_mr *other = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_event events[2];
	uint32_t id;
	size_t nr;

	id = watch(q, mr, mem, LEN, 41);
	mem_cold(mem, PAGE);
	dereg(&e->rig, mr);
	assert_int_equal(odp_events_read(q, events, 2, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(events[0].kind, ODP_EVENT_INVALIDATED);
	assert_int_equal(events[0].count, 1);
	assert_int_equal(events[1].kind, ODP_EVENT_WATCH_ENDED);
	assert_int_equal(events[1].cookie, 41);
	assert_int_equal(events[1].error, ECANCELED);
	expect_error("read to its end", odp_events_unwatch(q, id), ENOENT);

	id = watch(q, other, mem, LEN, 42);
	dereg(&e->rig, other);
	assert_int_equal(odp_events_unwatch(q, id), 0);
	mem_cold(mem, LEN);
	queue_expect_none(q);
}

static void region_goes_under_its_prefetches(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	unsigned int told[NR_PAGES] = {};
	struct odp_event event;
	size_t i;

	uffd_open(&uffd, mem, LEN);
	prefetch_pages(q, mr);
	uffd_await_fault(&uffd);
	queue_expect_none(q);
	dereg(&e->rig, mr);
	for (i = 0; i < NR_PAGES; i++) {
		event = queue_next(q);
		assert_int_equal(event.kind, ODP_EVENT_PREFETCHED);
		assert_int_equal(event.error, ECANCELED);
		told[event.cookie]++;
	}
	for (i = 0; i < NR_PAGES; i++)
		assert_int_equal(told[i], 1);
	queue_expect_none(q);
}

/* A queue that is closed early takes its prefetches' ends with it. */
static void queue_goes_first(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct odp_events *first = queue_open(e->rig.ctx);

	uffd_open(&uffd, mem, LEN);
	prefetch_pages(first, mr);
	watch(first, mr, mem, LEN, 1);
	uffd_await_fault(&uffd);
	assert_int_equal(odp_events_close(first), 0);
	prefetch_pages(q, mr);
	uffd_serve(&uffd, 1);
	while (queue_next(q).cookie != NR_PAGES - 1)
		;
	dereg(&e->rig, mr);
}

/* What the processes tell each other, in memory that they share. */
struct board {
	uint32_t fd;			/* the queue's, in the owner */
	int ready[2], go[2], end[2];	/* pipes; closed by the parent to go on */
	bool heir;
};

static struct board *board_open(void)
{
	struct board *b = mem_shared(PAGE);

	if (pipe(b->ready) || pipe(b->go) || pipe(b->end))
		test_fail("no pipes");
	return b;
}

static void await_end(int fd)
{
	char c;

	if (read(fd, &c, 1))
		test_fail("the parent does not close");
}

/* The owner of a watch and of prefetches that wait for their pages. */
static int owner(void *arg)
{
	struct uffd pages;
	struct board *b = arg;
	struct odp_events *mine;
	struct ibv_mr *mr;
	struct rig rig;
	uint8_t *mem;

	close(b->go[1]);
	close(b->end[1]);
	rig_open(&rig);
	mem = mem_anon(LEN);
	mr = reg_odp(&rig, mem, LEN, ACCESS_ALL);
	mine = queue_open(rig.ctx);
	b->fd = (uint32_t)odp_events_fd(mine);
	watch(mine, mr, mem, LEN, 43);
	uffd_open(&pages, mem, LEN);
	prefetch_pages(mine, mr);
	uffd_await_fault(&pages);

	if (b->heir && !fork()) {
		/* Keeps the device's file open. */
		close(pages.fd);
		await_end(b->end[0]);
		_exit(0);
	}
	if (write(b->ready[1], "", 1) != 1)
		return CHILD_FAILED;
	await_end(b->go[0]);
	return 0;
}

/* The queue of a child that is ready, in this process, too. */
static int steal(struct board *b, pid_t pid)
{
	int pidfd, fd;
	char c;

	close(b->ready[1]);
	if (read(b->ready[0], &c, 1) != 1)
		test_fail("the child did not get ready");
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, b->fd, 0);
	if (fd < 0)
		test_fail("pidfd_getfd: %s", strerror(errno));
	close(pidfd);
	return fd;
}

static void board_close(struct board *b)
{
	close(b->ready[0]);
	close(b->go[0]);
	close(b->end[0]);
}

/* Only what begins a record is looked at, which is what struct odp_event is. */
struct record {
	struct odp_event event;
	uint8_t rest[QUEUE_RECORD - sizeof(struct odp_event)];
};

static struct odp_event record_next(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct record record;

	if (poll(&pfd, 1, PATIENCE_MS) != 1 || pfd.revents != POLLIN ||
	    read(fd, &record, QUEUE_RECORD) != QUEUE_RECORD)
		test_fail("there is no record");
	return record.event;
}

/* All that the owner was promised; the watch's end says why. */
static int expect_last_words(int fd)
{
	unsigned int told[NR_PAGES] = {}, ends = 0;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct odp_event event;
	int why = 0;
	size_t i;

	for (i = 0; i < NR_PAGES + 1; i++) {
		event = record_next(fd);
		/* The owner's fork may be told of, too. */
		if (event.kind == ODP_EVENT_INVALIDATED && !ends)
			event = record_next(fd);
		if (event.kind == ODP_EVENT_WATCH_ENDED) {
			assert_int_equal(event.cookie, 43);
			why = event.error;
			ends++;
			continue;
		}
		assert_int_equal(event.kind, ODP_EVENT_PREFETCHED);
		assert_int_equal(event.error, ECANCELED);
		told[event.cookie]++;
	}
	assert_int_equal(ends, 1);
	for (i = 0; i < NR_PAGES; i++)
		assert_int_equal(told[i], 1);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	return why;
}

static void owner_is_killed(void **state)
{
	struct board *b = board_open();
	pid_t pid = child_start(owner, b);
	int fd = steal(b, pid), why;

	(void)state;
	child_kill(pid);
	why = expect_last_words(fd);
	/* Its memory and its files go at the same time. */
	assert_true(why == ESRCH || why == ECANCELED);
	close(fd);
	close(b->go[1]);
	close(b->end[1]);
	board_close(b);
}

/* The region is there, because another process has the device's file. */
static void memory_goes_before_the_region(void **state)
{
	struct board *b = board_open();
	int fd, status;
	pid_t pid;

	(void)state;
	b->heir = true;
	/* The heir becomes this process's child, to be waited for. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = child_start(owner, b);
	fd = steal(b, pid);
	close(b->go[1]);
	child_wait_ok(pid);
	assert_int_equal(expect_last_words(fd), ESRCH);
	close(fd);
	close(b->end[1]);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	board_close(b);
}

/* A child has its parent's queue, too, and may be the last to have it. */
struct family {
	int told[2];
};

static int child(void *arg)
{
	struct family *f = arg;
	struct odp_event event;
	size_t nr;

	/* The fork itself may be told of first. */
	do {
		if (odp_events_read(q, &event, 1, &nr) || event.cookie != 44 ||
		    event.kind != ODP_EVENT_INVALIDATED)
			return CHILD_FAILED;
	} while (!(event.causes & ODP_CAUSE_CLEARED));
	if (write(f->told[1], "", 1) != 1)
		return CHILD_FAILED;
	if (odp_events_read(q, &event, 1, &nr) || event.cookie != 44 ||
	    event.kind != ODP_EVENT_WATCH_ENDED)
		return CHILD_FAILED;
	return 0;
}

static void forked_queue(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	struct family f;
	pid_t pid;
	char c;

	assert_int_equal(pipe(f.told), 0);
	watch(q, mr, mem, LEN, 44);
	pid = child_start(child, &f);
	mem_cold(mem, LEN);
	close(f.told[1]);
	assert_int_equal(read(f.told[0], &c, 1), 1);
	assert_int_equal(odp_events_close(q), 0);
	q = NULL;
	dereg(&e->rig, mr);
	child_wait_ok(pid);
	close(f.told[0]);
}

/*
 * Somebody reads into memory that is yet to come. Neither the watches of the
 * queue nor the region wait for that, and the record comes in the end.
 */
static void *slow_reader(void *arg)
{
	if (read(odp_events_fd(q), arg, QUEUE_RECORD) != QUEUE_RECORD)
		return arg;
	return NULL;
}

static void reader_waits_for_its_memory(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN), *buf = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	pthread_t thread;
	void *failed;
	uint32_t id;

	uffd_open(&uffd, buf, PAGE);
	id = watch(q, mr, mem + PAGE, PAGE, 46);
	watch(q, mr, mem, PAGE, 45);
	mem_cold(mem, PAGE);
	assert_int_equal(pthread_create(&thread, NULL, slow_reader, buf), 0);
	uffd_await_fault(&uffd);
	assert_int_equal(odp_events_unwatch(q, id), 0);
	watch(q, mr, mem + 2 * PAGE, PAGE, 47);
	dereg(&e->rig, mr);
	uffd_serve(&uffd, 1);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(((struct odp_event *)buf)->cookie, 45);
	assert_int_equal(((struct odp_event *)buf)->kind,
			 ODP_EVENT_INVALIDATED);
	assert_int_equal(queue_now(q).kind, ODP_EVENT_WATCH_ENDED);
	assert_int_equal(queue_now(q).kind, ODP_EVENT_WATCH_ENDED);
	queue_expect_none(q);
}

static int plug_setup(void **state)
{
	nic_add(NIC, "203.0.113.10");
	return setup(state);
}

static int plug_teardown(void **state)
{
	teardown(state);
	nic_del(NIC);
	return 0;
}

static void expect_over(void)
{
	struct odp_event event;
	size_t nr;

	assert_int_equal(queue_poll(q, PATIENCE_MS) & (POLLERR | POLLHUP),
			 POLLERR | POLLHUP);
	expect_error("after the end", odp_events_read(q, &event, 1, &nr), EIO);
}

/* How a thread is woken that waits in read(), or in poll(). */
struct sleeper {
	pthread_t thread;
	bool in_read;
	struct odp_event event;
	int revents;
	int err;
};

static void *sleep_on(void *arg)
{
	struct sleeper *s = arg;
	size_t nr;

	if (s->in_read)
		s->err = odp_events_read(q, &s->event, 1, &nr);
	else
		s->revents = queue_poll(q, PATIENCE_MS);
	return NULL;
}

/* Nothing but the kernel tells where a thread sleeps. */
static bool both_asleep(void *arg)
{
	(void)arg;
	return shell_try("[ $(grep -lE 'poll|odp_events' /proc/%d/task/*/wchan | wc -l) = 2 ]",
			 getpid());
}

static void device_goes_under_sleepers(void **state)
{
	struct sleeper s[2] = { { .in_read = true }, { .in_read = false } };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&s[i].thread, NULL, sleep_on,
						&s[i]), 0);
	if (!wait_until(both_asleep, NULL))
		test_fail("nobody sleeps");
	nic_unplug(NIC);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
	assert_int_equal(s[0].err, EIO);
	assert_int_equal(s[1].revents & (POLLERR | POLLHUP), POLLERR | POLLHUP);
	expect_over();
}

/* What was promised is told before it is over. */
static void device_goes_under_promises(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	const struct odp_watch_attr attr = {
		.addr = (uintptr_t)mem, .length = LEN,
	};
	unsigned int told[NR_PAGES + 1] = {};
	struct odp_event event;
	uint32_t id;
	size_t i;

	watch(q, mr, mem, LEN, NR_PAGES);
	uffd_open(&uffd, mem, LEN);
	prefetch_pages(q, mr);
	uffd_await_fault(&uffd);
	queue_expect_none(q);
	nic_unplug(NIC);
	for (i = 0; i < NR_PAGES + 1; i++) {
		event = queue_next(q);
		assert_int_equal(event.error, ECANCELED);
		assert_int_equal(event.kind, event.cookie == NR_PAGES ?
				 ODP_EVENT_WATCH_ENDED : ODP_EVENT_PREFETCHED);
		told[event.cookie]++;
	}
	for (i = 0; i < NR_PAGES + 1; i++)
		assert_int_equal(told[i], 1);
	expect_over();
	expect_error("watch", odp_mr_watch(mr, q, &attr, &id), EIO);
	expect_error("unwatch", odp_events_unwatch(q, 1), EIO);
	errno = 0;
	assert_null(odp_events_open(e->rig.ctx));
	assert_int_equal(errno, EIO);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		life_test(region_goes),
		life_test(region_goes_under_its_prefetches),
		life_test(queue_goes_first),
		life_test(owner_is_killed),
		life_test(memory_goes_before_the_region),
		life_test(forked_queue),
		life_test(reader_waits_for_its_memory),
		cmocka_unit_test_setup_teardown(device_goes_under_sleepers,
						plug_setup, plug_teardown),
		cmocka_unit_test_setup_teardown(device_goes_under_promises,
						plug_setup, plug_teardown),
	};

	return ENV_MAIN(argc, argv, "events_life", tests);
}
