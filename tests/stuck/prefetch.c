// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Prefetches that take long, of holes by the terabyte: neither who asks for
 * one nor who ends a region or itself waits for it, and who asks pays.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env.h"
#include "memcg.h"
#include "prefetch.h"

#define LIMIT_MS (1000 * ODP_TIMEOUT_SCALE)
/* A call allocates for each element, 25 times as long beside checkers. */
#define CALL_LIMIT_MS (ODP_TIMEOUT_SCALE > 1 ? 25000 : 1000)

/* As many as the interface takes. */
#define MANY 4094
/* As much as an element can name. */
#define HOLE (4 * GIB)
#define HOLE_LEN (HOLE - PAGE)
/* Each call's list alone is 96 KiB; in all of that, others' noise is lost. */
#define CALLS 192
#define UNPAID_MAX (6 * MIB)

static struct ibv_sge list[MANY + 1];

static void expect_soon(const char *what, int64_t start, int64_t limit)
{
	int64_t took = now_ms() - start;

	if (took > limit)
		test_fail("%s took %d ms", what, (int)took);
}

/* Without FLUSH: it is done behind. A process can have too much of that. */
static void start_prefetch(struct ibv_pd *pd, uint32_t n)
{
	int err = advise(pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, list, n);

	if (err && err != EBUSY)
		test_fail("prefetch of %u elements: %s", n, strerror(err));
}

static void start_prefetch_soon(struct ibv_pd *pd, uint32_t n)
{
	int64_t start = now_ms();

	start_prefetch(pd, n);
	expect_soon("the call", start, CALL_LIMIT_MS);
}

static void dereg_soon(struct rig *rig, struct ibv_mr *mr)
{
	int64_t start = now_ms();

	dereg(rig, mr);
	expect_soon("ibv_dereg_mr", start, LIMIT_MS);
}

/* The implicit region, and a list of so many elements that are holes. */
static struct ibv_mr *name_holes(struct rig *rig, uint32_t n)
{
	struct ibv_mr *mr = reg_odp(rig, NULL, SIZE_MAX, ACCESS_ALL);
	uint8_t *holes = mem_free_range(n * HOLE, GIB);
	uint32_t i;

	for (i = 0; i < n; i++)
		list[i] = (struct ibv_sge) {
			(uintptr_t)holes + i * HOLE, HOLE_LEN, mr->lkey
		};
	return mr;
}

static void R18_prefetch_of_holes(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr = name_holes(&e->rig, MANY);

	start_prefetch_soon(e->rig.pd, MANY);
	dereg_soon(&e->rig, mr);
}

/* One of few elements is in another region. */
static void another_region_goes(struct env *e, uint32_t holes)
{
	struct ibv_mr *mr = name_holes(&e->rig, holes);
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *b = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	list[holes] = (struct ibv_sge) { (uintptr_t)mem, PAGE, b->lkey };
	start_prefetch_soon(e->rig.pd, holes + 1);
	dereg_soon(&e->rig, b);
	dereg_soon(&e->rig, mr);
}

static void R18_prefetch_and_another_region(void **state)
{
	another_region_goes(*state, 60);
	another_region_goes(*state, 300);
}

/* A process that does not wait for what it has asked for. */
struct asker {
	int ready[2];		/* pipe: a byte before each step */
	int go[2];
	unsigned int calls;
};

static int asker(void *arg)
{
	struct asker *a = arg;
	struct rig rig;
	unsigned int i;
	char c;

	rig_open(&rig);
	name_holes(&rig, MANY);
	if (write(a->ready[1], "", 1) != 1 || read(a->go[0], &c, 1) != 1)
		return CHILD_FAILED;
	for (i = 0; i < a->calls; i++)
		start_prefetch(rig.pd, MANY);
	if (write(a->ready[1], "", 1) != 1 || read(a->go[0], &c, 1) != 1)
		return CHILD_FAILED;
	return 0;
}

static pid_t asker_start(struct asker *a, unsigned int calls)
{
	pid_t pid;
	char c;

	a->calls = calls;
	if (pipe(a->ready) || pipe(a->go))
		test_fail("no pipes");
	pid = child_start(asker, a);
	/* What the asker alone has is closed if it fails. */
	close(a->ready[1]);
	close(a->go[0]);
	assert_int_equal(read(a->ready[0], &c, 1), 1);
	return pid;
}

/* The asker takes its next step. */
static void asker_go(struct asker *a)
{
	assert_int_equal(write(a->go[1], "", 1), 1);
}

static void asker_asked(struct asker *a)
{
	char c;

	assert_int_equal(read(a->ready[0], &c, 1), 1);
}

static void asker_ends_soon(struct asker *a, pid_t pid)
{
	struct pollfd pfd = {
		.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN,
	};
	bool soon;

	asker_go(a);
	soon = poll(&pfd, 1, LIMIT_MS) == 1;
	close(pfd.fd);
	child_wait_ok(pid);
	close(a->ready[0]);
	close(a->go[1]);
	if (!soon)
		test_fail("the process took more than %d ms to end", LIMIT_MS);
}

static void R18_prefetch_and_exit(void **state)
{
	struct asker a;
	pid_t pid = asker_start(&a, 1);

	asker_go(&a);
	asker_asked(&a);
	asker_ends_soon(&a, pid);
	(void)state;
}

/* How many bytes the system has less that the group of who asks does not pay. */
static int64_t unpaid_by_prefetch(void)
{
	struct memcg group;
	struct asker a;
	int64_t paid, lost;
	pid_t pid = asker_start(&a, CALLS);

	if (!memcg_open(&group, "odp_prefetch") || !memcg_add(&group, pid))
		test_fail("no memory cgroup: %s", strerror(errno));
	paid = memcg_bytes(&group);
	lost = meminfo("MemAvailable");
	asker_go(&a);
	asker_asked(&a);
	paid = memcg_bytes(&group) - paid;
	lost -= meminfo("MemAvailable");
	print_message("%d KiB less, %d KiB of them paid for\n",
		      (int)(lost / 1024), (int)(paid / 1024));
	asker_ends_soon(&a, pid);
	memcg_close(&group);
	return lost - paid;
}

/* Others of the system come and go: what the calls take is there each time. */
static void R19_prefetch_is_paid_for(void **state)
{
	int tries = 3;

	(void)state;
	while (unpaid_by_prefetch() >= (int64_t)UNPAID_MAX)
		if (!--tries)
			test_fail("prefetches take memory that nobody pays for");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R18_prefetch_of_holes),
		env_test(R18_prefetch_and_another_region),
		/* These inherit nothing of the device. */
		cmocka_unit_test(R18_prefetch_and_exit),
		cmocka_unit_test(R19_prefetch_is_paid_for),
	};

	return ENV_MAIN(argc, argv, "prefetch", tests);
}
