// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * How a work request may name on-demand memory: by an iova that is not the
 * virtual address, through memory windows, in several pieces, inline, and side
 * by side with pinned memory.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

#define NR_PAGES 64
#define LEN (NR_PAGES * PAGE)

static const struct span {
	size_t off, len;
} spans[] = {
	{ 0, 4096 }, { 100, 64 }, { 100, 5000 }, { 4000, 200 }, { 8191, 2 },
	{ 12345, 70001 },
};

/* Writes and reads back every span at mem + off, named iova + off. */
static void through_iova(struct env *e, uint8_t *mem, uint64_t iova,
			 struct ibv_mr *mr)
{
	size_t i, head = (uintptr_t)mem % PAGE;

	for (i = 0; i < NR(spans); i++) {
		const struct span *s = &spans[i];
		struct ref there = { iova + s->off, mr->rkey };
		struct ref here = { iova + s->off, mr->lkey };

		mem_cold(mem - head, LEN + (head ? PAGE : 0));
		pattern_fill(e->buf, s->len, i, 0);
		expect_success("write", do_write(&e->rc, env_buf(e), there,
						 (uint32_t)s->len));
		zeros_check("before the data", mem, s->off);
		pattern_check("data", mem + s->off, s->len, i, 0);
		zeros_check("behind the data", mem + s->off + s->len,
			    LEN - s->off - s->len);

		memset(e->buf, 0, s->len);
		expect_success("read", do_read(&e->rc, env_buf(e), there,
					       (uint32_t)s->len));
		pattern_check("what was read", e->buf, s->len, i, 0);

		pattern_fill(e->buf, s->len, i + 100, 0);
		expect_success("read into the MR, as local memory",
			       do_read(&e->rc, here, ref_r(e->buf_mr, e->buf),
				       (uint32_t)s->len));
		pattern_check("local data", mem + s->off, s->len, i + 100, 0);
	}
}

static void iova_far_away(void **state)
{
	struct env *e = *state;
	const uint64_t iova = 0x7ffffff00000ull << 16;
	uint8_t *mem = mem_anon(LEN);

	through_iova(e, mem, iova,
		     reg_odp_iova(&e->rig, mem, LEN, iova, ACCESS_ALL));
}

static void iova_zero(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);

	through_iova(e, mem, 0, reg_odp_iova(&e->rig, mem, LEN, 0, ACCESS_ALL));
}

/* The MR starts and ends in the middle of a page. */
static void iova_low_with_page_offset(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN + 2 * PAGE);
	const size_t off = 1234;

	through_iova(e, mem + off, off,
		     reg_odp_iova(&e->rig, mem + off, LEN, off, ACCESS_ALL));
}

static void iova_atomics_and_snapshot(void **state)
{
	struct env *e = *state;
	const uint64_t iova = (uint64_t)1 << 40;
	uint64_t *mem = mem_anon(4 * PAGE);
	struct ibv_mr *mr = reg_odp_iova(&e->rig, mem, 4 * PAGE, iova,
					 ACCESS_ALL);
	struct ref there = { iova + PAGE + 8, mr->rkey };
	const uint8_t *states;

	expect_success("add", do_fetch_add(&e->rc, env_buf(e), there, 42));
	assert_int_equal(mem[PAGE / 8 + 1], 42);
	expect_success("atomic write", do_atomic_write(&e->rc, there, 43));
	assert_int_equal(mem[PAGE / 8 + 1], 43);

	states = snapshot(mr, iova, 4);
	assert_int_equal(states[0] & PAGE_ACCESS, ODP_PAGE_FAULT);
	assert_int_equal(states[1] & PAGE_ACCESS, PAGE_RW);
	assert_int_equal(states[2] & PAGE_ACCESS, ODP_PAGE_FAULT);
	assert_int_equal(states[3] & PAGE_ACCESS, ODP_PAGE_FAULT);
}

#define WINDOW_ACCESS (IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)

static void use_window(struct env *e, uint8_t *mem, uint32_t rkey, size_t off,
		       size_t len)
{
	struct ref start = { (uintptr_t)mem + off, rkey };

	pattern_fill(e->buf, len, 9, 0);
	expect_success("write through the window",
		       do_write(&e->rc, env_buf(e), start, (uint32_t)len));
	pattern_check("data", mem + off, len, 9, 0);
	zeros_check("before the window", mem, off);
	zeros_check("behind the window", mem + off + len, LEN - off - len);
	memset(e->buf, 0, len);
	expect_success("read through the window",
		       do_read(&e->rc, env_buf(e), start, (uint32_t)len));
	pattern_check("what was read", e->buf, len, 9, 0);
}

