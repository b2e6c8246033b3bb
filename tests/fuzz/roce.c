// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * RoCEv2 packets made by hand. Layouts are those of the InfiniBand
 * specification: BTH, then the extended headers of the opcode, payload, ICRC.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "roce.h"

#define PKEY_DEFAULT	0xffff
#define ACK_REQUEST	(1u << 31)
#define QPN_MASK	0xffffff

struct bth {
	uint8_t opcode;
	uint8_t flags;
	uint16_t pkey;
	uint32_t qpn;
	uint32_t apsn;
} __attribute__((packed));

struct reth {
	uint64_t va;
	uint32_t rkey;
	uint32_t length;
} __attribute__((packed));

struct atomiceth {
	uint64_t va;
	uint32_t rkey;
	uint64_t swap_add;
	uint64_t compare;
} __attribute__((packed));

/* Room for the largest: IP, UDP, BTH, AtomicETH, payload, padding, ICRC. */
#define FRAME_MAX (20 + 8 + 12 + 28 + ROCE_MAX_PAYLOAD + 4 + 4)

int roce_open(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
}

static size_t put(uint8_t *frame, size_t at, const void *what, size_t len)
{
	memcpy(frame + at, what, len);
	return at + len;
}

static bool has_reth(uint8_t opcode)
{
	switch (opcode) {
	case RC_WRITE_FIRST:
	case RC_WRITE_ONLY:
	case RC_WRITE_ONLY + 1:	/* with immediate */
	case RC_READ_REQUEST:
	case RC_FLUSH:
	case RC_ATOMIC_WRITE:
		return true;
	default:
		return false;
	}
}

static bool has_aeth(uint8_t opcode)
{
	switch (opcode) {
	case RC_READ_FIRST:
	case RC_READ_LAST:
	case RC_READ_ONLY:
	case RC_ACK:
	case RC_ATOMIC_ACK:
		return true;
	default:
		return false;
	}
}

static size_t put_headers(uint8_t *frame, size_t at,
			  const struct roce_packet *p)
{
	const struct bth bth = {
		.opcode = p->opcode,
		.flags = (p->pad & 3) << 4,
		.pkey = htons(PKEY_DEFAULT),
		.qpn = htonl(p->qpn & QPN_MASK),
		.apsn = htonl(ACK_REQUEST | (p->psn & QPN_MASK)),
	};
	const struct reth reth = {
		.va = htobe64(p->va),
		.rkey = htonl(p->rkey),
		.length = htonl(p->length),
	};
	const struct atomiceth atomic = {
		.va = htobe64(p->va),
		.rkey = htonl(p->rkey),
		.swap_add = htobe64(p->swap_add),
		.compare = htobe64(p->compare),
	};
	/* The sender's queue pair is no matter. */
	const uint32_t deth[2] = { htonl(p->qkey), htonl(1) };
	const uint32_t aeth = htonl((uint32_t)p->syndrome << 24);
	const uint64_t original = htobe64(p->original);
	uint32_t flush = htonl(p->flush);

	at = put(frame, at, &bth, sizeof(bth));
	if (p->opcode == UD_SEND_ONLY)
		at = put(frame, at, deth, sizeof(deth));
	if (p->opcode == RC_FLUSH)
		at = put(frame, at, &flush, sizeof(flush));
	if (has_reth(p->opcode))
		at = put(frame, at, &reth, sizeof(reth));
	if (p->opcode == RC_COMPARE_SWAP || p->opcode == RC_FETCH_ADD)
		at = put(frame, at, &atomic, sizeof(atomic));
	if (has_aeth(p->opcode))
		at = put(frame, at, &aeth, sizeof(aeth));
	if (p->opcode == RC_ATOMIC_ACK)
		at = put(frame, at, &original, sizeof(original));
	return at;
}

/* What may change on the way counts as ones. */
static uint32_t icrc(const uint8_t *frame, size_t len)
{
	uint8_t masked[20 + 8 + 12], ones[8];
	uint32_t crc;

	memset(ones, 0xff, sizeof(ones));
	memcpy(masked, frame, sizeof(masked));
	masked[1] = 0xff;			/* type of service */
	masked[8] = 0xff;			/* time to live */
	memset(masked + 10, 0xff, 2);		/* IP checksum */
	memset(masked + 20 + 6, 0xff, 2);	/* UDP checksum */
	masked[28 + 4] = 0xff;			/* reserved byte before the QP */

	crc = crc32(0, ones, sizeof(ones));
	crc = crc32(crc, masked, sizeof(masked));
	return crc32(crc, frame + sizeof(masked), len - sizeof(masked));
}

int roce_send(int sock, uint32_t from, uint32_t to,
	      const struct roce_packet *p)
{
	struct sockaddr_in dest = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = to,
	};
	uint8_t frame[FRAME_MAX] = { 0 };
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.id = htons(1),		/* 0: the kernel would choose */
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = from,
		.daddr = to,
	};
	struct udphdr udp = {
		.source = htons(0xc000),
		.dest = htons(ROCE_PORT),
	};
	size_t len;
	uint32_t crc;

	len = put_headers(frame, sizeof(ip) + sizeof(udp), p);
	len = put(frame, len, p->payload, p->payload_len);
	len += p->pad & 3;
	ip.tot_len = htons(len + sizeof(crc));
	udp.len = htons(len + sizeof(crc) - sizeof(ip));
	put(frame, 0, &ip, sizeof(ip));
	put(frame, sizeof(ip), &udp, sizeof(udp));
	crc = htole32(icrc(frame, len));
	len = put(frame, len, &crc, sizeof(crc));

	if (sendto(sock, frame, len, 0, (struct sockaddr *)&dest,
		   sizeof(dest)) < 0)
		return -errno;
	return 0;
}
