/*
 * Delegations: bounds, addresses, packing. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/delegation.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/util/region.h"

#include <assert.h>

bool delegation_addr_is_harmful(const struct addr *addr, bool allow_loopback)
{
	const uint8_t *b = addr->bytes;
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (addr->family == ADDR_V4) {
		return b[0] == 0 || (b[0] == 127 && !allow_loopback) || b[0] >= 224;
	}
	if (addr->family != ADDR_V6) {
		return true;
	}
	if (addr_is_loopback(addr)) {
		return !allow_loopback;
	}
	return addr_is_any(addr) || b[0] == 0xff || memcmp(b, mapped, sizeof(mapped)) == 0;
}

int delegation_add_ns(struct delegation *d, const uint8_t *name)
{
	for (unsigned i = 0; i < d->ns_count; i++) {
		if (dname_equal(d->ns[i].name, name)) {
			return (int)i;
		}
	}
	if (d->ns_count == NS_PER_ZONE_MAX) {
		return BH_ELIMIT;
	}
	d->ns[d->ns_count] = (struct ns_name){ .name = name };
	return d->ns_count++;
}

bool delegation_add_addr(struct delegation *d, uint8_t ns, const struct addr *addr)
{
	if (d->addr_count == ADDRS_PER_ZONE_MAX ||
	    (ns != NS_NONE && !d->configured && d->ns[ns].addr_count == ADDRS_PER_NS_MAX)) {
		return false;
	}
	for (unsigned i = 0; i < d->addr_count; i++) {
		if (addr_equal(&d->addrs[i].addr, addr)) {
			return false;
		}
	}
	d->addrs[d->addr_count++] = (struct ns_addr){ .addr = *addr, .ns = ns };
	if (ns != NS_NONE) {
		d->ns[ns].addr_count++;
	}
	return true;
}

size_t delegation_packed_size(const struct delegation *d)
{
	size_t size = 2;
	for (unsigned i = 0; i < d->ns_count; i++) {
		size += dname_len(d->ns[i].name);
	}
	for (unsigned i = 0; i < d->addr_count; i++) {
		size += 1 + 7 + addr_size(&d->addrs[i].addr);
	}
	return size;
}

void delegation_pack(struct sink *s, const struct delegation *d)
{
	sink_u8(s, d->ns_count);
	sink_u8(s, d->addr_count);
	for (unsigned i = 0; i < d->ns_count; i++) {
		sink_bytes(s, d->ns[i].name, dname_len(d->ns[i].name));
	}
	for (unsigned i = 0; i < d->addr_count; i++) {
		sink_u8(s, d->addrs[i].ns);
		addr_encode(s, &d->addrs[i].addr);
	}
}

struct delegation *delegation_unpack(const uint8_t *zone, uint64_t deadline_ms, const uint8_t *bytes,
				     size_t len, struct region *region)
{
	struct delegation *d = region_alloc(region, sizeof(*d));
	const uint8_t *copy = region_copy(region, bytes, len);
	if (d == NULL || copy == NULL) {
		return NULL;
	}
	d->zone = zone;
	d->deadline_ms = deadline_ms;
	struct cursor c = cursor_of(copy, len);
	unsigned ns_count = cursor_u8(&c);
	unsigned addr_count = cursor_u8(&c);
	for (unsigned i = 0; i < ns_count; i++) {
		const uint8_t *name = copy + c.pos;
		int name_len = dname_check(name, len - c.pos);
		assert(name_len > 0); /* we packed it ourselves */
		(void)cursor_bytes(&c, (size_t)name_len);
		d->ns[d->ns_count++] = (struct ns_name){ .name = name };
	}
	for (unsigned i = 0; i < addr_count; i++) {
		struct ns_addr *a = &d->addrs[d->addr_count++];
		a->ns = cursor_u8(&c);
		addr_decode(&c, &a->addr);
		if (a->ns != NS_NONE) {
			d->ns[a->ns].addr_count++;
		}
	}
	assert(cursor_done(&c));
	return d;
}

bool delegation_addr_of_rdata(uint16_t type, const uint8_t *rdata, uint16_t len, struct addr *out)
{
	*out = (struct addr){ .port = 53 };
	if (type == RR_A && len == 4) {
		out->family = ADDR_V4;
	} else if (type == RR_AAAA && len == 16) {
		out->family = ADDR_V6;
	} else {
		return false;
	}
	memcpy(out->bytes, rdata, len);
	return true;
}
