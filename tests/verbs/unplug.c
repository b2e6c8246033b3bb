// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A device, and then the modules, that go while a process uses them: they do
 * not wait for it, its calls end with EIO, and its memory is as ever. Other
 * tests find their device again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/odp.h>

#include "env.h"
#include "knob.h"
#include "nic.h"

#define PAGES 16
#define LEN (PAGES * PAGE)

#define NIC "rxe_unplug"

/* Pipes: the user writes that it is ready; the parent closes when all is gone. */
struct talk {
	int ready[2], gone[2];
	bool queue;		/* the user has a queue of events, too */
};

static void expect_gone(const char *what, int err)
{
	if (err != EIO)
		test_fail("%s: %s, not %s", what, strerror(err), strerror(EIO));
}

/* To fork, to unmap and to end walks over VMAs that were the device's. */
static int heir(void *arg)
{
	pattern_check("memory of a forked process", arg, LEN, 2, 0);
	return 0;
}

static void go_on_without_device(struct env *e, struct ibv_mr *mr, uint8_t *mem)
{
	struct ibv_sge sge = { (uintptr_t)mem, PAGE, mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.sg_list = &sge,
		.num_sge = 1,
	};
	uint8_t states[PAGES];

	/* What was in flight has ended: nobody writes here any more. */
	pattern_fill(mem, LEN, 2, 0);
	errno = 0;
	expect_gone("ibv_alloc_pd",
		    ibv_alloc_pd(e->rig.ctx) ? 0 : errno);
	errno = 0;
	expect_gone("ibv_reg_mr",
		    ibv_reg_mr(e->rig.pd, mem, LEN,
			       ACCESS_ALL | IBV_ACCESS_ON_DEMAND) ? 0 : errno);
	expect_gone("odp_mr_snapshot",
		    odp_mr_snapshot(mr, (uintptr_t)mem, PAGES, states));
	expect_gone("ibv_post_send", ibv_post_send(e->rc.a, &wr, &bad));
	child_wait_ok(child_start(heir, mem));
	pattern_check("memory", mem, LEN, 2, 0);
}

static void end_queue(struct odp_events *events)
{
	struct odp_event event;
	size_t nr;

	expect_gone("odp_events_read",
		    odp_events_read(events, &event, 1, &nr));
	if (odp_events_close(events))
		test_fail("the queue cannot be closed");
}

static int user(void *arg)
{
	struct odp_events *events = NULL;
	uint8_t *mem = mem_anon(LEN);
	struct talk *t = arg;
	struct ibv_mr *mr;
	struct env *e;
	void *state;
	char c;

	close(t->gone[1]);
	env_setup(&state);
	e = state;
	mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	if (t->queue)
		events = odp_events_open(e->rig.ctx);
	env_write_and_check(e, mr, mem, LEN, 1);
	env_post_writes(e, e->rc.a, (uintptr_t)mem, mr->rkey, PAGES, PAGE);

	if (write(t->ready[1], "", 1) != 1 || read(t->gone[0], &c, 1) != 0)
		test_fail("the parent is not there");
	go_on_without_device(e, mr, mem);
	if (t->queue)
		end_queue(events);
	/* What has gone can be given back. */
	return env_teardown(&state);
}

/* Runs the command while a process uses the device. */
static void under(bool queue, const char *command)
{
	struct talk t = { .queue = queue };
	pid_t pid;
	char c;

	if (pipe(t.ready) || pipe(t.gone))
		test_fail("no pipes");
	pid = child_start(user, &t);
	close(t.ready[1]);
	close(t.gone[0]);
	if (read(t.ready[0], &c, 1) != 1)
		test_fail("the user did not get ready");

	shell("%s", command);
	close(t.gone[1]);
	child_wait_ok(pid);
	close(t.ready[0]);
}

static void under_a_user(const char *command)
{
	under(false, command);
}

static int own_device_setup(void **state)
{
	(void)state;
	nic_add(NIC, "203.0.113.5");
	return 0;
}

static int own_device_teardown(void **state)
{
	(void)state;
	nic_del(NIC);
	return 0;
}

static void device_goes_under_its_user(void **state)
{
	(void)state;
	under_a_user("rdma link delete " NIC);
}

static void device_goes_with_its_interface(void **state)
{
	(void)state;
	under_a_user("ip link delete " NIC);
}

static int modules_teardown(void **state)
{
	(void)state;
	shell("cd \"$ODP_MODULE_DIR\" && for module in rdma_odp rdma_rxe; do "
	      "[ -e /sys/module/$module ] || insmod $module.ko; done && "
	      "{ rdma link show rxe0/1 >/dev/null 2>&1 || "
	      "rdma link add rxe0 type rxe netdev dummy0; }");
	return 0;
}

static void modules_go_under_their_user(void **state)
{
	(void)state;
	if (!getenv("ODP_MODULE_DIR"))
		skip_because("ODP_MODULE_DIR does not say where the modules are");
	/*
	 * Where lockdep looks at sockets, those of queue pairs keep the newer
	 * kernels' rdma_rxe, stock or not: there the device goes first. Nothing
	 * tells when somebody else's last look at a module ends.
	 */
	under_a_user("[ $(cat /sys/module/rdma_rxe/refcnt) = 0 ] || "
		     "rdma link delete rxe0; "
		     "for module in odp_selftest rdma_rxe rdma_odp; do "
		     "[ -e /sys/module/$module ] || continue; "
		     "until [ $(cat /sys/module/$module/refcnt) = 0 ]; do :; done; "
		     "rmmod $module || exit; done");
}

/* A queue is the engine's, which stays. */
static void driver_goes_under_a_queue(void **state)
{
	(void)state;
	if (!getenv("ODP_MODULE_DIR"))
		skip();
	under(true, "[ $(cat /sys/module/rdma_rxe/refcnt) = 0 ] || "
	      "rdma link delete rxe0; "
	      "until [ $(cat /sys/module/rdma_rxe/refcnt) = 0 ]; do :; done; "
	      "rmmod rdma_rxe && [ -e /sys/module/rdma_odp ]");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(device_goes_under_its_user,
						own_device_setup,
						own_device_teardown),
		cmocka_unit_test_setup_teardown(device_goes_with_its_interface,
						own_device_setup,
						own_device_teardown),
		cmocka_unit_test_teardown(modules_go_under_their_user,
					  modules_teardown),
		cmocka_unit_test_teardown(driver_goes_under_a_queue,
					  modules_teardown),
	};

	return ENV_MAIN(argc, argv, "unplug", tests);
}
