// The verbs of on-demand regions.
@@
expression context;
@@
  verbs_set_ops(&context->ibv_ctx, &rxe_ctx_ops);
+ rxe_odp_set_ops(&context->ibv_ctx);
