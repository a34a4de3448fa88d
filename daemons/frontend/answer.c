/*
 * Building answers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/answer.h"

#include "common/dns/dname.h"
#include "common/util/cursor.h"

#include <string.h>

void answer_begin(struct answer_builder *b, const uint8_t *qname, uint16_t qtype, enum answer_form form)
{
	compose_begin(&b->compose, b->wire, sizeof(b->wire), ANSWER_OPT_MAX, 0, FLAG_QR, qname, qtype,
		      CLASS_IN);
	struct answer *a = &b->answer;
	a->wire = b->wire;
	a->ttl_at = b->ttl_at;
	a->ttl_count = 0;
	a->qtype = qtype;
	a->qname_len = (uint8_t)dname_len(qname);
	a->answer_end = (uint16_t)b->compose.pos;
	a->authority_end = a->answer_end;
	a->ede = EDE_NONE;
	a->ede_text = b->ede_text;
	a->ede_text_len = 0;
	b->ede_text[0] = '\0';
	a->forms = FORM_PLAIN | FORM_DO;
	b->form = (uint8_t)form;
	b->min_ttl = UINT32_MAX;
	b->has_soa = false;
}

/* RFC 2308 5: the TTL of a negative answer is the smaller of the SOA's own and its MINIMUM field. */
static uint32_t negative_ttl(const struct message_rr *soa)
{
	uint32_t minimum = get_u32(soa->rdata + soa->rdata_len - 4);
	return soa->ttl < minimum ? soa->ttl : minimum;
}

/* RFC 4035 3.2.1: not for clients without DO, unless they ask for this very type (ANY does). */
static bool is_for_do(const struct answer *a, enum section section, uint16_t type)
{
	bool asked = section == SECTION_ANSWER && (type == a->qtype || a->qtype == RR_ANY);
	return (type == RR_RRSIG || type == RR_NSEC || type == RR_NSEC3) && !asked;
}

int answer_add(struct answer_builder *b, enum section section, const struct message_rr *rr)
{
	struct answer *a = &b->answer;
	if (is_for_do(a, section, rr->type)) {
		a->forms = b->form;
		if (b->form == FORM_PLAIN) {
			return BH_OK;
		}
	}
	if (a->ttl_count == ANSWER_RR_MAX) {
		return BH_ENOSPC;
	}
	size_t at = b->compose.pos;
	int rc = compose_rr(&b->compose, section, rr->owner, rr->type, rr->rr_class, rr->ttl, rr->rdata,
			    rr->rdata_len);
	if (rc != BH_OK) {
		return rc;
	}
	if (dname_skip(b->wire, b->compose.pos, &at) != BH_OK) {
		return BH_EMALFORMED; /* what was composed can be skipped */
	}
	b->ttl_at[a->ttl_count++] = (uint16_t)(at + 4);
	if (section <= SECTION_ANSWER) {
		a->answer_end = (uint16_t)b->compose.pos;
	}
	if (section <= SECTION_AUTHORITY) {
		a->authority_end = (uint16_t)b->compose.pos;
	}
	b->min_ttl = rr->ttl < b->min_ttl ? rr->ttl : b->min_ttl;
	if (section == SECTION_AUTHORITY && rr->type == RR_SOA) {
		uint32_t ttl = negative_ttl(rr);
		b->min_ttl = ttl < b->min_ttl ? ttl : b->min_ttl;
		b->has_soa = true;
	}
	return BH_OK;
}

static uint32_t life_of(const struct answer_builder *b, uint16_t rcode, bool found)
{
	if (rcode == RCODE_NOERROR && found) {
		return b->min_ttl < ANSWER_LIFE_MAX ? b->min_ttl : ANSWER_LIFE_MAX;
	}
	if ((rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN) || !b->has_soa) {
		return 0;
	}
	return b->min_ttl < ANSWER_LIFE_NEGATIVE_MAX ? b->min_ttl : ANSWER_LIFE_NEGATIVE_MAX;
}

const struct answer *answer_finish(struct answer_builder *b, uint16_t rcode, uint16_t flags, bool found)
{
	struct answer *a = &b->answer;
	a->len = (uint16_t)compose_finish(&b->compose, NULL);
	memcpy(a->counts, b->compose.counts, sizeof(a->counts));
	a->rcode = rcode;
	a->aa = (flags & FLAG_AA) != 0;
	a->ad = (flags & FLAG_AD) != 0;
	a->found = found;
	a->negative = !found && b->has_soa;
	a->life_sec = life_of(b, rcode, found);
	return a;
}

void answer_set_ede(struct answer_builder *b, int ede, const uint8_t *text, size_t len)
{
	struct answer *a = &b->answer;
	len = len < EDE_TEXT_MAX ? len : EDE_TEXT_MAX;
	a->ede = (int16_t)ede;
	for (size_t i = 0; i < len; i++) {
		b->ede_text[i] = (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
	}
	b->ede_text[len] = '\0';
	a->ede_text_len = (uint8_t)len;
}

void answer_wipe(struct answer_builder *b)
{
	explicit_bzero(b->wire, b->compose.pos);
}
