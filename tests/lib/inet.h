/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Addresses of the internet, from a command line.
 */
#ifndef INET_H
#define INET_H

#include <netinet/in.h>

/* That of an IPv4 host and a port, both in numbers; or the test fails. */
struct sockaddr_in inet_address(const char *host, const char *port);

#endif /* INET_H */
