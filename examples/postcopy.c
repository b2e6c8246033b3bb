// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Post-copy migration in small: a process whose memory is still elsewhere lets a
 * peer read it at once. Each page is brought by a userfaultfd handler, from
 * another process through a socket, at the moment that the peer's read needs it.
 * Only that read waits for it: another queue pair of the same device goes on
 * meanwhile. The handler makes sure of that. It does not bring a page before the
 * other queue pair has done some more of its operations.
 *
 * Exits with 0 only if all data was right, each page that the peer asked for came
 * just once, no other page came, and the other queue pair never stood still.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "example.h"

#define PAGES 4096
#define ASKED 256

/* Operations that the other queue pair does while one page is waited for. */
#define MEANWHILE 4

/* How long it may take for them before it counts as standing still, in s. */
#define PATIENCE_S 20

struct migration {
	uint8_t *mem;
	int uffd;
	int source;		/* a socket: a page's number goes out, the page comes */
	unsigned long brought;
};

/* What the other queue pair does. */
struct traffic {
	struct link peer;
	uint8_t *mem;
	struct ibv_mr *mr;
	pthread_mutex_t lock;
	pthread_cond_t progress;
	unsigned long done;
	unsigned long meanwhile;	/* those while a page was waited for */
	unsigned long wrong;
	bool end;
};

static struct traffic traffic = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.progress = PTHREAD_COND_INITIALIZER,
};

static uint8_t *map_pages(size_t nr)
{
	uint8_t *mem = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return mem;
}

static struct ibv_mr *register_pages(struct link *peer, uint8_t *mem, size_t nr)
{
	struct ibv_mr *mr = ibv_reg_mr(peer->pd, mem, nr * PAGE,
				       ACCESS | IBV_ACCESS_ON_DEMAND);

	if (!mr)
		err(EXIT_FAILURE, "ibv_reg_mr");
	return mr;
}

/* The machine that the memory comes from: a process that answers for its pages. */
static int start_source(void)
{
	uint8_t page[PAGE];
	uint64_t nr;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		err(EXIT_FAILURE, "socketpair");
	switch (fork()) {
	case -1:
		err(EXIT_FAILURE, "fork");
	case 0:
		close(ends[0]);
		while (read(ends[1], &nr, sizeof(nr)) == sizeof(nr)) {
			pattern_fill(page, PAGE, nr);
			if (write(ends[1], page, PAGE) != (ssize_t)PAGE)
				break;
		}
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	return ends[0];
}

/* From now on a missing page of the memory waits until it is brought. */
static void take_faults(struct migration *m)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)m->mem, .len = PAGES * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	m->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (m->uffd < 0)
		err(EXIT_FAILURE, "userfaultfd (as root, or with vm.unprivileged_userfaultfd=1)");
	if (ioctl(m->uffd, UFFDIO_API, &api) ||
	    ioctl(m->uffd, UFFDIO_REGISTER, &reg))
		err(EXIT_FAILURE, "userfaultfd");
}

/* Returns when the other queue pair has done some operations more. */
static void others_go_on(void)
{
	struct timespec until;
	unsigned long start;
	int stuck = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&traffic.lock);
	start = traffic.done;
	while (!stuck && traffic.done < start + MEANWHILE)
		stuck = pthread_cond_timedwait(&traffic.progress, &traffic.lock,
					       &until);
	traffic.meanwhile += traffic.done - start;
	pthread_mutex_unlock(&traffic.lock);
	if (stuck)
		errx(EXIT_FAILURE,
		     "the other queue pair stands still while a page is waited for");
}

static void bring(struct migration *m, uint64_t nr)
{
	uint8_t page[PAGE];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)m->mem + nr * PAGE,
		.src = (uintptr_t)page,
		.len = PAGE,
	};

	if (write(m->source, &nr, sizeof(nr)) != sizeof(nr) ||
	    read(m->source, page, PAGE) != (ssize_t)PAGE)
		err(EXIT_FAILURE, "page %llu from the source",
		    (unsigned long long)nr);
	if (!ioctl(m->uffd, UFFDIO_COPY, &copy))
		m->brought++;
	else if (errno != EEXIST)
		err(EXIT_FAILURE, "UFFDIO_COPY");
}

