/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The parts of what is loaded into a process under stress.
 */
#ifndef STRESS_CARRIER_H
#define STRESS_CARRIER_H

#include "shared.h"

/* The file that all share, and this process's part of it. */
extern struct shared *shared;
extern struct slot *slot;

/* No device: copies are made by system calls. */
extern bool plain;

/* Notes the first trouble that there is. */
void trouble(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * All that takes memory of the process, and so changes what is mapped, is done
 * before the program goes on. False if it could not be.
 */
bool traffic_open(void);
bool control_open(void);

/* In a child: gives back what is the parent's. */
void traffic_forget(void);
void control_forget(void);

/* The threads. */
void *traffic_run(void *unused);
void *control_run(void *unused);

#endif /* STRESS_CARRIER_H */
