/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The events, and what the files that list them share.
 */
#ifndef MATRIX_EVENTS_H
#define MATRIX_EVENTS_H

#include "cell.h"
#include "nr.h"

extern const struct event events_access[];
extern const size_t nr_events_access;
extern const struct event events_vma[];
extern const size_t nr_events_vma;
extern const struct event events_advice[];
extern const size_t nr_events_advice;
extern const struct event events_file[];
extern const size_t nr_events_file;
extern const struct event events_move[];
extern const size_t nr_events_move;
extern const struct event events_process[];
extern const size_t nr_events_process;

#endif /* MATRIX_EVENTS_H */
