/*
 * TSIG as a client makes and checks it. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/unit/common/dns/tsig_wire.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (DNS_MESSAGE_MAX + 2048)

static uint8_t scratch[ROOM];

static size_t digest(const struct tsig_wire *t, const uint8_t *bytes, size_t len, uint8_t out[64])
{
	const EVP_MD *md = strstr(t->algorithm, "sha512") != NULL   ? EVP_sha512()
			   : strstr(t->algorithm, "sha384") != NULL ? EVP_sha384()
								    : EVP_sha256();
	unsigned size = 0;
	if (HMAC(md, t->secret, (int)strlen(t->secret), bytes, len, out, &size) == NULL) {
		abort();
	}
	return size;
}

static void put_name(struct sink *s, const char *text, bool fold)
{
	uint8_t wire[DNAME_MAX];
	int len = dname_from_text(text, wire);
	if (len < 0) {
		abort();
	}
	if (fold) {
		dname_copy_lower(wire, wire);
	}
	sink_bytes(s, wire, (size_t)len);
}

static void put_time(struct sink *s, uint64_t sec)
{
	sink_u16(s, (uint16_t)(sec >> 32));
	sink_u32(s, (uint32_t)sec);
}

static void put_variables(struct sink *s, const struct tsig_wire *t, uint64_t time_sec, uint16_t fudge,
			  uint16_t error, const uint8_t *other, size_t other_len)
{
	put_name(s, t->name, true);
	sink_u16(s, 255);
	sink_u32(s, 0);
	put_name(s, t->algorithm, true);
	put_time(s, time_sec);
	sink_u16(s, fudge);
	sink_u16(s, error);
	sink_blob(s, other, other_len);
}

size_t tsig_wire_sign(struct tsig_wire *t, uint8_t *msg, size_t len)
{
	uint8_t other[64];
	uint16_t id = t->original_id != 0 ? t->original_id : get_u16(msg);
	memset(other, 0x55, sizeof(other));
	struct sink s = sink_of(scratch, sizeof(scratch));
	sink_bytes(&s, msg, len);
	put_u16(scratch, id);
	put_variables(&s, t, t->time_sec, t->fudge_sec, t->error, other, t->other_len);
	size_t mac_len = digest(t, scratch, s.pos, t->mac);
	if (t->mac_len != 0) {
		mac_len = t->mac_len;
	}
	t->mac[mac_len - 1] = (uint8_t)(t->mac[mac_len - 1] + t->spoil_mac);
	t->prior_len = mac_len;
	t->replies = 0;

	s = sink_of(msg, len + 1024);
	s.pos = len;
	put_name(&s, t->name, false);
	sink_u16(&s, 250);
	sink_u16(&s, 255);
	sink_u32(&s, 0);
	size_t at = s.pos;
	sink_u16(&s, 0);
	put_name(&s, t->algorithm, false);
	put_time(&s, t->time_sec);
	sink_u16(&s, t->fudge_sec);
	sink_blob(&s, t->mac, mac_len);
	sink_u16(&s, id);
	sink_u16(&s, t->error);
	sink_blob(&s, other, t->other_len);
	put_u16(msg + at, (uint16_t)(s.pos - at - 2));
	put_u16(msg + 10, (uint16_t)(get_u16(msg + 10) + 1));
	return s.failed ? 0 : s.pos;
}

/* Where the last record begins; 0: there is none. */
static size_t last_record(const uint8_t *msg, size_t len)
{
	size_t pos = 12;
	size_t at = 0;
	for (unsigned i = 0; i < get_u16(msg + 4); i++) {
		if (dname_skip(msg, len, &pos) != BH_OK || len - pos < 4) {
			return 0;
		}
		pos += 4;
	}
	unsigned count = (unsigned)get_u16(msg + 6) + get_u16(msg + 8) + get_u16(msg + 10);
	for (unsigned i = 0; i < count; i++) {
		at = pos;
		if (dname_skip(msg, len, &pos) != BH_OK || len - pos < 10) {
			return 0;
		}
		size_t rdata_len = get_u16(msg + pos + 8);
		if (rdata_len > len - pos - 10) {
			return 0;
		}
		pos += 10 + rdata_len;
	}
	return pos == len ? at : 0;
}

struct tsig_wire_reply tsig_wire_check(struct tsig_wire *t, const uint8_t *msg, size_t len)
{
	struct tsig_wire_reply r = { .present = false };
	uint8_t name[DNAME_MAX];
	uint8_t expected[DNAME_MAX];
	size_t pos = len < 12 ? 0 : last_record(msg, len);
	r.at = pos;
	if (pos == 0 || dname_read(msg, len, &pos, name) < 0 || get_u16(msg + pos) != 250 ||
	    dname_from_text(t->name, expected) < 0 || !dname_equal(name, expected)) {
		return r;
	}
	struct cursor c = cursor_of(msg, len);
	c.pos = pos + 10;
	size_t algorithm_at = c.pos;
	if (get_u16(msg + pos + 2) != 255 || get_u32(msg + pos + 4) != 0 || dname_skip(msg, len, &c.pos) != BH_OK ||
	    dname_from_text(t->algorithm, expected) < 0 || !dname_equal(msg + algorithm_at, expected)) {
		return r;
	}
	r.time_sec = (uint64_t)cursor_u16(&c) << 32;
	r.time_sec |= cursor_u32(&c);
	r.fudge_sec = cursor_u16(&c);
	const uint8_t *mac = cursor_blob(&c, &r.mac_len);
	r.original_id = cursor_u16(&c);
	r.error = cursor_u16(&c);
	const uint8_t *other = cursor_blob(&c, &r.other_len);
	if (!cursor_done(&c)) {
		return r;
	}
	r.present = true;
	if (r.other_len == 6) {
		r.other_time = (uint64_t)get_u16(other) << 32 | get_u32(other + 2);
	}

	struct sink s = sink_of(scratch, sizeof(scratch));
	sink_blob(&s, t->mac, t->prior_len);
	size_t header = s.pos;
	sink_bytes(&s, msg, r.at);
	put_u16(scratch + header, r.original_id);
	put_u16(scratch + header + 10, (uint16_t)(get_u16(msg + 10) - 1));
	if (t->replies++ == 0) {
		put_variables(&s, t, r.time_sec, r.fudge_sec, r.error, other, r.other_len);
	} else {
		put_time(&s, r.time_sec);
		sink_u16(&s, r.fudge_sec);
	}
	uint8_t good[64];
	size_t size = digest(t, scratch, s.pos, good);
	r.good = r.mac_len == size && memcmp(mac, good, size) == 0;
	memcpy(t->mac, good, size);
	t->prior_len = size;
	return r;
}
