// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Registering an MR anew.
 */
#include <errno.h>
#include <unistd.h>
#include <rdma/ib_user_verbs.h>

#include "fail.h"
#include "mem.h"
#include "rereg.h"

int rereg(struct ibv_mr *mr, uint32_t flags, struct ibv_pd *pd, void *start,
	  uint32_t access)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_rereg_mr cmd;
	} request = {
		.hdr = {
			.command = IB_USER_VERBS_CMD_REREG_MR,
			.in_words = sizeof(request) / 4,
			.out_words = sizeof(resp) / 4,
		},
		.cmd = {
			.response = (uintptr_t)&resp,
			.mr_handle = mr->handle,
			.flags = flags,
			.start = (uintptr_t)start,
			.length = PAGE,
			.hca_va = (uintptr_t)start,
			.pd_handle = pd ? pd->handle : 0,
			.access_flags = access,
		},
	};

	if (write(mr->context->cmd_fd, &request, sizeof(request)) !=
	    sizeof(request))
		return errno;
	if (resp.rkey != mr->rkey)
		test_fail("rereg changed the rkey");
	return 0;
}
