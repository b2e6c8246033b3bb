// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The right bytes in the right place: every operation that moves data, over a
 * grid of page offsets and lengths, for each path MTU, with the on-demand MR
 * on A's side, on B's side, on both, and (as a control) on none.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "env.h"

static const size_t offsets[] = {
	0, 1, 7, 63, 64, 100, 1023, 1024, 4000, 4095, 8191, 12345
};
static const size_t lengths[] = {
	0, 1, 2, 8, 64, 200, 1024, 4096, 5000, 65537, MIB
};

/* A page before the first offset, and one behind the longest cell. */
#define REGION_LEN (MIB + 8 * PAGE)
#define IMM 0x13572468

enum op { WRITE, WRITE_IMM, READ, SEND, SEND_IMM, SRQ, UD, UD_SRQ, NR_OPS };
enum where { ON_A, ON_B, ON_BOTH, PINNED };

struct grid {
	enum op op;
	enum where where;
	enum ibv_mtu mtu;
	char name[48];
};

static bool is_datagram(const struct grid *g)
{
	return g->op == UD || g->op == UD_SRQ;
}

/* How the pages of a cell stand when the operation begins. */
enum temperature {
	WARM,		/* private, just written by the CPU */
	COLD_FILE,	/* shared, filled, then dropped from the page table */
	COLD_FRESH,	/* private; a destination was never touched */
	NR_TEMPERATURES
};

/* One end's memory: a private and a shared mapping. */
struct end {
	uint8_t *private, *shared;
	struct ibv_mr *private_mr, *shared_mr;
	bool odp;
};

/* What one cell of the grid does. */
struct cell {
	uint8_t *src, *dst;	/* regions */
	struct ibv_mr *src_mr, *dst_mr;
	size_t src_off, dst_off, len;
	uint64_t seed;
	bool fresh;		/* the destination's surroundings are zero */
	char name[80];
};

static struct rig rig;
static struct pair pair;

static void end_open(struct end *end, bool odp)
{
	end->odp = odp;
	end->private = mem_anon(REGION_LEN);
	end->shared = mem_shared(REGION_LEN);
	if (odp) {
		end->private_mr = reg_odp(&rig, end->private, REGION_LEN,
					  ACCESS_ALL);
		end->shared_mr = reg_odp(&rig, end->shared, REGION_LEN,
					 ACCESS_ALL);
	} else {
		end->private_mr = reg_pinned(&rig, end->private, REGION_LEN,
					     ACCESS_ALL);
		end->shared_mr = reg_pinned(&rig, end->shared, REGION_LEN,
					    ACCESS_ALL);
	}
}

/* The part of a region that a cell may look at: whole pages, one to spare. */
static size_t window(size_t off, size_t len)
{
	return (PAGE + off + len + PAGE - 1) / PAGE * PAGE + PAGE;
}

/* A pinned end's pages must stay where they are: it is always warm. */
static enum temperature temper(const struct end *end, enum temperature t)
{
	return end->odp ? t : WARM;
}

static void prepare_src(struct cell *c, const struct end *end,
			enum temperature t)
{
	size_t len = window(c->src_off, c->len);

	t = temper(end, t);
	c->src = t == COLD_FILE ? end->shared : end->private;
	c->src_mr = t == COLD_FILE ? end->shared_mr : end->private_mr;
	if (t == COLD_FRESH)
		mem_cold(c->src, len);
	pattern_fill(c->src + PAGE + c->src_off, c->len, c->seed, 0);
	if (t == COLD_FILE)
		mem_cold(c->src, len);
}

static void prepare_dst(struct cell *c, const struct end *end,
			enum temperature t)
{
	size_t len = window(c->dst_off, c->len);

	t = temper(end, t);
	c->dst = t == COLD_FILE ? end->shared : end->private;
	c->dst_mr = t == COLD_FILE ? end->shared_mr : end->private_mr;
	c->fresh = t == COLD_FRESH;
	if (!c->fresh)
		pattern_fill(c->dst, len, ~c->seed, 0);
	if (t != WARM)
		mem_cold(c->dst, len);
}

