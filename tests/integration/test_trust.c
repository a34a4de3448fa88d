/*
 * Where validation begins and ends, by configuration and by hand. The small Internet of these tests has an unsigned
 * root, so with any anchor for it everything is bogus: that makes it visible who is validated.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "daemons/supervisor/anchor_file.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/peers.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct appliance appliance;

static void prepare(void)
{
	standard_prepare(&appliance, 100);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(trust, .init = prepare, .fini = stop);

/* The standard appliance with one more line for the resolver. */
static void configure(const char *line)
{
	static char conf[8192];
	snprintf(conf, sizeof(conf),
		 "%s%s%s%sresolver {\n listen = { \"10.1.0.54\" }\n allow-query = { \"10.1.0.0/24\" }\n"
		 " internal-view = \"internal\"\n root-hints = \"@DIR@/hints\"\n %s\n cache-size = \"16M\"\n}\n",
		 CONF_HERE, standard_internal, standard_external, standard_world, line);
	appliance_configure(&appliance, conf);
}

static void expect(const char *name, const char *status)
{
	struct ask ask = { .server = RESOLVER, .name = name, .flags = FLAG_RD };
	client_expect_ask(&ask, status, NULL, EDE_ANY);
}

/* "zone tag state source" of each anchor. */
static const char *anchors(void)
{
	static char out[2048];
	const struct ctl_answer *answer = appliance_control(&appliance, "anchors");
	const struct ctl_row *row;
	unsigned from = 0;
	size_t used = 0;
	MUST(answer->done.status == 0, "anchors: %s", answer->done.text);
	out[0] = '\0';
	while ((row = answer_next(answer, "anchor", &from)) != NULL) {
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s %u %s %s\n", row_text(row, "zone"),
					 (unsigned)row_number(row, "tag"), row_text(row, "state"),
					 row_text(row, "source"));
	}
	return out;
}

#define DS_2017 "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define XML(dates, digest)                                                                                    \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustAnchor id=\"1\" source=\"test\">\n<Zone>.</Zone>\n" \
	"<KeyDigest id=\"k\" " dates ">\n<KeyTag>20326</KeyTag>\n<Algorithm>8</Algorithm>\n"                   \
	"<DigestType>2</DigestType>\n<Digest>" digest "</Digest>\n</KeyDigest>\n</TrustAnchor>\n"
#define DIGEST "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define SINCE "validFrom=\"2017-02-02T00:00:00+00:00\""

Test(trust, the_roots_anchors_are_built_in)
{
	configure("");
	appliance_start(&appliance);
	MUST(strcmp(anchors(), ". 20326 configured built in\n. 38696 configured built in\n") == 0, "%s", anchors());
	expect("www.public.org", "SERVFAIL rd ra");
	expect("intranet.corp.example", "NOERROR aa rd ra"); /* internal zones are not affected */
}

Test(trust, own_anchors_stand_beside_those_of_the_root)
{
	appliance_file(&appliance, "anchors", "org. DS " DS_2017 "\nnet. DNSKEY 257 3 253 AQID\n");
	configure("trust-anchors = \"@DIR@/anchors\" domain-insecure = { \".\" }");
	appliance_start(&appliance);
	MUST(strstr(anchors(), "org. 20326 configured file\n") != NULL, "%s", anchors());
	MUST(strstr(anchors(), ". 38696 configured built in\n") != NULL, "%s", anchors());
	MUST(appliance_log_wait(&appliance, "trust anchor cannot be used zone=net. type=DNSKEY", 5000), "net. is not told");
	expect("www.public.org", "SERVFAIL rd ra");
	expect("shop.example.com", "NOERROR rd ra");
}

Test(trust, xml_is_read_inside_the_walls)
{
	appliance_file(&appliance, "anchors.xml", XML(SINCE, DIGEST));
	configure("trust-anchors = \"@DIR@/anchors.xml\"");
	appliance_start(&appliance);
	MUST(strcmp(anchors(), ". 20326 configured built in\n") == 0, "%s", anchors());
	expect("www.public.org", "SERVFAIL rd ra");
}

Test(trust, validation_date_decides_which_xml_digests_count_and_is_warned_of)
{
	appliance_file(&appliance, "anchors.xml", XML(SINCE, DIGEST));
	configure("trust-anchors = \"@DIR@/anchors.xml\" validation-date = \"20180101000000\"");
	appliance_start(&appliance);
	const struct ctl_answer *answer = appliance_control(&appliance, "status");
	unsigned from = 0;
	const struct ctl_row *row = answer_next(answer, "appliance", &from);
	MUST(answer->done.status == 1 && strstr(answer->done.text, "validation-date") != NULL, "status %u: %s",
	     answer->done.status, answer->done.text);
	MUST(row != NULL && strcmp(row_text(row, "validation_date"), "2018-01-01T00:00:00Z") == 0, "no date");
	MUST(appliance_logged(&appliance, "validation-date: signatures are checked as if it were 20180101000000"),
	     "not in the log");
}

