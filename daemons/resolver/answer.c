/*
 * Composing replies. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/resolver/answer.h"

uint16_t answer_judge_query(enum query_verdict verdict, const struct query *q)
{
	switch (verdict) {
	case QUERY_OK:
		break;
	case QUERY_NOTIMP:
		return RCODE_NOTIMP;
	case QUERY_BADVERS:
		return RCODE_BADVERS;
	default:
		return RCODE_FORMERR;
	}
	if (query_opcode(q) != OPCODE_QUERY) {
		return RCODE_NOTIMP;
	}
	/* RD=0 asks for what is in the cache: nobody's business (cache snooping). */
	if (q->qclass != CLASS_IN || (q->flags & FLAG_RD) == 0) {
		return RCODE_REFUSED;
	}
	if (q->qtype == RR_AXFR || q->qtype == RR_IXFR) {
		return RCODE_REFUSED;
	}
	return rr_type_is_meta(q->qtype) && q->qtype != RR_ANY ? RCODE_NOTIMP : RCODE_NOERROR;
}

/*
 * RA=1, AA=0; RD and CD as they came (RFC 1035 4.1.1, RFC 4035 3.2.2). AD for all that is secure: the frontend gives it
 * to clients that want it (RFC 6840 5.8).
 */
static void begin(struct compose *c, const struct query *query, const struct edns_reply *edns, bool secure,
		  uint8_t *buf)
{
	uint16_t flags = (uint16_t)(FLAG_QR | FLAG_RA | (secure ? FLAG_AD : 0) | (query->flags & (FLAG_OPCODE | FLAG_RD | FLAG_CD)) |
				    (edns->rcode & FLAG_RCODE));
	compose_begin(c, buf, DNS_MESSAGE_MAX, query->edns.present ? edns_size(edns) : 0, query->id, flags,
		      query->qname_len > 0 ? query->qname : NULL, query->qtype, query->qclass);
}

static struct edns_reply edns_of(const struct query *query, uint16_t rcode, int ede, const char *text)
{
	return (struct edns_reply){ .udp_size = UDP_SIZE_MAX, .rcode = rcode, .ede = ede, .ede_text = text,
				    .do_bit = query->edns.do_bit };
}

size_t answer_error(const struct query *query, uint16_t rcode, int ede, const char *text, uint8_t *buf)
{
	struct compose c;
	struct edns_reply edns = edns_of(query, rcode, ede, text);
	begin(&c, query, &edns, false, buf);
	return compose_finish(&c, query->edns.present ? &edns : NULL);
}

static int write_set(struct compose *c, const struct rrset *set, bool signatures)
{
	const uint8_t *p = set->rdata;
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len = get_u16(p);
		int rc = compose_rr(c, (enum section)set->section, set->owner, set->type, CLASS_IN, set->ttl,
				    p + 2, len);
		if (rc != BH_OK) {
			return rc;
		}
		p += 2 + len;
	}
	p = set->sigs;
	for (unsigned i = 0; signatures && i < set->sig_count; i++) {
		uint16_t len = get_u16(p);
		int rc = compose_rr(c, (enum section)set->section, set->owner, RR_RRSIG, CLASS_IN, set->ttl,
				    p + 2, len);
		if (rc != BH_OK) {
			return rc;
		}
		p += 2 + len;
	}
	return BH_OK;
}

size_t answer_write(const struct query *query, const struct resolution *r, uint8_t *buf)
{
	struct compose c;
	struct edns_reply edns = edns_of(query, r->rcode, r->ede, r->ede_text);
	bool dnssec = query->edns.do_bit;

	begin(&c, query, &edns, r->secure, buf);
	for (unsigned section = SECTION_ANSWER; section <= SECTION_AUTHORITY; section++) {
		for (const struct rrset *set = r->records; set != NULL; set = set->next) {
			bool proof = section == SECTION_AUTHORITY && (set->type == RR_NSEC || set->type == RR_NSEC3);
			if (set->section != section || (proof && !dnssec)) {
				continue;
			}
			if (write_set(&c, set, dnssec) != BH_OK) {
				return answer_error(query, RCODE_SERVFAIL, EDE_OTHER, "answer too large", buf);
			}
		}
	}
	return compose_finish(&c, query->edns.present ? &edns : NULL);
}
