/*
 * Special-use names. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/special.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "common/util/region.h"

#include <assert.h>
#include <stdio.h>

#define SPECIAL_TTL 10800 /* RFC 6303 3 */

static const char *const special_zones[] = {
	/* RFC 6761, 6762, 7686, 9476, and the ICANN board's resolution of 2024-07-29 */
	"localhost", "invalid", "test", "local", "onion", "alt", "internal",
	/* RFC 8375, RFC 9462 */
	"home.arpa", "resolver.arpa",
	/* RFC 6303 4.2 to 4.6 */
	"10.in-addr.arpa", "168.192.in-addr.arpa", "0.in-addr.arpa", "127.in-addr.arpa",
	"254.169.in-addr.arpa", "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa",
	"113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
	"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
	"d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa",
	"8.b.d.0.1.0.0.2.ip6.arpa",
};
#define ZONE_COUNT COUNT(special_zones)

static const uint8_t localhost[] = "\011localhost";
static const uint8_t loopback_v4[] = "\0011\0010\0010\003127\007in-addr\004arpa";

/* Is the label the decimal number of an octet in low..high, without leading zeros? */
static bool label_in_range(const uint8_t *label, unsigned low, unsigned high)
{
	unsigned value = 0;
	if (label[0] < 1 || label[0] > 3 || (label[0] > 1 && label[1] == '0')) {
		return false;
	}
	for (unsigned i = 1; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(label[i] - '0');
	}
	return value >= low && value <= high;
}

/* 16..31.172.in-addr.arpa (RFC 6303 4.2) and 64..127.100.in-addr.arpa (RFC 7793). */
static const uint8_t *find_ranged(const uint8_t *name, unsigned labels)
{
	static const uint8_t b172[] = "\003172\007in-addr\004arpa";
	static const uint8_t b100[] = "\003100\007in-addr\004arpa";
	if (labels < 4) {
		return NULL;
	}
	const uint8_t *zone = dname_skip_labels(name, labels - 4);
	const uint8_t *parent = dname_parent(zone);
	bool hit = (dname_equal(parent, b172) && label_in_range(zone, 16, 31)) ||
		   (dname_equal(parent, b100) && label_in_range(zone, 64, 127));
	return hit ? zone : NULL;
}

struct special_zone {
	uint8_t name[80];
	unsigned labels;
};

/* In wire form, made at the first use. */
static const struct special_zone *zones_in_wire(void)
{
	static struct special_zone zones[ZONE_COUNT];
	for (size_t i = 0; i < ZONE_COUNT && zones[ZONE_COUNT - 1].labels == 0; i++) {
		uint8_t wire[DNAME_MAX];
		int len = dname_from_text(special_zones[i], wire);
		assert(len > 0 && (size_t)len <= sizeof(zones[i].name));
		memcpy(zones[i].name, wire, (size_t)len);
		zones[i].labels = dname_label_count(wire);
	}
	return zones;
}

/* The special zone that holds name, as a suffix of it, or NULL. Every miss comes here: mostly the last label decides. */
static const uint8_t *find_zone(const uint8_t *name)
{
	static const uint8_t arpa[] = "\004arpa";
	const struct special_zone *zones = zones_in_wire();
	unsigned labels = dname_label_count(name);
	if (labels == 0) {
		return NULL;
	}
	const uint8_t *top = dname_skip_labels(name, labels - 1);
	bool in_arpa = dname_equal(top, arpa);
	for (size_t i = 0; i < ZONE_COUNT; i++) {
		/* Top-level ones, and those below arpa. */
		if (zones[i].labels == 1 ? !in_arpa && dname_equal(top, zones[i].name)
					 : in_arpa && labels >= zones[i].labels &&
					     dname_equal(dname_skip_labels(name, labels - zones[i].labels), zones[i].name)) {
			return dname_skip_labels(name, labels - zones[i].labels);
		}
	}
	return in_arpa ? find_ranged(name, labels) : NULL;
}

/* RFC 6303 3: "@ 10800 IN SOA @ nobody.invalid. 1 3600 1200 604800 10800" */
static struct rrset *make_soa(const uint8_t *zone, struct region *region)
{
	uint8_t rdata[2 * DNAME_MAX + 20];
	static const uint8_t nobody[] = "\006nobody\007invalid";
	struct sink s = sink_of(rdata, sizeof(rdata));
	sink_bytes(&s, zone, dname_len(zone));
	sink_bytes(&s, nobody, sizeof(nobody));
	sink_u32(&s, 1);
	sink_u32(&s, 3600);
	sink_u32(&s, 1200);
	sink_u32(&s, 604800);
	sink_u32(&s, SPECIAL_TTL);
	assert(!s.failed);
	return rrset_single(zone, RR_SOA, SPECIAL_TTL, rdata, (uint16_t)s.pos, region);
}

/* Is it the name of the loopback address in its reverse zone? */
static bool is_loopback_name(const uint8_t *name, const uint8_t *zone)
{
	static const uint8_t zone_v6_start[] = "\0011\0010";
	return dname_equal(name, loopback_v4) ||
	       (dname_len(name) == dname_len(zone) && dname_label_count(name) == 34 &&
		memcmp(name, zone_v6_start, 4) == 0);
}

/* The records that special zones have. *found without *set: no memory. */
static struct rrset *positive(const uint8_t *name, uint16_t type, const uint8_t *zone, struct region *region,
			      bool *found)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };
	bool apex = dname_len(name) == dname_len(zone);
	bool local = dname_equal(zone, localhost); /* RFC 6761 6.3 4: all names below it */

	*found = true;
	if (local && type == RR_A) {
		return rrset_single(name, RR_A, SPECIAL_TTL, v4, sizeof(v4), region);
	}
	if (local && type == RR_AAAA) {
		return rrset_single(name, RR_AAAA, SPECIAL_TTL, v6, sizeof(v6), region);
	}
	if (type == RR_PTR && is_loopback_name(name, zone)) {
		return rrset_single(name, RR_PTR, SPECIAL_TTL, localhost, sizeof(localhost), region);
	}
	if (apex && type == RR_SOA) {
		return make_soa(zone, region);
	}
	if (apex && type == RR_NS) {
		return rrset_single(name, RR_NS, SPECIAL_TTL, zone, (uint16_t)dname_len(zone), region);
	}
	*found = false;
	return NULL;
}

/* Does the name exist in its empty zone: the apex, names of localhost, the way to 1.0.0.127? */
static bool exists(const uint8_t *name, const uint8_t *zone)
{
	return dname_len(name) == dname_len(zone) || dname_equal(zone, localhost) ||
	       dname_is_under(loopback_v4, name);
}

int special_judge(const uint8_t *name, uint16_t type, struct region *region, enum special_verdict *verdict,
		  struct rrset **set)
{
	static const uint8_t arpa[] = "\004arpa";
	const uint8_t *zone = find_zone(name);

	*verdict = SPECIAL_NOT;
	*set = NULL;
	if (zone == NULL ||
	    (type == RR_DS && dname_len(name) == dname_len(zone) && dname_is_under(zone, arpa))) {
		return BH_OK;
	}
	bool found;
	*set = positive(name, type, zone, region, &found);
	if (found) {
		*verdict = SPECIAL_ANSWER;
	} else {
		*verdict = exists(name, zone) ? SPECIAL_NODATA : SPECIAL_NXDOMAIN;
		*set = make_soa(zone, region);
		if (*set != NULL) {
			(*set)->section = SECTION_AUTHORITY;
		}
	}
	return *set == NULL ? BH_ENOMEM : BH_OK;
}
