// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A process with a thousand queue pairs that wait for pages which never come,
 * and another one beside it, whose rate and latency shall stay what they are.
 *
 * They are measured before, beside and after, each as the median of a few
 * slices. What is compared with is the worse one of before and after: the
 * difference of the two is noise. Under emulation noise comes in bursts, so
 * there is another try or two; it makes no bad result good, as a crowd that
 * costs something costs it each time.
 *
 * An RNR NAK can put a peer off for 655 ms and no longer, so 500 of them come
 * 763 times a second. Here, where both ends are one machine and that is emulated,
 * each takes as long as a small write does: more than one write in a hundred
 * meets one, and the 99th percentile grows by that.
 */
#include <stdlib.h>
#include <unistd.h>

#include "crowd.h"

#define NR_PAIRS 500
#define SLICES 7
#define BATCHES 12
#define BATCH 16
#define BATCH_LEN (16 * KIB)
#define LATENCIES 100
#define TRIES 3

/* Of one slice, or the median of several. */
struct figures {
	double rate;		/* bytes a second */
	double p99;		/* seconds */
};

static double now_s(void)
{
	return (double)now_ns() / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double rate(struct env *e)
{
	double start = now_s();
	int i, j;

	for (i = 0; i < BATCHES; i++) {
		env_post_writes(e, e->rc.a, (uintptr_t)e->buf + BATCH_LEN,
				e->buf_mr->rkey, BATCH, BATCH_LEN);
		for (j = 0; j < BATCH; j++)
			expect_success("write", wait_wc(e->rc.a_cq,
							"write").status);
	}
	return BATCHES * BATCH * (double)BATCH_LEN / (now_s() - start);
}

static double p99(struct env *e)
{
	double took[LATENCIES], start;
	int i;

	for (i = 0; i < LATENCIES; i++) {
		start = now_s();
		expect_success("write",
			       do_write(&e->rc, env_buf(e),
					ref_r(e->buf_mr, e->buf + MIB), 64));
		took[i] = now_s() - start;
	}
	qsort(took, LATENCIES, sizeof(took[0]), compare);
	return took[LATENCIES * 99 / 100 - 1];
}

static struct figures measure(struct env *e, const char *when)
{
	double rates[SLICES], latencies[SLICES];
	struct figures f;
	int i;

	for (i = 0; i < SLICES; i++) {
		rates[i] = rate(e);
		latencies[i] = p99(e);
	}
	qsort(rates, SLICES, sizeof(rates[0]), compare);
	qsort(latencies, SLICES, sizeof(latencies[0]), compare);
	f.rate = rates[SLICES / 2];
	f.p99 = latencies[SLICES / 2];
	print_message("%s: %.1f MB/s, p99 %.0f us\n", when, f.rate / 1e6,
		      f.p99 * 1e6);
	return f;
}

/* The other user, until the pipe is closed. */
struct other {
	int ready[2], end[2];
};

static int wait_for_ever(void *arg)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_1024,
	};
	struct other *o = arg;
	struct crowd crowd;
	struct rig rig;
	char c;

	close(o->ready[0]);
	close(o->end[1]);
	rig_open(&rig);
	crowd_open(&crowd, &rig, NR_PAIRS, &cfg);
	crowd_go(&crowd);
	if (write(o->ready[1], "", 1) != 1)
		return CHILD_FAILED;
	return read(o->end[0], &c, 1) ? CHILD_FAILED : 0;
}

/* Whether the one process does not feel the other. */
static bool unmoved(struct env *e)
{
	struct figures before, beside, after;
	struct other o;
	pid_t pid;
	char c;

	if (pipe(o.ready) || pipe(o.end))
		test_fail("no pipes");
	before = measure(e, "before");
	pid = child_start(wait_for_ever, &o);
	close(o.ready[1]);
	close(o.end[0]);
	if (read(o.ready[0], &c, 1) != 1)
		test_fail("the other process failed");
	beside = measure(e, "beside");
	close(o.end[1]);
	close(o.ready[0]);
	child_wait_ok(pid);
	after = measure(e, "after");

	if (after.rate < before.rate)
		before.rate = after.rate;
	if (after.p99 > before.p99)
		before.p99 = after.p99;
	return beside.rate >= 0.9 * before.rate &&
	       beside.p99 <= 2 * before.p99;
}

static void R19_others_keep_rate_and_latency(void **state)
{
	int i;

	for (i = 0; i < TRIES; i++)
		if (unmoved(*state))
			return;
	test_fail("others are slower beside queue pairs that wait");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R19_others_keep_rate_and_latency),
	};

	return ENV_MAIN(argc, argv, "beside", tests);
}
