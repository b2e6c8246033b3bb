// These kernels bind a window to anyone's region.
@@
identifier mw, mr, mr_lkey;
@@
  rxe_bind_mw(...)
  {
  	...
  	struct rxe_mw *mw;
  	<+...
- 	mr->lkey != mr_lkey
+	mr->lkey != mr_lkey || mr_pd(mr) != rxe_mw_pd(mw)
  	...+>
  }
