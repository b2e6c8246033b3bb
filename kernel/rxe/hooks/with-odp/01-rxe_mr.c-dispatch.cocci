// The in-tree ODP goes: data and flush.
@@
expression mr;
statement S1, S2;
@@
- if (is_odp_mr(mr)) S1 else
  S2
