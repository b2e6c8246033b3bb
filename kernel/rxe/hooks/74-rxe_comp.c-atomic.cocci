// The same for what an atomic operation returns.
@@
identifier qp, pkt, wqe;
expression list args;
expression ret;
@@
  do_atomic(struct rxe_qp *qp, struct rxe_pkt_info *pkt, struct rxe_send_wqe *wqe)
  {
  	<...
  	ret = copy_data(args);
+	if (ret == -EINPROGRESS) {
+		rxe_odp_park_response(qp, wqe, sizeof(u64));
+		return COMPST_DONE;
+	}
  	...>
  }
