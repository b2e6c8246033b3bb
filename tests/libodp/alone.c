// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * libodp without a device: this program's own ioctl() stands in for the kernel
 * and gives all the answers that the library must cope with, those included
 * that a right kernel never gives.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <infiniband/odp.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <rdma/odp_record_abi.h>
#include <rdma/rxe_odp_abi.h>

#include "fail.h"
#include "mem.h"
#include "nr.h"

#define BASE ((uint64_t)1 << 30)
#define NR_PAGES 2000

enum lie { NONE, NO_PAGES, TOO_MANY_PAGES, TOO_MANY_RUNS, RUNS_TOO_LONG,
	   RUNS_TOO_SHORT, TOO_MANY_ACCEPTED, TOO_FEW_ACCEPTED };

/* The kernel that is played. */
static struct {
	uint32_t driver;
	bool has_methods;
	int err;		/* what a method fails with */
	int interrupts;		/* how often it is interrupted first */
	uint64_t pages_per_call;
	enum lie lie;
	size_t counters;	/* so many it knows of; 0: all */
	int pipe;		/* what it makes a queue of events of */
	int calls;
	struct rxe_odp_policy policy;
	uint8_t pages[NR_PAGES];
} kernel;

static void *attr(struct ib_uverbs_ioctl_hdr *hdr, uint16_t id, size_t *len)
{
	int i;

	for (i = 0; i < hdr->num_attrs; i++) {
		if (hdr->attrs[i].attr_id != id)
			continue;
		*len = hdr->attrs[i].len;
		assert_int_equal(hdr->attrs[i].flags,
				 UVERBS_ATTR_F_MANDATORY);
		return (void *)(uintptr_t)hdr->attrs[i].data;
	}
	test_fail("attribute 0x%x is missing", id);
}

static int answer(int err)
{
	errno = err;
	return err ? -1 : 0;
}

static int snapshot_method(struct ib_uverbs_ioctl_hdr *hdr)
{
	struct rxe_odp_snapshot_resp *resp;
	struct rxe_odp_snapshot_req *req;
	struct rxe_odp_run *runs;
	uint64_t page, end, first;
	size_t len, room;

	req = attr(hdr, RXE_ODP_ATTR_SNAPSHOT_REQ, &len);
	assert_int_equal(len, sizeof(*req));
	runs = attr(hdr, RXE_ODP_ATTR_SNAPSHOT_RUNS, &len);
	room = len / sizeof(*runs);
	resp = attr(hdr, RXE_ODP_ATTR_SNAPSHOT_RESP, &len);
	assert_int_equal(len, sizeof(*resp));

	if (req->iova < BASE || !req->length ||
	    req->iova + req->length > BASE + NR_PAGES * PAGE)
		return answer(EINVAL);
	first = (req->iova - BASE) / PAGE;
	end = (req->iova + req->length - 1 - BASE) / PAGE + 1;
	if (kernel.pages_per_call && end > first + kernel.pages_per_call)
		end = first + kernel.pages_per_call;

	memset(resp, 0, sizeof(*resp));
	for (page = first; page < end; page++) {
		struct rxe_odp_run *run = &runs[resp->nr_runs];

		if (resp->nr_runs && run[-1].state == kernel.pages[page]) {
			run[-1].npages++;
			continue;
		}
		if (resp->nr_runs == room)
			break;
		*run = (struct rxe_odp_run) { 1, kernel.pages[page], 0 };
		resp->nr_runs++;
	}
	resp->npages = page - first;
	resp->page_shift = 12;

	switch (kernel.lie) {
	case NO_PAGES:
		resp->npages = 0;
		resp->nr_runs = 0;
		break;
	case TOO_MANY_PAGES:
		resp->npages++;
		runs[0].npages++;
		break;
	case TOO_MANY_RUNS:
		resp->nr_runs = (uint32_t)room + 1;
		break;
	case RUNS_TOO_LONG:
		runs[0].npages = UINT64_MAX;
		break;
	case RUNS_TOO_SHORT:
		runs[0].npages--;
		break;
	default:
		break;
	}
	return answer(0);
}

static int stats_method(struct ib_uverbs_ioctl_hdr *hdr)
{
	struct rxe_odp_mr_stats *resp;
	uint64_t *counter;
	size_t len, i, nr;

	resp = attr(hdr, RXE_ODP_ATTR_STATS_RESP, &len);
	assert_int_equal(len, sizeof(*resp));
	counter = (uint64_t *)resp;
	nr = sizeof(*resp) / sizeof(*counter);
	for (i = 0; i < nr; i++)
		counter[i] = kernel.counters && i >= kernel.counters ? 0 :
								       100 + i;
	return answer(0);
}

