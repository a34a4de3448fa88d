/*
 * bulkhead.conf.5 against the reader of bulkhead.conf: each setting is described in its section of the page, with the
 * default that it has.
 *
 * The settings are those that the reader names where it finds a word that is none. That a default is the one of the page is
 * seen by giving it: nothing may change, and something must with another value.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "daemons/supervisor/config.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE BH_SOURCE_DIR "/etc/bulkhead.conf.5"
#define LINES_MAX 4096
#define FIELD_MAX 2048

static char dir[64];
static char *lines[LINES_MAX];
static size_t line_count;

/* --- reading configurations --------------------------------------------------------------------------------- */

static char complaint[1024];

static void on_error(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	(void)file;
	(void)line;
	if (complaint[0] == '\0') {
		snprintf(complaint, sizeof(complaint), "%s", text);
	}
}

/* The sections of a configuration, and where they are described: under a heading, or in an item of its list. */
enum place { APPLIANCE, VIEW, TCP, RATE, ZONE, KEY, RESOLVER, STUB, FORWARD, MONITOR, PLACES };

static const struct {
	const char *heading;
	const char *item; /* NULL: the list itself */
} places[PLACES] = {
	[APPLIANCE] = { "APPLIANCE", NULL }, [VIEW] = { "VIEWS", NULL },	 [TCP] = { "VIEWS", "tcp" },
	[RATE] = { "VIEWS", "rate-limit" },  [ZONE] = { "VIEWS", "zone" },	 [KEY] = { "KEYS", NULL },
	[RESOLVER] = { "RESOLVER", NULL },   [STUB] = { "RESOLVER", "stub" },	 [FORWARD] = { "RESOLVER", "forward" },
	[MONITOR] = { "MONITOR", NULL },
};

/* A configuration of all sections with one more line in this one. NULL: refused, see complaint. */
static struct config *load_with(enum place place, const char *line)
{
	const char *at[PLACES];
	char path[128];
	for (int i = 0; i < PLACES; i++) {
		at[i] = i == (int)place ? line : "";
	}
	snprintf(path, sizeof(path), "%s/test.conf", dir);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fprintf(file, "appliance {\n%s\n}\n", at[APPLIANCE]);
	fprintf(file, "key \"k\" {\nalgorithm = \"hmac-sha256\"\nsecret-file = \"secret\"\n%s\n}\n", at[KEY]);
	fprintf(file, "view \"v\" {\nlisten = { \"127.0.0.1@5300\" }\nzones-dir = \".\"\n%s\n", at[VIEW]);
	fprintf(file, "tcp {\n%s\n}\nrate-limit {\n%s\n}\n", at[TCP], at[RATE]);
	fprintf(file, "zone \"a\" {\nfile = \"a.zone\"\n%s\n}\n}\n", at[ZONE]);
	fprintf(file, "resolver {\nlisten = { \"127.0.0.2@5300\" }\ninternal-view = \"v\"\n%s\n", at[RESOLVER]);
	fprintf(file, "stub \"s\" {\nto = { \"192.0.2.1\" }\n%s\n}\n", at[STUB]);
	fprintf(file, "forward \"f\" {\nto = { \"192.0.2.1\" }\n%s\n}\n}\n", at[FORWARD]);
	fprintf(file, "monitor {\n%s\n}\n", at[MONITOR]);
	cr_assert_eq(fclose(file), 0);
	complaint[0] = '\0';
	return config_load(path, on_error, NULL);
}

/* --- reading the page --------------------------------------------------------------------------------------- */

static void put_file(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(path, 0600), 0);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/bulkhead-manual-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	put_file("a.zone", "");
	put_file("secret", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
	FILE *page = fopen(PAGE, "r");
	cr_assert_not_null(page, PAGE);
	size_t room = 0;
	line_count = 0;
	while (line_count < LINES_MAX && (lines[line_count] = NULL, getline(&lines[line_count], &room, page)) > 0) {
		lines[line_count][strcspn(lines[line_count], "\n")] = '\0';
		line_count++;
		room = 0;
	}
	fclose(page);
}

