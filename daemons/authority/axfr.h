/*
 * The messages of a zone transfer (RFC 5936), one after the other, out of an image. Pure: no sockets, no
 * allocation, no clock. A transfer's whole state is its place in the image, so it may rest between any two
 * messages for as long as the image is there.
 *
 * Everything of the image is sent: glue, occluded names, signatures, NSEC and NSEC3 with all parameters. The
 * SOA stands first and last (RFC 5936 2.2); its signatures are in between.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_AXFR_H
#define BULKHEAD_DAEMONS_AUTHORITY_AXFR_H

#include "common/dns/compose.h"
#include "common/dns/query.h"
#include "common/zone/image.h"

#include <sys/types.h>

enum {
	/*
	 * Octets of a message, unless its first record needs more. Compression pointers reach 14 bits (RFC 1035
	 * 4.1.4), so a longer message would not be denser; and the work of one message is what queries may
	 * have to wait for.
	 */
	AXFR_MESSAGE_MAX = 0x4000,
};

enum axfr_place { AXFR_FIRST_SOA, AXFR_NODES, AXFR_NSEC3, AXFR_LAST_SOA, AXFR_END };

struct axfr {
	const struct image *image;
	const uint8_t *question; /* QNAME; NULL when the first message has gone */
	uint16_t id;
	uint16_t flags;
	uint16_t qtype;
	bool edns;    /* the request had OPT: so has the first message (RFC 5936 2.2.5) */
	bool do_bit;
	/* the next record */
	enum axfr_place place;
	uint32_t index;	   /* of the node, or of the NSEC3 */
	uint16_t rrset;	   /* of the node's */
	uint16_t record;   /* of the RRset's data, or of its signatures */
	bool signatures;
	size_t offset;	   /* of the record */
	uint64_t records;  /* sent so far */
	uint8_t qname[DNAME_MAX];
	uint8_t nsec3_owner[DNAME_MAX];
};

/*
 * Begin the transfer of a zone in reply to q. image must stay as long as messages are made.
 */
void axfr_begin(struct axfr *x, const struct image *image, const struct query *q);

/*
 * Write the next message to out, which has room for DNS_MESSAGE_MAX octets. reserved: octets that are left
 * free of it (TSIG). compose: scratch memory. Returns its octets, 0 after the last one, or BH_ENOSPC: there
 * is a record that fits into no message.
 */
ssize_t axfr_next(struct axfr *x, struct compose *compose, size_t reserved, uint8_t *out);

/*
 * The serial of the client's version in a request for IXFR (RFC 1995 3): wire[0..len), parsed as q. BH_EMALFORMED:
 * no SOA of the zone in the authority section.
 */
int axfr_ixfr_serial(const struct query *q, const uint8_t *wire, size_t len, uint32_t *serial) BH_CHECKED;

/* Does a client with this serial have nothing to get here: has it the same or a newer one (RFC 1982 3.2)? */
static inline bool axfr_is_current(uint32_t client, uint32_t own)
{
	return (uint32_t)(client - own) < UINT32_C(0x80000000);
}

#endif
