/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that the selftest device supports.
 */
#ifndef ODP_SELFTEST_COMPAT_H
#define ODP_SELFTEST_COMPAT_H

/* A pfn had a type of its own once. */
#if __has_include("linux/pfn_t.h")
#include <linux/pfn_t.h>
#define odp_pfn_arg(pfn)	__pfn_to_pfn_t(pfn, PFN_DEV)
#else
#define odp_pfn_arg(pfn)	(pfn)
#endif

#endif /* ODP_SELFTEST_COMPAT_H */
