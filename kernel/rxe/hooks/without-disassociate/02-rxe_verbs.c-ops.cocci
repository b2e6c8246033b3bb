// A device that goes does not wait for those who have it open: uverbs takes
// their objects away, and rxe has nothing to add.
@@
initializer list others;
@@
+ static void rxe_disassociate_ucontext(struct ib_ucontext *ibuc)
+ {
+ }
+
  static const struct ib_device_ops rxe_dev_ops = {
  	others,
+	.disassociate_ucontext = rxe_disassociate_ucontext,
  };
