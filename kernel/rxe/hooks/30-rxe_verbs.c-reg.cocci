// Registration.
@@
identifier start, length, iova, access;
expression err, mr, rxe;
@@
  rxe_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length, u64 iova, int access, ...)
  {
  	...
-	err = rxe_mr_init_user(rxe, start, length, access, mr);
+	if (access & IB_ACCESS_ON_DEMAND)
+		err = rxe_odp_mr_init(start, length, iova, access, mr);
+	else
+		err = rxe_mr_init_user(rxe, start, length, access, mr);
  	...
  }
