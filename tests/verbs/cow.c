// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * fork() and copy on write: an on-demand MR belongs to the address space that
 * registered it, and no byte crosses over to or from a child.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "env.h"

#define LEN (8 * PAGE)

/* What parent and child share: memory, and a pipe each way to take turns. */
struct family {
	uint8_t *mem;
	int to_child[2], to_parent[2];
	uint64_t expect;	/* seed that the child must see */
	uint64_t write;		/* seed that the child writes, 0 for none */
};

static void pass_turn(int fd)
{
	if (write(fd, "", 1) != 1)
		test_fail("the other process is gone");
}

static void await_turn(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		test_fail("the other process is gone");
}

static int child(void *arg)
{
	struct family *f = arg;

	close(f->to_child[1]);
	close(f->to_parent[0]);
	if (f->write)
		pattern_fill(f->mem, LEN, f->write, 0);
	pass_turn(f->to_parent[1]);
	await_turn(f->to_child[0]);
	pattern_check("child's memory", f->mem, LEN,
		      f->write ? f->write : f->expect, 0);
	return 0;
}

static pid_t start_child(struct family *f)
{
	pid_t pid;

	if (pipe(f->to_child) || pipe(f->to_parent))
		test_fail("no pipes");
	pid = child_start(child, f);
	close(f->to_child[0]);
	close(f->to_parent[1]);
	await_turn(f->to_parent[0]);
	return pid;
}

static void end_child(struct family *f, pid_t pid)
{
	pass_turn(f->to_child[1]);
	child_wait_ok(pid);
	close(f->to_child[1]);
	close(f->to_parent[0]);
}

/* Memory that the device has already written to. */
static struct ibv_mr *open_memory(struct env *e, struct family *f)
{
	struct ibv_mr *mr;

	memset(f, 0, sizeof(*f));
	f->mem = mem_anon(LEN);
	f->expect = 1;
	mr = reg_odp(&e->rig, f->mem, LEN, ACCESS_ALL);
	env_write_and_check(e, mr, f->mem, LEN, 1);
	return mr;
}

static void device_write_stays_with_the_parent(void **state)
{
	struct env *e = *state;
	struct family f;
	struct ibv_mr *mr = open_memory(e, &f);
	pid_t pid = start_child(&f);

	expect_pages(mr, f.mem, "RRRRRRRR");
	env_write_and_check(e, mr, f.mem, LEN, 2);
	expect_pages(mr, f.mem, "WWWWWWWW");
	end_child(&f, pid);
	pattern_check("parent's memory", f.mem, LEN, 2, 0);
}

static void parents_write_is_seen_by_the_device(void **state)
{
	struct env *e = *state;
	struct family f;
	struct ibv_mr *mr = open_memory(e, &f);
	pid_t pid = start_child(&f);

	env_read_and_check(e, mr, f.mem, LEN, 1);
	pattern_fill(f.mem, LEN, 2, 0);
	env_read_and_check(e, mr, f.mem, LEN, 2);
	end_child(&f, pid);
	env_read_and_check(e, mr, f.mem, LEN, 2);
}

static void childs_write_is_not_seen_by_the_device(void **state)
{
	struct env *e = *state;
	struct family f;
	struct ibv_mr *mr = open_memory(e, &f);
	pid_t pid;

	f.write = 3;
	pid = start_child(&f);
	env_read_and_check(e, mr, f.mem, LEN, 1);
	env_write_and_check(e, mr, f.mem, LEN, 2);
	end_child(&f, pid);
	env_read_and_check(e, mr, f.mem, LEN, 2);
}

