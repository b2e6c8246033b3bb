// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * R5: what the mapping and the MR allow, and that neither gives what the other
 * forbids. Write without read is not a thing. R22: nor is there a way round.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env.h"

#define LEN (4 * PAGE)
#define SEED 1

/* Every way that a peer can try to change memory; it must stay as it is. */
static void expect_no_write(struct env *e, struct ibv_mr *mr, uint8_t *mem)
{
	struct ref there = ref_r(mr, mem + PAGE);

	memset(e->buf, 0x5a, PAGE);
	expect_refused(&e->rc, "write",
		       do_write(&e->rc, env_buf(e), there, 100));
	expect_refused(&e->rc, "fetch and add",
		       do_fetch_add(&e->rc, env_buf(e), there, 1));
	expect_refused(&e->rc, "swap",
		       do_cmp_swap(&e->rc, env_buf(e), there, 0, 1));
	expect_refused(&e->rc, "atomic write",
		       do_atomic_write(&e->rc, there, 1));
}

static void expect_no_read(struct env *e, struct ibv_mr *mr, uint8_t *mem)
{
	memset(e->buf, 0, 100);
	expect_refused(&e->rc, "read",
		       do_read(&e->rc, env_buf(e), ref_r(mr, mem + PAGE), 100));
	zeros_check("A's buffer after a refused read", e->buf, 100);
}

static void R5_read_only_mapping(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	pattern_fill(mem, LEN, SEED, 0);
	mem_protect(mem, LEN, PROT_READ);
	expect_pages(mr, mem, "RRRR");
	env_read_and_check(e, mr, mem, LEN, SEED);
	expect_no_write(e, mr, mem);
	env_read_and_check(e, mr, mem, LEN, SEED);
	expect_pages(mr, mem, "RRRR");
	pattern_check("memory", mem, LEN, SEED, 0);

	mem_protect(mem, LEN, PROT_READ | PROT_WRITE);
	env_write_and_check(e, mr, mem, LEN, SEED + 1);
}

/* A file that the process may read only, mapped shared. */
static void R5_read_only_file(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;
	uint8_t *mem;
	int fd;

	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	assert_ptr_not_equal(mem, MAP_FAILED);
	mr = reg_odp(&e->rig, mem, PAGE, ACCESS_ALL);

	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, mem),
				       PAGE));
	assert_memory_equal(e->buf, mem, PAGE);
	expect_pages(mr, mem, "R");
	expect_refused(&e->rc, "write to a read-only file",
		       do_write(&e->rc, env_buf(e), ref_r(mr, mem), 4));
	assert_memory_equal(mem, "\177ELF", 4);
	dereg(&e->rig, mr);
	munmap(mem, PAGE);
}

static void R5_read_only_region(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, IBV_ACCESS_REMOTE_READ);

	pattern_fill(mem, LEN, SEED, 0);
	env_read_and_check(e, mr, mem, LEN, SEED);
	expect_pages(mr, mem, "RRRR");
	expect_no_write(e, mr, mem);
	expect_local_error(&e->rc, "read into an MR without local write",
			   do_read(&e->rc, ref_l(mr, mem),
				   ref_r(e->buf_mr, e->buf), 100));
	pattern_check("memory", mem, LEN, SEED, 0);
}

static void R5_no_remote_rights(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, IBV_ACCESS_LOCAL_WRITE);

	pattern_fill(mem, LEN, SEED, 0);
	expect_no_write(e, mr, mem);
	expect_no_read(e, mr, mem);
	assert_int_equal(stats_of(mr).faults, 0);
	pattern_check("memory", mem, LEN, SEED, 0);

	expect_success("the same memory as A's own",
		       do_write(&e->rc, ref_l(mr, mem),
				ref_r(e->buf_mr, e->buf), LEN));
	pattern_check("what A sent", e->buf, LEN, SEED, 0);
}

static void R5_remote_write_only_region(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, IBV_ACCESS_LOCAL_WRITE |
						       IBV_ACCESS_REMOTE_WRITE);

	env_write_and_check(e, mr, mem, LEN, SEED);
	expect_no_read(e, mr, mem);
	expect_refused(&e->rc, "fetch and add",
		       do_fetch_add(&e->rc, env_buf(e), ref_r(mr, mem), 1));
	pattern_check("memory", mem, LEN, SEED, 0);
}

/* No access at all comes of a mapping that cannot be read. */
static void unreadable_mapping(struct env *e, int prot)
{
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	pattern_fill(mem, LEN, SEED, 0);
	env_read_and_check(e, mr, mem, LEN, SEED);
	mem_protect(mem, LEN, prot);
	expect_pages(mr, mem, "FFFF");
	expect_no_read(e, mr, mem);
	expect_no_write(e, mr, mem);
	expect_pages(mr, mem, "FFFF");
	assert_int_equal(count_pages(mr, mem, 4, ODP_PAGE_MIRRORED), 0);

	mem_protect(mem, LEN, PROT_READ | PROT_WRITE);
	pattern_check("memory", mem, LEN, SEED, 0);
	env_read_and_check(e, mr, mem, LEN, SEED);
}

static void R5_prot_none(void **state)
{
	unreadable_mapping(*state, PROT_NONE);
}

static void R5_write_only_mapping(void **state)
{
	unreadable_mapping(*state, PROT_WRITE);
}

/* The system call has the same number in all programs of a processor. */
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453
#endif
#ifndef SHADOW_STACK_SET_TOKEN
#define SHADOW_STACK_SET_TOKEN 1
#endif

/*
 * Shadow stacks are where return addresses are checked against. The process
 * cannot write to one by itself, but the mapping counts as writable.
 */
static void R22_shadow_stack(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;
	uint64_t *token;
	uint8_t *mem;
	long ret;

	ret = syscall(SYS_map_shadow_stack, 0, LEN, SHADOW_STACK_SET_TOKEN);
	if (ret == -1)
		skip_because("no shadow stacks on this processor or kernel");
	mem = (uint8_t *)ret;
	token = (uint64_t *)(mem + LEN) - 1;
	mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	expect_pages(mr, mem + 3 * PAGE, "R");
	expect_no_write(e, mr, mem);
	expect_no_write(e, mr, mem + 2 * PAGE);
	expect_refused(&e->rc, "write of a token",
		       do_write(&e->rc, env_buf(e), ref_r(mr, token), 8));

	memset(e->buf, 0, 8);
	expect_success("read", do_read(&e->rc, env_buf(e), ref_r(mr, token),
				       8));
	assert_memory_equal(e->buf, token, 8);
	expect_pages(mr, mem + 3 * PAGE, "R");
	assert_int_equal(stats_of(mr).pinned_fallbacks, 0);
	mem_unmap(mem, LEN);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(R5_read_only_mapping),
		env_test(R5_read_only_file),
		env_test(R5_read_only_region),
		env_test(R5_no_remote_rights),
		env_test(R5_remote_write_only_region),
		env_test(R5_prot_none),
		env_test(R5_write_only_mapping),
		env_test(R22_shadow_stack),
	};

	return ENV_MAIN(argc, argv, "rights", tests);
}
