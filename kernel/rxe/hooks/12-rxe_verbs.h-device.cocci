// What all on-demand regions of a device share.
@@
@@
  struct rxe_dev {
  	...
  	atomic64_t stats_counters[...];
+	struct odp_device odp;
  	...
  };

@@
@@
  #include "rxe_hw_counters.h"
+ #include <rdma/odp_mirror.h>
