// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
@ flush @
expression mr, pd, sg_list, i;
@@
 rxe_ib_prefetch_sg_list(...)
 {
 	<...
 	if (!mr) { ... }
+	if (!mr->umem || !mr->umem->is_odp) {
+		rxe_dbg_mr(mr, "not on demand\n");
+		rxe_put(mr);
+		return -EINVAL;
+	}
 	...>
 }

@ later @
identifier mr, err;
@@
 rxe_ib_advise_mr_prefetch(...)
 {
 	<...
 	if (!mr) {
 		mr = ERR_PTR(-EINVAL);
 		goto err;
 	}
+	if (!mr->umem || !mr->umem->is_odp) {
+		rxe_put(mr);
+		mr = ERR_PTR(-EINVAL);
+		goto err;
+	}
 	...>
 }
