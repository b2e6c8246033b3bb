// From the module's beginning to its end, devices that go end their faults.
@@
@@
  rxe_alloc_wq(void)
  {
  	...
-	return 0;
+	if (!rxe_odp_client_register())
+		return 0;
+	destroy_workqueue(rxe_wq);
+
+	return -ENOMEM;
  }

@@
@@
  rxe_destroy_wq(void)
  {
+	rxe_odp_client_unregister();
  	...
  }