Test(trust, a_file_that_is_wrong_refuses_the_configuration)
{
	static const struct {
		const char *text;
		const char *line; /* of the configuration, beside trust-anchors */
		const char *message;
	} table[] = {
		{ ". DS 20326 8\n", "", "anchors:1: " },
		{ "; nothing\n", "", "no trust anchor in it" },
		{ "<TrustAnchor>", "", "XML: " },
		{ "<!DOCTYPE TrustAnchor [<!ENTITY a \"b\">]>\n" XML(SINCE, DIGEST), "", "a document type is not taken" },
		{ XML(SINCE " validUntil=\"2019-01-11T00:00:00+00:00\"", DIGEST), "", "no KeyDigest is valid at this time" },
		{ XML(SINCE, DIGEST), "validation-date = \"20170101000000\"", "no KeyDigest is valid at this time" },
		{ XML(SINCE, "00"), "", "wrong length" },
	};
	static char output[APPLIANCE_OUTPUT_MAX];
	for (size_t i = 0; i < COUNT(table); i++) {
		char line[256];
		snprintf(line, sizeof(line), "trust-anchors = \"@DIR@/anchors\" %s", table[i].line);
		appliance_file(&appliance, "anchors", table[i].text);
		configure(line);
		for (int test = 0; test < 2; test++) {
			int status = appliance_try(&appliance, test != 0 ? "-t" : NULL, output);
			MUST(status != 0 && strstr(output, table[i].message) != NULL, "case %zu: status %d, \"%s\" expected: %s",
			     i, status, table[i].message, output);
		}
	}
}

Test(trust, a_reload_with_wrong_anchors_changes_nothing)
{
	configure("");
	appliance_start(&appliance);
	appliance_file(&appliance, "anchors", "nonsense\n");
	configure("trust-anchors = \"@DIR@/anchors\"");
	const struct ctl_answer *answer = appliance_control(&appliance, "reload");
	MUST(answer->done.status == 2 && strstr(answer->done.text, "trust-anchors") != NULL, "status %u: %s",
	     answer->done.status, answer->done.text);
	MUST(strcmp(anchors(), ". 20326 configured built in\n. 38696 configured built in\n") == 0, "%s", anchors());
	configure("domain-insecure = { \".\" }");
	appliance_reload(&appliance);
	expect("www.public.org", "NOERROR rd ra");
}

/* What a frontend has kept was judged as it was configured then. */
Test(trust, a_reload_holds_for_what_is_cached)
{
	configure("domain-insecure = { \".\" }");
	appliance_start(&appliance);
	expect("www.public.org", "NOERROR rd ra");
	configure("");
	appliance_reload(&appliance);
	expect("www.public.org", "SERVFAIL rd ra");
	configure("domain-insecure = { \"org\" }");
	appliance_reload(&appliance);
	expect("www.public.org", "NOERROR rd ra");
	configure("domain-insecure = { \"nowhere\" }");
	appliance_reload(&appliance);
	expect("www.public.org", "SERVFAIL rd ra");
}

static void nta(const char *words, unsigned status)
{
	const struct ctl_answer *answer = appliance_control(&appliance, words);
	MUST(answer->done.status == status, "%s: status %u, %s", words, answer->done.status, answer->done.text);
}

/* Seconds that are left of one, -1: there is none. */
static int nta_left(const char *zone, const char *words)
{
	const struct ctl_answer *answer = appliance_control(&appliance, words);
	const struct ctl_row *row;
	unsigned from = 0;
	while ((row = answer_next(answer, "negative_anchor", &from)) != NULL) {
		if (strcmp(row_text(row, "zone"), zone) == 0 && strcmp(row_text(row, "source"), "operator") == 0) {
			return (int)row_number(row, "left_sec");
		}
	}
	return -1;
}

