// On-demand regions may be registered with more access flags than pinned ones.
@@
identifier access;
statement S;
@@
  rxe_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length, u64 iova, int access, ...)
  {
  	...
- 	if (access & ~RXE_ACCESS_SUPPORTED_MR)
+ 	if (!rxe_odp_access_ok(access))
  		S
  	...
  }
