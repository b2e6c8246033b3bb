// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A plugin for QEMU (from 9.1 on, version 3 of the interface) that counts what the
 * guest executes, exactly, block by block, while a row of the benchmark measures:
 * bench_start() and bench_stop() are instructions that do nothing and that nobody
 * else has. Lines of the file named by out=FILE: address, instructions of a block,
 * times.
 *
 * Debian has no package with QEMU's header, so what is used of it stands here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;

/* Where in a processor's element of a scoreboard a number is. */
struct plugin_u64 {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};

enum { CB_NO_REGS };
enum { INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*fn)(plugin_id id,
						      struct qemu_plugin_tb *tb));
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(struct plugin_u64 number);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb,
						       int op,
						       struct plugin_u64 number,
						       uint64_t n);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*fn)(unsigned int cpu, void *arg),
					    int flags, void *arg);
void qemu_plugin_register_atexit_cb(plugin_id id,
				    void (*fn)(plugin_id id, void *arg), void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t i);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *data,
			     size_t len);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 3;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc,
			       char **argv);

/* A block that was translated, perhaps more than once. */
struct block {
	uint64_t addr;
	uint64_t insns;
	uint64_t before;
	uint64_t measured;
};

#define BLOCKS (1 << 20)

static struct block blocks[BLOCKS];
static const char *out_path;

/* How often each ran: an array of that many numbers for each processor. */
static struct qemu_plugin_scoreboard *counts;

static struct plugin_u64 count_of(const struct block *block)
{
	return (struct plugin_u64){
		.score = counts,
		.offset = (size_t)(block - blocks) * sizeof(uint64_t),
	};
}

static struct block *block_find(uint64_t addr, uint64_t insns)
{
	uint64_t hash = (addr ^ insns << 48) * 0x9e3779b97f4a7c15u >> 44;
	uint64_t i;

	for (i = 0; i < BLOCKS; i++) {
		struct block *b = &blocks[(hash + i) % BLOCKS];

		if (!b->insns) {
			b->addr = addr;
			b->insns = insns;
		}
		if (b->addr == addr && b->insns == insns)
			return b;
	}
	fprintf(stderr, "count: more than %d blocks\n", BLOCKS);
	exit(EXIT_FAILURE);
}

/* A row may time a part of what it times. */
static unsigned int depth;

static void begin(unsigned int cpu, void *arg)
{
	size_t i;

	(void)cpu;
	(void)arg;
	if (depth++)
		return;
	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].insns)
			blocks[i].before =
				qemu_plugin_u64_sum(count_of(&blocks[i]));
}

static void end(unsigned int cpu, void *arg)
{
	size_t i;

	(void)cpu;
	(void)arg;
	if (--depth)
		return;
	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].insns)
			blocks[i].measured +=
				qemu_plugin_u64_sum(count_of(&blocks[i])) -
				blocks[i].before;
}

static bool is_mark(const struct qemu_plugin_insn *insn, const char *mark)
{
	char data[MARK_SIZE];

	return qemu_plugin_insn_size(insn) == MARK_SIZE &&
	       qemu_plugin_insn_data(insn, data, MARK_SIZE) == MARK_SIZE &&
	       !memcmp(data, mark, MARK_SIZE);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	struct block *block;

	(void)id;
	if (!n)
		return;
	block = block_find(qemu_plugin_tb_vaddr(tb), n);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD_U64,
							  count_of(block), 1);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (is_mark(insn, MARK_BEGIN))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin,
							       CB_NO_REGS, NULL);
		else if (is_mark(insn, MARK_END))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end,
							       CB_NO_REGS, NULL);
	}
}

static void ended(plugin_id id, void *arg)
{
	FILE *out = fopen(out_path, "w");
	size_t i;

	(void)id;
	(void)arg;
	if (!out) {
		perror(out_path);
		return;
	}
	for (i = 0; i < BLOCKS; i++) {
		if (blocks[i].measured)
			fprintf(out, "%llx %llu %llu\n",
				(unsigned long long)blocks[i].addr,
				(unsigned long long)blocks[i].insns,
				(unsigned long long)blocks[i].measured);
	}
	fclose(out);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "count: say out=FILE\n");
		return -1;
	}
	out_path = strdup(argv[0] + 4);
	counts = qemu_plugin_scoreboard_new(BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);

	return 0;
}