static void teardown(void)
{
	static const char *const names[] = { "a.zone", "secret", "test.conf", "" };
	for (size_t i = 0; i < COUNT(names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	for (size_t i = 0; i < line_count; i++) {
		free(lines[i]);
	}
}

TestSuite(manual, .init = setup, .fini = teardown);

static bool begins(size_t line, const char *macro)
{
	return line < line_count && strncmp(lines[line], macro, strlen(macro)) == 0;
}

/* Does this line begin an item of that name, maybe among others? */
static bool is_item(size_t line, const char *name)
{
	size_t len = strlen(name);
	if (!begins(line, ".It Cm ")) {
		return false;
	}
	for (const char *at = lines[line] + strlen(".It Cm "); (at = strstr(at, name)) != NULL; at += len) {
		if (at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0')) {
			return true;
		}
	}
	return false;
}

/* The end of the list or item at `from`, which lists within do not end. */
static size_t end_of(size_t from, const char *end)
{
	unsigned depth = 0;
	for (size_t i = from; i < line_count; i++) {
		if (depth == 0 && (begins(i, end) || begins(i, ".El") || begins(i, ".Sh"))) {
			return i;
		}
		depth += begins(i, ".Bl");
		depth -= depth > 0 && begins(i, ".El");
	}
	return line_count;
}

/* The line with the item of this name in the lists between two lines, but not in lists within those; line_count: none. */
static size_t item_in(size_t from, size_t to, const char *name)
{
	for (size_t list = from; list < to; list++) {
		if (!begins(list, ".Bl -tag")) {
			continue;
		}
		size_t end = end_of(list + 1, ".El");
		for (size_t i = list + 1; i < end; i = end_of(i + 1, ".It")) {
			if (is_item(i, name)) {
				return i;
			}
		}
		list = end;
	}
	return line_count;
}

static size_t find(enum place place, const char *name)
{
	char heading[32];
	size_t from = 0;
	snprintf(heading, sizeof(heading), ".Sh %s", places[place].heading);
	while (from < line_count && strcmp(lines[from], heading) != 0) {
		from++;
	}
	size_t to = from + 1;
	while (to < line_count && !begins(to, ".Sh")) {
		to++;
	}
	cr_assert_lt(from, line_count, "the page has no %s", heading);
	if (places[place].item != NULL) {
		from = item_in(from, to, places[place].item);
		cr_assert_lt(from, line_count, "the page has no %s", places[place].item);
		to = end_of(from + 1, ".It");
	}
	return item_in(from + 1, to, name);
}

/* What the page says of a setting, as one line without marks. */
static const char *text_of(enum place place, const char *name)
{
	static char text[16384];
	size_t used = 0;
	size_t item = find(place, name);
	cr_assert_lt(item, line_count, "%s: the page does not tell of %s", places[place].heading, name);
	for (size_t i = item + 1, end = end_of(item + 1, ".It"); i < end; i++) {
		const char *at = lines[i];
		at += at[0] == '.' ? strcspn(at, " ") : 0;
		at += at[0] == ' ';
		for (; *at != '\0' && used + 2 < sizeof(text); at++) {
			bool quote = strncmp(at, "\\(dq", 4) == 0;
			text[used++] = quote ? '"' : *at;
			at += quote ? 3 : 0;
		}
		text[used++] = ' ';
	}
	text[used] = '\0';
	return text;
}

/* --- names -------------------------------------------------------------------------------------------------- */

/* Call this for each name that a section may have. */
static void each_name(enum place place, void (*visit)(enum place place, const char *name))
{
	static const char before[] = "allowed here: ";
	char allowed[sizeof(complaint)];
	struct config *config = load_with(place, "nonsense = 1");
	cr_assert_null(config);
	const char *list = strstr(complaint, before);
	cr_assert_not_null(list, "%s", complaint);
	cr_assert_lt(strlen(complaint), IPC_TEXT_MAX - 1, "the names of all settings do not fit: %s", complaint);
	snprintf(allowed, sizeof(allowed), "%s", list + strlen(before));
	for (char *rest = allowed, *name; (name = strsep(&rest, ",")) != NULL;) {
		visit(place, name + strspn(name, " "));
	}
}

static void must_be_described(enum place place, const char *name)
{
	cr_expect_lt(find(place, name), line_count, "%s: the page does not tell of %s", places[place].heading, name);
}

Test(manual, every_setting_is_described_in_its_section)
{
	for (int place = 0; place < PLACES; place++) {
		each_name((enum place)place, must_be_described);
	}
	cr_assert_eq(find(RESOLVER, "zones-dir"), line_count, "found where it is not");
	cr_assert_eq(find(TCP, "mode"), line_count, "found where it is not");
}

/* --- defaults ----------------------------------------------------------------------------------------------- */

#define NONE(at, called, why) { .place = (at), .name = (called), .why_not = (why) }
#define SAYS(at, called, words, default_value, other_value, ...) \
	{ .place = (at), .name = (called), .says = (words), .value = (default_value), .other = (other_value), __VA_ARGS__ }

/* Where the setting is found: in the configuration, its first view, the first zone of that. */
enum base { IN_CONFIG, IN_VIEW, IN_ZONE };
#define FIELD(in, type, field) .base = (in), .offset = offsetof(type, field), .size = sizeof(((type *)NULL)->field)
#define CONFIG(field) FIELD(IN_CONFIG, struct config, field)
#define OF_VIEW(field) FIELD(IN_VIEW, struct config_view, field)
#define OF_ZONE(field) FIELD(IN_ZONE, struct config_zone, field)

static const struct setting {
	enum place place;
	const char *name;
	const char *says;    /* words of the page; NULL: there is no default to compare, for this reason: */
	const char *why_not;
	const char *value; /* the default, as it stands in the words */
	const char *other;
	enum base base;
	size_t offset;
	size_t size;
	const char *beside; /* another setting, without which this one means nothing */
} settings[] = {
	SAYS(APPLIANCE, "workers", "The default is 0.", "0", "63", CONFIG(workers)),
	NONE(APPLIANCE, "state-dir", "see below"),
	NONE(APPLIANCE, "run-dir", "see below"),
	SAYS(APPLIANCE, "log-level", "The default is info", "info", "debug", CONFIG(log_level)),
	SAYS(APPLIANCE, "history-count", "The default is 20.", "20", "7", CONFIG(history_count)),
	SAYS(APPLIANCE, "history-days", "The default is 90.", "90", "7", CONFIG(history_days)),
	NONE(APPLIANCE, "nsid", "those of views count"),
	NONE(APPLIANCE, "identity", "those of views count"),
	NONE(APPLIANCE, "version", "those of views count"),
	NONE(VIEW, "listen", "required"),
	NONE(VIEW, "interfaces", "a list"),
	NONE(VIEW, "allow-query", "a list"),
	NONE(VIEW, "zones-dir", "required"),
	NONE(VIEW, "user", "depends on the view"),
	SAYS(VIEW, "answer-rotation", "The default is true", "true", "false", OF_VIEW(rotate)),
	SAYS(VIEW, "cookies", "The default is answer", "answer", "off", OF_VIEW(cookies.mode)),
	NONE(VIEW, "cookie-secret-file", "a secret of its own"),
	SAYS(VIEW, "nsid", "By default, and when it is empty, nothing is told.", "", "x", OF_VIEW(names.nsid_len)),
	NONE(VIEW, "identity", "as version"),
	SAYS(VIEW, "version", "By default, and when they are empty,", "", "x", OF_VIEW(names.version)),
	NONE(VIEW, "tcp", "a section"),
	NONE(VIEW, "rate-limit", "a section"),
	NONE(VIEW, "zone", "a section"),
	SAYS(TCP, "connections", "by default 1000.", "1000", "900", OF_VIEW(tcp.connections)),
	SAYS(TCP, "connections-per-client", "by default 128.", "128", "9", OF_VIEW(tcp.connections_client)),
	SAYS(TCP, "idle-timeout", "by default 10.", "10", "9", OF_VIEW(tcp.idle_ms)),
	SAYS(TCP, "reply-timeout", "by default 10.", "10", "9", OF_VIEW(tcp.reply_ms)),
	SAYS(RATE, "mode", "The default is on in a view without allow-query , and where there is a section rate-limit", "on",
	     "log", OF_VIEW(rate.mode)),
	SAYS(RATE, "responses-per-second", "The default is 20.", "20", "9", OF_VIEW(rate.per_second)),
	NONE(RATE, "slip", "one value"),
	SAYS(RATE, "ipv4-prefix", "by default 24.", "24", "9", OF_VIEW(rate.ipv4_bits)),
	SAYS(RATE, "ipv6-prefix", "by default 56.", "56", "9", OF_VIEW(rate.ipv6_bits)),
	NONE(RATE, "exempt", "a list"),
	NONE(ZONE, "file", "required"),
	SAYS(ZONE, "overlay", "The default is false", "false", "true", OF_ZONE(overlay)),
	NONE(ZONE, "allow-transfer", "a list"),
	NONE(KEY, "algorithm", "required"),
	NONE(KEY, "secret-file", "required"),
	NONE(RESOLVER, "listen", "required"),
	NONE(RESOLVER, "interfaces", "a list"),
	NONE(RESOLVER, "allow-query", "a list"),
	NONE(RESOLVER, "open", "only looked at while reading"),
	SAYS(RESOLVER, "cookies", "As in a view.", "answer", "off", CONFIG(resolver.cookies.mode)),
	NONE(RESOLVER, "cookie-secret-file", "a secret of its own"),
	NONE(RESOLVER, "internal-view", "none"),
	NONE(RESOLVER, "outgoing", "a list"),
	NONE(RESOLVER, "root-hints", "built in"),
	NONE(RESOLVER, "trust-anchors", "built in"),
	NONE(RESOLVER, "domain-insecure", "a list"),
	NONE(RESOLVER, "validation-date", "none"),
	SAYS(RESOLVER, "cache-size", "The default is 256M.", "256M", "8M", CONFIG(resolver.cache_size)),
	SAYS(RESOLVER, "min-ttl", "The defaults are 0 and 86400,", "0", "9", CONFIG(resolver.min_ttl_sec)),
	SAYS(RESOLVER, "max-ttl", "The defaults are 0 and 86400,", "86400", "9", CONFIG(resolver.max_ttl_sec)),
	SAYS(RESOLVER, "max-negative-ttl", "The default is 10800,", "10800", "9", CONFIG(resolver.max_negative_ttl_sec)),
	SAYS(RESOLVER, "serve-stale", "The default is false", "false", "true", CONFIG(resolver.stale_sec)),
	SAYS(RESOLVER, "serve-stale-ttl", "The default is 86400,", "86400", "9", CONFIG(resolver.stale_sec),
	     .beside = "serve-stale = true"),
	SAYS(RESOLVER, "prefetch", "The default is true", "true", "false", CONFIG(resolver.prefetch)),
	SAYS(RESOLVER, "rebind-protection", "The default is true", "true", "false", CONFIG(resolver.rebind_protection)),
	NONE(RESOLVER, "rebind-allow", "a list"),
	SAYS(RESOLVER, "ipv4", "Both are true by default", "true", "false", CONFIG(resolver.ipv4)),
	SAYS(RESOLVER, "ipv6", "Both are true by default", "true", "false", CONFIG(resolver.ipv6)),
	SAYS(RESOLVER, "use-0x20", "The default is true", "true", "false", CONFIG(resolver.use_0x20)),
	SAYS(RESOLVER, "qname-minimisation", "The default is true", "true", "false", CONFIG(resolver.qname_minimisation)),
	SAYS(RESOLVER, "validate-sha1", "The default is true", "true", "false", CONFIG(resolver.validate_sha1)),
	SAYS(RESOLVER, "prime-root", "The default is true", "true", "false", CONFIG(resolver.prime_root)),
	SAYS(RESOLVER, "use-cookies", "The default is true", "true", "false", CONFIG(resolver.use_cookies)),
	NONE(RESOLVER, "do-not-query-localhost", "neither value"),
	SAYS(RESOLVER, "local-wall", "The default is \"on\"", "\"on\"", "\"off\"", CONFIG(resolver.local_wall)),
	NONE(RESOLVER, "tcp", "a section"),
	NONE(RESOLVER, "stub", "a section"),
	NONE(RESOLVER, "forward", "a section"),
	NONE(STUB, "to", "required"),
	NONE(FORWARD, "to", "required"),
	NONE(FORWARD, "tls", "one value"),
	NONE(FORWARD, "forward-first", "one value"),
	NONE(MONITOR, "listen", "in test_config"),
	NONE(MONITOR, "interfaces", "a list"),
	NONE(MONITOR, "allow", "a list"),
	NONE(MONITOR, "names", "a list"),
	SAYS(MONITOR, "zones", "The default is true", "true", "false", CONFIG(monitor.zones)),
	SAYS(MONITOR, "probe", "The default is \\&. , the root", ".", "org", CONFIG(monitor.probe)),
};

static void must_have_a_row(enum place place, const char *name)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		if (settings[i].place == place && strcmp(settings[i].name, name) == 0) {
			return;
		}
	}
	cr_expect(false, "%s: has %s a default? See the table", places[place].heading, name);
}