Test(trust, negative_anchors_are_set_and_taken_away)
{
	configure("");
	appliance_start(&appliance);
	expect("www.public.org", "SERVFAIL rd ra");
	nta("nta add org", 0);
	expect("www.public.org", "NOERROR rd ra");
	expect("www.nowhere", "SERVFAIL rd ra");
	int left = nta_left("org.", "nta list");
	MUST(left > 3500 && left <= 3600, "%d seconds are left of an hour", left);
	MUST(nta_left("org.", "status") > 0 && nta_left("org.", "anchors") > 0, "not shown");

	/* over restarts of the role, and changes of the configuration */
	struct role_process old = appliance_role(&appliance, "resolver", "", 0);
	MUST(kill(old.pid, SIGKILL) == 0, "cannot kill the resolver");
	MUST(appliance_wait_restarted(&appliance, &old, 10000) >= 0, "the resolver does not come back");
	expect("mail.public.org", "NXDOMAIN rd ra");
	appliance_reload(&appliance);
	MUST(appliance_control(&appliance, "flush all")->done.status == 0, "flush");
	expect("www.public.org", "NOERROR rd ra");

	/* validated again at once: the frontend has forgotten it, too */
	nta("nta remove ORG.", 0);
	MUST(nta_left("org.", "nta list") < 0, "it is still there");
	expect("www.public.org", "SERVFAIL rd ra");
	nta("nta remove org", 2);
}

Test(trust, negative_anchors_end_by_themselves)
{
	configure("");
	appliance_start(&appliance);
	nta("nta add org 2", 0);
	expect("www.public.org", "NOERROR rd ra");
	MUST(appliance_log_wait(&appliance, "negative trust anchor has ended zone=org.", 10000), "it does not end");
	MUST(nta_left("org.", "nta list") < 0, "it is still there");
	for (unsigned i = 0; i < 50; i++) { /* the frontend is told a moment later */
		struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
		char status[64];
		if (strcmp(reply_status(client_ask(&ask), status), "SERVFAIL rd ra") == 0) {
			return;
		}
		harness_sleep_ms(100);
	}
	expect("www.public.org", "SERVFAIL rd ra");
}

Test(trust, wrong_uses_of_nta_are_told)
{
	static const char *const words[] = { "nta", "nta add", "nta add a..b", "nta add org 0", "nta add org 8d", "nta add org soon",
					     "nta add org 1 2", "nta remove", "nta remove a..b", "nta list org", "nta clear" };
	static char output[APPLIANCE_OUTPUT_MAX];
	configure("");
	appliance_start(&appliance);
	for (size_t i = 0; i < COUNT(words); i++) {
		nta(words[i], 3);
	}
	MUST(appliance_bulkheadctl(&appliance, "nta add org 2h", output) == 0, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "nta list", output) == 0 && strstr(output, "org.") != NULL, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "anchors", output) == 0 && strstr(output, "38696") != NULL, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "nta remove org", output) == 0, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "nta add", output) == 3, "%s", output);
}

/* --- tracked keys: a signed root whose key is the anchor ------------------------------------------------- */

#define ROOT_TAG "51063"
#define STATE_FILE "state/anchors/@.state"

/* The root of tests/data/signed, of two workers, with this anchor. */
static void prepare_signed_root(const char *anchor)
{
	char *zone = data_read("signed/root.zone");
	appliance_file(&appliance, "world/root.zone", zone);
	appliance_file(&appliance, "anchors", anchor);
	free(zone);
	char conf[4096];
	snprintf(conf, sizeof(conf),
		 "appliance { workers = 2 run-dir = \"@DIR@/run\" state-dir = \"@DIR@/state\" log-level = \"debug\" }\n"
		 "view \"world\" {\n listen = { \"198.18.0.1\" }\n zones-dir = \"@DIR@/world\"\n rate-limit { mode = \"off\" }\n"
		 " zone \".\" { file = \"root.zone\" }\n}\n"
		 "resolver {\n listen = { \"10.1.0.54\" }\n allow-query = { \"10.1.0.0/24\" }\n"
		 " root-hints = \"@DIR@/hints\" prime-root = false trust-anchors = \"@DIR@/anchors\"\n cache-size = \"16M\"\n}\n");
	appliance_configure(&appliance, conf);
}

/* "zone tag state" of each tracked key. */
static const char *keys(void)
{
	static char out[1024];
	const struct ctl_answer *answer = appliance_control(&appliance, "anchors");
	const struct ctl_row *row;
	unsigned from = 0;
	size_t used = 0;
	out[0] = '\0';
	while ((row = answer_next(answer, "anchor_key", &from)) != NULL) {
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s %u %s\n", row_text(row, "zone"),
					 (unsigned)row_number(row, "tag"), row_text(row, "state"));
	}
	return out;
}

static bool key_is_known(void *ctx)
{
	(void)ctx;
	return strcmp(keys(), ". " ROOT_TAG " valid\n") == 0;
}

static bool state_is_saved(void *ctx)
{
	char path[256];
	struct stat st;
	(void)ctx;
	snprintf(path, sizeof(path), "%s/" STATE_FILE, appliance.dir);
	return stat(path, &st) == 0 && st.st_size > 0 && (st.st_mode & 07777) == 0600;
}