/* A window is bound by the end that owns the memory, B. */
static void window_type_1(void **state)
{
	const size_t off = 5000, len = 3 * PAGE;
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN,
				    ACCESS_ALL | IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw = ibv_alloc_mw(e->rig.pd, IBV_MW_TYPE_1);
	struct ibv_mw_bind bind = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = {
			.mr = mr,
			.addr = (uintptr_t)mem + off,
			.length = len,
			.mw_access_flags = WINDOW_ACCESS,
		},
	};

	assert_non_null(mw);
	assert_int_equal(ibv_bind_mw(e->rc.b, mw, &bind), 0);
	expect_success("bind", wait_wc(e->rc.b_cq, "bind").status);
	use_window(e, mem, mw->rkey, off, len);
	expect_refused(&e->rc, "write beyond the window",
		       do_write(&e->rc, env_buf(e),
				(struct ref) { (uintptr_t)mem + off, mw->rkey },
				(uint32_t)len + 1));
	assert_int_equal(ibv_dealloc_mw(mw), 0);
}

static void window_type_2(void **state)
{
	const size_t off = 5000, len = 3 * PAGE;
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, LEN,
				    ACCESS_ALL | IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw = ibv_alloc_mw(e->rig.pd, IBV_MW_TYPE_2);
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_BIND_MW,
		.send_flags = IBV_SEND_SIGNALED,
	};

	assert_non_null(mw);
	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = ibv_inc_rkey(mw->rkey);
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info) {
		.mr = mr,
		.addr = (uintptr_t)mem + off,
		.length = len,
		.mw_access_flags = WINDOW_ACCESS,
	};
	post_send(e->rc.b, &wr);
	expect_success("bind", wait_wc(e->rc.b_cq, "bind").status);
	use_window(e, mem, wr.bind_mw.rkey, off, len);

	wr = (struct ibv_send_wr) {
		.opcode = IBV_WR_LOCAL_INV,
		.send_flags = IBV_SEND_SIGNALED,
		.invalidate_rkey = wr.bind_mw.rkey,
	};
	post_send(e->rc.b, &wr);
	expect_success("invalidate", wait_wc(e->rc.b_cq, "inv").status);
	expect_refused(&e->rc, "write through an invalidated window",
		       do_write(&e->rc, env_buf(e),
				(struct ref) { (uintptr_t)mem + off,
					       wr.invalidate_rkey }, 8));
	assert_int_equal(ibv_dealloc_mw(mw), 0);
}

/* Five pieces of two on-demand MRs and a pinned one, cold, in one request. */
static void many_pieces(void **state)
{
	struct env *e = *state;
	uint8_t *x = mem_shared(LEN), *y = mem_shared(LEN), *z = e->buf;
	struct ibv_mr *xm = reg_odp(&e->rig, x, LEN, ACCESS_ALL);
	struct ibv_mr *ym = reg_odp(&e->rig, y, LEN, ACCESS_ALL);
	uint8_t *dst = mem_anon(LEN);
	struct ibv_mr *dm = reg_odp(&e->rig, dst, LEN, ACCESS_ALL);
	const struct piece {
		uint8_t *mem;
		struct ibv_mr *mr;
		size_t len;
	} pieces[] = {
		{ x + 4095, xm, 2 },
		{ y + 7, ym, 9000 },
		{ z + 100, e->buf_mr, 333 },
		{ x + 20000, xm, 12289 },
		{ y + 40000, ym, 1 },
	};
	struct ibv_sge sge[5];
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.sg_list = sge,
		.num_sge = 5,
		.wr.rdma = {
			.remote_addr = (uintptr_t)dst + 77,
			.rkey = dm->rkey,
		},
	};
	size_t i, total = 0;

	for (i = 0; i < 5; i++) {
		const struct piece *p = &pieces[i];

		pattern_fill(p->mem, p->len, 4, total);
		sge[i] = (struct ibv_sge) {
			(uintptr_t)p->mem, (uint32_t)p->len, p->mr->lkey
		};
		total += p->len;
	}
	mem_cold(x, LEN);
	mem_cold(y, LEN);

	expect_success("gather", do_wr(&e->rc, &wr).status);
	zeros_check("before the data", dst, 77);
	pattern_check("gathered", dst + 77, total, 4, 0);
	zeros_check("behind the data", dst + 77 + total, LEN - 77 - total);

	for (i = 0; i < 5; i++)
		memset(pieces[i].mem, 0, pieces[i].len);
	mem_cold(x, LEN);
	mem_cold(y, LEN);
	wr.opcode = IBV_WR_RDMA_READ;
	expect_success("scatter", do_wr(&e->rc, &wr).status);
	for (i = 0, total = 0; i < 5; i++) {
		pattern_check("piece", pieces[i].mem, pieces[i].len, 4, total);
		total += pieces[i].len;
	}
}

