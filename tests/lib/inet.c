// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Sockets to another host: addresses from a command line, and system calls.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "inet.h"

struct sockaddr_in inet_address(const char *host, const char *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
	};

	if (inet_pton(AF_INET, host, &addr.sin_addr) != 1)
		test_fail("%s is no address", host);
	return addr;
}

void must(const char *what, long ret)
{
	if (ret < 0)
		test_fail("%s: %s", what, strerror(errno));
}
