// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The engine alone, inside the kernel, through the selftest device; the side of
 * pinned regions stands for memcpy() to the same pages.
 */
#include "bench.h"
#include "dev.h"

static void engine_run(struct bench *b, const struct bench_row *row)
{
	const uint32_t len = *(const uint32_t *)row->arg;
	uint32_t rounds = (b->quick ? 2 * MIB : 32 * MIB) / (len + KIB);
	struct dev_config config = dev_default;
	uint8_t *mem = mem_anon(MIB);
	int dev;

	config.shared = true;
	dev = dev_open(mem, MIB, &config);
	dev_write_and_check(dev, mem, MIB, 6);
	/* Nothing shall lie at the start of a page by chance. */
	mem += 64;
	dev_time(dev, mem, len, 1, b->kind == KIND_PINNED);
	bench_say(b, row, NULL, "us", LESS_IS_BETTER,
		  (double)dev_time(dev, mem, len, rounds,
				   b->kind == KIND_PINNED) / rounds / 1000);
	dev_close(dev);
}

#define ENGINE(title, len) {						\
	.name = "inside the kernel, " title, .kinds = KIND_REGION,	\
	.ours = true, .run = engine_run, .arg = &(const uint32_t) { len }, \
}

const struct bench_row engine_rows[] = {
	ENGINE("64 B", 64),
	ENGINE("4 KiB", 4 * KIB),
	ENGINE("64 KiB", 64 * KIB),
	{}
};
