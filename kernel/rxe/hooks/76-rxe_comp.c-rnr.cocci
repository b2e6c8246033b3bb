// An RNR NAK is an ACK of all before.
@@
identifier rxe, qp, pkt, wqe;
@@
  check_ack(struct rxe_qp *qp, struct rxe_pkt_info *pkt, struct rxe_send_wqe *wqe)
  {
  	<...
  	rxe_counter_inc(rxe, RXE_CNT_RCV_RNR);
+	rxe_odp_rnr_acks(qp, pkt, wqe);
  	...>
  }
