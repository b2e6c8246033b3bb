// RXE_ODP decides what becomes of a registration.
@@
identifier vmr, access;
@@
  rxe_reg_mr(..., int access)
  {
  	...
+	if (rxe_odp_access(&access))
+		return NULL;
  	vmr = calloc(...);
  	...
  }
