/*
 * Replies to clients: id, flags, spelling, falling TTLs, size. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/reply.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "tests/unit/daemons/frontend/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct answer_builder builder;
static uint8_t buf[DNS_MESSAGE_MAX];

static void begin(const char *qname, uint16_t qtype)
{
	uint8_t lower[DNAME_MAX];
	dname_copy_lower(lower, name(qname));
	answer_begin(&builder, lower, qtype, FORM_DO);
}

static void add(const struct rec *rec)
{
	uint8_t rdata[512];
	struct message_rr rr = { .owner = name(rec->owner), .type = rec->type, .rr_class = CLASS_IN,
				 .ttl = rec->ttl, .rdata = rdata };
	rr.rdata_len = (uint16_t)make_rdata(rec, rdata);
	cr_assert_eq(answer_add(&builder, rec->section, &rr), BH_OK);
}

static struct reply_to asker(const char *qname, uint16_t qtype, uint16_t flags, uint16_t edns_size, bool do_bit,
			     bool tcp)
{
	uint8_t wire[UDP_SIZE_PLAIN];
	struct query q;
	struct reply_to to = { 0 };
	size_t len = make_query(wire, 0xbeef, qname, qtype, flags, edns_size, do_bit);
	cr_assert_eq(query_parse(wire, len, &q), QUERY_OK);
	reply_to_init(&to, &q, tcp);
	return to;
}

Test(reply, is_for_the_one_who_asked)
{
	bool tc = true;
	begin("www.example.com", RR_A);
	add(&(struct rec){ AN, "www.example.com", RR_CNAME, 100, "web.example.com" });
	add(&(struct rec){ AN, "web.example.com", RR_A, 50, "192.0.2.1" });
	const struct answer *a = answer_finish(&builder, RCODE_NOERROR, 0, true);

	struct reply_to to = asker("wWw.ExAmPle.cOm", RR_A, FLAG_RD | FLAG_CD | FLAG_AD, 4096, true, false);
	size_t len = reply_answer(&to, a, 30, buf, &tc);
	const struct message *m = parse(buf, len);
	cr_assert_not(tc);
	cr_assert_eq(m->id, 0xbeef);
	cr_assert_eq(m->flags, FLAG_QR | FLAG_RD | FLAG_RA | FLAG_CD);
	cr_assert(memcmp(m->qname, name("wWw.ExAmPle.cOm"), 17) == 0, "spelling of the question");
	cr_assert(m->has_edns);
	cr_assert(m->do_bit);
	cr_assert_eq(m->udp_size, 1232);
	cr_assert_str_eq(section_text(m, AN),
			 "wWw.ExAmPle.cOm. CNAME 70 web.ExAmPle.cOm.; web.ExAmPle.cOm. A 20 192.0.2.1");

	/* The same answer for another client: without EDNS, without RD. */
	to = asker("www.example.com", RR_A, 0, 0, false, false);
	len = reply_answer(&to, a, 0, buf, &tc);
	m = parse(buf, len);
	cr_assert_eq(m->flags, FLAG_QR | FLAG_RA);
	cr_assert_not(m->has_edns);
	cr_assert_str_eq(section_text(m, AN),
			 "www.example.com. CNAME 100 web.example.com.; web.example.com. A 50 192.0.2.1");
	/* A TTL never falls below zero. */
	len = reply_answer(&to, a, 1000, buf, &tc);
	cr_assert_str_eq(section_text(parse(buf, len), AN),
			 "www.example.com. CNAME 0 web.example.com.; web.example.com. A 0 192.0.2.1");
}

