/*
 * Making replies. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/reply.h"

#include "common/util/cursor.h"

#include <assert.h>
#include <string.h>

void reply_to_init(struct reply_to *to, const struct query *q, bool tcp)
{
	to->id = q->id;
	to->flags = q->flags;
	to->qtype = q->qtype;
	to->qclass = q->qclass;
	to->edns = q->edns.present;
	to->do_bit = q->edns.do_bit;
	to->late = false;
	to->options_len = 0;
	to->qname_len = q->qname_len;
	memcpy(to->qname, q->qname, q->qname_len);
	if (tcp) {
		to->limit = DNS_MESSAGE_MAX;
	} else if (!q->edns.present) {
		to->limit = UDP_SIZE_PLAIN;
	} else {
		to->limit = q->edns.udp_size < UDP_SIZE_MAX ? q->edns.udp_size : UDP_SIZE_MAX;
	}
}

/* Flags for a reply without AA, TC and RCODE. */
static uint16_t base_flags(const struct reply_to *to)
{
	return (uint16_t)(FLAG_QR | FLAG_RA | (to->flags & (FLAG_OPCODE | FLAG_RD | FLAG_CD)));
}

static struct edns_reply edns_for(const struct reply_to *to, uint16_t rcode, int ede, const char *text)
{
	return (struct edns_reply){ .udp_size = UDP_SIZE_MAX, .rcode = rcode, .do_bit = to->do_bit,
				    .ede = ede, .ede_text = text, .options_len = to->options_len,
				    .options = to->options };
}

/* Octets behind the header that are sent, and the counts that go with them. False: not even so. */
static bool choose_sections(const struct reply_to *to, const struct answer *a, size_t room, size_t *len,
			    uint16_t counts[4])
{
	memcpy(counts, a->counts, 4 * sizeof(counts[0]));
	*len = a->len;
	if (*len <= room) {
		return true;
	}
	counts[SECTION_ADDITIONAL] = 0;
	*len = a->authority_end;
	if (*len <= room) {
		return true;
	}
	counts[SECTION_AUTHORITY] = 0;
	*len = a->answer_end;
	return *len <= room && counts[SECTION_ANSWER] > 0 && !to->do_bit && !a->negative;
}

/* Is AD known to this client, and does the answer deserve it? RFC 6840 5.7, 5.8. */
static bool wants_ad(const struct reply_to *to, const struct answer *a)
{
	return a->ad && (to->do_bit || (to->flags & FLAG_AD) != 0);
}

size_t reply_answer(const struct reply_to *to, const struct answer *a, uint32_t age_sec, uint8_t *buf,
		    bool *truncated)
{
	assert(a->qname_len == to->qname_len);
	struct edns_reply edns = edns_for(to, a->rcode, a->ede, a->ede_text[0] == '\0' ? NULL : a->ede_text);
	size_t opt_len = to->edns ? edns_size(&edns) : 0;
	size_t question_end = (size_t)DNS_HEADER_SIZE + a->qname_len + 4;
	uint16_t counts[4];
	size_t len;
	uint16_t flags = (uint16_t)(base_flags(to) | (a->aa ? FLAG_AA : 0) | (a->rcode & FLAG_RCODE));

	*truncated = !choose_sections(to, a, to->limit - opt_len, &len, counts) || to->late;
	if (*truncated) { /* nothing is left that AD could speak of */
		flags |= FLAG_TC;
		memset(counts, 0, sizeof(counts));
		counts[SECTION_QUESTION] = 1;
		len = question_end;
	} else if (wants_ad(to, a)) {
		flags |= FLAG_AD;
	}
	put_u16(buf, to->id);
	put_u16(buf + 2, flags);
	memcpy(buf + DNS_HEADER_SIZE, to->qname, to->qname_len);
	size_t behind_name = (size_t)DNS_HEADER_SIZE + to->qname_len;
	memcpy(buf + behind_name, a->wire + behind_name, len - behind_name);
	for (unsigned i = 0; age_sec > 0 && i < a->ttl_count && a->ttl_at[i] < len; i++) {
		uint8_t *ttl = buf + a->ttl_at[i];
		uint32_t left = get_u32(ttl);
		put_u32(ttl, left > age_sec ? left - age_sec : 0);
	}
	if (to->edns) {
		struct sink s = sink_of(buf, to->limit);
		s.pos = len;
		edns_write(&s, &edns);
		assert(!s.failed); /* limit - opt_len was kept */
		len = s.pos;
		counts[SECTION_ADDITIONAL]++;
	}
	for (unsigned i = 0; i < 4; i++) {
		put_u16(buf + 4 + 2 * i, counts[i]);
	}
	return len;
}

size_t reply_error(const struct reply_to *to, uint16_t rcode, int ede, const char *text, uint8_t *buf)
{
	struct sink s = sink_of(buf, REPLY_ERROR_MAX);

	sink_u16(&s, to->id);
	sink_u16(&s, (uint16_t)(base_flags(to) | (rcode & FLAG_RCODE)));
	sink_u16(&s, to->qname_len > 0 ? 1 : 0);
	sink_u16(&s, 0);
	sink_u16(&s, 0);
	sink_u16(&s, to->edns ? 1 : 0);
	if (to->qname_len > 0) {
		sink_bytes(&s, to->qname, to->qname_len);
		sink_u16(&s, to->qtype);
		sink_u16(&s, to->qclass);
	}
	if (to->edns) {
		struct edns_reply edns = edns_for(to, rcode, ede, text);
		edns_write(&s, &edns);
	}
	assert(!s.failed);
	return s.pos;
}
