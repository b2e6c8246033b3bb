/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Calling a uverbs method of SoftRoCE in the kernel.
 */
#ifndef LIBODP_METHOD_H
#define LIBODP_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

/* One argument of a method. */
struct method_arg {
	uint16_t id;
	uint16_t len;
	uint64_t data;	/* a buffer's address, an object's handle or a value */
};

#define METHOD_MAX_ARGS 5

/* A buffer that the kernel fills in, or reads if it is longer than 8 bytes. */
static inline struct method_arg arg_buffer(uint16_t id, void *buf, size_t len)
{
	return (struct method_arg) { id, (uint16_t)len, (uintptr_t)buf };
}

/* An object of this process. */
static inline struct method_arg arg_handle(uint16_t id, uint32_t handle)
{
	return (struct method_arg) { id, 0, handle };
}

/* A file. */
static inline struct method_arg arg_fd(uint16_t id, int fd)
{
	return (struct method_arg) { id, 0, (uint64_t)(int64_t)fd };
}

/* Values that the kernel reads. */
static inline struct method_arg arg_u64(uint16_t id, uint64_t value)
{
	return (struct method_arg) { id, sizeof(value), value };
}

struct method_arg arg_u32(uint16_t id, uint32_t value);

/*
 * Calls a method. Returns 0 or an errno: EOPNOTSUPP if the device is not SoftRoCE
 * or its kernel side has no such method, else what the kernel says.
 */
int uverbs_method(struct ibv_context *context, uint16_t object, uint16_t method,
		  const struct method_arg *args, int nargs);

/* Whether there is such a method. */
bool uverbs_has_method(struct ibv_context *context, uint16_t object,
		       uint16_t method);

/* Which MR: one of this process by its handle, or any by its number. */
struct subject {
	struct ibv_context *context;
	uint32_t id;
	bool by_number;
};

static inline struct subject subject_mr(const struct ibv_mr *mr)
{
	return (struct subject) { mr->context, mr->handle, false };
}

static inline struct subject subject_mrn(struct ibv_context *context,
					 uint32_t mrn)
{
	return (struct subject) { context, mrn, true };
}

/* A method of the MR and its twin of the device, which names the MR. */
struct twins {
	uint16_t mr_method, device_method;
	uint16_t handle_attr, mrn_attr;
};

/* Calls the one that fits; the MR is added to the arguments. */
int subject_method(const struct subject *subject, const struct twins *twins,
		   const struct method_arg *args, int nargs);

#endif /* LIBODP_METHOD_H */
