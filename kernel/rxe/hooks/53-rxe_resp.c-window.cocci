// A memory window over an on-demand region bounds what its peer can reach.
@@
identifier qp, pkt, mw, mr;
expression E;
@@
  check_rkey(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<+...
  	if (mw->access & IB_ZERO_BASED)
  		qp->resp.offset = E;
+	if (!rxe_odp_mw_allows(mw, mr, qp, pkt)) {
+		mr = NULL;
+		state = RESPST_ERR_RKEY_VIOLATION;
+		goto err;
+	}
  	rxe_get(mr);
  	...+>
  }
