// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * odpstat and odpmap, run on this program's own regions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env.h"
#include "nldev.h"
#include "pci.h"
#include "take.h"
#include "uffd.h"

#define LINE_MAX_CHARS 100
#define NR_PAGES 8
#define LEN (NR_PAGES * PAGE)

static char output[1 << 20];

/* Runs a shell command; its output is in @output, its exit status returned. */
static int run(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static int run(const char *fmt, ...)
{
	char command[1024];
	va_list args;
	size_t len;
	FILE *pipe;
	int status;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);

	pipe = popen(command, "r");
	if (!pipe)
		test_fail("%s: %s", command, strerror(errno));
	len = fread(output, 1, sizeof(output) - 1, pipe);
	output[len] = '\0';
	status = pclose(pipe);
	if (!WIFEXITED(status))
		test_fail("%s: died", command);
	return WEXITSTATUS(status);
}

static struct uffd uffd;

static int uffd_teardown(void **state)
{
	uffd_close(&uffd);
	return env_teardown(state);
}

#define STAT ODPSTAT " -d rxe0 "
#define MAP ODPMAP " -d rxe0 "

static void expect_output(const char *what)
{
	if (!strstr(output, what))
		test_fail("\"%s\" is not in the output:\n%s", what, output);
}

/* Every line fits a terminal; how many there are. */
static size_t count_lines(void)
{
	size_t lines = 0;
	char *line, *end;

	for (line = output; (end = strchr(line, '\n')); line = end + 1) {
		lines++;
		if (end - line > LINE_MAX_CHARS)
			test_fail("a line of %zd characters: %.*s", end - line,
				  (int)(end - line), line);
	}
	return lines;
}

static uint32_t own_mrn(void)
{
	struct od_regions list;
	uint32_t mrn = 0;
	size_t i;

	if (od_regions_get("rxe0", &list))
		test_fail("no list of regions");
	for (i = 0; i < list.nr; i++) {
		if (list.region[i].pid == (uint32_t)getpid())
			mrn = list.region[i].mrn;
	}
	od_regions_free(&list);
	return mrn;
}

/* Pages: untouched, touched, read and written by the device, read-only, ... */
static uint8_t *colourful(struct env *e, struct ibv_mr **mr)
{
	const struct odp_policy policy = { ODP_AROUND_NONE, 1, 10000, 0 };
	uint8_t *mem = mem_free_range(LEN, HUGE_2M);

	mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
	mem_advise(mem, LEN, MADV_NOHUGEPAGE, "NOHUGEPAGE");
	mem_touch(mem + PAGE, 4 * PAGE);
	*mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	assert_int_equal(odp_mr_set_policy(*mr, &policy), 0);
	mem_protect(mem + 4 * PAGE, PAGE, PROT_READ);
	expect_success("read", do_read(&e->rc, env_buf(e),
				       ref_r(*mr, mem + 2 * PAGE), 1));
	env_write_and_check(e, *mr, mem + 3 * PAGE, 1, 1);
	return mem;
}

static void odpstat_lists_regions(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;
	char pid[32];

	colourful(e, &mr);
	reg_odp(&e->rig, NULL, SIZE_MAX, ACCESS_ALL);
	assert_int_equal(run(STAT), 0);
	assert_int_equal(count_lines(), 4);
	snprintf(pid, sizeof(pid), " %d ", getpid());
	expect_output(pid);
	expect_output("2 on-demand regions, totals");
	expect_output("test_libodp_");
	expect_output(" none ");
	expect_output(" stream ");
	expect_output(" SLOW ");

	assert_int_equal(run(STAT "-f"), 0);
	assert_int_equal(count_lines(), 4);
	expect_output(pid);
	expect_output(" LOCAL REMOTE   SLOW    RNR PARKED ");

	dereg_all(&e->rig);
	assert_int_equal(run(STAT), 0);
	assert_int_equal(count_lines(), 1);
	expect_output("0 on-demand regions");
}

/* What the counters of one region are in a row of odpstat -f. */
static void odpstat_shows_faults(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_anon(2 * PAGE);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, 2 * PAGE, ACCESS_ALL);
	unsigned int local, remote, slow, rnr, parked;
	struct odp_stats stats;
	const char *row;

	uffd_open(&uffd, mem, 2 * PAGE);
	uffd_serve(&uffd, 1);
	env_read_and_check(e, mr, mem, PAGE, 1);
	expect_success("write from memory that waits",
		       do_write(&e->rc, ref_l(mr, mem + PAGE),
				ref_r(e->buf_mr, e->buf), PAGE));
	stats = stats_of(mr);
	assert_true(stats.slow_faults > 0);

	assert_int_equal(run(STAT "-f -m %u", own_mrn()), 0);
	row = strstr(output, "test_libodp_");
	assert_non_null(row);
	assert_int_equal(sscanf(row, "%*s %u %u %u %u %u", &local, &remote,
				&slow, &rnr, &parked), 5);
	assert_int_equal(local, stats.local_faults);
	assert_int_equal(remote, stats.remote_faults);
	assert_int_equal(slow, stats.slow_faults);
	assert_int_equal(rnr, stats.rnr_naks);
	assert_int_equal(parked, stats.parked);

	assert_int_equal(run(STAT "-f -m %u 0.1 2", own_mrn()), 0);
	assert_int_equal(count_lines(), 4);
	expect_output("rates per second");
}

