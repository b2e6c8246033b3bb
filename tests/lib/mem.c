// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory to register: mappings with holes, cold pages, and what /proc says.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "mem.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define MAX_RANGES 64
/* One every 10 ms. */
#define COLLAPSE_TRIES 100

static struct range {
	void *addr;
	size_t len;
} ranges[MAX_RANGES];
static int nr_ranges;

static void *keep(void *addr, size_t len)
{
	if (nr_ranges == MAX_RANGES)
		test_fail("more than %d mappings in one test", MAX_RANGES);
	ranges[nr_ranges++] = (struct range) { addr, len };
	return addr;
}

static void *map(void *addr, size_t len, int prot, int flags, int fd)
{
	void *p = mmap(addr, len, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		test_fail("mmap of %zu bytes: %s", len, strerror(errno));
	return p;
}

void *mem_anon(size_t len)
{
	void *p = keep(map(NULL, len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1),
		       len);

	mem_advise(p, len, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	return p;
}

/*
 * Far below where the kernel puts mappings of its own choice, so that nothing
 * but the test itself fills the holes that it leaves.
 */
void *mem_free_range(size_t len, size_t align)
{
	static uintptr_t next = (uintptr_t)32 * TIB;
	uintptr_t start = (next + align - 1) / align * align;

	if (start + len > USER_SPACE_END / 2)
		start = next = (uintptr_t)32 * TIB;
	map((void *)start, len, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
	    -1);
	mem_unmap((void *)start, len);
	next = start + len + PAGE;
	return keep((void *)start, len);
}

void mem_map_at(void *addr, size_t len, int prot)
{
	map(addr, len, prot,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1);
}

void *mem_anon_aligned(size_t len, size_t align)
{
	void *p = mem_free_range(len, align);

	mem_map_at(p, len, PROT_READ | PROT_WRITE);
	return p;
}

uint8_t *mem_anon_small(size_t len)
{
	uint8_t *mem = mem_anon_aligned(len, HUGE_2M);

	mem_advise(mem, len, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	return mem;
}

void *mem_shared(size_t len)
{
	int fd = memfd_create("odp-test", MFD_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)len))
		test_fail("memfd of %zu bytes: %s", len, strerror(errno));
	p = keep(map(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd), len);
	close(fd);
	return p;
}

bool mem_reserve_hugetlb(int pages)
{
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "we");
	bool done = false;

	if (f) {
		done = fprintf(f, "%d", pages) > 0;
		done = !fclose(f) && done;
	}
	return done && meminfo("HugePages_Free") / 1024 >= pages;
}

void *mem_hugetlb(size_t len)
{
	return keep(map(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1), len);
}

void mem_unmap(void *addr, size_t len)
{
	if (munmap(addr, len))
		test_fail("munmap: %s", strerror(errno));
}

void mem_advise(void *addr, size_t len, int advice, const char *name)
{
	if (madvise(addr, len, advice))
		test_fail("madvise(%s): %s", name, strerror(errno));
}

void mem_cold(void *addr, size_t len)
{
	mem_advise(addr, len, MADV_DONTNEED, "DONTNEED");
}

bool run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

void mem_page_out(void *addr, size_t len)
{
	cpu_set_t before;
	int cpu;

	if (sched_getaffinity(0, sizeof(before), &before))
		test_fail("sched_getaffinity: %s", strerror(errno));
	for (cpu = 0; cpu < get_nprocs_conf(); cpu++)
		if (run_on_cpu(cpu))
			mem_advise(addr, len, MADV_PAGEOUT, "PAGEOUT");
	sched_setaffinity(0, sizeof(before), &before);
}

void mem_protect(void *addr, size_t len, int prot)
{
	if (mprotect(addr, len, prot))
		test_fail("mprotect: %s", strerror(errno));
}

void mem_guard(void *addr, size_t len)
{
	mem_advise(addr, len, MADV_GUARD_INSTALL, "GUARD_INSTALL");
}

bool mem_has_guards(void)
{
	void *p = map(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bool have = !madvise(p, PAGE, MADV_GUARD_INSTALL);

	mem_unmap(p, PAGE);
	return have;
}

bool mem_collapse(void *addr, size_t len)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int tries;

	if (madvise(addr, len, MADV_HUGEPAGE))
		return false;
	for (tries = 0; tries < COLLAPSE_TRIES; tries++) {
		if (!madvise(addr, len, MADV_COLLAPSE))
			return true;
		if (errno != EAGAIN)
			return false;
		/* Somebody else is at a page, and may soon be done. */
		nanosleep(&pause, NULL);
	}
	errno = EAGAIN;
	return false;
}

uint64_t mem_load(const void *addr)
{
	uint64_t value;

	memcpy(&value, addr, sizeof(value));
	return value;
}

void mem_touch(void *addr, size_t len)
{
	volatile uint8_t *p = addr;
	size_t i;

	for (i = 0; i < len; i += PAGE)
		p[i] = p[i];
}

void mem_release(void)
{
	while (nr_ranges) {
		nr_ranges--;
		munmap(ranges[nr_ranges].addr, ranges[nr_ranges].len);
	}
}

int64_t meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "re");
	long long kib = -1;
	char line[128];
	size_t len = strlen(key);

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len) && line[len] == ':')
			sscanf(line + len + 1, "%lld", &kib);
	}
	if (f)
		fclose(f);
	if (kib < 0)
		test_fail("/proc/meminfo has no %s", key);
	return kib * 1024;
}

bool mem_has_huge_zero_page(void)
{
	static const char dir[] = "/sys/kernel/mm/transparent_hugepage/";
	char path[128], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%suse_zero_page", dir);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%63s", text) != 1)
		text[0] = '0';
	if (f)
		fclose(f);
	if (text[0] != '1')
		return false;

	snprintf(path, sizeof(path), "%senabled", dir);
	f = fopen(path, "re");
	if (!f || !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return strstr(text, "[always]") || strstr(text, "[madvise]");
}
