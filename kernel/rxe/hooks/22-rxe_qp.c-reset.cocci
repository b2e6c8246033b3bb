// A queue pair that is reset or goes waits for no page.
@@
identifier qp;
@@
  rxe_qp_reset(struct rxe_qp *qp)
  {
  	...
  	rxe_disable_task(&qp->send_task);
+	rxe_odp_unpark(qp);
  	...
  }
