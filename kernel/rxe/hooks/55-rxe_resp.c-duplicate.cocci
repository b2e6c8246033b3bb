// A request that comes again is the one that it says it is.
@@
identifier qp, pkt, type;
expression res;
@@
  rxe_prepare_res(struct rxe_qp *qp, struct rxe_pkt_info *pkt, int type)
  {
  	<+...
  	res->flush.level = feth_sel(pkt);
+	res->first_psn = pkt->psn;
+	res->last_psn = pkt->psn;
+	res->cur_psn = pkt->psn;
  	...+>
  }

@@
identifier qp, pkt, res;
@@
  duplicate_request(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<+...
  	res = find_resource(qp, pkt->psn);
+	if (res && !(res->type & pkt->mask))
+		res = NULL;
  	...+>
  }

// And a read stays in what was first asked for.
@@
identifier qp, pkt, res, iova, resid;
@@
  duplicate_request(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<+...
- 	(iova + resid) > (res->read.va_org + res->read.length)
+	iova - res->read.va_org > res->read.length - resid
  	...+>
  }

@@
identifier qp, pkt, res, iova;
@@
  duplicate_request(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<+...
- 	res->read.va_org = iova;
  	...+>
  }
