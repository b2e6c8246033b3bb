// Change of access: may it be, and, where rxe refuses it no more, make it.
@@
expression err, mr, flags, access;
@@
- 	err = ib_umem_check_rereg(mr->umem, flags, access);
+ 	err = rxe_odp_mr_check_rereg(mr, flags, access);

@@
identifier mr, flags, access;
@@
  rxe_rereg_user_mr(struct ib_mr *ibmr, int flags, u64 start, u64 length, u64 iova, int access, ...)
  {
  	...
- 	if (flags & IB_MR_REREG_ACCESS)
+ 	if (flags & IB_MR_REREG_ACCESS) {
  		mr->access = access;
+ 		rxe_odp_mr_set_access(mr);
+ 	}
  	...
  }
