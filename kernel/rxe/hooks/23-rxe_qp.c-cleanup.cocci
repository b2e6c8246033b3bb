// The same at its end.
@@
identifier qp;
expression E;
@@
  rxe_qp_do_cleanup(...)
  {
  	...
  	struct rxe_qp *qp = E;
  	...
  	qp->qp_timeout_jiffies = 0;
+	rxe_odp_unpark(qp);
  	...
  }
