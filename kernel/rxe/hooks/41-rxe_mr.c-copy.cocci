// SEND, RECV, WRITE, READ: all data that moves.
@@
expression mr, iova, addr, length, dir;
@@
+	if (rxe_mr_is_odp(mr))
+		return rxe_odp_copy(mr, iova, addr, length, dir);
  	return rxe_mr_copy_xarray(mr, iova, addr, length, dir);
