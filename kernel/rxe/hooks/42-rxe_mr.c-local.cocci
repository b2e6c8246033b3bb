// What a work request's data is in counts as local. When it cannot be had at
// once, the work request stays where it was.
@@
identifier dma, sge;
expression list args;
expression err, E;
@@
  copy_data(..., struct rxe_dma_info *dma, ...)
  {
  	...
  	struct rxe_sge *sge = E;
+	u32 odp_cur_sge = dma->cur_sge;
  	<...
- 	err = rxe_mr_copy(args);
+	err = rxe_odp_copy_local(args);
+	if (err == -EINPROGRESS)
+		dma->cur_sge = odp_cur_sge;
  	...>
  }
