// The in-tree ODP goes: registration.
@@
expression access;
statement S1, S2;
@@
- if (access & IB_ACCESS_ON_DEMAND) S1 else
  S2
