// The engine counts them.
@@
identifier dev, stats;
expression E;
@@
  rxe_ib_get_hw_stats(..., struct rdma_hw_stats *stats, ...)
  {
  	...
  	struct rxe_dev *dev = E;
  	...
+	rxe_odp_get_hw_stats(dev, stats);
  	return ARRAY_SIZE(rxe_counter_descs);
  }