static void check_guard(const struct cell *c, const char *where, size_t from,
			size_t to)
{
	char what[128];

	snprintf(what, sizeof(what), "guard %s, %s", where, c->name);
	if (c->fresh)
		zeros_check(what, c->dst + from, to - from);
	else
		pattern_check(what, c->dst + from, to - from, ~c->seed, from);
}

/*
 * @head bytes before the destination belong to the operation as well (the GRH
 * of a datagram) and are the caller's to look at.
 */
static void check_dst(const struct cell *c, size_t head)
{
	size_t start = PAGE + c->dst_off, end = start + c->len;

	pattern_check(c->name, c->dst + start, c->len, c->seed, 0);
	check_guard(c, "before the data", 0, start - head);
	check_guard(c, "behind the data", end,
		    window(c->dst_off, c->len));
}

static void run_write_or_read(struct pair *p, const struct grid *g,
			      struct cell *c)
{
	struct ibv_sge sge = { .length = (uint32_t)c->len };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = 1 };
	uint64_t src = (uintptr_t)c->src + PAGE + c->src_off;
	uint64_t dst = (uintptr_t)c->dst + PAGE + c->dst_off;
	bool read = g->op == READ;
	struct ibv_wc wc;

	wr.opcode = read ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE;
	sge.addr = read ? dst : src;
	sge.lkey = read ? c->dst_mr->lkey : c->src_mr->lkey;
	wr.wr.rdma.remote_addr = read ? src : dst;
	wr.wr.rdma.rkey = read ? c->src_mr->rkey : c->dst_mr->rkey;

	if (g->op == WRITE_IMM) {
		wr.opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
		wr.imm_data = htonl(IMM);
		post_recv(p, NULL, 0, c->seed);
	}
	expect_success(c->name, do_wr(p, &wr).status);
	if (g->op != WRITE_IMM)
		return;

	wc = wait_wc(p->b_cq, c->name);
	expect_success(c->name, wc.status);
	assert_int_equal(wc.opcode, IBV_WC_RECV_RDMA_WITH_IMM);
	assert_int_equal(wc.wr_id, c->seed);
	assert_int_equal(ntohl(wc.imm_data), IMM);
	assert_int_equal(wc.byte_len, c->len);
}

/* The header that UD puts before the data: 20 bytes of nothing, then IPv4. */
static void check_grh(const uint8_t *grh)
{
	zeros_check("start of the GRH", grh, 20);
	assert_int_equal(grh[20], 0x45);
	assert_memory_equal(grh + 32, rig.gid.raw + 12, 4);
	assert_memory_equal(grh + 36, rig.gid.raw + 12, 4);
}

static void run_send(struct pair *p, const struct grid *g, struct cell *c)
{
	size_t head = is_datagram(g) ? UD_GRH_LEN : 0;
	struct ibv_sge from = {
		.addr = (uintptr_t)c->src + PAGE + c->src_off,
		.length = (uint32_t)c->len,
		.lkey = c->src_mr->lkey,
	};
	struct ibv_sge to = {
		.addr = (uintptr_t)c->dst + PAGE + c->dst_off - head,
		.length = (uint32_t)(c->len + head),
		.lkey = c->dst_mr->lkey,
	};
	struct ibv_send_wr wr = {
		.opcode = g->op == SEND_IMM ? IBV_WR_SEND_WITH_IMM :
					      IBV_WR_SEND,
		.imm_data = htonl(IMM),
		.sg_list = &from,
		.num_sge = 1,
	};
	struct ibv_wc wc;

	if (is_datagram(g)) {
		wr.wr.ud.ah = p->ah;
		wr.wr.ud.remote_qpn = p->b->qp_num;
		wr.wr.ud.remote_qkey = PAIR_QKEY;
	}
	post_recv(p, &to, 1, c->seed);
	expect_success(c->name, do_wr(p, &wr).status);

	wc = wait_wc(p->b_cq, c->name);
	expect_success(c->name, wc.status);
	assert_int_equal(wc.opcode, IBV_WC_RECV);
	assert_int_equal(wc.wr_id, c->seed);
	assert_int_equal(wc.byte_len, c->len + head);
	if (g->op == SEND_IMM)
		assert_int_equal(ntohl(wc.imm_data), IMM);
	if (is_datagram(g))
		check_grh(c->dst + PAGE + c->dst_off - head);
}

