/* What a check of the running appliance judges by: rows, replies and a clock in, findings out. SPDX-License-Identifier: BSD-2-Clause */
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/query.h"
#include "common/util/count.h"
#include "daemons/ctl/health/exchange.h"
#include "daemons/ctl/health/facts.h"
#include "daemons/ctl/health/parent.h"
#include "daemons/ctl/health/probe.h"
#include "daemons/ctl/health/report.h"
#include "daemons/ctl/health/state.h"
#include "tests/unit/daemons/ctl/rows.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct report report;
static struct ctl_row row;
static char text[64 * 1024];

static const char *print(bool verbose)
{
	const struct print_style style = { .verbose = verbose };
	FILE *out = fmemopen(text, sizeof(text), "w");
	cr_assert_eq(report_print(out, &report, &style), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

/* --- the report ---------------------------------------------------------------------------------------- */

Test(ctl_report, the_first_line_is_a_plug_ins)
{
	report_init(&report);
	report_add(&report, SEVERITY_SKIPPED, "resolver", "", "", "none is configured");
	report_add(&report, SEVERITY_WARNING, "parent", "external", "example.com.", "lacks | glue");
	report_add(&report, SEVERITY_FINE, "listener", "internal", "", "well");
	report_add(&report, SEVERITY_CRITICAL, "role", "", "", "resolver %d is %s", 0, "backoff");
	report_add(&report, SEVERITY_WARNING, "zone", "internal", "a.", "old");
	report_measure(&report, "zones", 3, "", "", "");
	report_measure(&report, "signature_left", 86400, "s", "259200:", "86400:");
	report_end(&report, "all well");
	cr_assert_str_eq(print(false),
			 "BULKHEAD CRITICAL - 1 critical, 2 warnings: role: resolver 0 is backoff"
			 " | zones=3 signature_left=86400s;259200:;86400:\n"
			 "critical: role: resolver 0 is backoff\n"
			 "warning: parent external example.com.: lacks | glue\n"
			 "warning: zone internal a.: old\n"
			 "skipped: resolver: none is configured\n"
			 "ok: listener internal: well\n");
	cr_assert_eq(report.answer.status, 2);
	report_clear(&report);
}

Test(ctl_report, the_worst_decides)
{
	static const struct {
		enum severity severities[3];
		int status;
		const char *line;
	} cases[] = {
		{ { SEVERITY_FINE, SEVERITY_FINE, SEVERITY_FINE }, 0, "BULKHEAD OK - all well\n" },
		{ { SEVERITY_FINE, SEVERITY_SKIPPED, SEVERITY_FINE }, 0, "BULKHEAD OK - all well, some of it skipped\n" },
		{ { SEVERITY_UNKNOWN, SEVERITY_SKIPPED, SEVERITY_FINE }, 3, "BULKHEAD UNKNOWN - 1 unknown: c: x\n" },
		{ { SEVERITY_UNKNOWN, SEVERITY_WARNING, SEVERITY_FINE }, 1, "BULKHEAD WARNING - 1 warning, 1 unknown: c: x\n" },
		{ { SEVERITY_UNKNOWN, SEVERITY_WARNING, SEVERITY_CRITICAL }, 2,
		  "BULKHEAD CRITICAL - 1 critical, 1 warning, 1 unknown: c: x\n" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		report_init(&report);
		for (size_t s = 0; s < 3; s++) {
			report_add(&report, cases[i].severities[s], "c", "", "", "x");
		}
		report_end(&report, "all well");
		cr_expect_eq(report.answer.status, cases[i].status, "case %zu", i);
		cr_expect_eq(strncmp(print(false), cases[i].line, strlen(cases[i].line)), 0, "case %zu: %s", i, text);
		report_clear(&report);
	}
}

Test(ctl_report, many_findings_do_not_flood_and_are_counted)
{
	report_init(&report);
	for (unsigned i = 0; i < 3 * REPORT_FINDINGS_MAX; i++) {
		report_add(&report, SEVERITY_WARNING, "zone", "v", "z.", "\033[2J%u", i);
	}
	report_end(&report, "");
	print(false);
	unsigned lines = 0;
	for (const char *p = text; *p != '\0'; p++) {
		lines += *p == '\n';
		cr_assert(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	}
	cr_assert_eq(lines, 1u + REPORT_SHOWN_MAX + 1u);
	cr_assert_not_null(strstr(text, "6000 warnings"));
	cr_assert_not_null(strstr(text, "(5950 more; -v shows them)"));
	cr_assert_eq(answer_table(&report.answer, "finding")->rows, (unsigned)REPORT_FINDINGS_MAX);
	report_clear(&report);
}

/* Is there a finding with this severity and text? */
static bool has(const char *severity, const char *wanted)
{
	const struct answer_table *findings = answer_table(&report.answer, "finding");
	for (const struct answer_row *r = findings == NULL ? NULL : findings->first; r != NULL; r = r->next) {
		if (strcmp(answer_text(r, "severity"), severity) == 0 && strstr(answer_text(r, "text"), wanted) != NULL) {
			return true;
		}
	}
	return false;
}

static unsigned findings(void)
{
	const struct answer_table *table = answer_table(&report.answer, "finding");
	return table == NULL ? 0 : table->rows;
}

/* --- what the appliance says -------------------------------------------------------------------------------- */

struct role_case {
	const char *state, *capabilities, *seccomp, *missing;
	uint64_t restarts, up;
	const char *severity, *text; /* NULL: nothing */
};

static void status_of(struct answer *answer, const char *version, const struct role_case *role, unsigned stuck_sec)
{
	answer_init(answer);
	row_begin(&row, "appliance");
	row_text(&row, "version", version);
	row_text(&row, "state", "running");
	row_number(&row, "pid", 4711);
	row_text(&row, "state_dir", "/var/lib/x");
	if (stuck_sec > 0) {
		row_number(&row, "saving_stuck_sec", stuck_sec);
	}
	cr_assert_eq(answer_add(answer, &row), 0);
	row_begin(&row, "role");
	row_text(&row, "role", "authority");
	row_text(&row, "view", "internal");
	row_number(&row, "index", 1);
	row_text(&row, "state", role->state);
	row_text(&row, "last_end", "signal 11");
	row_text(&row, "capabilities", role->capabilities);
	row_text(&row, "seccomp", role->seccomp);
	row_text(&row, "missing", role->missing);
	row_number(&row, "restarts", role->restarts);
	row_number(&row, "uptime_sec", role->up);
	cr_assert_eq(answer_add(answer, &row), 0);
}

Test(ctl_state, roles_and_their_walls)
{
	static const struct role_case cases[] = {
		{ "running", "none", "filter", "", 0, 5, NULL, NULL },
		{ "stopping", "", "", "", 0, 5, NULL, NULL },
		{ "backoff", "", "", "", 4, 0, "critical", "authority 1 is backoff, its process ended: signal 11" },
		{ "starting", "", "", "", 0, 0, "critical", "authority 1 is starting" },
		{ "running", "CapEff1", "filter", "", 0, 5, "critical", "has capabilities: CapEff1" },
		{ "running", "", "filter", "", 0, 5, "critical", "has capabilities" }, /* nobody could look */
		{ "running", "none", "off", "", 0, 5, "critical", "has no filter of system calls" },
		{ "running", "none", "filter", "landlock", 0, 5, "critical", "lacks: landlock" },
		{ "running", "none", "filter", "", 2, 61, "warning", "was restarted 1m 01s ago: signal 11" },
		{ "running", "none", "filter", "", 2, 4000, NULL, NULL }, /* long ago */
	};
	const struct state_before none = { .known = false };
	struct state_before now;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer;
		status_of(&answer, "1.0", &cases[i], 0);
		report_init(&report);
		state_judge(&answer, "1.0", &none, &now, &report);
		cr_expect_eq(findings(), cases[i].text == NULL ? 0u : 1u, "case %zu", i);
		cr_expect(cases[i].text == NULL || has(cases[i].severity, cases[i].text), "case %zu", i);
		cr_expect_eq(now.restarts, cases[i].restarts);
		report_clear(&report);
		answer_clear(&answer);
	}
}

Test(ctl_state, a_disk_that_hangs)
{
	static const struct role_case role = { "running", "none", "filter", "", 0, 10, NULL, NULL };
	const struct state_before none = { .known = false };
	for (unsigned stuck_sec = 0; stuck_sec <= 42; stuck_sec += 42) {
		struct answer answer;
		struct state_before now;
		status_of(&answer, "1.0", &role, stuck_sec);
		report_init(&report);
		state_judge(&answer, "1.0", &none, &now, &report);
		cr_expect_eq(findings(), stuck_sec == 0 ? 0u : 1u);
		cr_expect(stuck_sec == 0 || has("warning", "have not been written for 42 s: /var/lib/x does not answer"));
		report_clear(&report);
		answer_clear(&answer);
	}
}

Test(ctl_state, restarts_since_the_check_before)
{
	static const struct role_case role = { "running", "none", "filter", "", 5, 10, NULL, NULL };
	static const struct {
		struct state_before before;
		const char *text; /* NULL: nothing */
	} cases[] = {
		{ { true, 5, 4711 }, NULL },
		{ { true, 3, 4711 }, "2 restarts since the check before" },
		{ { true, 9, 4711 }, NULL },			     /* a reload took roles away */
		{ { true, 3, 4712 }, "5 restarts since" },	     /* another appliance: it counts from 0 */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer;
		struct state_before now;
		status_of(&answer, "1.0", &role, 0);
		report_init(&report);
		state_judge(&answer, "1.0", &cases[i].before, &now, &report);
		cr_expect_eq(findings(), cases[i].text == NULL ? 0u : 1u, "case %zu", i);
		cr_expect(cases[i].text == NULL || has("warning", cases[i].text), "case %zu", i);
		cr_expect(now.known && now.started == 4711);
		report_clear(&report);
		answer_clear(&answer);
	}
	struct answer answer;
	struct state_before now;
	status_of(&answer, "0.9", &role, 0);
	report_init(&report);
	state_judge(&answer, "1.0", &cases[0].before, &now, &report);
	cr_expect(has("warning", "the appliance is 0.9, this program 1.0"));
	report_clear(&report);
	answer_clear(&answer);
}

Test(ctl_state, space_and_clock)
{
	static const struct {
		uint64_t free, all, images;
		unsigned severity; /* enum severity */
	} cases[] = {
		{ 1000, 2000, 100, SEVERITY_FINE }, { 199, 2000, 100, SEVERITY_WARNING }, { 99, 2000, 100, SEVERITY_CRITICAL },
		{ 99, 2000, 0, SEVERITY_WARNING },  { 19, 2000, 0, SEVERITY_CRITICAL },	  { 100, 2000, 0, SEVERITY_FINE },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		report_init(&report);
		state_judge_space("/x", cases[i].free, cases[i].all, cases[i].images, &report);
		cr_expect_eq(report.counts[SEVERITY_WARNING], cases[i].severity == SEVERITY_WARNING ? 1u : 0u, "case %zu", i);
		cr_expect_eq(report.counts[SEVERITY_CRITICAL], cases[i].severity == SEVERITY_CRITICAL ? 1u : 0u, "case %zu", i);
		report_clear(&report);
	}
	report_init(&report);
	state_judge_clock(1000, 1000, &report);
	cr_expect_eq(findings(), 0u);
	state_judge_clock(999, 1000, &report);
	cr_expect_eq(report.counts[SEVERITY_CRITICAL], 1u);
	report_clear(&report);
}

static void add_listener(struct answer *answer, const char *address, uint64_t port)
{
	row_begin(&row, "listener");
	row_text(&row, "view", "v");
	row_text(&row, "address", address);
	row_number(&row, "port", port);
	row_number(&row, "workers", 2);
	cr_assert_eq(answer_add(answer, &row), 0);
}

Test(ctl_facts, rows_that_do_not_fit_are_refused)
{
	static const struct {
		const char *address;
		uint64_t port;
		const char *asked; /* NULL: refused */
	} cases[] = {
		{ "10.0.0.53", 53, "10.0.0.53@53" }, { "::", 5353, "::1@5353" }, { "0.0.0.0", 53, "127.0.0.1@53" },
		{ "10.0.0.53", 0, NULL },	     { "10.0.0.53", 65536, NULL }, { "nonsense", 53, NULL },
		{ "", 53, NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer;
		struct region region;
		struct facts facts;
		char addr[ADDR_TEXT_MAX];
		static const struct role_case role = { "running", "none", "filter", "", 0, 0, NULL, NULL };
		status_of(&answer, "1", &role, 0);
		add_listener(&answer, cases[i].address, cases[i].port);
		region_init(&region, 4096, 1u << 20);
		cr_expect_eq(facts_read(&answer, &region, &facts), cases[i].asked == NULL ? BH_EMALFORMED : 0, "case %zu", i);
		cr_expect(cases[i].asked == NULL || strcmp(addr_text(&facts.listeners[0].addr, addr), cases[i].asked) == 0,
			  "case %zu", i);
		region_clear(&region);
		answer_clear(&answer);
	}
	struct answer empty;
	struct region region;
	struct facts facts;
	answer_init(&empty);
	region_init(&region, 4096, 1u << 20);
	cr_expect_eq(facts_read(&empty, &region, &facts), BH_EMALFORMED);
	answer_clear(&empty);
}

/* --- replies ---------------------------------------------------------------------------------------------------- */

static const uint8_t name[] = "\7example\3com";

/* RDATA of an RRSIG over `type`, from and until. */
static uint8_t *rrsig(uint16_t type, uint32_t inception, uint32_t expiration)
{
	static uint8_t rdata[8][64];
	static unsigned next;
	uint8_t *r = rdata[next++ % 8];
	memset(r, 0, 64);
	r[0] = (uint8_t)(type >> 8);
	r[1] = (uint8_t)type;
	r[2] = 13;
	r[3] = 2;
	for (int i = 0; i < 4; i++) {
		r[8 + i] = (uint8_t)(expiration >> (24 - 8 * i));
		r[12 + i] = (uint8_t)(inception >> (24 - 8 * i));
	}
	memcpy(r + 18, name, sizeof(name)); /* then the signature */
	return r;
}

#define RRSIG_LEN (18 + sizeof(name) + 20)

Test(ctl_probe, a_reply_is_as_good_as_its_first_set_and_a_set_as_its_last_signature)
{
	static const struct {
		uint64_t now;
		struct {
			uint16_t type;
			uint32_t from, to;
		} sigs[3];
		bool any, early;
		int64_t left;
		uint16_t covered;
	} cases[] = {
		{ 1000, { { 0 } }, false, false, INT64_MAX, 0 },
		{ 1000, { { RR_SOA, 500, 1500 } }, true, false, 500, RR_SOA },
		{ 1000, { { RR_SOA, 500, 900 } }, true, false, -100, RR_SOA },
		{ 1000, { { RR_SOA, 500, 1500 }, { RR_SOA, 900, 3000 } }, true, false, 2000, RR_SOA }, /* a new one beside */
		{ 1000, { { RR_SOA, 500, 5000 }, { RR_NS, 900, 3000 } }, true, false, 2000, RR_NS },
		{ 1000, { { RR_SOA, 1001, 5000 } }, true, true, 4000, RR_SOA },
		{ 1000, { { RR_SOA, 1001, 5000 }, { RR_SOA, 900, 2000 } }, true, false, 4000, RR_SOA },
		/* RFC 4034 3.1.5: around the end of 32 bits, in 2106 */
		{ 0xfffffff0u, { { RR_SOA, 0xffffff00u, 0x10 } }, true, false, 0x20, RR_SOA },
		{ 0x100000010u, { { RR_SOA, 0xffffff00u, 0x8 } }, true, false, -8, RR_SOA },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct message_rr rrs[3];
		struct message m = { .rrs = rrs };
		struct probe_validity v;
		for (size_t s = 0; s < 3 && cases[i].sigs[s].type != 0; s++) {
			rrs[m.rr_count++] = (struct message_rr){
				.owner = name,
				.rdata = rrsig(cases[i].sigs[s].type, cases[i].sigs[s].from, cases[i].sigs[s].to),
				.rdata_len = RRSIG_LEN,
				.type = RR_RRSIG,
				.rr_class = CLASS_IN,
				.section = SECTION_ANSWER,
			};
		}
		probe_validity(&m, cases[i].now, &v);
		cr_expect(v.any == cases[i].any && v.early == cases[i].early && v.left_sec == cases[i].left &&
				  v.covered == cases[i].covered,
			  "case %zu: any %d early %d left %lld covered %u", i, v.any, v.early, (long long)v.left_sec, v.covered);
	}
}

Test(ctl_probe, thresholds)
{
	static const struct probe_limits limits = { .warning_sec = 300, .critical_sec = 100 };
	static const struct {
		int64_t left;
		bool early;
		const char *severity; /* NULL: nothing */
	} cases[] = {
		{ 300, false, NULL },	     { 299, false, "warning" }, { 100, false, "warning" }, { 99, false, "critical" },
		{ 0, false, "critical" }, { -1, false, "critical" }, { 1000, true, "critical" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct probe_validity v = { .any = true, .early = cases[i].early, .left_sec = cases[i].left };
		report_init(&report);
		probe_judge_validity(&v, &limits, "v", "z.", &report);
		cr_expect_eq(findings(), cases[i].severity == NULL ? 0u : 1u, "case %zu", i);
		cr_expect(cases[i].severity == NULL || has(cases[i].severity, ""), "case %zu", i);
		report_clear(&report);
	}
}

/* A reply of this name and type with this id, cut at every length, is never taken for whole. */
Test(ctl_exchange, replies_must_fit_their_question)
{
	struct exchange x = { .qtype = RR_SOA };
	static const uint8_t reply[] = "\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				       "\7EXAMPLE\3com\0\0\6\0\1";
	const size_t len = sizeof(reply) - 1;
	uint8_t other[sizeof(reply)];
	memcpy(x.qname, name, sizeof(name));
	cr_assert(exchange_fits(&x, 0x1234, reply, len));
	cr_assert(!exchange_fits(&x, 0x1235, reply, len));
	for (size_t cut = 0; cut < len; cut++) {
		cr_expect(!exchange_fits(&x, 0x1234, reply, cut), "cut at %zu", cut);
	}
	const size_t places[] = { 2, 5, 13, len - 4, len - 3, len - 1 }; /* QR, count, name, type, class */
	for (size_t i = 0; i < COUNT(places); i++) {
		memcpy(other, reply, sizeof(reply));
		other[places[i]] ^= places[i] == 2 ? 0x80 : 0x01;
		cr_expect(!exchange_fits(&x, 0x1234, other, len), "octet %zu", places[i]);
	}
}

Test(ctl_probe, the_serial_is_that_of_an_authoritative_answer)
{
	static const uint8_t soa[] = { 0, 0, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1 };
	struct message_rr rr = { .owner = name, .rdata = soa, .rdata_len = sizeof(soa), .type = RR_SOA,
				 .section = SECTION_ANSWER };
	struct message m = { .flags = FLAG_QR | FLAG_AA, .rrs = &rr, .rr_count = 1 };
	uint32_t serial = 0;
	cr_assert(probe_soa_serial(&m, name, &serial) && serial == 0x78563412);
	m.flags = FLAG_QR;
	cr_assert(!probe_soa_serial(&m, name, &serial)); /* a cache says so */
	m.flags = FLAG_QR | FLAG_AA;
	m.rcode = RCODE_REFUSED;
	cr_assert(!probe_soa_serial(&m, name, &serial));
	m.rcode = 0;
	rr.section = SECTION_AUTHORITY;
	cr_assert(!probe_soa_serial(&m, name, &serial));
	rr.section = SECTION_ANSWER;
	rr.rdata_len = 19;
	cr_assert(!probe_soa_serial(&m, name, &serial));
}

/* --- parents ---------------------------------------------------------------------------------------------------- */

#define NS1 "\3ns1\7example\3com"
#define NS2 "\3ns2\7example\3com"
#define ELSEWHERE "\3NS1\3net"

struct side_text {
	const char *ns[3];
	struct {
		const char *name, *addr;
	} addrs[3];
};

static void make_side(const struct side_text *from, struct parent_side *side)
{
	memset(side, 0, sizeof(*side));
	for (size_t i = 0; i < 3 && from->ns[i] != NULL; i++) {
		side->ns[side->ns_count++] = (const uint8_t *)from->ns[i];
	}
	for (size_t i = 0; i < 3 && from->addrs[i].name != NULL; i++) {
		struct parent_addr *addr = &side->addrs[side->addr_count++];
		addr->name = (const uint8_t *)from->addrs[i].name;
		cr_assert_eq(addr_parse(from->addrs[i].addr, 0, &addr->addr), 0);
	}
}

Test(ctl_parent, name_servers_and_glue)
{
	static const struct {
		struct side_text parent, ours;
		unsigned warnings, criticals;
		const char *text;
	} cases[] = {
		{ { { NS1, ELSEWHERE }, { { NS1, "192.0.2.1" } } },
		  { { "\3NS1\7EXAMPLE\3com", "\3ns1\3net" }, { { NS1, "192.0.2.1" } } }, 0, 0, NULL },
		{ { { NS1 }, { { NS1, "192.0.2.1" } } }, { { NS1, NS2 }, { { NS1, "192.0.2.1" } } }, 1, 0,
		  "does not delegate to ns2.example.com." },
		{ { { NS1, NS2 }, { { NS1, "192.0.2.1" } } }, { { NS1 }, { { NS1, "192.0.2.1" } } }, 1, 0,
		  "delegates to ns2.example.com., which the zone does not name" },
		{ { { NS2 }, { { NULL, NULL } } }, { { ELSEWHERE }, { { NULL, NULL } } }, 2, 1, "delegates to none" },
		{ { { NS1 }, { { NULL, NULL } } }, { { NS1 }, { { NS1, "192.0.2.1" } } }, 1, 0,
		  "has no glue for ns1.example.com. 192.0.2.1" },
		{ { { NS1 }, { { NS1, "192.0.2.1" } } }, { { NS1 }, { { NS1, "192.0.2.1" }, { NS1, "2001:db8::1" } } }, 1, 0,
		  "lacks glue ns1.example.com. 2001:db8::1" },
		{ { { NS1 }, { { NS1, "192.0.2.9" } } }, { { NS1 }, { { NS1, "192.0.2.1" } } }, 2, 0,
		  "has glue ns1.example.com. 192.0.2.9" },
		/* of names elsewhere nothing is expected */
		{ { { ELSEWHERE }, { { ELSEWHERE, "192.0.2.9" } } }, { { ELSEWHERE }, { { ELSEWHERE, "192.0.2.1" } } }, 0, 0,
		  NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		static struct parent_side parent, ours;
		make_side(&cases[i].parent, &parent);
		make_side(&cases[i].ours, &ours);
		report_init(&report);
		parent_compare("external", "example.com.", name, &parent, &ours, NULL, &report);
		cr_expect_eq(report.counts[SEVERITY_WARNING], cases[i].warnings, "case %zu: %u", i, report.counts[SEVERITY_WARNING]);
		cr_expect_eq(report.counts[SEVERITY_CRITICAL], cases[i].criticals, "case %zu", i);
		cr_expect(cases[i].text == NULL || has("warning", cases[i].text) || has("critical", cases[i].text), "case %zu", i);
		report_clear(&report);
		/* More than is kept: nothing is said to be missing. */
		ours.full = true;
		parent.full = true;
		report_init(&report);
		parent_compare("external", "example.com.", name, &parent, &ours, NULL, &report);
		cr_expect_eq(report.counts[SEVERITY_WARNING], 0u, "case %zu", i);
		report_clear(&report);
	}
}
