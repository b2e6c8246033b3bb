// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What MPI programs do with memory, each byte checked: messages of all sizes, at odd
 * places; puts, gets and sums into another process's window; memory that is given
 * back and comes again between messages. Two processes.
 *
 *	program_openmpi [messages] [ROUNDS]
 *
 * With "messages" there are no windows, which some transports do not have.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <mpi.h>

#define MIB (1UL << 20)
#define LEN (4 * MIB)
#define ROUNDS 3

static int rank, other;
static unsigned long wrong;

/* Bytes that depend on a seed and on all of their position. */
static uint8_t byte_at(uint32_t seed, size_t i)
{
	uint64_t x = ((uint64_t)seed << 32) + i + 1;

	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return x >> 56;
}

static void fill(uint8_t *mem, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		mem[i] = byte_at(seed, i);
}

static void check(const char *what, const uint8_t *mem, size_t len,
		  uint32_t seed)
{
	unsigned long bad = 0;
	size_t i;

	for (i = 0; i < len; i++)
		bad += mem[i] != byte_at(seed, i);
	if (bad)
		fprintf(stderr, "%s: %lu of %zu bytes are wrong\n", what, bad,
			len);
	wrong += bad;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	MPI_Abort(MPI_COMM_WORLD, 2);
}

static uint8_t *map(void)
{
	uint8_t *mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		fail("mmap");
	return mem;
}

/* The next memory here is often at the same address. */
static void messages(void)
{
	static const struct { size_t offset, len; } cases[] = {
		{ 0, 1 }, { 7, 100 }, { 4095, 2 }, { 100, 5000 },
		{ 12345, 70001 }, { 1, MIB }, { 4097, 3 * MIB + 13 },
	};
	uint8_t *out, *in;
	uint32_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		out = map();
		in = map();
		fill(out + cases[i].offset, cases[i].len, 10 * i + rank);
		MPI_Sendrecv(out + cases[i].offset, cases[i].len, MPI_BYTE,
			     other, 0, in + cases[i].offset, cases[i].len,
			     MPI_BYTE, other, 0, MPI_COMM_WORLD,
			     MPI_STATUS_IGNORE);
		check("message", in + cases[i].offset, cases[i].len,
		      10 * i + other);
		munmap(in, LEN);
		munmap(out, LEN);
	}
}

static void window(void)
{
	uint8_t *local = map(), *mem = map();
	uint64_t *sums = (uint64_t *)(mem + 3 * MIB);
	const uint64_t one = 1 + rank;
	MPI_Win win;

	MPI_Win_create(mem, LEN, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
	MPI_Win_fence(0, win);
	fill(local, MIB, 100 + rank);
	MPI_Put(local, MIB - 13, MPI_BYTE, other, 4093, MIB - 13, MPI_BYTE, win);
	MPI_Win_fence(0, win);
	check("put", mem + 4093, MIB - 13, 100 + other);

	fill(mem + 2 * MIB - 5, 100003, 200 + rank);
	MPI_Win_fence(0, win);
	MPI_Get(local + 77, 100003, MPI_BYTE, other, 2 * MIB - 5, 100003,
		MPI_BYTE, win);
	MPI_Win_fence(0, win);
	check("get", local + 77, 100003, 200 + other);

	MPI_Accumulate(&one, 1, MPI_UINT64_T, other,
		       (uint8_t *)&sums[5] - mem, 1, MPI_UINT64_T, MPI_SUM,
		       win);
	MPI_Accumulate(&one, 1, MPI_UINT64_T, rank, (uint8_t *)&sums[5] - mem,
		       1, MPI_UINT64_T, MPI_SUM, win);
	MPI_Win_fence(0, win);
	if (sums[5] != 3) {
		fprintf(stderr, "sum: %lu, not 3\n", (unsigned long)sums[5]);
		wrong++;
	}
	MPI_Win_free(&win);
	munmap(mem, LEN);
	munmap(local, LEN);
}

int main(int argc, char **argv)
{
	bool messages_only;
	unsigned long all;
	int ranks, rounds, i;

	MPI_Init(&argc, &argv);
	messages_only = argc > 1 && !strcmp(argv[1], "messages");
	argv += 1 + messages_only;
	rounds = *argv ? atoi(*argv) : ROUNDS;
	if (rounds < 1)
		fail("a number of rounds");
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	if (ranks != 2)
		fail("a world of two");
	other = !rank;
	for (i = 0; i < rounds; i++) {
		messages();
		if (!messages_only)
			window();
	}
	MPI_Allreduce(&wrong, &all, 1, MPI_UNSIGNED_LONG, MPI_SUM,
		      MPI_COMM_WORLD);
	if (!rank && all)
		printf("%lu bytes are wrong\n", all);
	MPI_Finalize();
	return all != 0;
}