static void odpstat_gives_rates(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;

	colourful(e, &mr);
	assert_int_equal(run(STAT "-m %u 0.1 3", own_mrn()), 0);
	assert_int_equal(count_lines(), 5);
	expect_output("rates per second");
	assert_int_equal(run(STAT "0.1 2"), 0);
	assert_int_equal(count_lines(), 6);
}

static void odpstat_writes_json(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;

	colourful(e, &mr);
	assert_int_equal(run(STAT "-j | python3 -m json.tool"), 0);
	expect_output("\"kind\": \"explicit\"");
	expect_output("\"faults\": 2");
	expect_output("\"remote_faults\": 2");
	expect_output("\"slow_faults\": 0");
	expect_output("\"rnr_naks\": 0");
	expect_output("\"parked\": 0");
	expect_output("\"resident_pages\": 2");
	assert_int_equal(run(STAT "-j 0.1 2 | python3 -m json.tool --json-lines"),
			 0);
	expect_output("\"per_second\"");
	expect_output("\"seconds\"");
}

static void odpmap_draws_pages(void **state)
{
	struct env *e = *state;
	struct ibv_mr *mr;
	uint8_t *mem = colourful(e, &mr);
	char row[64];

	assert_int_equal(run(MAP "-w 64 %u", own_mrn()), 0);
	count_lines();
	snprintf(row, sizeof(row), "%p .wWDr... ", (void *)mem);
	expect_output("present 16K");
	expect_output("one cell: 4K (1 page)");
	expect_output(row);
	assert_int_equal(run(MAP "-a %p -l 8K -w 8 %u", (void *)(mem + 3 * PAGE),
			     own_mrn()), 0);
	expect_output("   Dr   \n");
	assert_int_equal(run("LC_ALL=C.UTF-8 " MAP "-c always %u", own_mrn()),
			 0);
	expect_output("\033[36m·\033[32m█\033[31m█\033[34m·");
	assert_int_equal(run("LC_ALL=C " MAP "-c always %u", own_mrn()), 0);
	expect_output("\033[36m.\033[32m#\033[31m#\033[34m.");
}

/* A device's memory, and a page that a device has taken from the CPU. */
static void odpmap_draws_kinds_apart(void **state)
{
	struct env *e = *state;
	const bool device = pci_folder(&pci_ivshmem);
	const bool take = can_take(e->rig.ctx);
	uint8_t *mem = mem_free_range(LEN, HUGE_2M);
	struct ibv_mr *mr;

	mem_map_at(mem, LEN, PROT_READ | PROT_WRITE);
	let_peers_in(true);
	if (device)
		pci_map(&pci_ivshmem, "resource2", mem, 2 * PAGE,
			PROT_READ | PROT_WRITE);
	mr = reg_odp(&e->rig, mem, LEN, ACCESS_ALL);
	mem_touch(mem, 2 * PAGE);
	if (take)
		assert_int_equal(set_exclusive(mr), 0);
	device_adds(e, mr, mem + 3 * PAGE, 1);
	assert_int_equal(run(MAP "-w 64 %u", own_mrn()), 0);
	print_message("%s", output);
	expect_output(device ? " II." : " ww.");
	expect_output(take ? ".X.... " : ".D.... ");
	expect_output("I a device's own memory");
	expect_output("X taken from the CPU");
	let_peers_in(false);
}

static void odpmap_writes_svg(void **state)
{
	struct env *e = *state;
	char path[] = "/tmp/odpmap-XXXXXX";
	struct ibv_mr *mr;
	int fd;

	colourful(e, &mr);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(run(MAP "-o %s %u", path, own_mrn()), 0);
	assert_string_equal(output, "");
	assert_int_equal(run("python3 -c 'import sys, xml.dom.minidom as m; print(len(m.parse(sys.argv[1]).getElementsByTagName(\"title\")))' %s",
			     path), 0);
	expect_output("4\n");
	unlink(path);
	assert_int_equal(run(MAP "-o /nowhere/x %u 2>&1", own_mrn()), 1);
	expect_output("cannot be written");
}

