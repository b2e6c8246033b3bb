/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Memory that is not the kernel's: a device's own, mostly.
 */
#ifndef ODP_IOMEM_H
#define ODP_IOMEM_H

#include <linux/mm.h>
#include <rdma/odp_mirror.h>

int odp_iomem_map(unsigned long pfn, unsigned long npages, pgprot_t prot);
int odp_iomem_visit(unsigned long pfn, unsigned long offset, size_t bytes,
		    unsigned int how, odp_visit_fn fn, void *arg);
void odp_iomem_exit(void);

#endif /* ODP_IOMEM_H */
