// From the module's beginning to its end, devices that go end their faults.
@@
@@
  rxe_alloc_wq(void)
  {
  	...
-	return 0;
+	int err = rxe_odp_client_register();
+
+	if (err)
+		destroy_workqueue(rxe_wq);
+	return err;
  }

@@
@@
  rxe_destroy_wq(void)
  {
+	rxe_odp_client_unregister();
  	...
  }
