// Nor is data asked for whose place is on its way.
@@
identifier qp, wqe;
@@
  if (check_init_depth(qp, wqe))
  	goto exit;
+ if (rxe_odp_park_read(qp, wqe))
+ 	goto exit;
