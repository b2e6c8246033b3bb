// Packets that wait for the responder take a bounded amount of memory.
@@
identifier qp, skb;
@@
  rxe_resp_queue_pkt(struct rxe_qp *qp, struct sk_buff *skb)
  {
+	if (rxe_odp_resp_full(qp, skb))
+		return;
  	...
  }
