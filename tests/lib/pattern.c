// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Data that does not repeat, and how to find the first byte that is wrong.
 */
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "fail.h"
#include "pattern.h"

/* Spreads a change of any bit of (seed, index) over the whole word. */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
	uint64_t x = seed * 0xd6e8feb86659fd93ull + index;

	x = (x ^ (x >> 32)) * 0xe7037ed1a0b428dbull;
	x = (x ^ (x >> 29)) * 0x8ebc6af09c88c6e3ull;
	return htole64(x ^ (x >> 32));
}

static uint8_t byte_at(uint64_t seed, uint64_t pos)
{
	uint64_t word = word_at(seed, pos / 8);

	return ((uint8_t *)&word)[pos % 8];
}

void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t pos)
{
	uint8_t *p = buf, *end = p + len;

	for (; p < end && pos % 8; p++, pos++)
		*p = byte_at(seed, pos);
	for (; end - p >= 8; p += 8, pos += 8) {
		uint64_t word = word_at(seed, pos / 8);

		memcpy(p, &word, 8);
	}
	for (; p < end; p++, pos++)
		*p = byte_at(seed, pos);
}

void pattern_check(const char *what, const void *buf, size_t len,
		   uint64_t seed, uint64_t pos)
{
	const uint8_t *p = buf;
	size_t i = 0;

	while (i < len) {
		uint64_t word, want = word_at(seed, (pos + i) / 8);

		if ((pos + i) % 8 == 0 && len - i >= 8) {
			memcpy(&word, p + i, 8);
			if (word == want) {
				i += 8;
				continue;
			}
		}
		if (p[i] != byte_at(seed, pos + i))
			test_fail("%s: byte %zu of %zu is 0x%02x, not 0x%02x",
				  what, i, len, p[i], byte_at(seed, pos + i));
		i++;
	}
}

void zeros_check(const char *what, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i])
			test_fail("%s: byte %zu of %zu is 0x%02x, not 0", what,
				  i, len, p[i]);
	}
}