Test(manual, every_setting_has_a_row_in_the_table_of_defaults)
{
	for (int place = 0; place < PLACES; place++) {
		each_name((enum place)place, must_have_a_row);
	}
}

/* What a configuration with this value makes of the setting; NULL: without a line for it. */
static const void *field_with(const struct setting *s, const char *value, uint8_t out[FIELD_MAX])
{
	char line[256] = "";
	if (value != NULL) {
		snprintf(line, sizeof(line), "%s = %s\n", s->name, value[0] == '\0' ? "\"\"" : value);
	}
	size_t len = strlen(line);
	snprintf(line + len, sizeof(line) - len, "%s", s->beside == NULL ? "" : s->beside);
	struct config *config = load_with(s->place, line);
	cr_assert_not_null(config, "%s: %s", line, complaint);
	const void *const bases[] = { [IN_CONFIG] = config, [IN_VIEW] = config->views, [IN_ZONE] = config->views[0].zones };
	cr_assert_leq(s->size, FIELD_MAX);
	memcpy(out, (const uint8_t *)bases[s->base] + s->offset, s->size);
	config_free(config);
	return out;
}

Test(manual, every_default_is_the_one_that_the_page_tells)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		uint8_t given[FIELD_MAX], left_out[FIELD_MAX], other[FIELD_MAX];
		const struct setting *s = &settings[i];
		if (s->says == NULL) {
			cr_expect_not_null(s->why_not, "%s", s->name);
			continue;
		}
		const char *text = text_of(s->place, s->name);
		cr_expect_not_null(strstr(text, s->says), "%s: the page does not say '%s' but: %s", s->name, s->says, text);
		cr_expect(strstr(s->says, s->value) != NULL || strcmp(s->says, "As in a view.") == 0, "%s: '%s' is not in '%s'",
			  s->name, s->value, s->says);
		field_with(s, NULL, left_out);
		cr_expect_arr_eq(field_with(s, s->value, given), left_out, s->size, "%s: the default is not %s", s->name, s->value);
		cr_expect_arr_neq(field_with(s, s->other, other), left_out, s->size, "%s: %s makes no difference", s->name,
				  s->other);
	}
	cr_expect_not_null(strstr(text_of(APPLIANCE, "state-dir"), "The default is " BH_STATE_DIR " "));
	cr_expect_not_null(strstr(text_of(APPLIANCE, "run-dir"), "The default is " BH_RUN_DIR " "));
}
