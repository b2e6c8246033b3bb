// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Sockets to another host: addresses from a command line, connections, what goes
 * through them, and system calls.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static int stream(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	must("socket", fd);
	return fd;
}

int inet_accept(int family, const struct sockaddr_in *addr)
{
	const int one = 1;
	int fd = stream(family), conn;

	must("SO_REUSEADDR", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
					sizeof(one)));
	must("bind", bind(fd, (const void *)addr, sizeof(*addr)));
	must("listen", listen(fd, 1));
	conn = accept(fd, NULL, NULL);
	must("accept", conn);
	close(fd);
	return conn;
}

int inet_connect(int family, const struct sockaddr_in *addr)
{
	int fd = stream(family);

	must("connect", connect(fd, (const void *)addr, sizeof(*addr)));
	return fd;
}

void inet_send(int fd, const void *buf, size_t len)
{
	ssize_t sent;

	for (; len; buf += sent, len -= sent) {
		sent = send(fd, buf, len, MSG_NOSIGNAL);
		must("send", sent);
	}
}

void inet_receive(int fd, void *buf, size_t len)
{
	ssize_t got;

	for (; len; buf += got, len -= got) {
		got = recv(fd, buf, len, 0);
		must("recv", got);
		if (!got)
			test_fail("the other host has gone");
	}
}

void must(const char *what, long ret)
{
	if (ret < 0)
		test_fail("%s: %s", what, strerror(errno));
}