/* 1 TiB, with something at its start, in the middle and at its end. */
static void odpmap_of_a_large_region(void **state)
{
	struct env *e = *state;
	uint8_t *mem = mem_free_range(TIB, HUGE_2M);
	struct ibv_mr *mr = reg_odp(&e->rig, mem, TIB, ACCESS_ALL);
	const size_t spots[] = { 0, TIB / 2 + 5 * PAGE, TIB - MIB };
	size_t i;

	for (i = 0; i < 3; i++) {
		mem_map_at(mem + spots[i], MIB, PROT_READ | PROT_WRITE);
		mem_touch(mem + spots[i], MIB);
	}
	env_write_and_check(e, mr, mem + spots[1], 5 * PAGE, 1);
	assert_int_equal(run(MAP "-r 24 %u", own_mrn()), 0);
	assert_in_range(count_lines(), 9, 40);
	expect_output("nothing present in 512G");
	expect_output("present 3M");
	expect_output("written by the device 20K");
	assert_int_equal(run(MAP "-r 3 %u", own_mrn()), 0);
	assert_in_range(count_lines(), 9, 20);
	dereg_all(&e->rig);

#ifndef __SANITIZE_ADDRESS__
	/* All of this process, which with the sanitizer maps too much. */
	reg_odp(&e->rig, NULL, SIZE_MAX, ACCESS_ALL);
	assert_int_equal(run(MAP "%u", own_mrn()), 0);
	assert_in_range(count_lines(), 9, 80);
#endif
}

static void wrong_command_lines(void **state)
{
	static const struct {
		int status;
		const char *command, *says;
	} cases[] = {
		{ 0, ODPSTAT " --help", "Usage: odpstat" },
		{ 0, ODPMAP " --help", "Usage: odpmap" },
		{ 2, ODPSTAT " --bogus", "--help" },
		{ 2, ODPSTAT " -m x", "\"x\"" },
		{ 2, ODPSTAT " 0", "INTERVAL" },
		{ 2, ODPSTAT " fast", "INTERVAL" },
		{ 2, ODPSTAT " 1 0", "COUNT" },
		{ 2, ODPSTAT " 1 1 1", "too many" },
		{ 1, ODPSTAT " -d none", "rxe0" },
		{ 1, STAT "-m 4294967280", "no on-demand region" },
		{ 1, STAT ">/dev/full", "cannot be written" },
		{ 2, ODPMAP, "which region" },
		{ 2, ODPMAP " 1 2", "which region" },
		{ 2, ODPMAP " x", "which region" },
		{ 2, ODPMAP " -w 63 1", "power of two" },
		{ 2, ODPMAP " -r 0 1", "--rows" },
		{ 2, ODPMAP " -c blue 1", "--color" },
		{ 2, ODPMAP " -l 0 1", "--length" },
		{ 2, ODPMAP " -l 5Q 1", "--length" },
		{ 2, ODPMAP " -a here 1", "--address" },
		{ 1, ODPMAP " -d none 1", "rxe0" },
		{ 1, MAP "4294967280", "no on-demand region" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR(cases); i++) {
		int status = run("exec 2>&1; %s", cases[i].command);

		if (status != cases[i].status)
			test_fail("%s: status %d, not %d: %s",
				  cases[i].command, status, cases[i].status,
				  output);
		expect_output(cases[i].says);
	}
}

/* Other users may not be let in where this was built: a folder for them. */
static char *tools_for_all(void)
{
	static char dir[] = "/tmp/odp-tools-XXXXXX";

	if (!mkdtemp(dir) || chmod(dir, 0755))
		test_fail("%s: %s", dir, strerror(errno));
	assert_int_equal(run("install -m 755 " ODPSTAT " " ODPMAP " "
			     LIBODP " %s 2>&1", dir), 0);
	return dir;
}

static void ordinary_users_are_told(void **state)
{
	const char *as = "LD_LIBRARY_PATH=. setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all";
	const char *dir = tools_for_all();
	struct env *e = *state;
	struct ibv_mr *mr;
	char *as_root;

	colourful(e, &mr);
	assert_int_equal(run(STAT "2>&1"), 0);
	as_root = strdup(output);
	assert_non_null(as_root);
	assert_int_equal(run("cd %s && %s ./odpstat -d rxe0 2>&1", dir, as), 0);
	assert_string_equal(output, as_root);
	free(as_root);
	assert_int_equal(run("cd %s && %s ./odpmap -d rxe0 %u 2>&1", dir, as,
			     own_mrn()), 1);
	expect_output("root");
	assert_int_equal(run("cd %s && %s ./odpmap -d rxe0 -a 0x1000 %u 2>&1",
			     dir, as, own_mrn()), 1);
	expect_output("root");
	assert_int_equal(run(MAP "-a 0x1000 %u 2>&1", own_mrn()), 1);
	expect_output("is not in region");
	assert_int_equal(run("rm -r %s", dir), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		env_test(odpstat_lists_regions),
		cmocka_unit_test_setup_teardown(odpstat_shows_faults,
						env_setup, uffd_teardown),
		env_test(odpstat_gives_rates),
		env_test(odpstat_writes_json),
		env_test(odpmap_draws_pages),
		env_test(odpmap_draws_kinds_apart),
		env_test(odpmap_writes_svg),
		env_test(odpmap_of_a_large_region),
		env_test(wrong_command_lines),
		env_test(ordinary_users_are_told),
	};

	return ENV_MAIN(argc, argv, "libodp_tools", tests);
}
