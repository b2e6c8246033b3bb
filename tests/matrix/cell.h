/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A cell of the matrix: memory of one kind, a mirror of it, one event, and a
 * model that says of each page what it must hold and who may touch it. An
 * event changes the memory and the model alike; the cell compares the two.
 */
#ifndef MATRIX_CELL_H
#define MATRIX_CELL_H

#include <sys/mman.h>

#include "dev.h"

#define RW (PROT_READ | PROT_WRITE)

/* What a kind is, and what an event asks of it. */
enum {
	HAS_CPU = 1 << 0,	/* the CPU may read it */
	HAS_DEVICE = 1 << 1,	/* the device may read it */
	HAS_WRITE = 1 << 2,	/* both may write to it, too */
	HAS_ROOM = 1 << 3,	/* the mirror goes on behind it, over a hole */
	HAS_FILE = 1 << 4,	/* of a file that can be truncated */
	IS_ANON = 1 << 5,	/* private, of no file */
	IS_PRIVATE = 1 << 6,	/* a write is for this process alone */
	IS_SMALL_STEP = 1 << 7,	/* can be cut at each page of 4 KiB */
	IS_UNLOCKED = 1 << 8,	/* not mlocked, which memfd_secret is */
	IS_PAGED = 1 << 9,	/* of pages on the LRU lists */
	IS_EXPANDABLE = 1 << 10, /* may grow: no VM_DONTEXPAND */
	IS_COLLAPSIBLE = 1 << 11, /* small pages that can become a huge one */
	IS_LONE = 1 << 12,	/* of pages that are mapped just once */
	IS_MOVABLE = 1 << 13,	/* of pages that the kernel can migrate */
	IS_HINTED = 1 << 14,	/* that NUMA balancing marks PROT_NONE */
	IS_SHARED = 1 << 15,	/* a write is for all who map the file */
	IS_ON_DISK = 1 << 16,	/* of a file that is written back */
	IS_PFN = 1 << 17,	/* mapped by page frame numbers */
	IS_DAX = 1 << 18,	/* of a file without a page cache */
};

struct cell;

/* A kind of memory. */
struct kind {
	const char *name;
	unsigned int props;
	size_t pages;
	size_t unit;		/* pages that VMA calls can cut at */
	size_t huge;		/* huge entries, all being mirrored */
	size_t offset;		/* pages before the mirror, mapped as well */
	const size_t *probes;	/* the pages looked at, up to SIZE_MAX */
	bool zeros;		/* never written */
	uint32_t around;
	/* Why this machine cannot have it, or NULL. */
	const char *(*absent)(void);
	/* Maps it at c->mem. */
	void (*map)(struct cell *c);
	/* Makes it what it is, once it holds its data; or NULL. */
	void (*settle)(struct cell *c);
};

/* Something that happens to memory. */
struct event {
	const char *name;
	unsigned int needs;
	/* Why this machine cannot have it, or NULL. */
	const char *(*absent)(void);
	/* Why it cannot happen to this kind, or NULL. */
	const char *(*impossible)(const struct kind *kind);
	void (*run)(struct cell *c);
};

/* Who may do what to a page: F (nothing), R (read), W (write, too). */
struct page {
	uint64_t seed;		/* of its data; 0: zeros */
	uint64_t file_seed;	/* of what the file has there */
	char cpu;
	char dev;
	bool own;		/* a private copy, no longer the file's page */
};

struct cell {
	const struct kind *kind;
	const struct event *event;
	uint8_t *mem;
	size_t pages;		/* of the kind */
	size_t total;		/* of the mirror */
	size_t unit;
	int fd;			/* its file, or -1 */
	int twin;		/* a file that shares its blocks, or -1 */
	int dev;
	struct page *page;	/* of @total */
	uint64_t last_seed;
	uint64_t refused;	/* accesses that had to fail */
	bool cut;		/* huge pages may have been split */
};

static inline bool cell_has(const struct cell *c, unsigned int props)
{
	return (c->kind->props & props) == props;
}

static inline uint8_t *cell_at(const struct cell *c, size_t page)
{
	return c->mem + page * PAGE;
}

/* Maps the memory and fills it. */
void cell_map(struct cell *c, const struct kind *kind);

/* The same, and mirrors it. */
void cell_open(struct cell *c, const struct kind *kind,
	       const struct event *event);

/*
 * Compares all with the model once more, by reads and writes; then unmaps it
 * all: nothing may be left in the table.
 */
void cell_finish(struct cell *c);

/* Frees what cell_open() made; in a cmocka teardown, after a failure too. */
void cell_close(struct cell *c);

/* The device reads, and what it may not read is refused. */
void cell_read(struct cell *c, size_t first, size_t n);
void cell_read_all(struct cell *c);

/* The device writes new data, and what it may not write is refused. */
void cell_write(struct cell *c, size_t first, size_t n);
void cell_write_all(struct cell *c);

/* The CPU sees what it must see. */
void cell_look(struct cell *c);

/* The CPU writes new data. */
void cell_store(struct cell *c, size_t first, size_t n);

/* The device reads all and writes the first half; both see the same. */
void cell_warm(struct cell *c);

/* New data for each page that may be written, in the model only. */
void cell_renew(struct cell *c, size_t first, size_t n);

/* Changes the model of a range. */
void cell_set_access(struct cell *c, size_t first, size_t n, char cpu, char dev);
void cell_set_zeros(struct cell *c, size_t first, size_t n);

/* A range of addresses is now a mapping of its own. */
void cell_cut(struct cell *c, size_t first, size_t n);

/* The next page at or behind @from that is looked at; total if none is. */
size_t cell_next_probe(const struct cell *c, size_t from);

/* How many huge entries there are must be what the kind says. */
void cell_expect_huge(struct cell *c);

/* The page states of all that is mirrored; to be freed. */
uint8_t *cell_states(struct cell *c);

/* What the mirror had of a range before an event. */
struct mark {
	size_t first;
	size_t n;
	uint64_t mirrored;	/* pages, whole huge entries */
	uint64_t invalidated;
};

struct mark cell_mark(struct cell *c, size_t first, size_t n);

/*
 * The same for a range that will be a mapping of its own: to cut a mapping in
 * the midst of 2 MiB the kernel takes back all of these, as there might be a
 * huge page to be split.
 */
struct mark cell_mark_cut(struct cell *c, size_t first, size_t n);

/* The kernel took back all pages of the range, and no others. */
void cell_expect_taken(struct cell *c, const struct mark *m);

/* It took back at least that many, of any range. */
void cell_expect_some_taken(struct cell *c, const struct mark *m, uint64_t n);

/* It took back none. */
void cell_expect_none_taken(struct cell *c, const struct mark *m);

#endif /* MATRIX_CELL_H */
