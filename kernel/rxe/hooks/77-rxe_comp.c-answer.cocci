// An ACK brings nothing that a read or an atomic operation asks for: a responder that sees an old request again sends
// one of all that it has done, whose answers may be lost. Amid them, nor is one of a packet before anything new.
@@
identifier qp, pkt, wqe;
@@
  check_ack(struct rxe_qp *qp, struct rxe_pkt_info *pkt, struct rxe_send_wqe *wqe)
  {
  	<+...
+	if (wqe->mask & WR_ATOMIC_OR_READ_MASK)
+		return COMPST_DONE;
  	reset_retry_counters(qp);
  	return COMPST_WRITE_SEND;
  	...+>
  }

// A last response that leaves some of it out is none.
@@
identifier qp, pkt, wqe;
@@
  do_read(struct rxe_qp *qp, struct rxe_pkt_info *pkt, struct rxe_send_wqe *wqe)
  {
  	<...
- 	if (wqe->dma.resid == 0 && (pkt->mask & RXE_END_MASK))
- 		return COMPST_COMP_ACK;
+	if (pkt->mask & RXE_END_MASK)
+		return wqe->dma.resid ? COMPST_ERROR : COMPST_COMP_ACK;
  	...>
  }

// What does not fit ends in an error. What has no status of its own would be a success.
@@
expression wqe;
@@
- WARN_ON_ONCE(wqe->status == IB_WC_SUCCESS);
+ if (wqe->status == IB_WC_SUCCESS)
+ 	wqe->status = IB_WC_BAD_RESP_ERR;
