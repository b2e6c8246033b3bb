// The longer a page takes, the later the peer is to come again.
@@
identifier qp;
@@
  rxe_receiver(struct rxe_qp *qp)
  {
  	<+...
- 	qp->attr.min_rnr_timer
+	rxe_odp_rnr_timer(qp)
  	...+>
  }
