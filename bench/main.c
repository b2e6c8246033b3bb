// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * bench: measures the rows of one side and prints them. ./run bench calls it for
 * each side in turn (in-guest); a person may as well.
 */
#include <argp.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "bench.h"
#include "percentile.h"
#include "profile/mark.h"

static const struct bench_row *const files[] = {
	pass_rows, warm_rows, lone_rows, reg_rows, gone_rows, ahead_rows,
	engine_rows, scale_rows,
};

static const struct side {
	const char *name;
	enum bench_kind kind;
	bool ours;
} sides[] = {
	{ "stock-pinned", KIND_PINNED, false },
	{ "stock-odp", KIND_ON_DEMAND, false },
	{ "pinned", KIND_PINNED, true },
	{ "odp", KIND_ON_DEMAND, true },
	{ "none", KIND_NONE, true },
};

struct args {
	const struct side *side;
	regex_t match;
	bool matches;
	bool quick;
	bool list;
	bool many;
};

void bench_say(const struct bench *b, const struct bench_row *row,
	       const char *what, const char *unit, enum better better,
	       double value)
{
	printf("%s\t%s%s%s\t%s\t%s\t%.6g\n", b->side, row->name,
	       what ? ", " : "", what ? what : "", unit,
	       better == MORE_IS_BETTER ? "more" : "less", value);
	fflush(stdout);
}

static struct ibv_mr *reg_as(struct bench *b, void *addr, size_t len, int access)
{
	struct ibv_mr *mr;

	if (b->kind == KIND_NONE)
		return NULL;
	if (b->kind == KIND_ON_DEMAND)
		access |= IBV_ACCESS_ON_DEMAND;
	mr = ibv_reg_mr(b->env->rig.pd, addr, len, access);
	if (!mr)
		test_fail("region at %p, %zu bytes, access 0x%x: %s", addr, len,
			  access, strerror(errno));
	return mr;
}

struct ibv_mr *bench_reg(struct bench *b, void *addr, size_t len)
{
	return reg_as(b, addr, len, ACCESS_ALL);
}

struct ibv_mr *bench_reg_read(struct bench *b, void *addr, size_t len)
{
	return reg_as(b, addr, len, IBV_ACCESS_REMOTE_READ);
}

void bench_dereg(struct ibv_mr *mr)
{
	int err = mr ? ibv_dereg_mr(mr) : 0;

	if (err)
		test_fail("ibv_dereg_mr: %s", strerror(err));
}

void bench_say_us(const struct bench *b, const struct bench_row *row,
		  const char *what, int64_t *ns, size_t n, double part)
{
	bench_say(b, row, what, "us", LESS_IS_BETTER,
		  percentile(ns, n, part) / 1000);
}

int64_t bench_start(void)
{
	int64_t start = now_ns();

	MARK("b");
	return start;
}

int64_t bench_stop(int64_t start)
{
	MARK("e");
	return now_ns() - start;
}

struct job {
	struct bench bench;
	const struct bench_row *row;
};

static int run_row(void *arg)
{
	const struct pair_config rc = {
		.type = IBV_QPT_RC, .mtu = IBV_MTU_4096,
	};
	struct job *job = arg;
	void *state;

	env_setup(&state);
	job->bench.env = state;
	pair_close(&job->bench.env->rc);
	pair_open(&job->bench.env->rc, &job->bench.env->rig, &rc);
	job->row->run(&job->bench, job->row);
	env_teardown(&state);
	fflush(stdout);

	return EXIT_SUCCESS;
}

/* In a process of its own: nobody's windows, and no other row's failure. */
static void row(const struct args *args, const struct bench_row *row)
{
	struct job job = {
		.bench = {
			.side = args->side->name,
			.kind = args->side->kind,
			.ours = args->side->ours,
			.quick = args->quick,
		},
		.row = row,
	};

	if (child_wait(child_start(run_row, &job)))
		printf("%s\t%s\t\tfailed\t\n", args->side->name, row->name);
	fflush(stdout);
}

static bool wanted(const struct args *args, const struct bench_row *row)
{
	if (args->matches && regexec(&args->match, row->name, 0, NULL, 0))
		return false;
	if (args->many != (row->cpus > 1) || row->cpus > get_nprocs())
		return false;
	if (row->ours && !args->side->ours)
		return false;
	return row->kinds & args->side->kind;
}

static const struct argp_option options[] = {
	{ "side", 's', "SIDE", 0,
	  "stock-pinned, stock-odp, pinned, odp or none (odp); the module that it says is loaded",
	  0 },
	{ "match", 'm', "REGEX", 0, "Only rows whose names match", 0 },
	{ "many", 'p', NULL, 0, "The rows that need several processors", 0 },
	{ "quick", 'q', NULL, 0, "Rough figures, sooner", 0 },
	{ "list", 'l', NULL, 0, "Print the rows' names, and measure nothing", 0 },
	{}
};

static const struct side *side_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		if (!strcmp(sides[i].name, name))
			return &sides[i];
	}
	return NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 's':
		args->side = side_named(arg);
		if (!args->side)
			argp_error(state, "there is no side %s", arg);
		return 0;
	case 'm':
		if (regcomp(&args->match, arg, REG_EXTENDED | REG_NOSUB))
			argp_error(state, "%s is no regular expression", arg);
		args->matches = true;
		return 0;
	case 'p':
		args->many = true;
		return 0;
	case 'q':
		args->quick = true;
		return 0;
	case 'l':
		args->list = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Measures on-demand paging on SoftRoCE, one side of the comparison."
		       "\vOne line a figure: side, row, unit, whether more or less is better, "
		       "value; a row that fails says so in the fourth field. "
		       "./run bench runs all sides and compares.",
	};
	struct args args = { .side = side_named("odp") };
	const struct bench_row *r;
	size_t i;

	if (argp_parse(&argp, argc, argv, 0, NULL, &args))
		return EXIT_FAILURE;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		for (r = files[i]; r->name; r++) {
			if (!wanted(&args, r))
				continue;
			if (args.list)
				puts(r->name);
			else
				row(&args, r);
		}
	}
	if (args.matches)
		regfree(&args.match);

	return EXIT_SUCCESS;
}
