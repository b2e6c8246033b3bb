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
+	if (rxe_mr_is_odp(mr) &&
+	    !((pkt->mask & RXE_FLUSH_MASK) && feth_sel(pkt) == IB_FLUSH_MR) &&
+	    !rxe_odp_mw_covers(mw, qp->resp.va + qp->resp.offset,
+			       qp->resp.resid)) {
+		mr = NULL;
+		state = RESPST_ERR_RKEY_VIOLATION;
+		goto err;
+	}
  	rxe_get(mr);
  	...+>
  }
