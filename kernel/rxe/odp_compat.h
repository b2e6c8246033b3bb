/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * All that differs between the kernels that we support.
 */
#ifndef RXE_ODP_COMPAT_H
#define RXE_ODP_COMPAT_H

#include <linux/bits.h>

/*
 * Capability bits of the user ABI that kernels without an ODP of rxe's own do
 * not name yet.
 */
#define RXE_ODP_SUPPORT_FLUSH		BIT(6)
#define RXE_ODP_SUPPORT_ATOMIC_WRITE	BIT(7)

#endif /* RXE_ODP_COMPAT_H */
