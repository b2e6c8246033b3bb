// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What nearly every test starts from, and how a test program runs its tests.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env.h"

int env_setup(void **state)
{
	const struct pair_config cfg = {
		.type = IBV_QPT_RC,
		.mtu = IBV_MTU_1024,
	};
	static struct env env;

	memset(&env, 0, sizeof(env));
	*state = &env;
	rig_open(&env.rig);
	pair_open(&env.rc, &env.rig, &cfg);
	env.buf = mem_anon(ENV_BUF_LEN);
	env.buf_mr = reg_pinned(&env.rig, env.buf, ENV_BUF_LEN, ACCESS_ALL);
	return 0;
}

int env_teardown(void **state)
{
	struct env *env = *state;

	pair_close(&env->rc);
	rig_close(&env->rig);
	mem_release();
	return 0;
}

void env_write_and_check(struct env *e, struct ibv_mr *mr, uint8_t *dst,
			 size_t len, uint64_t seed)
{
	pattern_fill(e->buf, len, seed, 0);
	expect_success("RDMA write", do_write(&e->rc, env_buf(e),
					      ref_r(mr, dst), (uint32_t)len));
	pattern_check("memory after an RDMA write", dst, len, seed, 0);
}

void env_read_and_check(struct env *e, struct ibv_mr *mr, const uint8_t *src,
			size_t len, uint64_t seed)
{
	memset(e->buf, 0, len);
	expect_success("RDMA read", do_read(&e->rc, env_buf(e), ref_r(mr, src),
					    (uint32_t)len));
	pattern_check("what an RDMA read brought", e->buf, len, seed, 0);
}

void env_post_writes(struct env *e, struct ibv_qp *qp, uint64_t addr,
		     uint32_t rkey, unsigned int n, uint32_t len)
{
	struct ibv_sge sge = { (uintptr_t)e->buf, len, e->buf_mr->lkey };
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &sge,
		.num_sge = 1,
	};

	for (; n; n--, addr += len) {
		wr.wr.rdma.remote_addr = addr;
		wr.wr.rdma.rkey = rkey;
		post_send(qp, &wr);
	}
}

int env_main(int argc, char **argv, const char *group,
	     const struct CMUnitTest *tests, size_t nr_tests)
{
	const char *filter = argc > 1 ? argv[1] : "*";
	struct CMUnitTest *chosen;
	size_t i, n = 0;
	int failed;

	if (!strcmp(filter, "--list")) {
		for (i = 0; i < nr_tests; i++)
			puts(tests[i].name);
		return EXIT_SUCCESS;
	}
	chosen = calloc(nr_tests, sizeof(*chosen));
	if (!chosen)
		return EXIT_FAILURE;
	for (i = 0; i < nr_tests; i++) {
		if (!fnmatch(filter, tests[i].name, 0))
			chosen[n++] = tests[i];
	}
	if (n) {
		failed = _cmocka_run_group_tests(group, chosen, n, NULL, NULL);
	} else {
		fprintf(stderr, "%s: no test matches %s\n", group, filter);
		failed = 1;
	}
	free(chosen);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
