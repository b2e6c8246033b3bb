// READ from a page that takes time, at any packet of the answer.
@@
identifier qp, pkt, mr, skb, state;
expression list args;
expression err;
@@
  read_reply(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<...
  	struct sk_buff *skb;
  	...
  	enum resp_states state;
  	...
  	err = rxe_mr_copy(mr, args);
+	if (err == -EINPROGRESS) {
+		kfree_skb(skb);
+		state = rxe_odp_resp_again(qp, pkt, mr);
+		goto err_out;
+	}
  	...>
  }
