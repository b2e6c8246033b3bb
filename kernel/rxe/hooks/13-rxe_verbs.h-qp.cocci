// A queue pair may be parked, and may have a receive request to spare, or
// have told of its last one; its peer may have been told to come again.
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
+	bool			odp_last;
+	bool			odp_answered;
+	bool			odp_rnr;
+	bool			odp_rnr_waits;
+	u8			odp_rnr_timer;
+	u32			odp_rnr_psn;
+	unsigned int		odp_rnr_done;
+	unsigned long		odp_rnr_since;
  };