static int policy_method(struct ib_uverbs_ioctl_hdr *hdr, bool set)
{
	struct rxe_odp_policy *policy;
	size_t len;

	policy = attr(hdr, RXE_ODP_ATTR_POLICY, &len);
	assert_int_equal(len, sizeof(*policy));
	if (set) {
		kernel.policy = *policy;
	} else {
		*policy = kernel.policy;
	}
	return answer(0);
}

/* Hands out the reading end of a pipe. */
static int events_method(struct ib_uverbs_ioctl_hdr *hdr)
{
	size_t len;
	int *fd;

	fd = attr(hdr, RXE_ODP_ATTR_EVENTS_RESP, &len);
	assert_int_equal(len, sizeof(*fd));
	*fd = kernel.pipe;
	return answer(0);
}

/* Refuses what has no key. */
static int prefetch_method(struct ib_uverbs_ioctl_hdr *hdr)
{
	const struct rxe_odp_prefetch *range;
	uint32_t *accepted, i;
	size_t len, nr;

	range = attr(hdr, RXE_ODP_ATTR_PREFETCH_RANGES, &len);
	nr = len / sizeof(*range);
	accepted = attr(hdr, RXE_ODP_ATTR_PREFETCH_RESP, &len);
	assert_int_equal(len, sizeof(*accepted));
	for (i = 0; i < nr && range[i].lkey; i++)
		assert_int_equal(range[i].cookie, range[i].iova / 3);
	*accepted = i;
	if (kernel.lie == TOO_MANY_ACCEPTED)
		*accepted = (uint32_t)nr + 1;
	if (kernel.lie == TOO_FEW_ACCEPTED)
		*accepted = i - 1;
	return answer(i < nr ? ENOENT : 0);
}

enum what { NONE_SUCH, SNAPSHOT, STATS, GET_POLICY, SET_POLICY, PREFETCH,
	    EVENTS };

static enum what find_method(const struct ib_uverbs_ioctl_hdr *hdr)
{
	static const struct {
		uint16_t object, method;
		enum what what;
	} methods[] = {
		{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_SNAPSHOT, SNAPSHOT },
		{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_STATS, STATS },
		{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_GET_POLICY, GET_POLICY },
		{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_SET_POLICY, SET_POLICY },
		{ UVERBS_OBJECT_MR, RXE_ODP_METHOD_MR_PREFETCH, PREFETCH },
		{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_EVENTS, EVENTS },
		{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_SNAPSHOT,
		  SNAPSHOT },
		{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_STATS, STATS },
		{ UVERBS_OBJECT_DEVICE, RXE_ODP_METHOD_DEVICE_POLICY,
		  GET_POLICY },
	};
	size_t i;

	for (i = 0; i < NR(methods); i++) {
		if (methods[i].object == hdr->object_id &&
		    methods[i].method == hdr->method_id)
			return methods[i].what;
	}
	return NONE_SUCH;
}

/* The MR is named first: by its handle, or by its number in the data field. */
static void check_subject(const struct ib_uverbs_ioctl_hdr *hdr)
{
	uint32_t mrn;

	if (hdr->object_id == UVERBS_OBJECT_MR) {
		assert_int_equal(hdr->attrs[0].attr_id,
				 RXE_ODP_ATTR_SNAPSHOT_HANDLE);
		assert_int_equal(hdr->attrs[0].len, 0);
		assert_int_equal(hdr->attrs[0].data, 42);
		return;
	}
	assert_int_equal(hdr->attrs[0].len, sizeof(mrn));
	memcpy(&mrn, (const void *)&hdr->attrs[0].data, sizeof(mrn));
	assert_int_equal(mrn, 4711);
}

