// Before a long message is begun: are its pages there?
@@
identifier qp, pkt, mr;
@@
  check_rkey(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<...
  	qp->resp.mr = mr;
- 	return RESPST_EXECUTE;
+	return rxe_odp_resp_ready(qp, pkt);
  	...>
  }
