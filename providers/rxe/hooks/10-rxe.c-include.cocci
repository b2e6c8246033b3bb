// The provider sees the hooks' targets.
@@
@@
  #include "rxe.h"
+ #include "odp.h"
