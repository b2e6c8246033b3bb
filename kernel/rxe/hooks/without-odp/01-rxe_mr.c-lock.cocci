// Atomics of pinned and of on-demand regions exclude each other.
@@
declarer name DEFINE_SPINLOCK;
@@
- static DEFINE_SPINLOCK(atomic_ops_lock);
+ DEFINE_SPINLOCK(atomic_ops_lock);
