// Compare and swap, fetch and add.
@@
expression err, mr, iova;
expression list rest;
@@
-	err = rxe_mr_do_atomic_op(mr, iova, rest);
+	if (rxe_mr_is_odp(mr))
+		err = rxe_odp_atomic(mr, iova, rest);
+	else
+		err = rxe_mr_do_atomic_op(mr, iova, rest);
+	if (err == RESPST_ERR_RNR)
+		return rxe_odp_resp_again(qp, pkt, mr);
