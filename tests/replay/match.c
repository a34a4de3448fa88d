/*
 * Comparing messages. Names without case, sections as sets of records, TTLs only if asked for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/match.h"

#include "common/dns/canonical.h"
#include "common/dns/dname.h"
#include "common/util/count.h"

#include <string.h>

#define FLAGS_COMPARED (FLAG_QR | FLAG_AA | FLAG_TC | FLAG_RD | FLAG_RA | FLAG_AD | FLAG_CD)

static bool same_rr(const struct message_rr *a, const struct message_rr *b, bool ttl)
{
	return a->type == b->type && a->rr_class == b->rr_class && (!ttl || a->ttl == b->ttl) &&
	       dname_equal(a->owner, b->owner) &&
	       canonical_compare(a->type, a->rdata, a->rdata_len, b->rdata, b->rdata_len) == 0;
}

static bool has_rr(const struct message_rr *rrs, size_t count, const struct message_rr *rr, bool ttl)
{
	for (size_t i = 0; i < count; i++) {
		if (rrs[i].section == rr->section && same_rr(&rrs[i], rr, ttl)) {
			return true;
		}
	}
	return false;
}

/* Of the records of a section in a, those that b lacks: into *why behind head. */
static bool lacks(const struct message_rr *a, size_t a_count, const struct message_rr *b, size_t b_count,
		  unsigned section, bool ttl, const char *head, struct text *why)
{
	bool any = false;
	for (size_t i = 0; i < a_count; i++) {
		if (a[i].section == section && !has_rr(b, b_count, &a[i], ttl)) {
			text_add(why, "%s", any ? ", " : head);
			show_rr(why, &a[i], ttl);
			any = true;
		}
	}
	return any;
}

static bool same_section(const struct scenario_entry *e, const struct message *msg, unsigned section,
			 const char *name, struct text *why)
{
	bool ttl = (e->match & MATCH_TTL) != 0;
	char missing[64];
	char extra[64];
	snprintf(missing, sizeof(missing), "%s section lacks ", name);
	snprintf(extra, sizeof(extra), "%s section has, not expected, ", name);
	bool bad = lacks(e->rrs, e->rr_count, msg->rrs, msg->rr_count, section, ttl, missing, why);
	if (bad) {
		snprintf(extra, sizeof(extra), "; and has, not expected, ");
	}
	return !(lacks(msg->rrs, msg->rr_count, e->rrs, e->rr_count, section, ttl, extra, why) || bad);
}

static bool same_question(const struct scenario_entry *e, const struct message *msg, struct text *why)
{
	unsigned m = e->match;
	bool both = e->has_question && msg->qname != NULL;
	bool fine = true;
	if ((m & (MATCH_QNAME | MATCH_QUESTION)) != 0) {
		fine = both ? dname_equal(e->qname, msg->qname) : e->has_question == (msg->qname != NULL);
	}
	if ((m & (MATCH_QTYPE | MATCH_QUESTION)) != 0) {
		fine = fine && (both ? e->qtype == msg->qtype : e->has_question == (msg->qname != NULL));
	}
	if ((m & MATCH_QUESTION) != 0 && both) {
		fine = fine && e->qclass == msg->qclass;
	}
	if ((m & MATCH_SUBDOMAIN) != 0) {
		fine = fine && both && dname_is_under(msg->qname, e->qname);
	}
	if ((m & MATCH_QCASE) != 0) {
		fine = fine && both && dname_len(e->qname) == dname_len(msg->qname) &&
		       memcmp(e->qname, msg->qname, dname_len(e->qname)) == 0;
	}
	if (!fine) {
		text_add(why, "question expected ");
		show_question(why, e->has_question ? e->qname : NULL, e->qtype);
		text_add(why, ", got ");
		show_question(why, msg->qname, msg->qtype);
	}
	return fine;
}

static bool same_header(const struct scenario_entry *e, const struct message *msg, struct text *why)
{
	if ((e->match & MATCH_RCODE) != 0 && e->rcode != msg->rcode) {
		text_add(why, "rcode expected %s, got %s", rcode_text(e->rcode), rcode_text(msg->rcode));
		if (msg->ede != EDE_NONE) {
			text_add(why, " (EDE %d: %.*s)", msg->ede, (int)msg->ede_text_len,
				 (const char *)msg->ede_text);
		}
		return false;
	}
	if ((e->match & MATCH_OPCODE) != 0 && ((e->flags ^ msg->flags) & FLAG_OPCODE) != 0) {
		text_add(why, "opcode expected %u, got %u", (e->flags & FLAG_OPCODE) >> 11,
			 (msg->flags & FLAG_OPCODE) >> 11);
		return false;
	}
	if ((e->match & MATCH_FLAGS) != 0 && ((e->flags ^ msg->flags) & FLAGS_COMPARED) != 0) {
		text_add(why, "flags expected ");
		show_flags(why, e->flags);
		text_add(why, ", got ");
		show_flags(why, msg->flags);
		return false;
	}
	return true;
}

static void add_ede(struct text *t, int ede)
{
	if (ede == EDE_NONE) {
		text_add(t, "none");
	} else {
		text_add(t, "%d", ede);
	}
}

static bool same_options(const struct scenario_entry *e, const struct message *msg, bool tcp, struct text *why)
{
	if ((e->match & MATCH_EDE) != 0 && e->ede != msg->ede) {
		text_add(why, "EDE expected ");
		add_ede(why, e->ede);
		text_add(why, ", got ");
		add_ede(why, msg->ede);
		if (msg->ede_text_len > 0) {
			text_add(why, " (%.*s)", (int)msg->ede_text_len, (const char *)msg->ede_text);
		}
		return false;
	}
	bool edns = (e->adjust & ADJUST_NO_EDNS) == 0;
	if ((e->match & MATCH_EDNS) != 0 &&
	    (edns != msg->has_edns || (edns && e->do_bit != msg->do_bit))) {
		text_add(why, "EDNS expected %s, got %s", !edns ? "none" : e->do_bit ? "with DO" : "without DO",
			 !msg->has_edns ? "none" : msg->do_bit ? "with DO" : "without DO");
		return false;
	}
	if ((e->match & MATCH_PLAIN) != 0 && msg->has_edns) {
		text_add(why, "a message without EDNS expected");
		return false;
	}
	if (((e->match & MATCH_UDP) != 0 && tcp) || ((e->match & MATCH_TCP) != 0 && !tcp)) {
		text_add(why, "%s expected, got %s", tcp ? "UDP" : "TCP", tcp ? "TCP" : "UDP");
		return false;
	}
	return true;
}

bool match_message(const struct scenario_entry *entry, const struct message *msg, bool tcp, struct text *why)
{
	static const struct {
		unsigned part;
		unsigned section;
		const char *name;
	} sections[] = {
		{ MATCH_ANSWER, SECTION_ANSWER, "answer" },
		{ MATCH_AUTHORITY, SECTION_AUTHORITY, "authority" },
		{ MATCH_ADDITIONAL, SECTION_ADDITIONAL, "additional" },
	};
	if (!same_header(entry, msg, why) || !same_question(entry, msg, why) ||
	    !same_options(entry, msg, tcp, why)) {
		return false;
	}
	for (unsigned i = 0; i < COUNT(sections); i++) {
		if ((entry->match & sections[i].part) != 0 &&
		    !same_section(entry, msg, sections[i].section, sections[i].name, why)) {
			return false;
		}
	}
	return true;
}
