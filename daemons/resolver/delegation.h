/*
 * A zone and the way to its servers: names of servers, their addresses as far as known, and until
 * when the parent vouches for it.
 *
 * The deadline is what the parent granted when it referred us, and never later than the parent's own
 * deadline. Nothing a zone says about itself extends it, so a delegation that is withdrawn ends (ghost
 * domains, CVE-2022-30698). Addresses in it are glue: they lead to these servers for this zone, and are
 * never an answer to anybody.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_RESOLVER_DELEGATION_H
#define BULKHEAD_DAEMONS_RESOLVER_DELEGATION_H

#include "common/util/addr.h"
#include "common/util/cursor.h"
#include "daemons/resolver/bounds.h"

struct region;

enum ns_asked { NS_ASKED_A = 1, NS_ASKED_AAAA = 2 };

struct ns_name {
	const uint8_t *name;
	uint8_t asked; /* enum ns_asked: addresses that were looked up, with or without success */
	uint8_t addr_count;
};

struct ns_addr {
	struct addr addr; /* with port */
	uint8_t ns;	  /* index of its name, or NS_NONE */
	uint8_t tries;	  /* questions sent to it for the name at hand */
	bool out;	  /* not to be asked again for the name at hand */
};
#define NS_NONE UINT8_MAX

struct delegation {
	const uint8_t *zone;
	uint64_t deadline_ms;
	bool configured; /* root hints, stub or forward: the operator's word */
	bool forward;	 /* the servers are resolvers */
	uint8_t ns_count;
	uint8_t addr_count;
	uint8_t lookups; /* sub-resolutions begun for it */
	uint8_t plain_probes; /* third tries, without EDNS */
	struct ns_name ns[NS_PER_ZONE_MAX];
	struct ns_addr addrs[ADDRS_PER_ZONE_MAX];
};

/*
 * An address that no server of the Internet can have: 0/8, 127/8, multicast and above, ::, ::1,
 * ff00::/8, IPv4-mapped. Private ones are left in: the roots and servers of a closed network have them.
 * Loopback passes with allow_loopback.
 */
bool delegation_addr_is_harmful(const struct addr *addr, bool allow_loopback);

/* Add a server name (kept as pointer, not copied); its index, or BH_ELIMIT. A known one: its index. */
int delegation_add_ns(struct delegation *d, const uint8_t *name) BH_CHECKED;

/* Add an address of server ns (or NS_NONE). False: known already, or no room. */
bool delegation_add_addr(struct delegation *d, uint8_t ns, const struct addr *addr);

/* As octets for the cache, and back; the zone's name is not among them. */
size_t delegation_packed_size(const struct delegation *d);
void delegation_pack(struct sink *s, const struct delegation *d);
struct delegation *delegation_unpack(const uint8_t *zone, uint64_t deadline_ms, const uint8_t *bytes,
				     size_t len, struct region *region);

/* The address in the RDATA of an A or AAAA record, with port 53. False: another type. */
bool delegation_addr_of_rdata(uint16_t type, const uint8_t *rdata, uint16_t len, struct addr *out);

#endif