static void run_cell(struct pair *p, const struct grid *g, struct end *a,
		     struct end *b, struct cell *c, enum temperature t)
{
	static const char *const names[] = { "warm", "cold file", "cold fresh" };
	bool read = g->op == READ;

	snprintf(c->name, sizeof(c->name), "%zu bytes at %zu from %zu, %s",
		 c->len, c->dst_off, c->src_off, names[t]);
	prepare_src(c, read ? b : a, t);
	prepare_dst(c, read ? a : b, t);
	if (g->op <= READ)
		run_write_or_read(p, g, c);
	else
		run_send(p, g, c);
	check_dst(c, is_datagram(g) ? UD_GRH_LEN : 0);
}

static size_t longest(const struct grid *g)
{
	struct ibv_port_attr port;

	if (!is_datagram(g))
		return MIB;
	if (ibv_query_port(rig.ctx, RIG_PORT, &port))
		test_fail("ibv_query_port failed");
	return 128u << port.active_mtu;
}

/*
 * The offset goes to the on-demand end; the other end has another one of the
 * list, so that a fault of both cannot cancel out. Every cell of the grid is
 * run, each with the next temperature of the pages; the control has every
 * third cell.
 */
static void grid(void **state)
{
	const struct grid *g = *state;
	const struct pair_config cfg = {
		.type = is_datagram(g) ? IBV_QPT_UD : IBV_QPT_RC,
		.mtu = g->mtu,
		.srq = g->op == SRQ || g->op == UD_SRQ,
	};
	size_t io, il, cells = 0, step = g->where == PINNED ? 3 : 1;
	struct end a, b;

	rig_open(&rig);
	pair_open(&pair, &rig, &cfg);
	end_open(&a, g->where == ON_A || g->where == ON_BOTH);
	end_open(&b, g->where == ON_B || g->where == ON_BOTH);

	for (io = 0; io < NR(offsets); io++) {
		size_t here = offsets[io];
		size_t there = offsets[(io + 5) % NR(offsets)];

		for (il = io % step; il < NR(lengths); il += step) {
			bool dst_on_a = g->op == READ;
			bool here_is_dst = (g->where == ON_A) == dst_on_a;
			struct cell c = {
				.src_off = here_is_dst ? there : here,
				.dst_off = here_is_dst ? here : there,
				.len = lengths[il],
				.seed = 1000 * g->op + cells + 1,
			};

			if (c.len > longest(g))
				continue;
			run_cell(&pair, g, &a, &b, &c, cells % NR_TEMPERATURES);
			cells++;
		}
	}
	print_message("%s: %zu cells\n", g->name, cells);
}

static int grid_close(void **state)
{
	(void)state;
	pair_close(&pair);
	rig_close(&rig);
	mem_release();
	return 0;
}

#define NR_GRIDS (NR_OPS * 4 * 3)

static size_t list_grids(struct grid *grids, struct CMUnitTest *tests)
{
	static const char *const ops[] = {
		"write", "write_imm", "read", "send", "send_imm", "srq", "ud",
		"ud_srq"
	};
	static const char *const wheres[] = {
		"odp_a", "odp_b", "odp_both", "pinned"
	};
	static const enum ibv_mtu mtus[] = {
		IBV_MTU_256, IBV_MTU_1024, IBV_MTU_4096
	};
	size_t n = 0, mtu, op, where;

	for (op = 0; op < NR_OPS; op++) {
		for (where = ON_A; where <= PINNED; where++) {
			for (mtu = 0; mtu < 3; mtu++) {
				struct grid *g = &grids[n];

				*g = (struct grid) { op, where, mtus[mtu], "" };
				/* A datagram has the port's MTU, not a path's. */
				if (is_datagram(g) && mtu)
					continue;
				snprintf(g->name, sizeof(g->name),
					 is_datagram(g) ? "%s.%s" :
							  "%s.%s.mtu%u",
					 ops[op], wheres[where],
					 128u << mtus[mtu]);
				tests[n++] = (struct CMUnitTest) {
					.name = g->name,
					.test_func = grid,
					.teardown_func = grid_close,
					.initial_state = g,
				};
			}
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[NR_GRIDS];
	static struct grid grids[NR_GRIDS];

	return env_main(argc, argv, "grid", tests, list_grids(grids, tests));
}
