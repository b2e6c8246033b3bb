// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Queues of events: a file of the kernel's, whose records are handed on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <rdma/odp_record_abi.h>
#include <rdma/rxe_odp_abi.h>

#include "events.h"
#include "method.h"
#include "sized.h"

#define RECORDS_PER_CALL 64

_Static_assert((int)ODP_EVENT_PREFETCHED == (int)ODP_RECORD_PREFETCHED &&
	       (int)ODP_EVENT_INVALIDATED == (int)ODP_RECORD_INVALIDATED &&
	       (int)ODP_EVENT_WATCH_ENDED == (int)ODP_RECORD_WATCH_ENDED,
	       "the library hands the kernel's kinds of records on as they are");

struct odp_events *odp_events_open(struct ibv_context *context)
{
	struct odp_events *events;
	int32_t fd = -1;
	const struct method_arg arg =
		arg_buffer(RXE_ODP_ATTR_EVENTS_RESP, &fd, sizeof(fd));
	int err;

	if (!context) {
		errno = EINVAL;
		return NULL;
	}
	events = calloc(1, sizeof(*events));
	if (!events)
		return NULL;
	err = uverbs_method(context, UVERBS_OBJECT_DEVICE,
			    RXE_ODP_METHOD_DEVICE_EVENTS, &arg, 1);
	if (err) {
		free(events);
		errno = err;
		return NULL;
	}
	events->context = context;
	events->fd = fd;

	return events;
}

int odp_events_close(struct odp_events *events)
{
	if (!events)
		return EINVAL;
	/* Linux has closed it whatever close() says. */
	close(events->fd);
	free(events);

	return 0;
}

int odp_events_fd(const struct odp_events *events)
{
	return events->fd;
}

static struct odp_event event_of(const struct odp_record *record)
{
	return (struct odp_event) {
		.kind = record->kind,
		.error = record->error,
		.cookie = record->cookie,
		.addr = record->start,
		.length = record->length,
		.count = record->count,
		.causes = record->causes,
	};
}

/* What the kernel gives at once. Returns 0 or an errno. */
static int read_records(int fd, struct odp_record *records, size_t room,
			size_t *nr)
{
	ssize_t len;

	len = read(fd, records, room * sizeof(*records));
	if (len < 0)
		return errno;
	if (!len || (size_t)len % sizeof(*records))
		return EPROTO;
	*nr = (size_t)len / sizeof(*records);

	return 0;
}

int odp_events_read_sized(struct odp_events *events, struct odp_event *list,
			  size_t room, size_t *nr, size_t size)
{
	struct odp_record records[RECORDS_PER_CALL];
	struct odp_event event;
	size_t i;
	int err;

	if (!events || !list || !room || !nr || size < EVENT_MIN)
		return EINVAL;
	if (room > RECORDS_PER_CALL)
		room = RECORDS_PER_CALL;
	err = read_records(events->fd, records, room, nr);
	if (err)
		return err;
	for (i = 0; i < *nr; i++) {
		event = event_of(&records[i]);
		sized_out((char *)list + i * size, size, EVENT_MIN, &event,
			  sizeof(event));
	}

	return 0;
}
