// SEND into a page that takes time,
@@
identifier qp;
expression list args;
expression err;
@@
  send_data_in(struct rxe_qp *qp, ...)
  {
  	<...
  	err = copy_data(args);
+	if (err == -EINPROGRESS)
+		return RESPST_ERR_RNR;
  	...>
  }