/* In place of the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
	struct ib_uverbs_ioctl_hdr *hdr;
	enum what what;
	va_list args;

	va_start(args, request);
	hdr = va_arg(args, struct ib_uverbs_ioctl_hdr *);
	va_end(args);

	assert_int_equal(fd, 7);
	assert_int_equal(request, RDMA_VERBS_IOCTL);
	assert_int_equal(hdr->length,
			 sizeof(*hdr) + hdr->num_attrs * sizeof(hdr->attrs[0]));
	assert_int_equal(hdr->reserved1 | hdr->reserved2, 0);

	if (hdr->driver_id != kernel.driver)
		return answer(EINVAL);
	what = find_method(hdr);
	if (!kernel.has_methods || what == NONE_SUCH)
		return answer(EPROTONOSUPPORT);

	kernel.calls++;
	if (what != EVENTS)
		check_subject(hdr);
	if (kernel.interrupts) {
		kernel.interrupts--;
		return answer(EINTR);
	}
	if (kernel.err)
		return answer(kernel.err);
	switch (what) {
	case SNAPSHOT:
		return snapshot_method(hdr);
	case STATS:
		return stats_method(hdr);
	case PREFETCH:
		return prefetch_method(hdr);
	case EVENTS:
		return events_method(hdr);
	default:
		return policy_method(hdr, what == SET_POLICY);
	}
}

static struct ibv_context context = { .cmd_fd = 7 };
static struct ibv_mr mr = { .context = &context, .handle = 42 };
static struct ibv_pd pd = { .context = &context, .handle = 42 };

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.driver = RDMA_DRIVER_RXE;
	kernel.has_methods = true;
	return 0;
}

static void device_of_another_driver(void **state)
{
	struct odp_stats stats;
	uint8_t pages[1];

	(void)state;
	kernel.driver = RDMA_DRIVER_MLX5;
	expect_error("snapshot", odp_mr_snapshot(&mr, BASE, 1, pages),
		     EOPNOTSUPP);
	expect_error("stats", odp_mr_get_stats(&mr, &stats), EOPNOTSUPP);
	assert_int_equal(kernel.calls, 0);
}

static void kernel_without_the_methods(void **state)
{
	struct odp_stats stats;
	uint8_t pages[1];

	(void)state;
	kernel.has_methods = false;
	expect_error("snapshot", odp_mr_snapshot(&mr, BASE, 1, pages),
		     EOPNOTSUPP);
	expect_error("stats", odp_mr_get_stats(&mr, &stats), EOPNOTSUPP);
}

static void errors_are_handed_on(void **state)
{
	const int errs[] = {
		EINVAL, EOPNOTSUPP, ESRCH, ETIMEDOUT, ENOMEM, EIO,
	};
	struct odp_stats stats;
	uint8_t pages[1];
	size_t i;

	(void)state;
	for (i = 0; i < NR(errs); i++) {
		kernel.err = errs[i];
		expect_error("snapshot", odp_mr_snapshot(&mr, BASE, 1, pages),
			     errs[i]);
		expect_error("stats", odp_mr_get_stats(&mr, &stats), errs[i]);
	}
}

/* Every page gets its byte, however the kernel cuts the range up. */
static void ranges_are_put_together(void **state)
{
	const uint64_t cuts[] = { 0, 1, 7, 256, 1999 };
	uint8_t pages[NR_PAGES];
	size_t i, shift;

	(void)state;
	for (shift = 0; shift < 10; shift++) {
		for (i = 0; i < NR_PAGES; i++)
			kernel.pages[i] = (uint8_t)((i >> shift) % 23);
		for (i = 0; i < NR(cuts); i++) {
			kernel.pages_per_call = cuts[i];
			kernel.interrupts = 3;
			memset(pages, 0xff, sizeof(pages));
			assert_int_equal(odp_mr_snapshot(&mr, BASE + 123,
							 NR_PAGES, pages), 0);
			assert_memory_equal(pages, kernel.pages, NR_PAGES);
		}
	}
}

/* The same as runs, however short the caller's array is; also by number. */
static void runs_are_put_together(void **state)
{
	const size_t rooms[] = { 1, 2, 3, 100, 5000 };
	static struct odp_run runs[5000];
	uint64_t page, i, left;
	size_t r, nr, n;

	(void)state;
	for (i = 0; i < NR_PAGES; i++)
		kernel.pages[i] = (uint8_t)(i * i / 1000 % 5);
	kernel.pages_per_call = 7;
	for (r = 0; r < NR(rooms); r++) {
		for (page = 0; page < NR_PAGES; ) {
			left = NR_PAGES - page;
			kernel.interrupts = 1;
			assert_int_equal(r % 2 ?
				odp_mrn_snapshot_runs(&context, 4711, BASE +
						      page * PAGE, left, runs,
						      rooms[r], &nr) :
				odp_mr_snapshot_runs(&mr, BASE + page * PAGE,
						     left, runs, rooms[r],
						     &nr), 0);
			assert_in_range(nr, 1, rooms[r]);
			for (n = 0; n < nr; n++) {
				assert_true(!n || runs[n].state !=
					    runs[n - 1].state);
				assert_true(runs[n].npages > 0);
				for (i = 0; i < runs[n].npages; i++)
					assert_int_equal(runs[n].state,
							 kernel.pages[page++]);
			}
		}
		assert_int_equal(page, NR_PAGES);
	}
}

