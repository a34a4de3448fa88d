/*
 * Addresses, prefixes, lists: text, comparison, encoding. No sockets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/addr.h"

#include "common/util/count.h"
#include "common/util/cursor.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* ::ffff:a.b.c.d is the IPv4 address a.b.c.d. */
static void fold_mapped(struct addr *a)
{
	if (a->family == ADDR_V6 && memcmp(a->bytes, v4_mapped, sizeof(v4_mapped)) == 0) {
		memmove(a->bytes, a->bytes + 12, 4);
		memset(a->bytes + 4, 0, 12);
		a->family = ADDR_V4;
		a->scope_id = 0;
	}
}

/* Decimal digits only, at most max. */
static int parse_number(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t v = 0; /* ten times a 32-bit number fits */
	if (*text == '\0') {
		return BH_EMALFORMED;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9') {
			return BH_EMALFORMED;
		}
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max) {
			return BH_EMALFORMED;
		}
	}
	*out = (uint32_t)v;
	return BH_OK;
}

/* fe80::/10, RFC 4291 2.5.6: an address that means something on one link only. */
static bool is_link_local(const struct addr *a)
{
	return a->family == ADDR_V6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static int parse_host(const char *text, struct addr *a)
{
	char host[ADDR_TEXT_MAX];
	size_t len = strlen(text);
	if (len >= sizeof(host)) {
		return BH_EMALFORMED;
	}
	memcpy(host, text, len + 1);

	char *scope = strchr(host, '%');
	if (scope != NULL) {
		*scope++ = '\0';
	}
	if (inet_pton(AF_INET, host, a->bytes) == 1 && scope == NULL) {
		a->family = ADDR_V4;
		return BH_OK;
	}
	if (inet_pton(AF_INET6, host, a->bytes) != 1) {
		return BH_EMALFORMED;
	}
	a->family = ADDR_V6;
	if (scope != NULL) {
		if (!is_link_local(a)) { /* elsewhere it would only make equal addresses differ */
			return BH_EMALFORMED;
		}
		a->scope_id = if_nametoindex(scope);
		if (a->scope_id == 0 &&
		    (parse_number(scope, UINT32_MAX, &a->scope_id) != BH_OK || a->scope_id == 0)) {
			return BH_EMALFORMED;
		}
	}
	return BH_OK;
}

int addr_parse(const char *text, uint16_t default_port, struct addr *out)
{
	char host[ADDR_TEXT_MAX];
	struct addr a = { .port = default_port };
	size_t host_len = strcspn(text, "@");

	if (host_len >= sizeof(host)) {
		return BH_EMALFORMED;
	}
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (text[host_len] == '@') {
		uint32_t port;
		if (parse_number(text + host_len + 1, UINT16_MAX, &port) != BH_OK || port == 0) {
			return BH_EMALFORMED;
		}
		a.port = (uint16_t)port;
	}
	int rc = parse_host(host, &a);
	if (rc != BH_OK) {
		return rc;
	}
	fold_mapped(&a);
	*out = a;
	return BH_OK;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];
	char scope[16] = "";
	char port[8] = "";

	if (addr_size(a) == 0 ||
	    inet_ntop(a->family == ADDR_V4 ? AF_INET : AF_INET6, a->bytes, host, sizeof(host)) == NULL) {
		snprintf(out, ADDR_TEXT_MAX, "none");
		return out;
	}
	if (a->scope_id != 0) {
		snprintf(scope, sizeof(scope), "%%%u", (unsigned)a->scope_id);
	}
	if (a->port != 0) {
		snprintf(port, sizeof(port), "@%u", (unsigned)a->port);
	}
	snprintf(out, ADDR_TEXT_MAX, "%s%s%s", host, scope, port);
	return out;
}

int addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *out)
{
	struct addr a = { 0 };
	if (len < sizeof(sa->sa_family)) {
		return BH_EMALFORMED; /* what the kernel tells of unnamed sockets */
	}
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
		a.family = ADDR_V4;
		a.port = ntohs(in->sin_port);
		memcpy(a.bytes, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
		a.family = ADDR_V6;
		a.port = ntohs(in6->sin6_port);
		a.scope_id = in6->sin6_scope_id;
		memcpy(a.bytes, &in6->sin6_addr, 16);
		fold_mapped(&a);
	} else {
		return BH_EMALFORMED;
	}
	*out = a;
	return BH_OK;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (addr_size(a) == 0) {
		return 0;
	}
	if (a->family == ADDR_V4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	in6->sin6_scope_id = a->scope_id;
	memcpy(&in6->sin6_addr, a->bytes, 16);
	return sizeof(*in6);
}

bool addr_same_host(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope_id == b->scope_id &&
	       memcmp(a->bytes, b->bytes, addr_size(a)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_host(a, b);
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];
	return addr_size(a) > 0 && memcmp(a->bytes, zero, addr_size(a)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };
	return a->family == ADDR_V4 ? a->bytes[0] == 127
				    : a->family == ADDR_V6 && memcmp(a->bytes, one, 16) == 0;
}

bool addr_is_global(const struct addr *a)
{
	/* Not globally reachable: IANA special-purpose address registries (RFC 6890). */
	static const char *const special[] = {
		"0.0.0.0/8",	 "10.0.0.0/8",	    "100.64.0.0/10", "127.0.0.0/8",
		"169.254.0.0/16", "172.16.0.0/12",  "192.0.0.0/24",  "192.0.2.0/24",
		"192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4",	 "::1/128",	    "100::/64",	     "2001:2::/48",
		"2001:db8::/32", "fc00::/7",	    "fe80::/10",     "3fff::/20",
	};
	if (addr_is_any(a)) {
		return true;
	}
	for (size_t i = 0; i < COUNT(special); i++) {
		struct prefix p;
		if (prefix_parse(special[i], &p) == BH_OK && prefix_match(&p, a)) {
			return false;
		}
	}
	return addr_size(a) > 0;
}

void addr_encode(struct sink *s, const struct addr *a)
{
	sink_u8(s, a->family);
	sink_u16(s, a->port);
	sink_u32(s, a->scope_id);
	sink_bytes(s, a->bytes, addr_size(a));
}

void addr_decode(struct cursor *c, struct addr *out)
{
	struct addr a = { 0 };
	a.family = cursor_u8(c);
	a.port = cursor_u16(c);
	a.scope_id = cursor_u32(c);
	if (addr_size(&a) == 0) {
		c->failed = true;
		return;
	}
	const uint8_t *p = cursor_bytes(c, addr_size(&a));
	if (p == NULL) {
		return;
	}
	memcpy(a.bytes, p, addr_size(&a));
	struct addr folded = a;
	fold_mapped(&folded);
	if (folded.family != a.family || (a.scope_id != 0 && !is_link_local(&a))) {
		c->failed = true; /* one address has one encoding */
		return;
	}
	*out = a;
}

/* True when all bits from `bits` on are zero. */
static bool host_bits_clear(const uint8_t *bytes, size_t size, unsigned bits)
{
	for (size_t i = 0; i < size; i++) {
		unsigned kept = bits >= (i + 1) * 8 ? 8 : bits > i * 8 ? bits - (unsigned)i * 8 : 0;
		if ((bytes[i] & (0xffu >> kept)) != 0) {
			return false;
		}
	}
	return true;
}

int prefix_parse(const char *text, struct prefix *out)
{
	if (strcmp(text, "any4") == 0 || strcmp(text, "any6") == 0) {
		*out = (struct prefix){ .family = text[3] == '4' ? ADDR_V4 : ADDR_V6, .bits = 0 };
		return BH_OK;
	}

	char host[ADDR_TEXT_MAX];
	struct addr a = { 0 };
	size_t host_len = strcspn(text, "/");
	if (host_len >= sizeof(host)) {
		return BH_EMALFORMED;
	}
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (strchr(host, '%') != NULL || parse_host(host, &a) != BH_OK) {
		return BH_EMALFORMED;
	}

	uint32_t bits = (uint32_t)addr_size(&a) * 8;
	if (text[host_len] == '/' && parse_number(text + host_len + 1, bits, &bits) != BH_OK) {
		return BH_EMALFORMED;
	}
	if (bits >= 96 && a.family == ADDR_V6) {
		struct addr folded = a;
		fold_mapped(&folded);
		if (folded.family == ADDR_V4) {
			a = folded;
			bits -= 96;
		}
	}
	if (!host_bits_clear(a.bytes, addr_size(&a), bits)) {
		return BH_EMALFORMED;
	}
	*out = (struct prefix){ .family = a.family, .bits = (uint8_t)bits };
	memcpy(out->bytes, a.bytes, sizeof(out->bytes));
	return BH_OK;
}

bool prefix_match(const struct prefix *p, const struct addr *a)
{
	if (p->family != a->family) {
		return false;
	}
	size_t whole = p->bits / 8;
	unsigned rest = p->bits % 8;
	if (memcmp(p->bytes, a->bytes, whole) != 0) {
		return false;
	}
	return rest == 0 || ((p->bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}

void prefix_encode(struct sink *s, const struct prefix *p)
{
	sink_u8(s, p->family);
	sink_u8(s, p->bits);
	sink_bytes(s, p->bytes, p->family == ADDR_V4 ? 4 : 16);
}

void prefix_decode(struct cursor *c, struct prefix *out)
{
	struct prefix p = { 0 };
	p.family = cursor_u8(c);
	p.bits = cursor_u8(c);
	size_t size = p.family == ADDR_V4 ? 4 : p.family == ADDR_V6 ? 16 : 0;
	if (size == 0 || p.bits > size * 8) {
		c->failed = true;
		return;
	}
	const uint8_t *bytes = cursor_bytes(c, size);
	if (bytes == NULL) {
		return;
	}
	memcpy(p.bytes, bytes, size);
	if (!host_bits_clear(p.bytes, size, p.bits)) {
		c->failed = true;
		return;
	}
	*out = p;
}

int acl_add(struct acl *acl, const struct prefix *p)
{
	if (acl->count == ACL_MAX) {
		return BH_ELIMIT;
	}
	if (acl->count == acl->room) {
		size_t room = acl->room == 0 ? 8 : acl->room * 2;
		struct prefix *items = realloc(acl->items, room * sizeof(*items));
		if (items == NULL) {
			return BH_ENOMEM;
		}
		acl->items = items;
		acl->room = room;
	}
	acl->items[acl->count++] = *p;
	return BH_OK;
}

bool acl_match(const struct acl *acl, const struct addr *a)
{
	for (size_t i = 0; i < acl->count; i++) {
		if (prefix_match(&acl->items[i], a)) {
			return true;
		}
	}
	return false;
}

void acl_clear(struct acl *acl)
{
	free(acl->items);
	*acl = (struct acl){ 0 };
}
