// A device counts for all of its on-demand regions together.
@@
@@
  struct rxe_dev {
  	...
  	atomic64_t stats_counters[...];
+	struct odp_totals odp_totals;
  	...
  };

@@
@@
  #include "rxe_hw_counters.h"
+ #include <rdma/odp_mirror.h>
