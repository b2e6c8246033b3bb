// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Touching the memory of on-demand regions. All of it runs in work queues and
 * may sleep, but waits for nobody: what is not to be had at once is told to the
 * caller with -EINPROGRESS, or RESPST_ERR_RNR.
 */
#include <linux/ioport.h>
#include <linux/libnvdimm.h>

#include "rxe.h"

/*
 * The callers tell -EFAULT, a local protection error or a NAK, from other
 * errors; why the engine could not get at the memory is for the log.
 */
static int rxe_odp_error(struct rxe_mr *mr, u64 iova, int err)
{
	if (!err || err == -EINPROGRESS)
		return err;
	ibdev_dbg_ratelimited(mr->ibmr.device,
			      "mr#%d: no access at iova %#llx, err = %d\n",
			      mr->elem.index, iova, err);
	return -EFAULT;
}

static int rxe_odp_copy_how(struct rxe_mr *mr, u64 iova, void *addr,
			    unsigned int length, enum rxe_mr_copy_dir dir,
			    unsigned int how)
{
	u64 va = rxe_odp_va(mr, iova);
	int err;

	how |= ODP_ACCESS_NOWAIT;
	if (dir == RXE_TO_MR_OBJ)
		err = odp_mirror_copy_in(mr->odp, va, addr, length, how);
	else
		err = odp_mirror_copy_out(mr->odp, va, addr, length, how);

	return rxe_odp_error(mr, iova, err);
}

/**
 * rxe_odp_copy - copy from or to an on-demand region for a peer
 * @mr: the region
 * @iova: where, checked to be in the region
 * @addr: what to copy, or where to
 * @length: in bytes
 * @dir: which way
 *
 * Return: 0; -EINPROGRESS, some of it having been copied; -EFAULT.
 */
int rxe_odp_copy(struct rxe_mr *mr, u64 iova, void *addr, unsigned int length,
		 enum rxe_mr_copy_dir dir)
{
	return rxe_odp_copy_how(mr, iova, addr, length, dir, 0);
}

/**
 * rxe_odp_copy_own - rxe_odp_copy_local(), for an on-demand region
 * @mr: the region
 * @iova: where
 * @addr: what to copy, or where to
 * @length: in bytes
 * @dir: which way
 *
 * Return: as rxe_odp_copy(); -EINVAL if it is not in the region.
 */
int rxe_odp_copy_own(struct rxe_mr *mr, u64 iova, void *addr,
		     unsigned int length, enum rxe_mr_copy_dir dir)
{
	int err;

	err = mr_check_range(mr, iova, length);
	if (err)
		return err;

	return rxe_odp_copy_how(mr, iova, addr, length, dir, ODP_ACCESS_LOCAL);
}

/* A naturally aligned u64 never leaves its page. */
static int rxe_odp_check_u64(struct rxe_mr *mr, u64 iova)
{
	if (mr->state != RXE_MR_STATE_VALID ||
	    mr_check_range(mr, iova, sizeof(u64)))
		return RESPST_ERR_RKEY_VIOLATION;
	if (!IS_ALIGNED(rxe_odp_va(mr, iova), sizeof(u64)))
		return RESPST_ERR_MISALIGNED_ATOMIC;
	return 0;
}

/* Eight bytes for a peer's operation. Returns 0 or one of enum resp_states. */
static int rxe_odp_visit_u64(struct rxe_mr *mr, u64 iova, odp_visit_fn fn,
			     void *arg)
{
	int err;

	err = rxe_odp_check_u64(mr, iova);
	if (err)
		return err;
	err = odp_mirror_visit(mr->odp, rxe_odp_va(mr, iova), sizeof(u64),
			       ODP_ACCESS_WRITE | ODP_ACCESS_NOWAIT |
			       ODP_ACCESS_ATOMIC, fn, arg);
	err = rxe_odp_error(mr, iova, err);
	if (err == -EINPROGRESS)
		return RESPST_ERR_RNR;
	return err ? RESPST_ERR_RKEY_VIOLATION : 0;
}

struct rxe_odp_atomic {
	int opcode;
	u64 compare;
	u64 swap_add;
	u64 orig;
};

/*
 * The lock keeps pinned regions' atomics out, which are not made of atomic
 * instructions; these are, so the CPUs' atomics are kept out as well.
 */
static int rxe_odp_atomic_fn(void *kaddr, size_t bytes, void *arg)
{
	struct rxe_odp_atomic *op = arg;
	atomic64_t *v = kaddr;

	spin_lock_bh(&atomic_ops_lock);
	if (op->opcode == IB_OPCODE_RC_COMPARE_SWAP)
		op->orig = atomic64_cmpxchg(v, op->compare, op->swap_add);
	else
		op->orig = atomic64_fetch_add(op->swap_add, v);
	spin_unlock_bh(&atomic_ops_lock);

	return 0;
}

/**
 * rxe_odp_atomic - compare and swap, or fetch and add
 * @mr: the region
 * @iova: where
 * @opcode: IB_OPCODE_RC_COMPARE_SWAP or IB_OPCODE_RC_FETCH_ADD
 * @compare: swap if this is there
 * @swap_add: what to put there or add
 * @orig_val: what was there is put here
 *
 * Return: 0 or one of enum resp_states.
 */
