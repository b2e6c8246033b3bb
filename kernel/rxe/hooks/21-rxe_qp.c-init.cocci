// A new queue pair.
@@
expression list args;
identifier qp;
@@
  rxe_qp_from_init(struct rxe_dev *rxe, struct rxe_qp *qp, ...)
  {
  	...
  	rxe_qp_init_misc(args);
+	rxe_odp_init_qp(qp);
  	...
  }