Test(reply, carries_aa_rcode_and_extended_error)
{
	bool tc;
	begin("a.corp.example", RR_A);
	add(&(struct rec){ AU, "corp.example", RR_SOA, 60, "60" });
	answer_set_ede(&builder, EDE_STALE_ANSWER, (const uint8_t *)"old\n\xff text", 9);
	const struct answer *a = answer_finish(&builder, RCODE_NXDOMAIN, FLAG_AA, false);
	struct reply_to to = asker("a.corp.example", RR_A, FLAG_RD, 1232, false, false);
	const struct message *m = parse(buf, reply_answer(&to, a, 0, buf, &tc));
	cr_assert_eq(m->flags, FLAG_QR | FLAG_RD | FLAG_RA | FLAG_AA | RCODE_NXDOMAIN);
	cr_assert_eq(m->ede, EDE_STALE_ANSWER);
	cr_assert_eq(m->ede_text_len, 9);
	cr_assert_eq(memcmp(m->ede_text, "old?? tex", 9), 0);
	cr_assert_str_eq(section_text(m, AU), "corp.example. SOA 60 60");
}

/* An answer whose answer section alone has this many A records; 16 octets each after the first 16. */
static const struct answer *many(unsigned count, unsigned authority, unsigned additional)
{
	begin("big.test", RR_A);
	for (unsigned i = 0; i < count; i++) {
		add(&(struct rec){ AN, "big.test", RR_A, 60, "192.0.2.1" });
	}
	for (unsigned i = 0; i < authority; i++) {
		add(&(struct rec){ AU, "big.test", RR_A, 60, "192.0.2.2" });
	}
	for (unsigned i = 0; i < additional; i++) {
		add(&(struct rec){ AD, "big.test", RR_A, 60, "192.0.2.3" });
	}
	return answer_finish(&builder, RCODE_NOERROR, FLAG_AD, true);
}

