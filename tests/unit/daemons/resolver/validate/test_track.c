/*
 * Tracking with real signatures (Ed25519, RFC 8080): the trusted keys change with what the zone publishes and signs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/validate/track.h"

#include "common/dns/rr.h"
#include "common/util/region.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define NOW UINT64_C(1795000000)
#define DAY 86400
#define KEYS 3

static const uint8_t zone[] = "\7example";

struct story {
	struct dnssec *dnssec;
	EVP_PKEY *pkey[KEYS];
	uint8_t rdata[KEYS][36]; /* flags 257, protocol 3, algorithm 15 */
	struct region region;
	struct ipc_anchor anchors[2];
	struct ipc_anchor_state state;
	struct gather from;
	char told[512];
};

static struct story *story_new(void)
{
	static struct story s;
	s.dnssec = dnssec_new();
	cr_assert_not_null(s.dnssec);
	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t secret[32];
		size_t len = 32;
		memset(secret, (int)i + 1, sizeof(secret));
		s.pkey[i] = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
		cr_assert_not_null(s.pkey[i]);
		memcpy(s.rdata[i], "\1\1\3\17", 4);
		cr_assert_eq(EVP_PKEY_get_raw_public_key(s.pkey[i], s.rdata[i] + 4, &len), 1);
	}
	region_init(&s.region, 4096, 1 << 20);
	s.anchors[0] = (struct ipc_anchor){ .type = RR_DNSKEY, .len = 36 };
	memcpy(s.anchors[0].zone, zone, sizeof(zone));
	memcpy(s.anchors[0].rdata, s.rdata[0], 36);
	memcpy(s.state.zone, zone, sizeof(zone));
	s.from = (struct gather){ .anchors = s.anchors, .anchor_count = 1, .states = &s.state, .state_count = 1,
				  .dnssec = s.dnssec };
	return &s;
}

static uint16_t tag_of(const uint8_t *rdata)
{
	struct dnskey key;
	cr_assert_eq(dnskey_parse(rdata, 36, &key), BH_OK);
	return key.tag;
}

/* RRSIG over DNSKEYs that stand in canonical order. */
static void sign(struct story *s, unsigned key, const uint8_t *key_rdata, const uint8_t *rdata, unsigned count,
		 uint64_t now_sec, struct sink *out)
{
	uint8_t bytes[4096];
	uint8_t signature[64];
	size_t signature_len = sizeof(signature);
	struct sink head = sink_of(bytes, sizeof(bytes)); /* RFC 4034 3.1.8.1 */
	sink_u16(&head, RR_DNSKEY);
	sink_u8(&head, 15);
	sink_u8(&head, 1); /* labels */
	sink_u32(&head, 2 * DAY);
	sink_u32(&head, (uint32_t)(now_sec + 10 * DAY));
	sink_u32(&head, (uint32_t)(now_sec - DAY));
	sink_u16(&head, tag_of(key_rdata));
	sink_bytes(&head, zone, sizeof(zone));
	size_t head_len = head.pos;
	for (unsigned i = 0; i < count; i++) {
		sink_bytes(&head, zone, sizeof(zone));
		sink_u16(&head, RR_DNSKEY);
		sink_u16(&head, CLASS_IN);
		sink_u32(&head, 2 * DAY);
		sink_bytes(&head, rdata + i * 38, 38);
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	cr_assert_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->pkey[key]), 1);
	cr_assert_eq(EVP_DigestSign(ctx, signature, &signature_len, bytes, head.pos), 1);
	EVP_MD_CTX_free(ctx);
	sink_u16(out, (uint16_t)(head_len + signature_len));
	sink_bytes(out, bytes, head_len);
	sink_bytes(out, signature, signature_len);
}

/* "0" a key, "0!" revoked; behind a blank the keys that sign: "01 0". */
static struct rrset *publish(struct story *s, const char *line, uint64_t now_sec)
{
	uint8_t *rdata = region_alloc(&s->region, 512);
	uint8_t *sigs = region_alloc(&s->region, 1024);
	struct rrset *set = region_alloc(&s->region, sizeof(*set));
	uint8_t plain[KEYS][36]; /* as published */
	struct sink r = sink_of(rdata, 512);
	struct sink g = sink_of(sigs, 1024);
	unsigned order[KEYS];
	unsigned count = 0;
	for (; *line != '\0' && *line != ' '; line++) {
		unsigned key = (unsigned)(*line - '0');
		memcpy(plain[key], s->rdata[key], 36);
		if (line[1] == '!') {
			plain[key][1] |= DNSKEY_REVOKE;
			line++;
		}
		order[count++] = key;
	}
	for (unsigned i = 0; i < count; i++) { /* canonical order: RFC 4034 6.3 */
		for (unsigned k = i + 1; k < count; k++) {
			if (memcmp(plain[order[k]], plain[order[i]], 36) < 0) {
				unsigned swap = order[i];
				order[i] = order[k];
				order[k] = swap;
			}
		}
		sink_u16(&r, 36);
		sink_bytes(&r, plain[order[i]], 36);
	}
	*set = (struct rrset){ .owner = zone, .rdata = rdata, .sigs = sigs, .rdata_len = (uint32_t)r.pos, .ttl = 2 * DAY,
			       .type = RR_DNSKEY, .count = (uint16_t)count };
	while (*line == ' ' || (*line >= '0' && *line <= '9')) {
		if (*line != ' ') {
			unsigned key = (unsigned)(*line - '0');
			sign(s, key, plain[key], rdata, count, now_sec, &g);
			set->sig_count++;
		}
		line++;
	}
	set->sigs_len = (uint32_t)g.pos;
	return set;
}

