/*
 * Traces: which names may be asked for, and what a hostile resolver's steps become. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/trace.h"

#include "common/dns/rr.h"
#include "common/util/count.h"
#include "daemons/supervisor/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct config_zone zones[3];
static struct config_view view = { .zones = zones, .zone_count = 3 };
static struct config_stub stubs[1];
static struct config_stub forwards[2];
static struct config config = { .views = &view, .view_count = 1,
				.resolver = { .present = true, .stubs = stubs, .stub_count = 1,
					      .forwards = forwards, .forward_count = 2 } };

static void setup(void)
{
	cr_assert_gt(dname_from_text("corp.example", zones[0].name), 0);
	cr_assert_gt(dname_from_text("example.com", zones[1].name), 0);
	zones[1].overlay = true;
	cr_assert_gt(dname_from_text("secret.example.com", zones[2].name), 0);
	cr_assert_gt(dname_from_text("lab.corp.example", stubs[0].servers.name), 0);
	cr_assert_gt(dname_from_text(".", forwards[0].servers.name), 0);
	cr_assert_gt(dname_from_text("cloud.corp.example", forwards[1].servers.name), 0);
}

TestSuite(trace, .init = setup);

static const char *parse(const char *words, struct ipc_trace *out)
{
	struct ctl_request r = { .count = 0 };
	char copy[256];
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
		snprintf(r.words[r.count++], CTL_WORD_MAX, "%s", word);
	}
	return trace_parse(&r, &config, out);
}

Test(trace, the_resolver_never_hears_of_an_internal_name)
{
	static const struct {
		const char *words;
		bool taken;
	} cases[] = {
		{ "trace www.test A", true },
		{ "trace example A", true },
		{ "trace corp.example SOA", false },
		{ "trace a.CORP.example A", false },
		{ "trace a.corp.example A public", false },
		{ "trace a.lab.corp.example A", true }, /* a stub zone below: the resolver asks its servers */
		{ "trace lab.corp.example A", true },
		{ "trace lab.corp.example DS", false }, /* which the parent has, and that is inside */
		{ "trace a.lab.corp.example DS", true },
		{ "trace a.cloud.corp.example A", true }, /* a forward zone is like a stub zone */
		{ "trace cloud.corp.example DS", false },
		{ "trace www.example.com A", false },
		{ "trace www.example.com A public", true },
		{ "trace a.secret.example.com A public", false }, /* within an overlay zone, one that is none */
		{ "trace www.test", false },
		{ "trace www.test A aloud", false },
		{ "trace www.test IXFR", false },
		{ "trace www.test ANY cached cd", true },
	};
	struct ipc_trace what;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *fault = parse(cases[i].words, &what);
		cr_expect_eq(fault == NULL, cases[i].taken, "%s: %s", cases[i].words, fault == NULL ? "taken" : fault);
	}
	cr_assert_null(parse("trace www.test ANY cached cd", &what));
	cr_assert_eq(what.flags, IPC_TRACE_CACHED | IPC_TRACE_CD);
	cr_assert_eq(what.type, RR_ANY);
	config.resolver.internal_view = -1;
	cr_assert_null(parse("trace a.corp.example A", &what), "there is no inside");
	config.resolver.internal_view = 0;
}

/* Whatever a step holds, a row holds printable ASCII of bounded length. */
Test(trace, rows_of_hostile_steps_are_harmless)
{
	struct ipc_trace_step step = { .event = IPC_TRACE_REPLY, .depth = 200, .kind = IPC_TRACE_ERROR,
				       .security = IPC_TRACE_BOGUS, .type = 65280, .rcode = 4095, .ede = 60000,
				       .has_other = 1 };
	struct ctl_row row;
	char text[IPC_TEXT_MAX];
	memset(step.why, 0x1b, sizeof(step.why) - 1);
	for (unsigned at = 0, label = 0; label < 4; label++) { /* 4 labels of 62 octets that no terminal should see */
		step.name[at] = 62;
		memset(step.name + at + 1, 0x07 + (int)label, 62);
		at += 63;
	}
	memcpy(step.other, step.name, sizeof(step.other));
	for (unsigned event = 0; event < IPC_TRACE_EVENTS; event++) {
		step.event = (uint8_t)event;
		trace_row(&step, &row);
		cr_assert_leq(row.count, (unsigned)CTL_FIELDS_MAX);
		for (unsigned i = 0; i < row.count; i++) {
			cr_assert_lt(strlen(row.fields[i].text), sizeof(row.fields[i].text));
			for (const char *p = row.fields[i].text; *p != '\0'; p++) {
				cr_assert(*p >= 0x20 && *p < 0x7f, "%s", row.fields[i].name);
			}
		}
		unsigned status = trace_end(&step, text, sizeof(text));
		cr_assert_leq(status, 3);
		for (const char *p = text; *p != '\0'; p++) {
			cr_assert(*p >= 0x20 && *p < 0x7f);
		}
	}
}