/* One message into three pieces of on-demand memory, cold. */
static void pieces_of_a_receive(void **state)
{
	struct env *e = *state;
	uint8_t *x = mem_shared(LEN), *y = mem_anon(LEN);
	struct ibv_mr *xm = reg_odp(&e->rig, x, LEN, ACCESS_ALL);
	struct ibv_mr *ym = reg_odp(&e->rig, y, LEN, ACCESS_ALL);
	struct ibv_sge to[] = {
		{ (uintptr_t)x + 4090, 5000, xm->lkey },
		{ (uintptr_t)y + 1, 1, ym->lkey },
		{ (uintptr_t)y + 8191, 20000, ym->lkey },
	};
	struct ibv_sge from = { (uintptr_t)e->buf, 20000, e->buf_mr->lkey };
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND, .sg_list = &from, .num_sge = 1,
	};
	struct ibv_wc wc;

	pattern_fill(e->buf, 20000, 6, 0);
	post_recv(&e->rc, to, 3, 0);
	expect_success("send", do_wr(&e->rc, &wr).status);
	wc = wait_wc(e->rc.b_cq, "receive");
	expect_success("receive", wc.status);
	assert_int_equal(wc.byte_len, 20000);
	zeros_check("before the first piece", x, 4090);
	pattern_check("first piece", x + 4090, 5000, 6, 0);
	zeros_check("behind the first piece", x + 9090, LEN - 9090);
	assert_int_equal(y[0], 0);
	pattern_check("second piece", y + 1, 1, 6, 5000);
	zeros_check("between the pieces", y + 2, 8189);
	pattern_check("third piece", y + 8191, 14999, 6, 5001);
	zeros_check("behind the message", y + 8191 + 14999,
		    LEN - 8191 - 14999);
}

/* Inline data is copied when it is posted; only B's memory is on demand. */
static void inline_data(void **state)
{
	struct env *e = *state;
	uint8_t *dst = mem_anon(LEN), data[200];
	struct ibv_mr *mr = reg_odp(&e->rig, dst, LEN, ACCESS_ALL);
	struct ibv_sge sge = {
		.addr = (uintptr_t)data, .length = sizeof(data),
	};
	struct ibv_sge to = {
		.addr = (uintptr_t)dst + 2 * PAGE - 99,
		.length = sizeof(data),
		.lkey = mr->lkey,
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_INLINE,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = {
			.remote_addr = (uintptr_t)dst + PAGE - 101,
			.rkey = mr->rkey,
		},
	};

	pattern_fill(data, sizeof(data), 5, 0);
	expect_success("inline write", do_wr(&e->rc, &wr).status);
	pattern_check("data", dst + PAGE - 101, sizeof(data), 5, 0);

	post_recv(&e->rc, &to, 1, 0);
	wr.opcode = IBV_WR_SEND;
	expect_success("inline send", do_wr(&e->rc, &wr).status);
	expect_success("receive", wait_wc(e->rc.b_cq, "receive").status);
	pattern_check("data", dst + 2 * PAGE - 99, sizeof(data), 5, 0);
}

/* Two MRs over the same pages, one of each kind, see the same bytes. */
static void pinned_beside_on_demand(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(LEN);
	struct ibv_mr *pinned = reg_pinned(&e->rig, mem, LEN, ACCESS_ALL);
	struct ibv_mr *odp = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);

	env_write_and_check(e, odp, mem + 10, 9000, 6);
	env_read_and_check(e, pinned, mem + 10, 9000, 6);
	env_write_and_check(e, pinned, mem + 4000, 9000, 7);
	env_read_and_check(e, odp, mem + 4000, 9000, 7);
	dereg(&e->rig, odp);
	env_write_and_check(e, pinned, mem + 8000, 500, 8);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		env_test(iova_far_away),
		env_test(iova_zero),
		env_test(iova_low_with_page_offset),
		env_test(iova_atomics_and_snapshot),
		env_test(window_type_1),
		env_test(window_type_2),
		env_test(many_pieces),
		env_test(pieces_of_a_receive),
		env_test(inline_data),
		env_test(pinned_beside_on_demand),
	};

	return ENV_MAIN(argc, argv, "addressing", tests);
}
