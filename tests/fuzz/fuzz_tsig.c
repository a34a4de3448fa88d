/*
 * TSIG records of strangers: whatever comes, there is a verdict, and a reply with a record that can be read
 * again and tells no more than it should.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/dns/tsig.h"
#include "common/util/cursor.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define GOOD_TIME UINT64_C(0x6b0188b2) /* of the signed seed */

static struct tsig_engine *engine;
static const struct tsig_key key = { .name = "\001k", .algorithm = TSIG_HMAC_SHA256, .secret_len = 32,
				     .secret = "0123456789abcdef0123456789abcdef" };

static void check_reply(struct tsig *tsig, uint64_t now, const struct query *q)
{
	static uint8_t msg[DNS_HEADER_SIZE + 2 * DNAME_MAX + 128];
	size_t len = DNS_HEADER_SIZE;
	struct query again;
	struct tsig_record record;

	memset(msg, 0, DNS_HEADER_SIZE);
	put_u16(msg, q->id);
	FUZZ_CHECK(tsig_size(tsig) <= sizeof(msg) - len);
	size_t at = len;
	FUZZ_CHECK(tsig_sign(engine, tsig, now, msg, &len, sizeof(msg)) == BH_OK);
	FUZZ_CHECK(len == at + tsig_size(tsig) && get_u16(msg + 10) == 1);
	FUZZ_CHECK(tsig_read(msg, len, at, &record) == BH_OK);
	FUZZ_CHECK(record.error == tsig->error && record.original_id == q->id);
	FUZZ_CHECK(record.mac_len == (tsig->key == NULL ? 0 : 32));
	FUZZ_CHECK(query_parse(msg, len, &again) == QUERY_FORMERR); /* no question in it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query q;
	struct tsig_record record;
	struct tsig tsig;
	if (engine == NULL) {
		engine = tsig_engine_new();
		FUZZ_CHECK(engine != NULL);
	}
	if (size < 1 || query_parse(data + 1, size - 1, &q) != QUERY_OK || !q.has_tsig) {
		return 0;
	}
	const uint8_t *wire = data + 1;
	size_t len = size - 1;
	uint64_t now = (data[0] & 1) == 0 ? GOOD_TIME : GOOD_TIME + 10000;
	FUZZ_CHECK(q.tsig_at < len);
	if (tsig_read(wire, len, q.tsig_at, &record) != BH_OK) {
		return 0;
	}
	FUZZ_CHECK(record.mac_len <= len && record.other_len <= len);
	const struct tsig_key *found = dname_equal(record.name, key.name) ? &key : NULL;
	int rc = tsig_verify(engine, found, wire, &record, now, &tsig);
	if (rc != BH_OK) {
		FUZZ_CHECK(rc == BH_EMALFORMED && found != NULL && (record.mac_len < 16 || record.mac_len > 32));
		return 0;
	}
	bool proven = tsig.error == TSIG_OK || tsig.error == TSIG_BADTIME || tsig.error == TSIG_BADTRUNC;
	FUZZ_CHECK(proven == (tsig.key != NULL));
	FUZZ_CHECK(found != NULL || tsig.error == TSIG_BADKEY);
	FUZZ_CHECK(tsig.error != TSIG_OK || record.mac_len == 32);
	check_reply(&tsig, now, &q);
	return 0;
}
