// A queue pair may be parked, and may have a receive request to spare.
@@
@@
  struct rxe_qp {
  	...
  	struct execute_work	cleanup_work;
+
+	struct odp_waiter	odp_waiter;
+	bool			odp_parked;
+	bool			odp_retry;
+	bool			odp_kept;
  };
