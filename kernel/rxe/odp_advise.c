// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Prefetch: ibv_advise_mr(3) for on-demand regions.
 */
#include "rxe.h"

/* What is left to do when the caller does not wait. */
struct rxe_odp_prefetch {
	struct work_struct work;
	enum odp_prefetch how;
	u32 num_sge;
	struct rxe_odp_prefetch_sge {
		struct rxe_mr *mr;
		u64 va;
		u64 length;
	} sge[] __counted_by(num_sge);
};

static void rxe_odp_prefetch_free(struct rxe_odp_prefetch *prefetch)
{
	u32 i;

	for (i = 0; i < prefetch->num_sge && prefetch->sge[i].mr; i++)
		rxe_put(prefetch->sge[i].mr);
	kvfree(prefetch);
}

/* Every region is asked, and the first error is the answer. */
static int rxe_odp_prefetch_run(struct rxe_odp_prefetch *prefetch)
{
	struct rxe_odp_prefetch_sge *sge;
	int err, first = 0;
	u32 i;

	for (i = 0; i < prefetch->num_sge; i++) {
		sge = &prefetch->sge[i];
		err = odp_mirror_prefetch(sge->mr->odp, sge->va, sge->length,
					  prefetch->how);
		first = first ?: err;
	}

	return first;
}

static void rxe_odp_prefetch_work(struct work_struct *work)
{
	struct rxe_odp_prefetch *prefetch =
		container_of(work, struct rxe_odp_prefetch, work);

	rxe_odp_prefetch_run(prefetch);
	rxe_odp_prefetch_free(prefetch);
}

/* Look an sge's region up, with the errors that ibv_advise_mr(3) tells of. */
static int rxe_odp_prefetch_add(struct rxe_odp_prefetch_sge *to,
				struct ib_pd *pd, const struct ib_sge *sge,
				bool write)
{
	struct rxe_dev *rxe = to_rdev(pd->device);
	struct rxe_mr *mr;

	mr = rxe_pool_get_index(&rxe->mr_pool, sge->lkey >> 8);
	if (!mr)
		return -ENOENT;
	to->mr = mr;
	if (mr->lkey != sge->lkey || mr->state != RXE_MR_STATE_VALID)
		return -ENOENT;
	if (!rxe_mr_is_odp(mr))
		return -EINVAL;
	if (mr_pd(mr) != to_rpd(pd))
		return -EPERM;
	if (write && !ib_access_writable(mr->access))
		return -EPERM;
	if (mr_check_range(mr, sge->addr, sge->length))
		return -EFAULT;

	to->va = rxe_odp_va(mr, sge->addr);
	to->length = sge->length;

	return 0;
}

static int rxe_odp_advice_to_how(enum ib_uverbs_advise_mr_advice advice)
{
	switch (advice) {
	case IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH:
		return ODP_PREFETCH_READ;
	case IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE:
		return ODP_PREFETCH_WRITE;
	case IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT:
		return ODP_PREFETCH_NO_FAULT;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * rxe_odp_advise_mr - bring pages of on-demand regions in, or start to
 * @pd: whose regions
 * @advice: how far to go for a page
 * @flags: IB_UVERBS_ADVISE_MR_FLAG_FLUSH: be done on return
 * @sg_list: which ranges of which regions
 * @num_sge: how many
 * @attrs: unused
 *
 * Return: 0; -EOPNOTSUPP for another advice; -ENOENT for an lkey that there is
 * not; -EINVAL if it is not an on-demand region's; -EPERM if it is another
 * PD's or not writable; -EFAULT for a range outside the region or, with FLUSH,
 * if a page could not be had; -ENOMEM.
 */
int rxe_odp_advise_mr(struct ib_pd *pd, enum ib_uverbs_advise_mr_advice advice,
		      u32 flags, struct ib_sge *sg_list, u32 num_sge,
		      struct uverbs_attr_bundle *attrs)
{
	int how = rxe_odp_advice_to_how(advice);
	struct rxe_odp_prefetch *prefetch;
	int err;
	u32 i;

	if (how < 0)
		return how;

	prefetch = kvzalloc(struct_size(prefetch, sge, num_sge), GFP_KERNEL);
	if (!prefetch)
		return -ENOMEM;
	prefetch->num_sge = num_sge;
	prefetch->how = how;

	for (i = 0; i < num_sge; i++) {
		err = rxe_odp_prefetch_add(&prefetch->sge[i], pd, &sg_list[i],
					   how == ODP_PREFETCH_WRITE);
		if (err)
			goto out_free;
	}

	if (!(flags & IB_UVERBS_ADVISE_MR_FLAG_FLUSH)) {
		INIT_WORK(&prefetch->work, rxe_odp_prefetch_work);
		queue_work(rxe_wq, &prefetch->work);
		return 0;
	}

	err = rxe_odp_prefetch_run(prefetch);
out_free:
	rxe_odp_prefetch_free(prefetch);
	return err;
}
