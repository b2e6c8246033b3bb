// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The methods of <rdma/rxe_odp_abi.h> that have to do with events.
 */
#include <linux/file.h>
#include <rdma/uverbs_ioctl.h>
#define UVERBS_MODULE_NAME rxe_odp_events
#include <rdma/uverbs_named_ioctl.h>

#include "rxe.h"

static int UVERBS_HANDLER(RXE_ODP_METHOD_DEVICE_EVENTS)(struct uverbs_attr_bundle *attrs)
{
	struct ib_ucontext *ucontext = ib_uverbs_get_ucontext(attrs);
	struct file *file;
	int fd, err;

	if (IS_ERR(ucontext))
		return PTR_ERR(ucontext);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = odp_events_file(&to_rdev(ucontext->device)->odp);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_fd;
	}
	err = uverbs_copy_to(attrs, RXE_ODP_ATTR_EVENTS_RESP, &fd, sizeof(fd));
	if (err)
		goto err_file;
	fd_install(fd, file);

	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return err;
}

/* The file of an fd, with a reference, and the events that it is. */
static struct file *rxe_odp_events_get(struct uverbs_attr_bundle *attrs,
				       u16 attr, struct ib_device *dev,
				       struct odp_events **events)
{
	struct file *file;
	int fd, err;

	err = uverbs_get_raw_fd(&fd, attrs, attr);
	if (err)
		return ERR_PTR(err);
	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	*events = odp_events_of(file, &to_rdev(dev)->odp);
	if (IS_ERR(*events)) {
		fput(file);
		return ERR_CAST(*events);
	}

	return file;
}

static int rxe_odp_watch(struct rxe_mr *mr, struct odp_events *events,
			 struct uverbs_attr_bundle *attrs)
{
	struct odp_watch_attr watch = {};
	struct rxe_odp_watch req;
	u32 id;
	int err;

	err = uverbs_copy_from(&req, attrs, RXE_ODP_ATTR_WATCH_REQ);
	if (err)
		return err;
	if (!req.length || req.reserved ||
	    mr_check_range(mr, req.iova, req.length))
		return -EINVAL;

	watch.va = rxe_odp_va(mr, req.iova);
	watch.length = req.length;
	watch.name = req.iova;
	watch.cookie = req.cookie;
	watch.causes = req.causes;
	err = odp_events_watch(events, mr->odp, &watch, &id);
	if (err)
		return err;
	err = uverbs_copy_to(attrs, RXE_ODP_ATTR_WATCH_RESP, &id, sizeof(id));
	if (err)
		odp_events_unwatch(events, id);

	return err;
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_WATCH)(struct uverbs_attr_bundle *attrs)
{
	struct ib_mr *ibmr = uverbs_attr_get_obj(attrs,
						 RXE_ODP_ATTR_WATCH_HANDLE);
	struct odp_events *events;
	struct file *file;
	int err;

	if (!rxe_mr_is_odp(to_rmr(ibmr)))
		return -EOPNOTSUPP;
	file = rxe_odp_events_get(attrs, RXE_ODP_ATTR_WATCH_FD, ibmr->device,
				  &events);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = rxe_odp_watch(to_rmr(ibmr), events, attrs);
	fput(file);

	return err;
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_DEVICE_UNWATCH)(struct uverbs_attr_bundle *attrs)
{
	struct ib_ucontext *ucontext = ib_uverbs_get_ucontext(attrs);
	struct odp_events *events;
	struct file *file;
	u32 id;
	int err;

	if (IS_ERR(ucontext))
		return PTR_ERR(ucontext);
	err = uverbs_copy_from(&id, attrs, RXE_ODP_ATTR_UNWATCH_ID);
	if (err)
		return err;
	file = rxe_odp_events_get(attrs, RXE_ODP_ATTR_UNWATCH_FD,
				  ucontext->device, &events);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = odp_events_unwatch(events, id);
	fput(file);

	return err;
}

/* As many as are accepted. */
static int rxe_odp_prefetch_all(struct ib_pd *pd, struct odp_events *events,
				struct uverbs_attr_bundle *attrs)
{
	const struct rxe_odp_prefetch *range;
	enum ib_uverbs_advise_mr_advice advice;
	int nr, done, err, copied;

	err = uverbs_get_const(&advice, attrs, RXE_ODP_ATTR_PREFETCH_ADVICE);
	if (err)
		return err;
	nr = uverbs_attr_ptr_get_array_size(attrs, RXE_ODP_ATTR_PREFETCH_RANGES,
					    sizeof(*range));
	if (nr < 0)
		return nr;
	range = uverbs_attr_get_alloced_ptr(attrs,
					    RXE_ODP_ATTR_PREFETCH_RANGES);

