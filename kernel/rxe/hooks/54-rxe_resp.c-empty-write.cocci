// A write of no bytes that carries some: stock rxe warns, which a peer must
// not be able to make it do.
@@
identifier qp, pkt, data_len;
@@
  write_data_in(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	...
  	int data_len = payload_size(pkt);
+
+	if (data_len && !qp->resp.mr)
+		return RESPST_ERR_LENGTH;
  	...
  }
