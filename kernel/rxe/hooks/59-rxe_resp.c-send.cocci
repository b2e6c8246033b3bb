// and what becomes of it.
@@
identifier qp, pkt;
expression list args;
expression err;
@@
  execute(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<...
  	err = send_data_in(args);
+	if (err == RESPST_ERR_RNR)
+		return rxe_odp_resp_again_send(qp, pkt);
  	...>
  }
