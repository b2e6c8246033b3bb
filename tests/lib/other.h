/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A device of another driver, and without on-demand paging: siw, the iWARP
 * device in software, over the loopback interface.
 */
#ifndef TESTS_OTHER_H
#define TESTS_OTHER_H

#include <infiniband/verbs.h>

/* Makes one and opens it; fails the test if that cannot be done. */
struct ibv_context *other_open(void);

/* Closes and removes it. */
void other_close(struct ibv_context *context);

#endif /* TESTS_OTHER_H */
