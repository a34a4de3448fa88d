/*
 * Queries: whatever comes, there is a verdict, and an error reply can be made out of what was read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/compose.h"
#include "common/dns/dname.h"
#include "common/dns/query.h"
#include "common/util/cursor.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* What a server echoes of a query must itself be read as the same question. */
static void check_echo(const struct query *q)
{
	static uint8_t buf[UDP_SIZE_PLAIN];
	static struct compose c;
	struct edns_reply edns = { .udp_size = UDP_SIZE_MAX, .rcode = RCODE_BADVERS, .ede = EDE_NONE };
	const struct edns_reply *opt = q->edns.present ? &edns : NULL;

	compose_begin(&c, buf, sizeof(buf), opt == NULL ? 0 : edns_size(opt), q->id, q->flags, q->qname, q->qtype,
		      q->qclass);
	size_t len = compose_finish(&c, opt);

	struct query again;
	FUZZ_CHECK(query_parse(buf, len, &again) == QUERY_OK);
	FUZZ_CHECK(again.id == q->id && again.qname_len == q->qname_len);
	FUZZ_CHECK(memcmp(again.qname, q->qname, q->qname_len) == 0);
	FUZZ_CHECK(again.qtype == q->qtype && again.qclass == q->qclass);
	FUZZ_CHECK(again.edns.present == q->edns.present);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query q;
	enum query_verdict verdict = query_parse(data, size, &q);

	FUZZ_CHECK((verdict == QUERY_IGNORE) == (size < DNS_HEADER_SIZE || (data[2] & 0x80) != 0));
	if (verdict == QUERY_IGNORE) {
		return 0;
	}
	FUZZ_CHECK(q.id == get_u16(data) && q.flags == get_u16(data + 2));
	FUZZ_CHECK(verdict != QUERY_BADVERS || (q.edns.present && q.edns.version != 0));
	FUZZ_CHECK(!q.edns.present || q.edns.udp_size >= UDP_SIZE_PLAIN);
	FUZZ_CHECK(q.edns.cookie_len == 0 || q.edns.cookie_len == 8 ||
		   (q.edns.cookie_len >= 16 && q.edns.cookie_len <= sizeof(q.edns.cookie)));
	if (q.qname_len > 0) {
		FUZZ_CHECK(dname_check(q.qname, sizeof(q.qname)) == q.qname_len);
		check_echo(&q);
	}
	if (verdict == QUERY_OK) {
		FUZZ_CHECK(q.qname_len > 0);
	}
	return 0;
}
