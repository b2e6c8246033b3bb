// A region that goes must not wait for faults.
@@
expression err;
identifier mr;
@@
  rxe_dereg_mr(...)
  {
  	...
+	rxe_odp_mr_kill(mr);
  	err = rxe_cleanup(mr);
  	...
  }
