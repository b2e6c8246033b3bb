// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
@ fault @
identifier user_va;
@@
+/* Where in the process's memory that is which a peer calls @iova. */
+static u64 rxe_odp_iova_to_va(const struct rxe_mr *mr, u64 iova)
+{
+	return iova - mr->ibmr.iova + mr->umem->address;
+}
+
 static int rxe_odp_do_pagefault_and_lock(struct rxe_mr *mr,
-					 u64 user_va,
+					 u64 iova,
 					 int bcnt, u32 flags)
 {
 	<...
 	ib_umem_odp_map_dma_and_lock(umem_odp,
-				     user_va,
+				     rxe_odp_iova_to_va(mr, iova),
 				     ...)
 	...>
 }

@ whole @
expression mr;
@@
 rxe_odp_do_pagefault_and_lock(mr,
-			       mr->umem->address,
+			       mr->ibmr.iova,
 			       ...)

@ look @
@@
 rxe_check_pagefault(struct ib_umem_odp *umem_odp,
 		    u64 iova,
 		    int length, bool write)
 {
+	u64 va = rxe_odp_iova_to_va(umem_odp->private, iova);
 	bool need_fault = false;
 	<...
-	iova
+	va
 	...>
 }

@ index @
@@
 rxe_odp_iova_to_index(struct ib_umem_odp *umem_odp, u64 iova)
 {
-	return (iova - ib_umem_start(umem_odp)) >> umem_odp->page_shift;
+	u64 va = rxe_odp_iova_to_va(umem_odp->private, iova);
+
+	return (va - ib_umem_start(umem_odp)) >> umem_odp->page_shift;
 }
