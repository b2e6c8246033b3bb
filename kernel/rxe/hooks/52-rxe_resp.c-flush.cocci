// Flush: here, where the length still has 64 bits.
@@
expression mr, start, length;
@@
- rxe_flush_pmem_iova(mr, start, length)
+ (rxe_mr_is_odp(mr) ? rxe_odp_flush(mr, start, length) : rxe_flush_pmem_iova(mr, start, length))
