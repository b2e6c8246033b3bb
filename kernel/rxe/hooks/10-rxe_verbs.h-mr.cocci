// A memory region may have a mirror.
@@
@@
  struct rxe_mr {
  	...
  	struct ib_umem *umem;
+	struct odp_mirror *odp;
+	u64 odp_shift;
  	...
  };
