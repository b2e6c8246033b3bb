// Who is told to wait is not to count the time.
@@
expression qp, wqe;
@@
- qp->comp.timeout_retry && wqe
+ qp->comp.timeout_retry && wqe && !rxe_odp_is_patient(qp)
