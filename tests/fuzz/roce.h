/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * RoCEv2 packets made by hand and sent through a raw socket: a peer that obeys
 * nobody.
 */
#ifndef TESTS_FUZZ_ROCE_H
#define TESTS_FUZZ_ROCE_H

#include <stddef.h>
#include <stdint.h>

#define ROCE_PORT	 4791
#define ROCE_MAX_PAYLOAD 4096

/* Opcodes that tests name: of the reliable connection, and of datagrams. */
enum roce_opcode {
	RC_SEND_ONLY		= 0x04,
	RC_WRITE_FIRST		= 0x06,
	RC_WRITE_MIDDLE		= 0x07,
	RC_WRITE_LAST		= 0x08,
	RC_WRITE_ONLY		= 0x0a,
	RC_READ_REQUEST		= 0x0c,
	RC_READ_FIRST		= 0x0d,	/* the responses */
	RC_READ_MIDDLE		= 0x0e,
	RC_READ_LAST		= 0x0f,
	RC_READ_ONLY		= 0x10,
	RC_ACK			= 0x11,
	RC_ATOMIC_ACK		= 0x12,
	RC_COMPARE_SWAP		= 0x13,
	RC_FETCH_ADD		= 0x14,
	RC_FLUSH		= 0x1c,
	RC_ATOMIC_WRITE		= 0x1d,
	UD_SEND_ONLY		= 0x64,
};

/* All that a packet can say; which fields are sent depends on the opcode. */
struct roce_packet {
	uint8_t opcode;
	uint8_t pad;
	uint32_t qpn;
	uint32_t psn;
	uint64_t va;
	uint32_t rkey;
	uint32_t length;
	uint32_t flush;		/* placement and selectivity */
	uint64_t swap_add;
	uint64_t compare;
	uint8_t syndrome;	/* of a response: ACK, RNR NAK, NAK */
	uint64_t original;	/* what an atomic operation found */
	uint32_t qkey;		/* UD */
	size_t payload_len;
	uint8_t payload[ROCE_MAX_PAYLOAD];
};

/* A raw socket; -1 with errno. */
int roce_open(void);

/*
 * Sends a packet with a right checksum, from and to addresses in network
 * order. Returns 0 or a negative errno.
 */
int roce_send(int sock, uint32_t from, uint32_t to,
	      const struct roce_packet *packet);

#endif /* TESTS_FUZZ_ROCE_H */
