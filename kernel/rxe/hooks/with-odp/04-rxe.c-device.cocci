// The in-tree ODP goes: capabilities and prefetch.
@@
statement S;
@@
- if (IS_ENABLED(CONFIG_INFINIBAND_ON_DEMAND_PAGING)) S

@@
identifier ops;
@@
- static const struct ib_device_ops ops = {
- 	.advise_mr = rxe_ib_advise_mr,
- };