static void on_change(void *ctx, const struct ipc_anchor_key *key, unsigned from, unsigned to)
{
	struct story *s = ctx;
	size_t used = strlen(s->told);
	unsigned which = 0;
	while (which < KEYS && memcmp(key->rdata, s->rdata[which], 36) != 0) {
		which++;
	}
	snprintf(s->told + used, sizeof(s->told) - used, "%u:%s>%s ", which, rfc5011_state_text(from),
		 rfc5011_state_text(to));
}

/* What changed on that day; "changed " before it when the trusted keys did. */
static const char *day(struct story *s, unsigned number, const char *line)
{
	static char out[600];
	struct anchors *anchors;
	struct anchor trusted;
	uint64_t now_sec = NOW + (uint64_t)number * DAY;
	s->told[0] = '\0';
	cr_assert_eq(gather_anchors(&s->from, &anchors), BH_OK);
	anchors_find_trust(anchors, zone, &trusted);
	bool changed = track_judge(&s->from, &s->state, &trusted, line == NULL ? NULL : publish(s, line, now_sec),
				   now_sec, on_change, s);
	anchors_free(anchors);
	snprintf(out, sizeof(out), "%s%s", changed ? "changed " : "", s->told);
	return out;
}

/* Number of records that the zone's anchor has; -1: it has no anchor. */
static int anchor_records(const struct story *s)
{
	struct anchors *anchors;
	struct anchor found;
	cr_assert_eq(gather_anchors(&s->from, &anchors), BH_OK);
	anchors_find(anchors, zone, 0, &found);
	int count = found.kind == ANCHOR_TRUST ? (int)found.count : -1;
	anchors_free(anchors);
	return count;
}

#define DAY_IS(number, line, wanted)                                                                          \
	do {                                                                                                  \
		const char *got = day(s, number, line);                                                       \
		cr_assert_str_eq(got, wanted, "day %u: %s", number, got);                                     \
	} while (0)

Test(track, a_key_rolls_from_one_to_the_next)
{
	struct story *s = story_new();
	DAY_IS(0, "01 0", "changed 1:unknown>pending 0:unknown>valid ");
	cr_assert_eq(s->state.ttl, 2u * DAY);
	cr_assert_eq(s->state.next_sec, NOW + DAY);
	DAY_IS(10, "01 0", "");
	cr_assert_eq(anchor_records(s), 1);
	DAY_IS(31, "01 0", "changed 1:pending>valid ");
	cr_assert_eq(anchor_records(s), 2);
	DAY_IS(40, "0!1 01", "changed 0:valid>revoked ");
	cr_assert_eq(anchor_records(s), 1, "what the operator configured is revoked");
	DAY_IS(41, "1 1", "");
	DAY_IS(71, "12 1", "0:revoked>removed 2:unknown>pending ");
	DAY_IS(72, "012 1", "");
	cr_assert_eq(anchor_records(s), 1);
}

Test(track, what_a_stranger_signs_changes_nothing)
{
	struct story *s = story_new();
	DAY_IS(0, "0 0", "changed 0:unknown>valid ");
	DAY_IS(1, "01 1", "");
	DAY_IS(2, "1 1", "");
	DAY_IS(3, "0!1 1", "");
	DAY_IS(4, NULL, "");
	cr_assert_eq(s->state.checked_sec, NOW);
	cr_assert_eq(s->state.next_sec, NOW + 4 * DAY + DAY / 5);
	cr_assert_eq(anchor_records(s), 1);
}

Test(track, the_last_key_revoked_leaves_the_zone_bogus)
{
	struct story *s = story_new();
	DAY_IS(0, "0 0", "changed 0:unknown>valid ");
	DAY_IS(1, "0! 0", "changed 0:valid>revoked ");
	cr_assert_eq(anchor_records(s), 0);
}

Test(track, a_digest_speaks_of_its_key)
{
	struct story *s = story_new();
	struct ipc_anchor *ds = &s->anchors[1];
	uint8_t input[sizeof(zone) + 36];
	unsigned len;
	memcpy(input, zone, sizeof(zone));
	memcpy(input + sizeof(zone), s->rdata[1], 36);
	*ds = (struct ipc_anchor){ .type = RR_DS, .len = 36 };
	memcpy(ds->zone, zone, sizeof(zone));
	put_u16(ds->rdata, tag_of(s->rdata[1]));
	ds->rdata[2] = 15;
	ds->rdata[3] = 2;
	cr_assert_eq(EVP_Digest(input, sizeof(input), ds->rdata + 4, &len, EVP_sha256(), NULL), 1);
	s->from.anchor_count = 2;
	DAY_IS(0, "0 0", "changed 0:unknown>valid ");
	cr_assert_eq(anchor_records(s), 2, "configured, but not yet published");
	DAY_IS(1, "01 1", "changed 1:unknown>valid ");
	DAY_IS(2, "01! 01", "changed 1:valid>revoked ");
	cr_assert_eq(anchor_records(s), 1);
}

Test(track, the_checksum_is_that_of_the_zones_anchors)
{
	struct story *s = story_new();
	uint64_t one = ipc_anchor_sum(s->anchors, 1, zone);
	s->anchors[1] = s->anchors[0];
	cr_assert_neq(ipc_anchor_sum(s->anchors, 2, zone), one);
	s->anchors[1].zone[1] = 'f';
	cr_assert_eq(ipc_anchor_sum(s->anchors, 2, zone), one);
	s->anchors[0].rdata[20] ^= 1;
	cr_assert_neq(ipc_anchor_sum(s->anchors, 1, zone), one);
}
