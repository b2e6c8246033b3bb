// WRITE into a page that takes time: the peer comes again.
@@
identifier qp, pkt;
expression list args;
expression err;
@@
  write_data_in(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<...
  	err = rxe_mr_copy(args);
+	if (err == -EINPROGRESS)
+		return rxe_odp_resp_again(qp, pkt, qp->resp.mr);
  	...>
  }
