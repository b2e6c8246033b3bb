// Change of access.
@@
expression err, mr, flags, access;
@@
+	if (rxe_mr_is_odp(mr))
+		err = rxe_odp_mr_check_rereg(mr, flags, access);
+	else
  	err = ib_umem_check_rereg(mr->umem, flags, access);
