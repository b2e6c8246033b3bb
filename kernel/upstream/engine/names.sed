# What our sources say for several kernels, as the kernel itself says it.
s/\<odp_young_t\>/bool/
s/\<odp_ioremap(/ioremap_prot(/
s/\<ODP_HAS_EXCLUSIVE\>/IS_ENABLED(CONFIG_DEVICE_PRIVATE)/
s/\<odp_pfn_arg(\([a-z_]*\))/\1/
s/\<RXE_ODP_SUPPORT_\(FLUSH\|ATOMIC_WRITE\)\>/IB_ODP_SUPPORT_\1/g
s/^#ifdef ODP_SELFTEST$/#if IS_ENABLED(CONFIG_RDMA_ODP_SELFTEST)/
s/\<k\(v\?[mz]\)alloc(sizeof(\(\*[a-z]*\)), GFP_KERNEL)/k\1alloc_obj(\2)/
s/\<k\(v\?[mz]\)alloc(sizeof(\(\*[a-z]*\)), /k\1alloc_obj(\2, /
s/with the option ODP_SELFTEST of cmake/with CONFIG_RDMA_ODP_SELFTEST/

# Nothing is left of the headers that tell kernels apart,
/^#include "compat\.h"$/d

# but for one function of rxe's, for which there is a better name.
/^\/\* Capability bits of the user ABI/,/^$/d
s/"odp_compat\.h"/"odp_dumpable.h"/
s/\<RXE_ODP_COMPAT_H\>/RXE_ODP_DUMPABLE_H/
s/All that differs between the kernels that we support\./Who may look at a process./
s/ Since 7\.2 that is the process's and not its memory's\.//

# Declared elsewhere.
/^\/\* rxe_loc\.h of an older 6\.12/,/^$/d
/^extern spinlock_t atomic_ops_lock;$/d
