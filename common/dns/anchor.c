/*
 * Trust anchors as data. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/anchor.h"

#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/rr.h"
#include "common/util/cursor.h"

#include <string.h>

static const char *ds_fault(struct cursor *c)
{
	(void)cursor_u16(c); /* key tag */
	uint8_t algorithm = cursor_u8(c);
	uint8_t digest_type = cursor_u8(c);
	size_t len = cursor_left(c);
	if (c->failed || len == 0) {
		return "the DS is cut short";
	}
	if (algorithm == 0 || algorithm == 255) {
		return "the DS has an algorithm that no key can have";
	}
	if ((digest_type == DNSSEC_SHA1 && len != 20) || (digest_type == DNSSEC_SHA256 && len != 32) ||
	    (digest_type == DNSSEC_SHA384 && len != 48)) {
		return "the DS has a digest of the wrong length";
	}
	return NULL;
}

static const char *dnskey_fault(struct cursor *c)
{
	uint16_t flags = cursor_u16(c);
	uint8_t protocol = cursor_u8(c);
	uint8_t algorithm = cursor_u8(c);
	if (c->failed || cursor_left(c) == 0) {
		return "the DNSKEY is cut short";
	}
	if ((flags & DNSKEY_ZONE) == 0) {
		return "the DNSKEY is no zone key"; /* RFC 4034 2.1.1 */
	}
	if (protocol != 3) {
		return "the DNSKEY's protocol is not 3"; /* RFC 4034 2.1.2 */
	}
	if ((flags & DNSKEY_REVOKE) != 0) {
		return "the DNSKEY is revoked"; /* RFC 5011 2.1: never a trust anchor again */
	}
	if (algorithm == 0 || algorithm == 255) {
		return "the DNSKEY has an algorithm that no key can have";
	}
	return NULL;
}

const char *anchor_fault(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct cursor c = cursor_of(rdata, len);
	switch (type) {
	case RR_DS:
		return ds_fault(&c);
	case RR_DNSKEY:
		return dnskey_fault(&c);
	default:
		return "it is neither DS nor DNSKEY";
	}
}

const uint8_t root_anchors[ROOT_ANCHORS][ROOT_ANCHOR_SIZE] = {
	{
		0x4f, 0x66, 8, 2, /* 20326, RSASHA256, SHA-256 */
		0xe0, 0x6d, 0x44, 0xb8, 0x0b, 0x8f, 0x1d, 0x39, 0xa9, 0x5c, 0x0b, 0x0d, 0x7c, 0x65, 0xd0, 0x84,
		0x58, 0xe8, 0x80, 0x40, 0x9b, 0xbc, 0x68, 0x34, 0x57, 0x10, 0x42, 0x37, 0xc7, 0xf8, 0xec, 0x8d,
	},
	{
		0x97, 0x28, 8, 2, /* 38696 */
		0x68, 0x3d, 0x2d, 0x0a, 0xcb, 0x8c, 0x9b, 0x71, 0x2a, 0x19, 0x48, 0xb2, 0x7f, 0x74, 0x12, 0x19,
		0x29, 0x8d, 0x0a, 0x45, 0x0d, 0x61, 0x2c, 0x48, 0x3a, 0xf4, 0x44, 0xa4, 0xc0, 0xfb, 0x2b, 0x16,
	},
};

uint16_t anchor_tag(uint16_t type, const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;
	if (len < 4) {
		return 0;
	}
	if (type == RR_DS) {
		return get_u16(rdata);
	}
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)rdata[i] << 8 : rdata[i];
	}
	return (uint16_t)(sum + (sum >> 16));
}

uint8_t anchor_algorithm(uint16_t type, const uint8_t *rdata, size_t len)
{
	return len < 4 ? 0 : type == RR_DS ? rdata[2] : rdata[3];
}

bool anchor_is_built_in(const uint8_t *zone, uint16_t type, const uint8_t *rdata, size_t len)
{
	bool found = false;
	for (unsigned i = 0; i < ROOT_ANCHORS && dname_is_root(zone) && type == RR_DS; i++) {
		found = found || (len == ROOT_ANCHOR_SIZE && memcmp(rdata, root_anchors[i], len) == 0);
	}
	return found;
}