Test(trust, keys_of_an_anchor_are_tracked_over_restarts)
{
	char *anchor = data_read("signed/root.anchor");
	prepare_signed_root(anchor);
	appliance_start(&appliance);
	MUST(harness_until(key_is_known, NULL, 10000 * harness_slow()), "the key is not found: %s", keys());
	MUST(harness_until(state_is_saved, NULL, 10000 * harness_slow()), "the state is not saved");
	MUST(appliance_logged(&appliance, "trust anchor key zone=. tag=" ROOT_TAG " algorithm=13 state=valid was=unknown"),
	     "not in the log");
	MUST(appliance_log_wait(&appliance, "trust anchor keys taken over zone=. keys=1", 10000 * harness_slow()),
	     "the other shard is not told");
	expect("nowhere", "NXDOMAIN rd ra");

	/* What the supervisor loaded is there before a resolver has asked. */
	appliance_stop(&appliance);
	appliance_start(&appliance);
	MUST(key_is_known(NULL), "not loaded: %s", keys());

	/* A damaged file is told, and made anew. */
	appliance_stop(&appliance);
	appliance_file(&appliance, STATE_FILE, "damaged");
	appliance_start(&appliance);
	MUST(appliance_logged(&appliance, "tracking begins anew zone=.: "), "damage is not told");
	MUST(harness_until(key_is_known, NULL, 10000 * harness_slow()), "the key is not found again: %s", keys());
	appliance_stop(&appliance);
	appliance_start(&appliance);
	MUST(key_is_known(NULL), "not made anew: %s", keys());

	/* With another anchor the state is worth nothing: the key that it calls valid is not trusted. */
	appliance_stop(&appliance);
	prepare_signed_root(". DS " DS_2017 "\n");
	appliance_start(&appliance);
	MUST(appliance_logged(&appliance, "it began with other anchors zone=."), "not told");
	MUST(appliance_log_wait(&appliance, "trust anchor cannot be verified", 10000 * harness_slow()), "verified");
	MUST(keys()[0] == '\0', "%s", keys());
	expect("nowhere", "SERVFAIL rd ra");
	free(anchor);
}

/* The kept state as if it had begun with this anchor, whose key the root has left since. */
static void begin_with(const struct ipc_anchor *anchor)
{
	static const uint8_t root[1] = { 0 };
	char dir[256];
	char why[256];
	struct ipc_anchor_state state;
	snprintf(dir, sizeof(dir), "%s/state", appliance.dir);
	MUST(anchor_file_load(dir, root, &state, why, sizeof(why)) == BH_OK, "%s", why);
	state.configured = ipc_anchor_sum(anchor, 1, root);
	MUST(anchor_file_save(dir, &state, why, sizeof(why)) == BH_OK, "%s", why);
}

/*
 * The years go by and the root's keys roll: what tracking has found is what a resolver begins with, not the anchor of
 * its configuration, which signs nothing any more.
 */
Test(trust, a_start_takes_tracked_keys_for_the_configured_ones)
{
	struct ipc_anchor old = { .type = RR_DS, .len = 36,
				  .rdata = { 20326 >> 8, 20326 & 0xff, 8, 2, 0xe0, 0x6d, 0x44, 0xb8, 0x0b, 0x8f, 0x1d,
					     0x39, 0xa9, 0x5c, 0x0b, 0x0d, 0x7c, 0x65, 0xd0, 0x84, 0x58, 0xe8, 0x80, 0x40,
					     0x9b, 0xbc, 0x68, 0x34, 0x57, 0x10, 0x42, 0x37, 0xc7, 0xf8, 0xec, 0x8d } };
	char *anchor = data_read("signed/root.anchor");
	prepare_signed_root(anchor);
	appliance_start(&appliance);
	MUST(harness_until(key_is_known, NULL, 10000 * harness_slow()), "the key is not found: %s", keys());
	MUST(harness_until(state_is_saved, NULL, 10000 * harness_slow()), "the state is not saved");
	appliance_stop(&appliance);

	prepare_signed_root(". DS " DS_2017 "\n");
	begin_with(&old);
	appliance_start(&appliance);
	MUST(key_is_known(NULL), "not loaded: %s", keys());
	struct ask ask = { .server = RESOLVER, .name = "nowhere", .flags = FLAG_RD | FLAG_AD };
	client_expect_ask(&ask, "NXDOMAIN rd ra ad", NULL, EDE_ANY);
	ask.name = "nowhere.else"; /* of the other shard, perhaps */
	client_expect_ask(&ask, "NXDOMAIN rd ra ad", NULL, EDE_ANY);
	free(anchor);
}
