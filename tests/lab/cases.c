/*
 * The table of questions. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/lab/cases.h"

#include "common/dns/query.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/lab/lab.h"

#include <stdio.h>
#include <string.h>

#define OK "NOERROR"
#define NX "NXDOMAIN"
#define FAIL "SERVFAIL"
#define ODD_ANSWER(name) OK, name ". A 198.51.100.150"

const struct lab_case lab_cases[] = {
	/* plain answers, through referrals with glue */
	{ "www.alpha.com", RR_A, OK, "www.alpha.com. A 198.51.100.1" },
	{ "www.alpha.com", RR_AAAA, OK, "www.alpha.com. AAAA 2001:db8:1::1" },
	{ "alpha.com", RR_MX, OK, "alpha.com. MX 10 mail.alpha.com." },
	{ "www.beta.org", RR_A, OK, "www.beta.org. A 198.51.100.11" },
	{ "com", RR_SOA, OK, "com. SOA a.nic.com. 1" },
	{ ".", RR_NS, OK, ". NS a.root-servers.net.; . NS b.root-servers.net." },
	/* a chain of referrals below one zone, alternating between two servers */
	{ "www.three.two.one.alpha.com", RR_A, OK, "www.three.two.one.alpha.com. A 198.51.100.33" },
	{ "www.two.one.alpha.com", RR_A, OK, "www.two.one.alpha.com. A 198.51.100.32" },
	{ "www.one.alpha.com", RR_A, OK, "www.one.alpha.com. A 198.51.100.31" },
	/* name servers without glue: once, twice, three times */
	{ "www.gamma.com", RR_A, OK, "www.gamma.com. A 198.51.100.21" },
	{ "www.delta.org", RR_A, OK, "www.delta.org. A 198.51.100.22" },
	{ "www.chainone.com", RR_A, OK, "www.chainone.com. A 198.51.100.204" },
	/* aliases over four zones under two top level domains */
	{ "chain.alpha.com", RR_A, OK,
	  "chain.alpha.com. CNAME chain.beta.org.; chain.beta.org. CNAME chain.gamma.com.; "
	  "chain.delta.org. A 198.51.100.44; chain.gamma.com. CNAME chain.delta.org." },
	{ "chain.alpha.com", RR_TXT, OK,
	  "chain.alpha.com. CNAME chain.beta.org.; chain.beta.org. CNAME chain.gamma.com.; "
	  "chain.gamma.com. CNAME chain.delta.org." },
	{ "chain.alpha.com", RR_CNAME, OK, "chain.alpha.com. CNAME chain.beta.org." },
	{ "tonothing.alpha.com", RR_A, NX, "tonothing.alpha.com. CNAME nothing.beta.org." },
	{ "tonodata.alpha.com", RR_A, OK, "tonodata.alpha.com. CNAME onlytext.beta.org." },
	/* DNAME */
	{ "host.old.alpha.com", RR_A, OK,
	  "host.new.beta.org. A 198.51.100.12; host.old.alpha.com. CNAME host.new.beta.org.; "
	  "old.alpha.com. DNAME new.beta.org." },
	{ "old.alpha.com", RR_DNAME, OK, "old.alpha.com. DNAME new.beta.org." },
	{ "old.alpha.com", RR_A, OK, "" },
	{ "missing.old.alpha.com", RR_A, NX,
	  "missing.old.alpha.com. CNAME missing.new.beta.org.; old.alpha.com. DNAME new.beta.org." },
	/* nothing there */
	{ "nothing.alpha.com", RR_A, NX, "" },
	{ "nothing.nothing.alpha.com", RR_A, NX, "" },
	{ "nothing-at-all.com", RR_A, NX, "" },
	{ "www.no-such-tld-here", RR_A, NX, "" },
	{ "www.alpha.com", RR_TXT, OK, "" },
	{ "x.y.ent.alpha.com", RR_A, OK, "x.y.ent.alpha.com. A 198.51.100.5" },
	{ "ent.alpha.com", RR_A, OK, "" },
	{ "y.ent.alpha.com", RR_A, OK, "" },
	{ "z.ent.alpha.com", RR_A, NX, "" },
	/* wildcards */
	{ "any.thing.wild.alpha.com", RR_A, OK, "any.thing.wild.alpha.com. A 198.51.100.77" },
	{ "exact.wild.alpha.com", RR_TXT, OK, "exact.wild.alpha.com. TXT \"exact\"" },
	{ "exact.wild.alpha.com", RR_A, OK, "" },
	{ "b.exact.wild.alpha.com", RR_A, NX, "" },
	/* servers that are lame, dead, or out of reach */
	{ "www.lame.com", RR_A, OK, "www.lame.com. A 198.51.100.200" },
	{ "www.alllame.com", RR_A, FAIL, "" },
	{ "www.dead.com", RR_A, OK, "www.dead.com. A 198.51.100.201" },
	{ "www.alldead.com", RR_A, FAIL, "" },
	{ "www.vsixbad.com", RR_A, OK, "www.vsixbad.com. A 198.51.100.202" },
	{ "www.vsixonly.com", RR_A, OK, "www.vsixonly.com. A 198.51.100.203" },
	/* loops of name servers */
	{ "www.loopone.com", RR_A, FAIL, "" },
	{ "www.looptwo.org", RR_A, FAIL, "" },
	{ "www.selfloop.com", RR_A, FAIL, "" },
	/* servers with one fault each: the true answer is found behind the fault */
	{ "www.odd.com", RR_A, ODD_ANSWER("www.odd.com") },
	{ "www.wrongid.com", RR_A, ODD_ANSWER("www.wrongid.com") },
	{ "www.wrongname.com", RR_A, ODD_ANSWER("www.wrongname.com") },
	{ "www.garbage.com", RR_A, ODD_ANSWER("www.garbage.com") },
	{ "www.wrongport.com", RR_A, ODD_ANSWER("www.wrongport.com") },
	{ "www.cutreply.com", RR_A, ODD_ANSWER("www.cutreply.com") },
	{ "www.ednsformerr.com", RR_A, ODD_ANSWER("www.ednsformerr.com") },
	{ "www.ednsnotimp.com", RR_A, ODD_ANSWER("www.ednsnotimp.com") },
	{ "www.tconly.com", RR_A, ODD_ANSWER("www.tconly.com") },
	{ "www.tcnotcp.com", RR_A, FAIL, "" },
	{ "www.lowercase.com", RR_A, ODD_ANSWER("www.lowercase.com") },
	{ "www.slow.com", RR_A, ODD_ANSWER("www.slow.com") },
	{ "www.silent.com", RR_A, FAIL, "" },
	{ "www.upward.com", RR_A, FAIL, "" },
	/* what others say about alpha.com is not believed */
	{ "www.poison.com", RR_A, ODD_ANSWER("www.poison.com") },
	{ "www.aliaslie.com", RR_A, OK, "www.aliaslie.com. CNAME www.alpha.com.; www.alpha.com. A 198.51.100.1" },
	{ "www.alpha.com", RR_A, OK, "www.alpha.com. A 198.51.100.1" },
	{ "mail.alpha.com", RR_A, OK, "mail.alpha.com. A 198.51.100.2" },
};
const size_t lab_case_count = COUNT(lab_cases);

