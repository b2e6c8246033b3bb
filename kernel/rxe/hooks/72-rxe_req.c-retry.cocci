// A new beginning.
@@
identifier qp;
@@
  req_retry(qp);
+ rxe_odp_retried(qp);
