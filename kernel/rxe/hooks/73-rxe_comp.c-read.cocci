// A response whose place is on its way is dropped, and asked for again.
@@
identifier qp, pkt, wqe;
expression list args;
expression ret;
@@
  do_read(struct rxe_qp *qp, struct rxe_pkt_info *pkt, struct rxe_send_wqe *wqe)
  {
  	<...
  	ret = copy_data(args);
+	if (ret == -EINPROGRESS) {
+		rxe_odp_park_response(qp, wqe, payload_size(pkt));
+		return COMPST_DONE;
+	}
  	...>
  }
