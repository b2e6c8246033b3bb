// A window ends where its region does, also if the sum wraps around. With all
// places that parentheses could have, spatch takes half a minute.
@ disable paren @
identifier mr;
expression A, L;
@@
- (A < mr->ibmr.iova) || ((A + L) > (mr->ibmr.iova + mr->ibmr.length))
+ mr_check_range(mr, A, L)
