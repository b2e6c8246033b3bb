// A work request whose data is on its way is parked.
@@
identifier qp, wqe, pkt, skb, payload;
expression err, av;
@@
  err = finish_packet(qp, av, wqe, &pkt, skb, payload);
+ if (err == -EINPROGRESS) {
+ 	kfree_skb(skb);
+ 	if (ah)
+ 		rxe_put(ah);
+ 	if (rxe_odp_park_send(qp, wqe, payload))
+ 		goto exit;
+ 	goto done;
+ }
