// A shared receive request that was not used up is the next message's.
@@
identifier qp;
@@
- get_srq_wqe(qp)
+ rxe_odp_resp_kept(qp) ? RESPST_CHK_LENGTH : get_srq_wqe(qp)
