/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What nearly every test starts from: an open device, a connected pair of RC
 * queue pairs, and a pinned buffer on A's side.
 */
#ifndef TESTS_ENV_H
#define TESTS_ENV_H

#include "fail.h"
#include "mem.h"
#include "nr.h"
#include "pages.h"
#include "pair.h"
#include "pattern.h"
#include "rig.h"

#define ENV_BUF_LEN (MIB + 16 * PAGE)

struct env {
	struct rig rig;
	struct pair rc;
	uint8_t *buf;		/* pinned, zeroed, A's side of an operation */
	struct ibv_mr *buf_mr;
};

/* A reference to A's pinned buffer. */
static inline struct ref env_buf(const struct env *e)
{
	return ref_l(e->buf_mr, e->buf);
}

/* Put one of these into a struct CMUnitTest for each test. */
int env_setup(void **state);
int env_teardown(void **state);

#define env_test(fn) \
	cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

/* Writes the pattern of @seed to B's memory and checks what the CPU sees. */
void env_write_and_check(struct env *e, struct ibv_mr *mr, uint8_t *dst,
			 size_t len, uint64_t seed);

/* Reads B's memory, which must hold the pattern of @seed. */
void env_read_and_check(struct env *e, struct ibv_mr *mr, const uint8_t *src,
			size_t len, uint64_t seed);

/*
 * Posts @n writes of @len bytes each from A's buffer, to addresses that go up
 * from @addr, and waits for none of them.
 */
void env_post_writes(struct env *e, struct ibv_qp *qp, uint64_t addr,
		     uint32_t rkey, unsigned int n, uint32_t len);

/*
 * Runs the tests whose names match the pattern in argv[1], all without one, or
 * lists their names for "--list". The program's exit status. A pattern that
 * matches nothing is an error.
 */
int env_main(int argc, char **argv, const char *group,
	     const struct CMUnitTest *tests, size_t nr_tests);

#define ENV_MAIN(argc, argv, group, tests) \
	env_main(argc, argv, group, tests, NR(tests))

#endif /* TESTS_ENV_H */
