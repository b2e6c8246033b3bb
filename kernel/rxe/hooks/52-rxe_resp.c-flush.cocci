// Flush: here, where the length still has 64 bits.
@@
identifier qp, pkt;
expression mr, start, length;
@@
  process_flush(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
  {
  	<+...
- 	rxe_flush_pmem_iova(mr, start, length)
+	(rxe_mr_is_odp(mr) ? rxe_odp_flush(qp, mr, start, length) : rxe_flush_pmem_iova(mr, start, length))
  	...+>
  }
