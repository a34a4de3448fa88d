/*
 * RRsets as the resolver handles them: the records of one owner and type with their signatures, in
 * a list. Everything lives in the region that was passed at their making.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_RRSET_H
#define BULKHEAD_DAEMONS_RESOLVER_RRSET_H

#include "common/dns/message.h"
#include "common/util/cursor.h"

#include <stdbool.h>

struct region;

struct rrset {
	struct rrset *next;
	const uint8_t *owner;
	const uint8_t *rdata; /* count times: u16 length, RDATA */
	const uint8_t *sigs;  /* sig_count times: u16 length, RDATA of the RRSIGs over this set */
	uint32_t rdata_len;   /* octets of all rdata */
	uint32_t sigs_len;
	uint32_t ttl;
	uint16_t type;
	uint16_t count;
	uint16_t sig_count;
	uint8_t section; /* enum section: where it stands in an answer */
	uint8_t labels;	 /* of the RRSIG that it was verified with (RFC 4034 3.1.3); not kept in the cache */
	bool made;	 /* the CNAME that a DNAME stands for: made here, signed by nobody (RFC 6672 5.3.1) */
};

/*
 * The RRset of owner and type in one section of a message, class IN, duplicates removed, TTL the
 * smallest of all. *out NULL: there is none. BH_ELIMIT: more than RRSET_RECORDS_MAX; BH_ENOMEM.
 */
int rrset_collect(const struct message *msg, enum section section, const uint8_t *owner, uint16_t type,
		  struct region *region, struct rrset **out) BH_CHECKED;

/* An RRset with one record. NULL: no memory. */
struct rrset *rrset_single(const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
			   uint16_t rdata_len, struct region *region);

/* Append to a list (of few elements: it is walked). */
void rrset_append(struct rrset **list, struct rrset *tail);

/* Record i of a set; i < count. */
const uint8_t *rrset_rdata(const struct rrset *set, unsigned i, uint16_t *len);

/* A list as octets for the cache, and back. rrset_unpack copies everything into region. */
size_t rrset_packed_size(const struct rrset *list);
void rrset_pack(struct sink *s, const struct rrset *list);
/* The smallest TTL of a list as octets; 0: it is empty. */
uint32_t rrset_packed_ttl(const uint8_t *bytes, size_t len);
int rrset_unpack(const uint8_t *bytes, size_t len, struct region *region, struct rrset **out) BH_CHECKED;

#endif
