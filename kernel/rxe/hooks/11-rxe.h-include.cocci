// All of rxe sees the hooks' targets.
@@
@@
  #include "rxe_loc.h"
+ #include "rxe_odp.h"
