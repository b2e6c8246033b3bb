/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Where measuring begins and ends, as instructions that do nothing: nopl with a
 * displacement of four letters. Where there is no such thing, there is no profile.
 */
#ifndef BENCH_PROFILE_MARK_H
#define BENCH_PROFILE_MARK_H

#define MARK_SIZE 7
#define MARK_BEGIN "\x0f\x1f\x80" "ODPb"
#define MARK_END "\x0f\x1f\x80" "ODPe"

#ifdef __x86_64__
#define MARK(letter)							\
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.ascii \"ODP" letter "\"" \
			 ::: "memory")
#else
#define MARK(letter) do { } while (0)
#endif

#endif /* BENCH_PROFILE_MARK_H */
