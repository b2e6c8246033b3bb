/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Sockets to another host: addresses from a command line, and system calls.
 */
#ifndef INET_H
#define INET_H

#include <netinet/in.h>

/* That of an IPv4 host and a port, both in numbers; or the test fails. */
struct sockaddr_in inet_address(const char *host, const char *port);

/* Fails the test, naming @what, if @ret, a system call's, is negative. */
void must(const char *what, long ret);

#endif /* INET_H */
