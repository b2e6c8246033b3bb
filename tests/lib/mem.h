/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Memory to register: mappings with holes, cold pages, and what /proc says.
 * What a test maps here is unmapped by mem_release().
 */
#ifndef TESTS_MEM_H
#define TESTS_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define TIB ((size_t)1 << 40)
#define HUGE_2M (2 * MIB)

/* The highest address of user space, rounded down to a page. */
#define USER_SPACE_END (((uint64_t)1 << 47) - PAGE)

/* Private anonymous memory, never touched, without huge pages. */
void *mem_anon(size_t len);

/* The same, aligned, and with huge pages allowed. */
void *mem_anon_aligned(size_t len, size_t align);

/* The same from a 2 MiB boundary on, to be of small pages. */
uint8_t *mem_anon_small(size_t len);

/* Shared memory of a memfd: what was written survives MADV_DONTNEED. */
void *mem_shared(size_t len);

/* Has the kernel set aside that many pages of 2 MiB; whether it could. */
bool mem_reserve_hugetlb(int pages);

/* Private memory of such pages. */
void *mem_hugetlb(size_t len);

/* Addresses that nothing is mapped at, aligned. */
void *mem_free_range(size_t len, size_t align);

/* Maps private anonymous memory just there. */
void mem_map_at(void *addr, size_t len, int prot);

/* Maps memory of some device just there, up to 128 KiB; false if it cannot. */
bool mem_map_device(void *at, size_t len);

/* Leaves a hole. */
void mem_unmap(void *addr, size_t len);

void mem_advise(void *addr, size_t len, int advice, const char *name);

/*
 * MADV_PAGEOUT. A page that a processor has just faulted in is not to be found
 * by others: it waits until there are some more of its kind on that processor,
 * or until MADV_PAGEOUT runs there. So it runs on all of them.
 */
void mem_page_out(void *addr, size_t len);

/* Runs the calling thread on one processor only; whether there is such. */
bool run_on_cpu(int cpu);
void mem_protect(void *addr, size_t len, int prot);

/* Takes the pages out of the process's page table. */
void mem_cold(void *addr, size_t len);

/* Makes guard pages of the range; whether this kernel has such. */
void mem_guard(void *addr, size_t len);
bool mem_has_guards(void);

/* Makes one huge page of every 2 MiB; false if this kernel cannot. */
bool mem_collapse(void *addr, size_t len);

/* The eight bytes there, aligned or not. */
uint64_t mem_load(const void *addr);

/* Writes every page of the range, so that it is there. */
void mem_touch(void *addr, size_t len);

/* Unmaps what the functions above have mapped. */
void mem_release(void);

/* A value of /proc/meminfo in bytes. */
int64_t meminfo(const char *key);

/* Whether a huge zero page is to be had (sysfs says so). */
bool mem_has_huge_zero_page(void);

#endif /* TESTS_MEM_H */
