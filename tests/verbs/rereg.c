// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Registering an on-demand MR anew, which SoftRoCE can for its rights and its
 * protection domain.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"
#include "rereg.h"

#define READ_ONLY (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ)

static int change_access(struct ibv_mr *mr, uint32_t access)
{
	return rereg(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, access);
}

static void rights_come_and_go(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);
	int i;

	for (i = 0; i < 3; i++) {
		env_write_and_check(e, mr, mem, PAGE, i);
		assert_int_equal(change_access(mr, READ_ONLY |
						   IBV_ACCESS_ON_DEMAND), 0);
		env_read_and_check(e, mr, mem, PAGE, i);
		expect_refused(&e->rc, "write after the right is gone",
			       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 8));
		pattern_check("memory", mem, PAGE, i, 0);
		assert_int_equal(change_access(mr, ACCESS_ALL |
						   IBV_ACCESS_ON_DEMAND), 0);
	}
}

/* No write at all: the snapshot tells, and the device does not write. */
static void write_access_is_taken_away(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	env_write_and_check(e, mr, mem, PAGE, 1);
	expect_pages(mr, mem, "W");
	assert_int_equal(change_access(mr, IBV_ACCESS_REMOTE_READ |
					   IBV_ACCESS_ON_DEMAND), 0);
	expect_pages(mr, mem, "R");
	expect_local_error(&e->rc, "read into the MR",
			   do_read(&e->rc, ref_l(mr, mem),
				   ref_r(e->buf_mr, e->buf + PAGE), 8));
	env_read_and_check(e, mr, mem, PAGE, 1);
}

/* It stays on demand, and where it is. */
static void kind_and_place_stay(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	assert_int_equal(change_access(mr, ACCESS_ALL), EOPNOTSUPP);
	assert_int_equal(rereg(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL,
			       e->buf, 0), EOPNOTSUPP);
	env_write_and_check(e, mr, mem, PAGE, 1);
	expect_pages(mr, mem, "W");
}

/* Or pinned: what is refused is not half done. */
static void pinned_stays_pinned(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_pinned(&e->rig, mem, PAGE, ACCESS_ALL);

	assert_int_equal(change_access(mr, READ_ONLY | IBV_ACCESS_ON_DEMAND),
			 EOPNOTSUPP);
	env_write_and_check(e, mr, mem, PAGE, 1);
	assert_int_equal(change_access(mr, READ_ONLY), 0);
	expect_refused(&e->rc, "write after the right is gone",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 8));
	env_read_and_check(e, mr, mem, PAGE, 1);
}

/*
 * What is refused changes nothing: pinned regions cannot be told anew that
 * their memory is of huge pages, and so neither can these.
 */
static void R22_refused_changes_nothing(void **state)
{
	const uint32_t odd = IBV_ACCESS_ON_DEMAND | IBV_ACCESS_HUGETLB;
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	env_write_and_check(e, mr, mem, PAGE, 1);
	assert_int_equal(change_access(mr, IBV_ACCESS_REMOTE_READ | odd),
			 EOPNOTSUPP);
	expect_pages(mr, mem, "W");
	env_write_and_check(e, mr, mem, PAGE, 2);

	assert_int_equal(change_access(mr, IBV_ACCESS_REMOTE_READ |
					   IBV_ACCESS_ON_DEMAND), 0);
	assert_int_equal(change_access(mr, ACCESS_ALL | odd), EOPNOTSUPP);
	expect_pages(mr, mem, "R");
	expect_refused(&e->rc, "write after a refused rereg",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 8));
	pattern_check("memory", mem, PAGE, 2, 0);
}

/* A peer that repeats a read gets what it would get today. */
static void R22_repeated_read_has_todays_rights(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, mem), 8));
	assert_int_equal(change_access(mr, IBV_ACCESS_LOCAL_WRITE |
					   IBV_ACCESS_REMOTE_WRITE |
					   IBV_ACCESS_ON_DEMAND), 0);
	qp_reset(e->rc.a);
	qp_connect(&e->rig, e->rc.a, e->rc.b->qp_num, &e->rc.cfg);
	expect_refused(&e->rc, "the same read, the right being gone",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem), 8));
}

static void protection_domain_is_changed(void **state)
{
	struct env *e = *state;
	struct ibv_pd *pd = ibv_alloc_pd(e->rig.ctx);
	uint8_t *mem = mem_anon(PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	assert_non_null(pd);
	env_write_and_check(e, mr, mem, PAGE, 1);
	assert_int_equal(rereg(mr, IBV_REREG_MR_CHANGE_PD, pd, NULL, 0), 0);
	expect_refused(&e->rc, "write with a key of another PD",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 8));
	assert_int_equal(rereg(mr, IBV_REREG_MR_CHANGE_PD, e->rig.pd, NULL, 0),
			 0);
	env_write_and_check(e, mr, mem, PAGE, 2);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(rights_come_and_go),
		env_test(write_access_is_taken_away),
		env_test(kind_and_place_stay),
		env_test(pinned_stays_pinned),
		env_test(R22_refused_changes_nothing),
		env_test(R22_repeated_read_has_todays_rights),
		env_test(protection_domain_is_changed),
	};

	return ENV_MAIN(argc, argv, "rereg", tests);
}
