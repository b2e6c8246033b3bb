// 6.12 before its summer of 2026: the glue begins regions, too, and what ends one looks at its list of pages.
@@
identifier access, mr;
@@
- static
  void rxe_mr_init(int access, struct rxe_mr *mr)
  {
  ...
+	xa_init(&mr->page_list);
  }
