// Atomic write.
@@
expression err, mr, iova, value;
@@
-	err = rxe_mr_do_atomic_write(mr, iova, value);
+	if (rxe_mr_is_odp(mr))
+		err = rxe_odp_atomic_write(mr, iova, value);
+	else
+		err = rxe_mr_do_atomic_write(mr, iova, value);
+	if (err == RESPST_ERR_RNR)
+		return rxe_odp_resp_again(qp, pkt, mr);
