/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Workers: threads of a process that do its slow faults.
 */
#ifndef ODP_WORKER_H
#define ODP_WORKER_H

struct odp_space;

void odp_workers_init(struct odp_space *s);
int odp_workers_staff(struct odp_space *s);
void odp_workers_exit(struct odp_space *s);

#endif /* ODP_WORKER_H */
