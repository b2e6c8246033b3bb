// Capabilities and verbs of on-demand regions.
@@
identifier rxe;
expression E;
@@
  rxe_init_device_param(struct rxe_dev *rxe, ...)
  {
  	...
  	rxe->max_ucontext = E;
+	rxe_odp_init_device(rxe);
  	...
  }
