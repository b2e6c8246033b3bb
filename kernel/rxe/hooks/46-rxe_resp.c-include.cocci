// The responder sees what its hooks call.
@@
@@
  #include "rxe_queue.h"
+ #include "odp_resp.h"
