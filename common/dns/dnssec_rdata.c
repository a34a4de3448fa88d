/*
 * RDATA of DNSKEY, RRSIG and DS taken apart; key tags. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dnssec.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"

/* RFC 4034 B: the RDATA as big-endian words, added up; what is carried out goes in again, once. */
static uint16_t key_tag(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0; /* 64 KiB of words stay below 2^31 */
	for (size_t i = 0; i < len; i++) {
		sum += (i & 1) != 0 ? rdata[i] : (uint32_t)rdata[i] << 8;
	}
	return (uint16_t)(sum + (sum >> 16));
}

int dnskey_parse(const uint8_t *rdata, size_t len, struct dnskey *out)
{
	struct cursor c = cursor_of(rdata, len);
	struct dnskey key = { .flags = cursor_u16(&c), .protocol = cursor_u8(&c), .algorithm = cursor_u8(&c) };
	key.key_len = cursor_left(&c);
	key.key = cursor_bytes(&c, key.key_len);
	if (!cursor_done(&c) || key.key_len == 0 || len > UINT16_MAX) {
		return BH_EMALFORMED;
	}
	/* RFC 4034 B.1 has another tag for algorithm 1, which RFC 8624 3.1 forbids: its keys are for nothing here. */
	key.tag = key_tag(rdata, len);
	*out = key;
	return BH_OK;
}

int rrsig_parse(const uint8_t *rdata, size_t len, struct rrsig *out)
{
	struct cursor c = cursor_of(rdata, len);
	struct rrsig sig = { .covered = cursor_u16(&c) };
	sig.algorithm = cursor_u8(&c);
	sig.labels = cursor_u8(&c);
	sig.original_ttl = cursor_u32(&c);
	sig.expiration = cursor_u32(&c);
	sig.inception = cursor_u32(&c);
	sig.tag = cursor_u16(&c);
	if (c.failed) {
		return BH_EMALFORMED;
	}
	int signer_len = dname_check(rdata + c.pos, cursor_left(&c));
	if (signer_len < 0) {
		return BH_EMALFORMED;
	}
	sig.signer = cursor_bytes(&c, (size_t)signer_len);
	sig.signature_len = cursor_left(&c);
	sig.signature = cursor_bytes(&c, sig.signature_len);
	if (!cursor_done(&c) || sig.signature_len == 0) {
		return BH_EMALFORMED;
	}
	*out = sig;
	return BH_OK;
}

int ds_parse(const uint8_t *rdata, size_t len, struct ds *out)
{
	struct cursor c = cursor_of(rdata, len);
	struct ds ds = { .tag = cursor_u16(&c), .algorithm = cursor_u8(&c), .digest_type = cursor_u8(&c) };
	ds.digest_len = cursor_left(&c);
	ds.digest = cursor_bytes(&c, ds.digest_len);
	if (!cursor_done(&c) || ds.digest_len == 0) {
		return BH_EMALFORMED;
	}
	*out = ds;
	return BH_OK;
}
