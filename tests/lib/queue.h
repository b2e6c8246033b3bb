/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What nearly every test of events starts from, a queue of events, and
 * expectations of what comes out of it.
 */
#ifndef TESTS_QUEUE_H
#define TESTS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/odp.h>

/* What <rdma/odp_record_abi.h> says of a record's bytes. */
#define QUEUE_RECORD 64

/* env_setup(), and a queue of its device; and the end of both. */
struct odp_events *queue_setup(void **state);
int queue_teardown(void **state, struct odp_events *q);

/* A queue of the device; fails the test if there is none. */
struct odp_events *queue_open(struct ibv_context *ctx);

/* Sets or clears O_NONBLOCK. */
void queue_block(struct odp_events *q, bool block);

/* What poll() says of it after @ms: a set of POLLIN and so on, 0 for nothing. */
int queue_poll(struct odp_events *q, int ms);

/* The next event; fails the test if there is none in time. */
struct odp_event queue_next(struct odp_events *q);

/* The next event, which is there already. */
struct odp_event queue_now(struct odp_events *q);

/* Fails the test if there is an event. */
void queue_expect_none(struct odp_events *q);

/*
 * Reads what is there of a watch: the sum of the counts. Fails the test if it is
 * about another watch, or another range than inside of these bytes.
 */
uint64_t queue_count(struct odp_events *q, uint64_t cookie, const void *addr,
		     size_t len);

/* Watches bytes of an MR for all causes, and fails the test if it cannot. */
uint32_t watch(struct odp_events *q, struct ibv_mr *mr, const void *addr,
	       size_t len, uint64_t cookie);

/* Fails the test unless there is, now, just one event, and it is that. */
void expect_hit(struct odp_events *q, uint64_t cookie, const void *addr,
		size_t len, uint64_t count, uint32_t causes);
void expect_end(struct odp_events *q, uint64_t cookie, int error);

#endif /* TESTS_QUEUE_H */
