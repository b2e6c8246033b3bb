// A region's end.
@@
identifier mr;
@@
  rxe_mr_cleanup(...)
  {
  	...
+	rxe_odp_mr_cleanup(mr);
  	ib_umem_release(mr->umem);
  	...
  }
