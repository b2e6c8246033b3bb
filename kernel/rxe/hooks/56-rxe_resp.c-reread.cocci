// A read that goes on, or is done again, needs the rights that a new one needs.
// Stock rxe looks at the key only.
@@
identifier qp, req_pkt, res;
@@
  read_reply(struct rxe_qp *qp, struct rxe_pkt_info *req_pkt)
  {
  	<+...
- 	rxe_recheck_mr(qp, res->read.rkey)
+	rxe_odp_recheck_read(qp, res)
  	...+>
  }

@@
identifier qp, rkey;
@@
- static struct rxe_mr *rxe_recheck_mr(struct rxe_qp *qp, u32 rkey)
- {
- 	...
- }

// One of no bytes has no region, whatever the request before it was.
@@
identifier qp, req_pkt, res;
@@
  read_reply(struct rxe_qp *qp, struct rxe_pkt_info *req_pkt)
  {
  	<+...
- 	!res->replay || qp->resp.length == 0
+	!res->replay || res->read.length == 0
  	...+>
  }
