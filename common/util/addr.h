/*
 * Internet addresses with a port, prefixes, and address lists ("who may ask").
 *
 * Text form of an endpoint is address[@port], as in the configuration: "10.0.0.53", "fd00::53@5353".
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are folded to IPv4 wherever an address enters, so a
 * list entry cannot be passed by writing the same address in another way.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_ADDR_H
#define BULKHEAD_COMMON_UTIL_ADDR_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct cursor;
struct sink;

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
	uint8_t family;	   /* enum addr_family */
	uint16_t port;	   /* host byte order; 0: none given */
	uint32_t scope_id; /* IPv6 link-local zone, else 0 */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

#define ADDR_TEXT_MAX 72 /* longest text with %scope and @port, with terminator */

/* Bytes of an address of this family: 4, 16 or 0. */
static inline size_t addr_size(const struct addr *a)
{
	return a->family == ADDR_V4 ? 4 : a->family == ADDR_V6 ? 16 : 0;
}

/*
 * "address[@port]"; no port gives default_port. No names, no brackets. Link-local IPv6 addresses may
 * name their link, "fe80::1%eth0" or by number.
 */
int addr_parse(const char *text, uint16_t default_port, struct addr *out) BH_CHECKED;

/* "address@port" ("address" when port is 0). Returns out. */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);

/* BH_EMALFORMED: sa is of another family, or len is too short for its own. */
int addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *out) BH_CHECKED;
/* Returns the length; 0 for an address of no family, so that no call mistakes it for "any". */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);

/* Same family, address, scope; with port. */
bool addr_equal(const struct addr *a, const struct addr *b);
/* The same without looking at ports. */
bool addr_same_host(const struct addr *a, const struct addr *b);

bool addr_is_any(const struct addr *a);	     /* 0.0.0.0 or :: */
bool addr_is_loopback(const struct addr *a); /* 127/8 or ::1 */

/*
 * Reachable from the Internet as far as the address itself tells: not in the ranges of the IANA
 * special-purpose registries (RFC 6890) that are not global. "any" counts as global, since such a
 * listener may have a global address.
 */
bool addr_is_global(const struct addr *a);

/* Fields one by one, for messages between processes: family u8, port u16, scope u32, bytes. Decoding
 * refuses what no other function here makes: IPv4 in IPv6 clothes, a scope where none belongs. */
void addr_encode(struct sink *s, const struct addr *a);
void addr_decode(struct cursor *c, struct addr *out);

struct prefix {
	uint8_t family; /* enum addr_family */
	uint8_t bits;
	uint8_t bytes[16]; /* host bits are zero */
};

/* "10.0.0.0/8", "fd00::/8", a bare address, or "any4"/"any6". Host bits that are set are an error. */
int prefix_parse(const char *text, struct prefix *out) BH_CHECKED;
/* Is the address one of it? Ports and scopes do not matter. */
bool prefix_match(const struct prefix *p, const struct addr *a);
/* For messages: family u8, bits u8, bytes. Decoding refuses bits that the family has not, and host bits. */
void prefix_encode(struct sink *s, const struct prefix *p);
void prefix_decode(struct cursor *c, struct prefix *out);

/*
 * A list of prefixes: who is in it may ask. Empty: nobody. Heap memory, owned by the list.
 * Lookups are linear and meant for lists of tens of entries, bounded by ACL_MAX.
 */
#define ACL_MAX 4096

struct acl {
	struct prefix *items;
	size_t count;
	size_t room;
};

/* An empty list is all zeros. BH_ELIMIT: it has ACL_MAX. BH_ENOMEM. */
int acl_add(struct acl *acl, const struct prefix *p) BH_CHECKED;
bool acl_match(const struct acl *acl, const struct addr *a);
/* Free the items; the list is empty then. */
void acl_clear(struct acl *acl);

#endif
