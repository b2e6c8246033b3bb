/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Pages that never come: kinds of them, the process that owns such memory and
 * a device's objects over it, and what is done to it meanwhile.
 */
#ifndef TESTS_STUCK_H
#define TESTS_STUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "env.h"

#define STUCK_NIC	"rxe_stuck"
#define STUCK_LEN	(4 * PAGE)

/* Whatever is done ends within a second, or what is one where all is slow. */
#define LIMIT_MS	(1000 * ODP_TIMEOUT_SCALE)

/* What test and owner tell each other, in memory that they share. */
struct board {
	unsigned int cell;	/* its number, another for each */
	uint32_t owner_qpn, test_qpn;
	struct ref owner_mem, test_mem;	/* for the peer */
	int uffd;		/* the owner's descriptor */
};

/* A way for pages never to come. */
struct kind {
	const char *name;
	bool for_reads;		/* reads wait for it as well as writes */

	/* Sets up what all cells share; why it cannot, NULL if it could. */
	const char *(*open)(void);
	void (*close)(void);

	/* In the owner: STUCK_LEN of memory of that kind. */
	uint8_t *(*map)(struct board *b);

	/* From now on no page comes. */
	void (*stick)(const struct board *b, pid_t owner);

	/* Waits until somebody waits for a page. */
	void (*await)(void);

	/* All pages come, also if it was called before. */
	void (*release)(void);
};

extern const struct kind kind_userfaultfd, kind_fuse, kind_frozen, kind_swap;

/* What an owner has. */
struct owner {
	struct board *b;
	struct rig rig;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	uint8_t *mem;
	uint8_t *food;		/* not touched yet */
};

/* What an owner can be told to do. */
typedef void (*owner_fn)(struct owner *o);

/* The process: obeys what comes through the socket until that is closed. */
struct owner_job {
	const struct kind *kind;
	struct board *b;
	int sock;
};

int owner_run(void *job);

/* A signalled request of 64 bytes, on either side. */
void stuck_post(struct ibv_qp *qp, enum ibv_wr_opcode opcode, struct ref local,
		struct ref remote);

void owner_connect(struct owner *o);
void owner_recv(struct owner *o);
void owner_write(struct owner *o);
void owner_read(struct owner *o);
void owner_prefetch(struct owner *o);
void owner_destroy_qp(struct owner *o);
void owner_reset_qp(struct owner *o);
void owner_err_qp(struct owner *o);
void owner_dereg(struct owner *o);
void owner_rereg(struct owner *o);
void owner_close(struct owner *o);
void owner_eat(struct owner *o);

/* A pair of a kind and an action, and the test's own end of it. */
struct cell {
	const struct kind *kind;
	struct board *b;
	const char *action;
	bool late;		/* something was not done in time */
	pid_t owner;
	int pidfd;		/* readable when the owner is dead */
	int sock;
	struct rig rig;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	uint8_t *mem;
	struct ibv_mr *mr;
};

/* An owner with stuck memory, and a queue pair connected to its own. */
void cell_open(struct cell *c, const struct kind *kind, const char *action);

/* Tells the owner to do something. */
void cell_order(struct cell *c, owner_fn fn);

/* The same with what takes no time, and waits until it is done. */
void cell_tell(struct cell *c, owner_fn fn);

/* The same with what shall be done in time, though pages are waited for. */
void cell_tell_soon(struct cell *c, owner_fn fn);

/* Runs it, in a thread, and expects it to be done in time. */
void cell_soon(struct cell *c, const char *what, void (*fn)(struct cell *c));

/* Expects the owner to be dead in time. */
void cell_dead_soon(struct cell *c, const char *what);

/* Gives back the test's own end. */
void cell_leave(struct cell *c);

/* Has the owner exit, if it lives; nothing may be left. Whether all went well. */
bool cell_finish(struct cell *c);

/* Cleans up after a cell that was given up. */
void cell_abandon(struct cell *c);

/* Before the first and after the last cell. */
void cells_open(void);
void cells_close(void);
extern struct memcg cells_group;

#endif /* TESTS_STUCK_H */
