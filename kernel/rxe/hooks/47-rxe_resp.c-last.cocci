// A queue pair's last receive request has gone once, however often it is flushed.
@@
identifier qp, notify;
@@
  flush_recv_queue(struct rxe_qp *qp, bool notify)
  {
  	<...
- 	notify && qp->ibqp.event_handler
+ 	notify && qp->ibqp.event_handler && rxe_odp_resp_last(qp)
  	...>
  }