static void *handle_faults(void *arg)
{
	struct migration *m = arg;
	struct uffd_msg msg;

	while (read(m->uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		others_go_on();
		bring(m, (msg.arg.pagefault.address - (uintptr_t)m->mem) / PAGE);
	}
	return NULL;
}

static void *make_traffic(void *arg)
{
	struct traffic *t = &traffic;
	uint64_t i;
	bool end, right;

	for (i = PAGES, end = false; !end; i++) {
		pattern_fill(t->peer.buf, PAGE, i);
		peer_write(&t->peer, t->mem, t->mr, PAGE);
		memset(t->peer.buf, 0, PAGE);
		peer_read(&t->peer, t->mem, t->mr, PAGE);
		right = pattern_is(t->peer.buf, PAGE, i);

		pthread_mutex_lock(&t->lock);
		t->done += 2;
		t->wrong += !right;
		end = t->end;
		pthread_cond_signal(&t->progress);
		pthread_mutex_unlock(&t->lock);
	}
	return arg;
}

/* A page that was not asked for before, from anywhere. */
static uint64_t another_page(bool *asked, uint64_t *dice)
{
	uint64_t nr;

	do
		nr = pattern_word(PAGES, (*dice)++) % PAGES;
	while (asked[nr]);
	asked[nr] = true;
	return nr;
}

static unsigned long read_pages(struct link *peer, struct migration *m,
				struct ibv_mr *mr)
{
	static bool asked[PAGES];
	unsigned long wrong = 0;
	uint64_t dice = 0, nr;
	int i;

	for (i = 0; i < ASKED; i++) {
		nr = another_page(asked, &dice);
		memset(peer->buf, 0, PAGE);
		peer_read(peer, m->mem + nr * PAGE, mr, PAGE);
		wrong += !pattern_is(peer->buf, PAGE, nr);
	}
	return wrong;
}

static void migrate(const char *device)
{
	struct migration m = { .mem = map_pages(PAGES) };
	struct traffic *t = &traffic;
	pthread_t handler, other;
	unsigned long wrong;
	struct odp_stats stats;
	struct link peer;
	struct ibv_mr *mr;

	m.source = start_source();
	peer_open(&peer, device);
	peer_open(&t->peer, device);
	mr = register_pages(&peer, m.mem, PAGES);
	t->mem = map_pages(1);
	t->mr = register_pages(&t->peer, t->mem, 1);
	take_faults(&m);
	if (pthread_create(&handler, NULL, handle_faults, &m) ||
	    pthread_create(&other, NULL, make_traffic, NULL))
		errx(EXIT_FAILURE, "no threads");

	wrong = read_pages(&peer, &m, mr);
	stats = stats_of(mr);

	pthread_mutex_lock(&t->lock);
	t->end = true;
	pthread_mutex_unlock(&t->lock);
	pthread_join(other, NULL);
	pthread_cancel(handler);
	pthread_join(handler, NULL);

	claim(!wrong, "a peer read %d of %d pages, %lu of them wrong", ASKED,
	      PAGES, wrong);
	claim(m.brought == ASKED, "%lu pages were brought, for %llu slow faults",
	      m.brought, (unsigned long long)stats.slow_faults);
	claim(t->meanwhile >= ASKED * MEANWHILE && !t->wrong,
	      "another queue pair did %lu operations while a page was waited for, %lu wrong",
	      t->meanwhile, t->wrong);

	close(m.uffd);
	close(m.source);
	ibv_dereg_mr(mr);
	ibv_dereg_mr(t->mr);
	link_close(&t->peer);
	link_close(&peer);
}

int main(int argc, char **argv)
{
	static const char *device = "rxe0";
	static const struct example_option options[] = {
		DEVICE_OPTION(&device), {}
	};

	take_options(argc, argv,
		     "A peer reads memory whose pages come from another process, through userfaultfd, when\n"
		     "they are asked for. Another queue pair goes on meanwhile.",
		     options);

	migrate(device);
	return verdict();
}
