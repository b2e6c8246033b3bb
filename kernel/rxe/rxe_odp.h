/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * On-demand paging for rxe: what rxe's own files call.
 */
#ifndef RXE_ODP_H
#define RXE_ODP_H

#include <rdma/odp_events.h>
#include <rdma/odp_mirror.h>
#include <rdma/rxe_odp_abi.h>
#include <rdma/uverbs_ioctl.h>

extern spinlock_t atomic_ops_lock;
extern const struct uapi_definition rxe_odp_uapi_defs[];
extern const struct uapi_definition rxe_odp_events_defs[];

/* rxe_loc.h of an older 6.12 does not say so. */
void rxe_mr_init(int access, struct rxe_mr *mr);

/* Is this memory region an on-demand one? */
static inline bool rxe_mr_is_odp(const struct rxe_mr *mr)
{
	return mr->odp;
}

/*
 * May a region be registered with these flags? That its memory is of huge pages
 * is a hint that pinned regions do not take. On-demand ones find out for
 * themselves.
 */
static inline bool rxe_odp_access_ok(int access)
{
	if (access & IB_ACCESS_ON_DEMAND)
		access &= ~IB_ACCESS_HUGETLB;
	return !(access & ~RXE_ACCESS_SUPPORTED_MR);
}

/*
 * The virtual address of an iova, which mr_check_range() has found to be in
 * the region. This is the one place where the one becomes the other.
 */
static inline u64 rxe_odp_va(const struct rxe_mr *mr, u64 iova)
{
	return iova + mr->odp_shift;
}

/* odp_client.c */
int rxe_odp_client_register(void);
void rxe_odp_client_unregister(void);

/* odp_mr.c */
void rxe_odp_init_device(struct rxe_dev *rxe);
int rxe_odp_mr_init(u64 start, u64 length, u64 iova, int access,
		    struct rxe_mr *mr);
int rxe_odp_mr_check_rereg(const struct rxe_mr *mr, int flags, int access);
void rxe_odp_mr_set_access(struct rxe_mr *mr);
void rxe_odp_mr_kill(struct rxe_mr *mr);
void rxe_odp_mr_cleanup(struct rxe_mr *mr);
bool rxe_odp_mw_allows(const struct rxe_mw *mw, const struct rxe_mr *mr,
		       const struct rxe_qp *qp, struct rxe_pkt_info *pkt);
struct rxe_mr *rxe_odp_recheck_read(struct rxe_qp *qp,
				    const struct resp_res *res);

/* odp_access.c */
int rxe_odp_copy(struct rxe_mr *mr, u64 iova, void *addr, unsigned int length,
		 enum rxe_mr_copy_dir dir);
int rxe_odp_copy_own(struct rxe_mr *mr, u64 iova, void *addr,
		     unsigned int length, enum rxe_mr_copy_dir dir);
int rxe_odp_atomic(struct rxe_mr *mr, u64 iova, int opcode, u64 compare,
		   u64 swap_add, u64 *orig_val);
int rxe_odp_atomic_write(struct rxe_mr *mr, u64 iova, u64 value);
int rxe_odp_flush(struct rxe_qp *qp, struct rxe_mr *mr, u64 iova, u64 length);

/**
 * rxe_odp_copy_local - copy from or to any region for its owner's work request
 * @mr: the region, on-demand or not
 * @iova: where
 * @addr: what to copy, or where to
 * @length: in bytes
 * @dir: which way
 *
 * Return: as rxe_odp_copy(), or an error of rxe_mr_copy().
 */
static inline int rxe_odp_copy_local(struct rxe_mr *mr, u64 iova, void *addr,
				     unsigned int length,
				     enum rxe_mr_copy_dir dir)
{
	if (rxe_mr_is_odp(mr))
		return rxe_odp_copy_own(mr, iova, addr, length, dir);
	return rxe_mr_copy(mr, iova, addr, length, dir);
}

/* odp_req.c */
void rxe_odp_init_qp(struct rxe_qp *qp);
struct rxe_mr *rxe_odp_dma_mr(struct rxe_pd *pd, int access,
			      const struct rxe_dma_info *dma, u32 max_sge,
			      u64 *iova);
void rxe_odp_unpark(struct rxe_qp *qp);
bool rxe_odp_park_send(struct rxe_qp *qp, struct rxe_send_wqe *wqe, u32 length);
bool rxe_odp_park_read(struct rxe_qp *qp, struct rxe_send_wqe *wqe);
void rxe_odp_park_response(struct rxe_qp *qp, struct rxe_send_wqe *wqe,
			   u32 length);
void rxe_odp_rnr_acks(struct rxe_qp *qp, const struct rxe_pkt_info *pkt,
		      const struct rxe_send_wqe *wqe);
void rxe_odp_retried(struct rxe_qp *qp);
u64 rxe_odp_again_iova(const struct rxe_send_wqe *wqe, unsigned int mask);

bool rxe_odp_is_patient(struct rxe_qp *qp);

/* odp_advise.c */
int rxe_odp_advise_mr(struct ib_pd *pd, enum ib_uverbs_advise_mr_advice advice,
		      u32 flags, struct ib_sge *sg_list, u32 num_sge,
		      struct uverbs_attr_bundle *attrs);
int rxe_odp_prefetch_notify(struct ib_pd *pd,
			    enum ib_uverbs_advise_mr_advice advice,
			    const struct rxe_odp_prefetch *prefetch,
			    struct odp_events *events);

/* odp_rights.c */
bool rxe_odp_may_look(const struct rxe_mr *mr);
bool rxe_odp_may_see_place(const struct sk_buff *msg, const struct rxe_mr *mr);

/* odp_nl.c */
int rxe_odp_fill_res_mr(struct sk_buff *msg, struct ib_mr *ibmr);
int rxe_odp_fill_stat_mr(struct sk_buff *msg, struct ib_mr *ibmr);
void rxe_odp_get_hw_stats(struct rxe_dev *rxe, struct rdma_hw_stats *hw);

#endif /* RXE_ODP_H */