/* Half of a page by the device, the other half by the CPU, the child alive. */
static void both_write_one_page(void **state)
{
	struct env *e = *state;
	struct family f;
	struct ibv_mr *mr = open_memory(e, &f);
	pid_t pid = start_child(&f);

	env_write_and_check(e, mr, f.mem, PAGE / 2, 2);
	pattern_fill(f.mem + PAGE / 2, PAGE / 2, 4, 0);
	pattern_check("device's half", f.mem, PAGE / 2, 2, 0);
	env_read_and_check(e, mr, f.mem + PAGE / 2, PAGE / 2, 4);
	pattern_fill(f.mem + PAGE, PAGE / 2, 4, 0);
	env_write_and_check(e, mr, f.mem + PAGE + PAGE / 2, PAGE / 2, 5);
	pattern_check("CPU's half", f.mem + PAGE, PAGE / 2, 4, 0);
	pattern_check("rest", f.mem + 2 * PAGE, LEN - 2 * PAGE, 1, 2 * PAGE);
	end_child(&f, pid);
}

/* The same with atomics: the old value is the parent's, the new one too. */
static void atomics_after_fork(void **state)
{
	struct env *e = *state;
	struct family f;
	struct ibv_mr *mr = open_memory(e, &f);
	pid_t pid = start_child(&f);
	uint64_t before, after;

	memcpy(&before, f.mem, 8);
	expect_success("add", do_fetch_add(&e->rc, env_buf(e),
					   ref_r(mr, f.mem), 9));
	assert_memory_equal(e->buf, &before, 8);
	memcpy(&after, f.mem, 8);
	assert_int_equal(after, before + 9);
	end_child(&f, pid);
}

/* Shared memory is shared: the child sees what the device writes. */
static void shared_memory_is_shared(void **state)
{
	struct env *e = *state;
	struct family f = { .mem = mem_shared(LEN), .expect = 2 };
	struct ibv_mr *mr = reg_odp(&e->rig, f.mem, LEN, ACCESS_ALL);
	pid_t pid;

	env_write_and_check(e, mr, f.mem, LEN, 1);
	pid = start_child(&f);
	env_write_and_check(e, mr, f.mem, LEN, 2);
	end_child(&f, pid);
}

/* What the child tells the parent of the MR that it registers. */
struct childs_region {
	struct family f;
	struct env *e;
	uint32_t rkey;
};

static int child_with_region(void *arg)
{
	struct childs_region *r = arg;
	struct ibv_mr *mr;

	mr = ibv_reg_mr(r->e->rig.pd, r->f.mem, LEN,
			ACCESS_ALL | IBV_ACCESS_ON_DEMAND);
	if (!mr)
		test_fail("MR of the child: %s", strerror(errno));
	r->rkey = mr->rkey;
	pass_turn(r->f.to_parent[1]);
	await_turn(r->f.to_child[0]);
	pattern_check("child's memory", r->f.mem, LEN, 2, 0);
	ibv_dereg_mr(mr);
	return 0;
}

/*
 * Two address spaces behind one open device: the same address is the parent's
 * memory with one key and the child's with the other.
 */
static void child_registers_its_own(void **state)
{
	struct env *e = *state;
	struct childs_region *r = mem_shared(PAGE);
	struct ibv_mr *mr;
	struct ref childs;
	pid_t pid;

	r->e = e;
	mr = open_memory(e, &r->f);
	if (pipe(r->f.to_child) || pipe(r->f.to_parent))
		test_fail("no pipes");
	pid = child_start(child_with_region, r);
	close(r->f.to_child[0]);
	close(r->f.to_parent[1]);
	await_turn(r->f.to_parent[0]);

	childs = (struct ref) { (uintptr_t)r->f.mem, r->rkey };
	pattern_fill(e->buf, LEN, 2, 0);
	expect_success("write to the child's memory",
		       do_write(&e->rc, env_buf(e), childs, LEN));
	pattern_check("parent's memory", r->f.mem, LEN, 1, 0);
	env_write_and_check(e, mr, r->f.mem, LEN, 3);
	end_child(&r->f, pid);
	pattern_check("parent's memory", r->f.mem, LEN, 3, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(device_write_stays_with_the_parent),
		env_test(parents_write_is_seen_by_the_device),
		env_test(childs_write_is_not_seen_by_the_device),
		env_test(both_write_one_page),
		env_test(atomics_after_fork),
		env_test(shared_memory_is_shared),
		env_test(child_registers_its_own),
	};

	return ENV_MAIN(argc, argv, "cow", tests);
}
