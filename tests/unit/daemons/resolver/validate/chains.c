/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/daemons/resolver/validate/chains.h"

#include "common/dns/base32hex.h"
#include "common/dns/rr.h"

#include <criterion/criterion.h>
#include <stdio.h>

size_t chains_types(const char *types, uint8_t out[512])
{
	static uint8_t bits[256][32];
	char text[512];
	size_t len = 0;
	memset(bits, 0, sizeof(bits));
	snprintf(text, sizeof(text), "%s", types);
	for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		uint16_t type;
		cr_assert_eq(rr_type_parse(word, &type), BH_OK, "%s", word);
		bits[type >> 8][(type & 0xff) / 8] |= (uint8_t)(0x80u >> (type & 7));
	}
	for (unsigned window = 0; window < 256; window++) {
		uint8_t octets = 32;
		while (octets > 0 && bits[window][octets - 1] == 0) {
			octets--;
		}
		if (octets > 0) {
			out[len++] = (uint8_t)window;
			out[len++] = octets;
			memcpy(out + len, bits[window], octets);
			len += octets;
		}
	}
	return len;
}

struct rrset *chains_set(struct region *region, const uint8_t *owner, uint16_t type, const uint8_t *rdata, size_t len,
			 unsigned labels)
{
	struct rrset *set = rrset_single(region_copy(region, owner, dname_len(owner)), type, 3600,
					 region_copy(region, rdata, len), (uint16_t)len, region);
	cr_assert_not_null(set);
	set->labels = (uint8_t)labels;
	return set;
}

struct rrset *chains_nsec(struct region *region, const char *owner, const char *next, const char *types)
{
	uint8_t name[DNAME_MAX];
	uint8_t rdata[DNAME_MAX + 512];
	cr_assert_gt(dname_from_text(owner, name), 0, "%s", owner);
	int next_len = dname_from_text(next, rdata);
	cr_assert_gt(next_len, 0, "%s", next);
	size_t len = (size_t)next_len + chains_types(types, rdata + next_len);
	return chains_set(region, name, RR_NSEC, rdata, len, dname_label_count(name) - dname_is_wildcard(name));
}

struct rrset *chains_nsec3(struct region *region, const char *owner, const char *zone, const struct chains_parameters *p,
			   const char *next, const char *types)
{
	char text[DNAME_TEXT_MAX];
	uint8_t name[DNAME_MAX];
	uint8_t rdata[1024];
	struct sink s = sink_of(rdata, sizeof(rdata));
	snprintf(text, sizeof(text), "%s.%s", owner, strcmp(zone, ".") == 0 ? "" : zone);
	cr_assert_gt(dname_from_text(text, name), 0, "%s", text);
	sink_u8(&s, 1);
	sink_u8(&s, p->flags);
	sink_u16(&s, p->iterations);
	sink_u8(&s, p->salt_len);
	sink_bytes(&s, p->salt, p->salt_len);
	sink_u8(&s, 20);
	uint8_t *hash = sink_room(&s, 20);
	cr_assert_not_null(hash);
	cr_assert_eq(base32hex_decode((const uint8_t *)next, 32, hash), BH_OK);
	size_t len = s.pos + chains_types(types, rdata + s.pos);
	return chains_set(region, name, RR_NSEC3, rdata, len, dname_label_count(name));
}