/* Ask one; an empty string, or what is wrong. */
static const char *judge(const char *server, unsigned tries, const struct lab_case *c,
			 char out[CLIENT_TEXT_MAX + 1024])
{
	static char text[CLIENT_TEXT_MAX];
	struct ask ask = { .server = server,
			   .name = c->name,
			   .type = c->type,
			   .flags = FLAG_RD,
			   .edns = true,
			   .timeout_ms = 15000 };
	const struct reply *reply = client_ask(&ask);
	while (!reply->received && --tries > 0) {
		reply = client_ask(&ask);
	}
	if (reply->received && (reply->message.flags & FLAG_TC) != 0) {
		ask.tcp = true;
		reply = client_ask(&ask);
	}
	out[0] = '\0';
	if (!reply->received) {
		return strcpy(out, "no reply");
	}
	reply_section(reply, SECTION_ANSWER, text);
	const char *rcode = rcode_text(reply->message.rcode);
	size_t size = CLIENT_TEXT_MAX + 1024;
	if (strcmp(rcode, c->rcode) != 0) {
		snprintf(out, size, "%s expected, got %s (%s), extended error %d \"%.*s\"", c->rcode, rcode, text,
			 reply->message.ede, (int)reply->message.ede_text_len,
			 reply->message.ede_text_len > 0 ? (const char *)reply->message.ede_text : "");
	} else if (c->answer != NULL && strcmp(c->answer, text) != 0) {
		snprintf(out, size, "\"%s\" expected, got \"%s\"", c->answer, text);
	} else if ((reply->message.flags & FLAG_RA) == 0) {
		snprintf(out, size, "no RA in a resolver's reply");
	} else if ((reply->message.flags & FLAG_AD) != 0) {
		snprintf(out, size, "AD without validation");
	} else if (strstr(text, LAB_POISON) != NULL) {
		snprintf(out, size, "a forged address: \"%s\"", text);
	}
	return out;
}

void lab_ask_cases(const char *server, const char *const *except)
{
	static char text[CLIENT_TEXT_MAX + 1024];
	unsigned wrong = 0;
	/* We answer every question, at once or with SERVFAIL in time. Peers may let one fall under load. */
	unsigned tries = except == NULL ? 1 : 3;
	for (size_t i = 0; i < lab_case_count; i++) {
		const struct lab_case *c = &lab_cases[i];
		bool skipped = false;
		for (unsigned k = 0; except != NULL && except[k] != NULL; k++) {
			skipped = skipped || strcmp(except[k], c->name) == 0;
		}
		if (!skipped && judge(server, tries, c, text)[0] != '\0') {
			char type[RR_TYPE_TEXT_MAX];
			fprintf(stderr, "%s %s: %s\n", c->name, rr_type_text(c->type, type), text);
			wrong++;
		}
	}
	MUST(wrong == 0, "%u of %zu questions were answered wrongly, see above", wrong, lab_case_count);
}

void lab_ask_case(const char *server, const char *name, uint16_t type, const char *rcode, const char *answer)
{
	static char text[CLIENT_TEXT_MAX + 1024];
	const struct lab_case c = { name, type, rcode, answer };
	MUST(judge(server, 1, &c, text)[0] == '\0', "%s: %s", name, text);
}
