/*
 * DNS rebinding: which addresses, and taking them out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/rebind.h"

#include "common/dns/dname.h"

#define HINT_IPV4 4 /* RFC 9460 14.3.2 */
#define HINT_IPV6 6

static bool is_private_v4(const uint8_t *b)
{
	return b[0] == 0 || b[0] == 10 || b[0] == 127 || (b[0] == 100 && (b[1] & 0xc0) == 64) ||
	       (b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
}

static bool is_private_v6(const uint8_t *b)
{
	static const uint8_t zeros[12];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t translated[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t translated_here[6] = { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 };

	if (memcmp(b, zeros, 12) == 0 || memcmp(b, mapped, 12) == 0 || memcmp(b, translated, 12) == 0) {
		return is_private_v4(b + 12); /* :: and ::1 are 0.0.0.0 and 0.0.0.1 here */
	}
	if (b[0] == 0x20 && b[1] == 0x02) {
		return is_private_v4(b + 2);
	}
	return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0x80) == 0x80) ||
	       memcmp(b, translated_here, sizeof(translated_here)) == 0;
}

static bool hints_are_private(const uint8_t *rdata, uint16_t len)
{
	struct cursor c = cursor_of(rdata, len);
	(void)cursor_u16(&c); /* priority */
	int name_len = c.failed ? BH_ETRUNC : dname_check(rdata + c.pos, len - c.pos);
	if (name_len < 0) {
		return false;
	}
	(void)cursor_bytes(&c, (size_t)name_len);
	while (cursor_left(&c) > 0) {
		uint16_t key = cursor_u16(&c);
		size_t value_len = cursor_u16(&c);
		const uint8_t *value = cursor_bytes(&c, value_len);
		if (c.failed) {
			return false; /* of no use to anybody, RFC 9460 2.2 */
		}
		for (size_t at = 0; key == HINT_IPV4 && value_len - at >= 4; at += 4) {
			if (is_private_v4(value + at)) {
				return true;
			}
		}
		for (size_t at = 0; key == HINT_IPV6 && value_len - at >= 16; at += 16) {
			if (is_private_v6(value + at)) {
				return true;
			}
		}
	}
	return false;
}

bool rebind_is_private(uint16_t type, const uint8_t *rdata, uint16_t len)
{
	switch (type) {
	case RR_A:
		return len == 4 && is_private_v4(rdata);
	case RR_AAAA:
		return len == 16 && is_private_v6(rdata);
	case RR_SVCB:
	case RR_HTTPS:
		return hints_are_private(rdata, len);
	default:
		return false;
	}
}

static bool is_exempt(const struct core *core, const uint8_t *name)
{
	const struct core_zone *zone = core_find_stub(core, name);
	if (zone != NULL && zone->labels > 0) {
		return true;
	}
	/* A root of the operator's own is a network of his own; resolvers for everything are the Internet's. */
	if (zone != NULL && !zone->forward) {
		return true;
	}
	for (size_t i = 0; i < core->rebind_allow_count; i++) {
		if (dname_is_under(name, core->rebind_allow[i].name)) {
			return true;
		}
	}
	return false;
}

static unsigned count_private(const struct rrset *set)
{
	unsigned count = 0;
	const uint8_t *p = set->rdata;
	if (set->section != SECTION_ANSWER) {
		return 0;
	}
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len = get_u16(p);
		count += rebind_is_private(set->type, p + 2, len);
		p += 2 + len;
	}
	return count;
}

/* Only what is not private; at least one record is left. */
static int take_out(struct rrset *set, struct region *region)
{
	uint8_t *rdata = region_alloc(region, set->rdata_len);
	if (rdata == NULL) {
		return BH_ENOMEM;
	}
	const uint8_t *p = set->rdata;
	uint32_t used = 0;
	uint16_t left = 0;
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len = get_u16(p);
		if (!rebind_is_private(set->type, p + 2, len)) {
			memcpy(rdata + used, p, 2u + len);
			used += 2u + len;
			left++;
		}
		p += 2 + len;
	}
	set->rdata = rdata;
	set->rdata_len = used;
	set->count = left;
	set->sig_count = 0;
	set->sigs_len = 0;
	return BH_OK;
}

int rebind_filter(struct core *core, struct resolution *r, struct rrset **records)
{
	bool taken = false;
	if (!core->options.rebind_protection) {
		return BH_OK;
	}
	for (struct rrset **link = records; *link != NULL;) {
		struct rrset *set = *link;
		unsigned bad = count_private(set);
		if (bad == 0 || (is_exempt(core, r->name) && is_exempt(core, set->owner))) {
			link = &set->next;
			continue;
		}
		taken = true;
		if (bad == set->count) {
			*link = set->next;
		} else if (take_out(set, &r->region) != BH_OK) {
			return BH_ENOMEM;
		}
	}
	if (taken) {
		core_count(core, STAT_RES_FILTERED);
		r->secure = false;
		r->notice = EDE_BLOCKED;
		r->notice_text = "private address in a public answer";
	}
	return BH_OK;
}