/* Wrong answers end in an error, and never outside of the caller's array. */
static void wrong_answers_are_found_out(void **state)
{
	struct {
		uint8_t pages[16], behind[16];
	} room;
	enum lie lie;
	size_t i;

	(void)state;
	for (lie = NO_PAGES; lie <= RUNS_TOO_SHORT; lie++) {
		kernel.lie = lie;
		memset(&room, 0xa5, sizeof(room));
		expect_error("odp_mr_snapshot",
			     odp_mr_snapshot(&mr, BASE, sizeof(room.pages),
					     room.pages), EPROTO);
		for (i = 0; i < sizeof(room.behind); i++)
			assert_int_equal(room.behind[i], 0xa5);
	}
}

static void counters_keep_their_places(void **state)
{
	struct odp_stats stats;

	(void)state;
	assert_int_equal(odp_mr_get_stats(&mr, &stats), 0);
	assert_int_equal(stats.faults, 100);
	assert_int_equal(stats.faulted_pages, 101);
	assert_int_equal(stats.around_pages, 102);
	assert_int_equal(stats.prefetched_pages, 103);
	assert_int_equal(stats.invalidations, 104);
	assert_int_equal(stats.invalidated_pages, 105);
	assert_int_equal(stats.collisions, 106);
	assert_int_equal(stats.failed_faults, 107);
	assert_int_equal(stats.pinned_fallbacks, 108);
	assert_int_equal(stats.resident_pages, 109);
	assert_int_equal(stats.huge_entries, 110);
	assert_int_equal(stats.windows, 111);
	assert_int_equal(stats.leaves, 112);
	assert_int_equal(stats.table_bytes, 113);
	assert_int_equal(stats.local_faults, 114);
	assert_int_equal(stats.remote_faults, 115);
	assert_int_equal(stats.slow_faults, 116);
	assert_int_equal(stats.rnr_naks, 117);
	assert_int_equal(stats.parked, 118);
	assert_int_equal(stats.exclusive_takes, 119);
	assert_int_equal(sizeof(stats), 20 * sizeof(uint64_t));
}

/* One from before the last six were made. */
static void older_kernels_leave_zeros(void **state)
{
	struct odp_stats stats;

	(void)state;
	kernel.counters = 14;
	memset(&stats, 0xa5, sizeof(stats));
	assert_int_equal(odp_mr_get_stats(&mr, &stats), 0);
	assert_int_equal(stats.table_bytes, 113);
	assert_int_equal(stats.local_faults | stats.remote_faults |
			 stats.slow_faults | stats.rnr_naks | stats.parked |
			 stats.exclusive_takes, 0);
}

/* Callers that were built with another version of the library. */
static void callers_of_other_versions(void **state)
{
	struct {
		struct odp_stats stats;
		uint64_t later;
	} longer;
	struct {
		struct odp_policy policy;
		uint32_t later;
	} policy = { { ODP_AROUND_NONE, 1, 1, 0 }, 1 };

	(void)state;
	memset(&longer, 0xa5, sizeof(longer));
	assert_int_equal(odp_mr_get_stats_sized(&mr, &longer.stats,
						sizeof(longer)), 0);
	assert_int_equal(longer.stats.exclusive_takes, 119);
	assert_int_equal(longer.later, 0);
	expect_error("too short",
		     odp_mr_get_stats_sized(&mr, &longer.stats, 8), EINVAL);
	expect_error("asks for more",
		     odp_mr_set_policy_sized(&mr, &policy.policy,
					     sizeof(policy)), E2BIG);
	policy.later = 0;
	assert_int_equal(odp_mr_set_policy_sized(&mr, &policy.policy,
						 sizeof(policy)), 0);
}