	for (done = 0; done < nr; done++) {
		err = range[done].reserved ? -EINVAL :
		      rxe_odp_prefetch_notify(pd, advice, &range[done], events);
		if (err)
			break;
	}
	copied = uverbs_copy_to(attrs, RXE_ODP_ATTR_PREFETCH_RESP, &done,
				sizeof(done));

	return copied ?: err;
}

static int UVERBS_HANDLER(RXE_ODP_METHOD_MR_PREFETCH)(struct uverbs_attr_bundle *attrs)
{
	struct ib_pd *pd = uverbs_attr_get_obj(attrs, RXE_ODP_ATTR_PREFETCH_PD);
	struct odp_events *events;
	struct file *file;
	int err;

	file = rxe_odp_events_get(attrs, RXE_ODP_ATTR_PREFETCH_FD, pd->device,
				  &events);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = rxe_odp_prefetch_all(pd, events, attrs);
	fput(file);

	return err;
}

#define RXE_ODP_PREFETCHES						\
	UVERBS_ATTR_PTR_IN(RXE_ODP_ATTR_PREFETCH_RANGES,		\
			   UVERBS_ATTR_MIN_SIZE(sizeof(struct rxe_odp_prefetch)), \
			   UA_MANDATORY, UA_ALLOC_AND_COPY)

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_DEVICE_EVENTS,
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_EVENTS_RESP,
						UVERBS_ATTR_TYPE(s32),
						UA_MANDATORY));

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_WATCH,
			    UVERBS_ATTR_IDR(RXE_ODP_ATTR_WATCH_HANDLE,
					    UVERBS_OBJECT_MR,
					    UVERBS_ACCESS_READ, UA_MANDATORY),
			    UVERBS_ATTR_RAW_FD(RXE_ODP_ATTR_WATCH_FD,
					       UA_MANDATORY),
			    UVERBS_ATTR_PTR_IN(RXE_ODP_ATTR_WATCH_REQ,
					       UVERBS_ATTR_TYPE(struct rxe_odp_watch),
					       UA_MANDATORY),
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_WATCH_RESP,
						UVERBS_ATTR_TYPE(u32),
						UA_MANDATORY));

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_DEVICE_UNWATCH,
			    UVERBS_ATTR_RAW_FD(RXE_ODP_ATTR_UNWATCH_FD,
					       UA_MANDATORY),
			    UVERBS_ATTR_PTR_IN(RXE_ODP_ATTR_UNWATCH_ID,
					       UVERBS_ATTR_TYPE(u32),
					       UA_MANDATORY));

DECLARE_UVERBS_NAMED_METHOD(RXE_ODP_METHOD_MR_PREFETCH,
			    UVERBS_ATTR_IDR(RXE_ODP_ATTR_PREFETCH_PD,
					    UVERBS_OBJECT_PD,
					    UVERBS_ACCESS_READ, UA_MANDATORY),
			    UVERBS_ATTR_RAW_FD(RXE_ODP_ATTR_PREFETCH_FD,
					       UA_MANDATORY),
			    UVERBS_ATTR_CONST_IN(RXE_ODP_ATTR_PREFETCH_ADVICE,
						 enum ib_uverbs_advise_mr_advice,
						 UA_MANDATORY),
			    RXE_ODP_PREFETCHES,
			    UVERBS_ATTR_PTR_OUT(RXE_ODP_ATTR_PREFETCH_RESP,
						UVERBS_ATTR_TYPE(u32),
						UA_MANDATORY));

ADD_UVERBS_METHODS(rxe_odp_events_mr, UVERBS_OBJECT_MR,
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_WATCH),
		   &UVERBS_METHOD(RXE_ODP_METHOD_MR_PREFETCH));

ADD_UVERBS_METHODS(rxe_odp_events_device, UVERBS_OBJECT_DEVICE,
		   &UVERBS_METHOD(RXE_ODP_METHOD_DEVICE_EVENTS),
		   &UVERBS_METHOD(RXE_ODP_METHOD_DEVICE_UNWATCH));

const struct uapi_definition rxe_odp_events_defs[] = {
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_MR, &rxe_odp_events_mr),
	UAPI_DEF_CHAIN_OBJ_TREE(UVERBS_OBJECT_DEVICE, &rxe_odp_events_device),
	{},
};