int rxe_odp_atomic(struct rxe_mr *mr, u64 iova, int opcode, u64 compare,
		   u64 swap_add, u64 *orig_val)
{
	struct rxe_odp_atomic op = {
		.opcode = opcode,
		.compare = compare,
		.swap_add = swap_add,
	};
	int err;

	err = rxe_odp_visit_u64(mr, iova, rxe_odp_atomic_fn, &op);
	if (!err)
		*orig_val = op.orig;

	return err;
}

static int rxe_odp_atomic_write_fn(void *kaddr, size_t bytes, void *arg)
{
	u64 *value = arg;

	/* After all that the peer wrote before. */
	smp_store_release((u64 *)kaddr, *value);

	return 0;
}

/**
 * rxe_odp_atomic_write - write eight bytes at once
 * @mr: the region
 * @iova: where
 * @value: what
 *
 * Return: 0 or one of enum resp_states.
 */
int rxe_odp_atomic_write(struct rxe_mr *mr, u64 iova, u64 value)
{
	return rxe_odp_visit_u64(mr, iova, rxe_odp_atomic_write_fn, &value);
}

static int rxe_odp_flush_fn(void *kaddr, size_t bytes, void *arg)
{
	if (!virt_addr_valid(kaddr) ||
	    region_intersects(virt_to_phys(kaddr), bytes, IORESOURCE_MEM,
			      IORES_DESC_PERSISTENT_MEMORY) !=
	    REGION_INTERSECTS)
		return -EINVAL;
	arch_wb_cache_pmem(kaddr, bytes);

	return 0;
}

struct rxe_odp_flush {
	struct rxe_qp *qp;
	struct rxe_mr *mr;
	u64 iova;
};

/* Whoever destroys or resets the queue pair waits for what it is at. */
static bool rxe_odp_flush_stops(const struct rxe_qp *qp)
{
	return READ_ONCE(qp->recv_task.state) == TASK_STATE_DRAINING;
}

/* In steps, as a peer can ask for very much. */
static int rxe_odp_flush_range(struct rxe_qp *qp, struct rxe_mr *mr, u64 va,
			       u64 length)
{
	u64 bytes;
	int err;

	for (; length; va += bytes, length -= bytes) {
		if (rxe_odp_flush_stops(qp))
			return -EINTR;
		bytes = min(length, SZ_2M - (va & (SZ_2M - 1)));
		err = odp_mirror_visit(mr->odp, va, bytes, ODP_ACCESS_NOWAIT,
				       rxe_odp_flush_fn, NULL);
		if (err)
			return err;
		cond_resched();
	}

	return 0;
}

/* Flush a run of pages of the same state, unless there is nothing there. */
static int rxe_odp_flush_run(u64 npages, unsigned int state, void *arg)
{
	struct rxe_odp_flush *flush = arg;
	struct rxe_mr *mr = flush->mr;
	u64 end = mr->ibmr.iova + mr->ibmr.length;
	u64 va = rxe_odp_va(mr, flush->iova), length;
	int err = 0;

	length = (npages << PAGE_SHIFT) - offset_in_page(va);
	length = min(length, end - flush->iova);
	if (state)
		err = rxe_odp_flush_range(flush->qp, mr, va, length);
	else if (rxe_odp_flush_stops(flush->qp))
		err = -EINTR;
	flush->iova += length;

	return err;
}

/* What is there of a region, if all that may come is persistent memory. */
static int rxe_odp_flush_mr(struct rxe_qp *qp, struct rxe_mr *mr, u64 va,
			    u64 length)
{
	struct rxe_odp_flush flush = {
		.qp = qp,
		.mr = mr,
		.iova = mr->ibmr.iova,
	};

	length = min(length, TASK_SIZE_MAX - va);

	return odp_mirror_check_dax(mr->odp, va, length) ?:
	       odp_mirror_report(mr->odp, va, length, ODP_ACCESS_NOWAIT,
				 rxe_odp_flush_run, &flush);
}

/**
 * rxe_odp_flush - make what was written to a region persistent
 * @qp: the queue pair that answers
 * @mr: the region
 * @iova: where
 * @length: in bytes
 *
 * A range is flushed if all of it is persistent memory, which a pinned region
 * must be to be registered for it. Of the whole region, which may be mostly
 * holes, what is there is; but then nothing else may be mapped in it. It is
 * found out before anything is walked: what is not there may be in swap, and a
 * peer must not get long work done by a packet that is refused in the end.
 *
 * Return: 0; -EINPROGRESS, some of it having been done; -EFAULT.
 */
int rxe_odp_flush(struct rxe_qp *qp, struct rxe_mr *mr, u64 iova, u64 length)
{
	u64 va;
	int err;

	if (!length)
		return 0;
	err = mr_check_range(mr, iova, length);
	if (err)
		return err;

	va = rxe_odp_va(mr, iova);
	if (iova == mr->ibmr.iova && length == mr->ibmr.length)
		err = rxe_odp_flush_mr(qp, mr, va, length);
	else
		err = rxe_odp_flush_range(qp, mr, va, length);

	return rxe_odp_error(mr, iova, err);
}