static void policies_keep_their_places(void **state)
{
	const struct odp_policy set = {
		ODP_AROUND_POPULATE, 17, 230, ODP_POLICY_EXCLUSIVE
	};
	struct odp_policy policy = {};

	(void)state;
	assert_int_equal(odp_mr_set_policy(&mr, &set), 0);
	assert_int_equal(kernel.policy.around, RXE_ODP_AROUND_POPULATE);
	assert_int_equal(kernel.policy.max_pages, 17);
	assert_int_equal(kernel.policy.limit_ms, 230);
	assert_int_equal(kernel.policy.flags, RXE_ODP_POLICY_EXCLUSIVE);
	assert_int_equal(odp_mr_get_policy(&mr, &policy), 0);
	assert_memory_equal(&policy, &set, sizeof(set));
	memset(&policy, 0, sizeof(policy));
	assert_int_equal(odp_mrn_get_policy(&context, 4711, &policy), 0);
	assert_memory_equal(&policy, &set, sizeof(set));
}

static int notify(struct odp_range *ranges, uint64_t *cookies, size_t nr,
		  struct odp_events *events)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		ranges[i] = (struct odp_range) { 3 * i, 1, i % 77 != 50, -1 };
		cookies[i] = i;
	}
	return odp_prefetch_notify(&pd, ranges, nr,
				   IBV_ADVISE_MR_ADVICE_PREFETCH, events,
				   cookies);
}

/* Each range gets its answer, whatever the kernel says of their number. */
static void prefetches_are_answered(void **state)
{
	enum { MANY = 300 };
	struct odp_range ranges[MANY];
	uint64_t cookies[MANY];
	struct odp_events *events;
	int fds[2];
	size_t i;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	kernel.pipe = fds[0];
	events = odp_events_open(&context);
	assert_non_null(events);
	expect_error("some have no key", notify(ranges, cookies, MANY, events),
		     ENOENT);
	for (i = 0; i < MANY; i++)
		assert_int_equal(ranges[i].error, i % 77 == 50 ? ENOENT : 0);

	kernel.lie = TOO_MANY_ACCEPTED;
	expect_error("too many", notify(ranges, cookies, 3, events), EPROTO);
	kernel.lie = TOO_FEW_ACCEPTED;
	expect_error("too few", notify(ranges, cookies, 3, events), EPROTO);
	for (i = 0; i < 3; i++)
		assert_int_equal(ranges[i].error, EPROTO);

	kernel.err = EBUSY;
	expect_error("busy", notify(ranges, cookies, 3, events), EBUSY);
	assert_int_equal(odp_events_close(events), 0);
	close(fds[1]);
}

/* Half a record, and none. */
static void wrong_records_are_found_out(void **state)
{
	const struct odp_record record = {
		.kind = ODP_RECORD_INVALIDATED, .cookie = 1, .start = 2,
		.length = 3, .count = 4, .causes = 5,
	};
	struct odp_event event[2];
	struct odp_events *events;
	int fds[2];
	size_t nr;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	kernel.pipe = fds[0];
	events = odp_events_open(&context);
	assert_non_null(events);
	assert_int_equal(odp_events_fd(events), fds[0]);
	assert_int_equal(sizeof(record), 64);
	assert_int_equal(write(fds[1], &record, sizeof(record)), 64);
	assert_int_equal(odp_events_read(events, event, 2, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(event->kind, ODP_EVENT_INVALIDATED);
	assert_int_equal(event->cookie, 1);
	assert_int_equal(event->addr, 2);
	assert_int_equal(event->length, 3);
	assert_int_equal(event->count, 4);
	assert_int_equal(event->causes, 5);
	assert_int_equal(write(fds[1], &record, 63), 63);
	expect_error("half a record", odp_events_read(events, event, 2, &nr),
		     EPROTO);
	close(fds[1]);
	expect_error("none", odp_events_read(events, event, 2, &nr), EPROTO);
	assert_int_equal(odp_events_close(events), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(device_of_another_driver, setup),
		cmocka_unit_test_setup(kernel_without_the_methods, setup),
		cmocka_unit_test_setup(errors_are_handed_on, setup),
		cmocka_unit_test_setup(ranges_are_put_together, setup),
		cmocka_unit_test_setup(runs_are_put_together, setup),
		cmocka_unit_test_setup(policies_keep_their_places, setup),
		cmocka_unit_test_setup(wrong_answers_are_found_out, setup),
		cmocka_unit_test_setup(counters_keep_their_places, setup),
		cmocka_unit_test_setup(older_kernels_leave_zeros, setup),
		cmocka_unit_test_setup(callers_of_other_versions, setup),
		cmocka_unit_test_setup(prefetches_are_answered, setup),
		cmocka_unit_test_setup(wrong_records_are_found_out, setup),
	};

	return cmocka_run_group_tests_name("libodp_alone", tests, NULL, NULL);
}
