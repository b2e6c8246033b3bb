// An atomic write or a flush that is sent again goes where it went, not to 0. With
// all places that parentheses could have, spatch takes a minute and 1.5 GB.
@ disable paren @
expression mask, wqe, atomic, rdma;
@@
  wqe->iova = (mask & WR_ATOMIC_MASK) ? atomic :
  	(mask & WR_READ_OR_WRITE_MASK) ? rdma :
- 	0
+ 	rxe_odp_again_iova(wqe, mask)
  ;
