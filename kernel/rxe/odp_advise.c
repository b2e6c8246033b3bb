// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Prefetch: ibv_advise_mr(3) for on-demand regions.
 */
#include "rxe.h"

/**
 * struct rxe_odp_range - what an sge names
 * @odp: the mirror, with a reference: to hold the region would be to make those
 *	wait who deregister it
 * @va: the first byte
 * @length: in bytes
 */
struct rxe_odp_range {
	struct odp_mirror *odp;
	u64 va;
	u64 length;
};

/* Look a key's region up, with the errors that ibv_advise_mr(3) tells of. */
static int rxe_odp_range_get(struct rxe_odp_range *range, struct ib_pd *pd,
			     u32 lkey, u64 iova, u64 length, bool write)
{
	struct rxe_dev *rxe = to_rdev(pd->device);
	struct rxe_mr *mr;
	int err = 0;

	mr = rxe_pool_get_index(&rxe->mr_pool, lkey >> 8);
	if (!mr)
		return -ENOENT;
	if (mr->lkey != lkey || mr->state != RXE_MR_STATE_VALID)
		err = -ENOENT;
	else if (!rxe_mr_is_odp(mr))
		err = -EINVAL;
	else if (mr_pd(mr) != to_rpd(pd))
		err = -EPERM;
	else if (write && !ib_access_writable(mr->access))
		err = -EPERM;
	else if (mr_check_range(mr, iova, length))
		err = -EFAULT;
	if (err)
		goto out;

	odp_mirror_get(mr->odp);
	range->odp = mr->odp;
	range->va = rxe_odp_va(mr, iova);
	range->length = length;
out:
	rxe_put(mr);
	return err;
}

/* Do it, or have it done. */
static int rxe_odp_range_prefetch(const struct rxe_odp_range *range,
				  enum odp_prefetch how, bool later)
{
	if (later)
		return odp_mirror_prefetch_later(range->odp, range->va,
						 range->length, how);
	return odp_mirror_prefetch(range->odp, range->va, range->length, how);
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
 * if a page could not be had; -EBUSY, without FLUSH, if the process has too much
 * of this under way; -ESRCH if it is gone; -EINTR; -ECANCELED; -ENOMEM.
 */
int rxe_odp_advise_mr(struct ib_pd *pd, enum ib_uverbs_advise_mr_advice advice,
		      u32 flags, struct ib_sge *sg_list, u32 num_sge,
		      struct uverbs_attr_bundle *attrs)
{
	bool later = !(flags & IB_UVERBS_ADVISE_MR_FLAG_FLUSH);
	int how = rxe_odp_advice_to_how(advice);
	struct rxe_odp_range *ranges;
	int err = 0, first = 0;
	u32 i, nr;

	if (how < 0)
		return how;
	ranges = kvcalloc(num_sge, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;

	for (nr = 0; nr < num_sge; nr++) {
		err = rxe_odp_range_get(&ranges[nr], pd, sg_list[nr].lkey,
					sg_list[nr].addr, sg_list[nr].length,
					how == ODP_PREFETCH_WRITE);
		if (err)
			goto out_put;
	}

	/* Every region is asked, and the first error is the answer. */
	for (i = 0; i < nr; i++) {
		err = rxe_odp_range_prefetch(&ranges[i], how, later);
		first = first ?: err;
		if (err == -EINTR || err == -EBUSY)
			break;
	}
	err = first;

out_put:
	while (nr--)
		odp_mirror_put(ranges[nr].odp);
	kvfree(ranges);
	return err;
}

/**
 * rxe_odp_prefetch_notify - start to bring pages in, and tell when that has ended
 * @pd: whose region
 * @advice: how far to go for a page
 * @prefetch: which bytes of which region
 * @events: the file that will tell
 *
 * Return: 0, and there will be one record; or one of the errors of
 * rxe_odp_advise_mr() without FLUSH, -EINVAL also for an empty range, -ENOSPC if
 * the file has too much to tell, -EIO if its device is gone.
 */
int rxe_odp_prefetch_notify(struct ib_pd *pd,
			    enum ib_uverbs_advise_mr_advice advice,
			    const struct rxe_odp_prefetch *prefetch,
			    struct odp_events *events)
{
	int how = rxe_odp_advice_to_how(advice);
	struct rxe_odp_range range;
	int err;

	if (how < 0)
		return how;
	err = rxe_odp_range_get(&range, pd, prefetch->lkey, prefetch->iova,
				prefetch->length, how == ODP_PREFETCH_WRITE);
	if (err)
		return err;
	err = odp_mirror_prefetch_notify(range.odp, range.va, range.length,
					 how, events, prefetch->cookie);
	odp_mirror_put(range.odp);

	return err;
}
