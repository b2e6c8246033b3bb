// Flush: here, where the length still has 64 bits.
@@
identifier qp, pkt;
expression mr, start, length;
statement S;
@@
  process_flush(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
+	int err;
  	<+...
- 	if (rxe_flush_pmem_iova(mr, start, length))
+	if (rxe_mr_is_odp(mr))
+		err = rxe_odp_flush(qp, mr, start, length);
+	else
+		err = rxe_flush_pmem_iova(mr, start, length);
+	if (err == -EINPROGRESS)
+		return rxe_odp_resp_again(qp, pkt, mr);
+	if (err)
  		S
  	...+>
  }
