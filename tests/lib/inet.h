/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Sockets to another host: addresses from a command line, connections, what goes
 * through them, and system calls. What cannot be done fails the test.
 */
#ifndef INET_H
#define INET_H

#include <netinet/in.h>
#include <stddef.h>

/* That of an IPv4 host and a port, both in numbers. */
struct sockaddr_in inet_address(const char *host, const char *port);

/*
 * The first connection that comes to @addr, and one to it. @family: AF_INET, or
 * another whose sockets have its addresses.
 */
int inet_accept(int family, const struct sockaddr_in *addr);
int inet_connect(int family, const struct sockaddr_in *addr);

/* Send and receive @len bytes, all of them. */
void inet_send(int fd, const void *buf, size_t len);
void inet_receive(int fd, void *buf, size_t len);

/* Fails the test, naming @what, if @ret, a system call's, is negative. */
void must(const char *what, long ret);

#endif /* INET_H */