Test(reply, never_more_than_the_client_takes)
{
	/* header 12 + question 14 = 26; a record 16; OPT 11 */
	static const struct {
		unsigned an, au, ad;
		uint16_t edns; /* 0: none */
		bool do_bit, tcp;
		bool tc;
		unsigned got_an, got_au, got_ad;
	} cases[] = {
		{ 30, 0, 0, 0, false, false, false, 30, 0, 0 },	  /* 506 <= 512 */
		{ 31, 0, 0, 0, false, false, true, 0, 0, 0 },	  /* 522 */
		{ 31, 0, 0, 0, false, true, false, 31, 0, 0 },	  /* TCP */
		{ 29, 0, 0, 512, false, false, false, 29, 0, 0 }, /* 501 */
		{ 30, 0, 0, 512, false, false, true, 0, 0, 0 },	  /* 517 */
		{ 30, 0, 0, 100, false, false, true, 0, 0, 0 },	  /* below 512 is 512 (RFC 6891 6.2.3) */
		{ 74, 0, 0, 1232, false, false, false, 74, 0, 0 }, /* 1221 */
		{ 75, 0, 0, 1232, false, false, true, 0, 0, 0 },   /* 1237 */
		{ 75, 0, 0, 4096, false, false, true, 0, 0, 0 },   /* our ceiling */
		{ 20, 5, 20, 0, false, false, false, 20, 5, 0 },   /* additional goes first */
		{ 20, 20, 20, 0, false, false, false, 20, 0, 0 },  /* then authority */
		{ 20, 20, 20, 512, true, false, true, 0, 0, 0 },   /* not when it may hold proofs */
		{ 0, 40, 0, 0, false, false, true, 0, 0, 0 },	   /* negative answers need theirs */
		{ 4000, 0, 0, 0, false, true, false, 4000, 0, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct answer *a = many(cases[i].an, cases[i].au, cases[i].ad);
		struct reply_to to = asker("big.test", RR_A, FLAG_RD, cases[i].edns, cases[i].do_bit,
					   cases[i].tcp);
		bool tc;
		unsigned got[4] = { 0 };
		size_t len = reply_answer(&to, a, 1, buf, &tc);
		const struct message *m = parse(buf, len);
		cr_assert_leq(len, to.limit);
		cr_assert_eq(tc, cases[i].tc, "case %zu", i);
		cr_assert_eq((m->flags & FLAG_TC) != 0, tc);
		cr_assert_eq((m->flags & FLAG_AD) != 0, !tc && cases[i].do_bit, "AD is for something");
		cr_assert_eq(m->has_edns, cases[i].edns != 0);
		for (size_t k = 0; k < m->rr_count; k++) {
			got[m->rrs[k].section]++;
			cr_assert_eq(m->rrs[k].ttl, 59);
		}
		cr_assert(got[AN] == cases[i].got_an && got[AU] == cases[i].got_au && got[AD] == cases[i].got_ad,
			  "case %zu: %u %u %u", i, got[AN], got[AU], got[AD]);
	}
}

/* Five aliases with labels of 63 octets end at octet 476: they fit without EDNS, the SOA behind them does not. */
Test(reply, the_soa_of_a_negative_answer_is_required)
{
	char names[6][80];
	bool tc = false;
	for (unsigned i = 0; i < 6; i++) {
		memset(names[i], 'a', 62);
		snprintf(names[i] + 62, 18, "%u.test", i);
	}
	begin(names[0], RR_A);
	for (unsigned i = 0; i < 5; i++) {
		add(&(struct rec){ AN, names[i], RR_CNAME, 60, names[i + 1] });
	}
	add(&(struct rec){ AU, "test", RR_SOA, 60, "30" });
	const struct answer *a = answer_finish(&builder, RCODE_NXDOMAIN, 0, false);
	cr_assert_eq(a->answer_end, 476);
	cr_assert_gt(a->len, UDP_SIZE_PLAIN);

	struct reply_to to = asker(names[0], RR_A, FLAG_RD, 0, false, false);
	size_t len = reply_answer(&to, a, 0, buf, &tc);
	cr_assert(tc);
	cr_assert_leq(len, (size_t)UDP_SIZE_PLAIN);
	to = asker(names[0], RR_A, FLAG_RD, 1232, false, false);
	(void)reply_answer(&to, a, 0, buf, &tc);
	cr_assert_not(tc);
}

Test(reply, errors_echo_what_could_be_read)
{
	struct reply_to to = asker("x.Test", RR_TXT, FLAG_RD, 1232, true, false);
	const struct message *m = parse(buf, reply_error(&to, RCODE_SERVFAIL, EDE_NETWORK_ERROR, "why", buf));
	cr_assert_eq(m->id, 0xbeef);
	cr_assert_eq(m->flags, FLAG_QR | FLAG_RD | FLAG_RA | RCODE_SERVFAIL);
	cr_assert_eq(m->qtype, RR_TXT);
	cr_assert_eq(memcmp(m->qname, name("x.Test"), 8), 0);
	cr_assert_eq(m->ede, EDE_NETWORK_ERROR);
	cr_assert_eq(m->rr_count, 0);
	cr_assert(m->do_bit);

	m = parse(buf, reply_error(&to, RCODE_BADVERS, EDE_NONE, NULL, buf));
	cr_assert_eq(m->rcode, RCODE_BADVERS);

	struct reply_to blind = { .id = 7, .flags = (OPCODE_UPDATE << 11) | FLAG_RD, .limit = 512 };
	size_t len = reply_error(&blind, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL, buf);
	cr_assert_eq(len, 12);
	cr_assert_eq(get_u16(buf + 2), FLAG_QR | (OPCODE_UPDATE << 11) | FLAG_RD | FLAG_RA | RCODE_NOTIMP);
}

/* The longest name and text still fit. */
Test(reply, largest_error_fits)
{
	char longest[DNAME_TEXT_MAX] = "";
	for (unsigned i = 0; i < 127; i++) {
		strcat(longest, "a.");
	}
	struct reply_to to = asker(longest, RR_A, FLAG_RD, 1232, false, false);
	cr_assert_eq(to.qname_len, 255);
	to.options_len = REPLY_OPTIONS_MAX; /* one that nobody knows, as long as all of ours */
	put_u16(to.options, 65001);
	put_u16(to.options + 2, REPLY_OPTIONS_MAX - 4);
	size_t len = reply_error(&to, RCODE_SERVFAIL, EDE_OTHER,
				 "0123456789012345678901234567890123456789012345678901234567890123456789", buf);
	cr_assert_eq(len, REPLY_ERROR_MAX);
}
