/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What can be had at once: page faults that wait for nobody.
 */
#ifndef ODP_QUICK_H
#define ODP_QUICK_H

#include <linux/types.h>

struct mm_struct;
struct vm_area_struct;

int odp_lock(struct mm_struct *mm, bool wait);
bool odp_quick_welcome(struct mm_struct *mm);
bool odp_quick_vma(struct vm_area_struct *vma, unsigned long va, bool write);
int odp_quick_fault(struct vm_area_struct *vma, unsigned long va, bool write);
int odp_quick_page(struct mm_struct *mm, unsigned long va, bool write);

#endif /* ODP_QUICK_H */
