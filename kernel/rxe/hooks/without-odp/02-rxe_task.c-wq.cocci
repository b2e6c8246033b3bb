// Prefetch uses rxe's work queue, which is drained before the module goes.
@@
@@
- static struct workqueue_struct *rxe_wq;
+ struct workqueue_struct *rxe_wq;
