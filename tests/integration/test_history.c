/*
 * Histories of zones (ANSSI-BP-038 R12): what is kept over reloads and restarts, text and differences of generations,
 * going back to one and to the text again, under load, and what a damaged file costs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/clock.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOAD_RATE 400
#define ROWS_MAX 64
/* Until what is in service is on disk. */
#define SAVED_MS 5000

static struct appliance appliance;

static const char one_view[] = CONF_HERE "view \"internal\" {\n  listen = { \"10.1.0.53\" }\n"
					 "  zones-dir = \"@DIR@/internal\"\n"
					 "  rate-limit { mode = \"off\" }\n"
					 "  zone \"a.example\" { file = \"a\" }\n"
					 "  zone \"b.example\" { file = \"b\" }\n}\n";

static void write_zone(const char *file, const char *zone, unsigned serial, const char *records)
{
	char text[4096];
	char path[64];
	snprintf(text, sizeof(text),
		 "$ORIGIN %s.\n$TTL 300\n@ SOA ns hostmaster %u 1800 900 604800 300\n@ NS ns\nns A 10.1.0.53\n"
		 "*.load A 10.1.1.1\n%s",
		 zone, serial, records);
	snprintf(path, sizeof(path), "internal/%s", file);
	appliance_file(&appliance, path, text);
}

static void write_a(unsigned serial, const char *records)
{
	write_zone("a", "a.example", serial, records);
}

static void prepare(void)
{
	standard_prepare(&appliance, 150);
	appliance_configure(&appliance, one_view);
	write_a(1, "www A 10.1.2.1\n");
	write_zone("b", "b.example", 1, "www A 10.1.2.2\n");
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(history, .init = prepare, .fini = stop, .timeout = 160);

static void must_answer(const char *name, const char *address)
{
	char text[256];
	struct ask ask = { .server = INTERNAL, .name = name };
	snprintf(text, sizeof(text), "%s. A %s", name, address);
	client_expect_ask(&ask, "NOERROR aa", text, EDE_NONE);
}

/* --- what is kept ------------------------------------------------------------------------------------------ */

struct generation {
	uint64_t number;
	uint64_t serial;
	char cause[64];
	char state[32];
	char hash[32];
	char detail[128];
};

struct generations {
	unsigned count;
	struct generation items[ROWS_MAX];
};

static bool is_saved(void *zone)
{
	char words[64];
	snprintf(words, sizeof(words), "zone history %s", (const char *)zone);
	return strstr(appliance_control(&appliance, words)->done.text, "not written yet") == NULL;
}

/* As soon as all is on disk. */
static struct generations history_of(const char *zone)
{
	struct generations g = { .count = 0 };
	char words[64];
	unsigned from = 0;
	const struct ctl_row *row;
	MUST(harness_until(is_saved, (void *)(uintptr_t)zone, SAVED_MS), "%s is not saved", zone);
	snprintf(words, sizeof(words), "zone history %s", zone);
	const struct ctl_answer *answer = appliance_control(&appliance, words);
	while ((row = answer_next(answer, "generation", &from)) != NULL && g.count < ROWS_MAX) {
		struct generation *item = &g.items[g.count++];
		item->number = row_number(row, "number");
		item->serial = row_number(row, "serial");
		snprintf(item->cause, sizeof(item->cause), "%s", row_text(row, "cause"));
		snprintf(item->state, sizeof(item->state), "%s", row_text(row, "state"));
		snprintf(item->hash, sizeof(item->hash), "%s", row_text(row, "hash"));
		snprintf(item->detail, sizeof(item->detail), "%s", row_text(row, "detail"));
		MUST(item->state[0] == 'u' || strlen(row_text(row, "since")) == 20, "when: %s", row_text(row, "since"));
	}
	return g;
}

/* "3:serving 2:kept" by serial. */
static void must_have(const char *zone, const char *wanted)
{
	struct generations g = history_of(zone);
	char text[1024] = "";
	size_t used = 0;
	for (unsigned i = 0; i < g.count; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu:%s", used > 0 ? " " : "",
					 (unsigned long long)g.items[i].serial, g.items[i].state);
	}
	MUST(strcmp(text, wanted) == 0, "%s: \"%s\" instead of \"%s\"", zone, text, wanted);
}

static void reload_with(unsigned serial, const char *records)
{
	write_a(serial, records);
	appliance_reload(&appliance);
	(void)history_of("a.example");
}

static const char *detail_of(const char *zone)
{
	static char detail[IPC_TEXT_MAX];
	char words[64];
	unsigned from = 0;
	snprintf(words, sizeof(words), "zone status %s", zone);
	const struct ctl_row *row = answer_next(appliance_control(&appliance, words), "zone", &from);
	MUST(row != NULL, "zone status does not know %s", zone);
	snprintf(detail, sizeof(detail), "%s|%s", row_text(row, "state"), row_text(row, "detail"));
	return detail;
}

Test(history, each_generation_is_kept_with_its_cause)
{
	appliance_start(&appliance);
	must_have("a.example", "1:serving");
	reload_with(2, "www A 10.1.2.22\n");
	write_a(3, "www A 10.1.2.23\n");
	MUST(kill(appliance.pid, SIGHUP) == 0, "kill: %s", strerror(errno));
	MUST(appliance_log_wait(&appliance, "generation=3", SAVED_MS), "the reload by signal is not done");
	appliance_reload(&appliance); /* nothing is new */
	must_have("a.example", "3:serving 2:kept 1:kept");
	must_have("b.example", "1:serving");

	struct generations g = history_of("a.example");
	static const char *const causes[] = { "reload by signal", "reload by root", "start" };
	for (unsigned i = 0; i < 3; i++) {
		MUST(strcmp(g.items[i].cause, causes[i]) == 0, "cause %u: %s", i, g.items[i].cause);
		MUST(g.items[i].number == 3 - i, "number %u", (unsigned)g.items[i].number);
		MUST(strcmp(g.items[i].hash, g.items[(i + 1) % 3].hash) != 0, "the same hash");
	}
	/* over a restart, and on from there */
	appliance_stop(&appliance);
	appliance_start(&appliance);
	must_have("a.example", "3:serving 2:kept 1:kept");
	reload_with(4, "www A 10.1.2.24\n");
	must_have("a.example", "4:serving 3:kept 2:kept 1:kept");
	MUST(history_of("a.example").items[0].number == 4, "numbers go on");
}

Test(history, retention_by_count)
{
	char conf[4096];
	snprintf(conf, sizeof(conf), "%s", one_view);
	char *at = strstr(conf, "log-level");
	memmove(at + strlen("history-count = 2 "), at, strlen(at) + 1);
	memcpy(at, "history-count = 2 ", strlen("history-count = 2 "));
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
	for (unsigned serial = 2; serial <= 6; serial++) {
		reload_with(serial, "");
	}
	must_have("a.example", "6:serving 5:kept 4:kept");
}

Test(history, a_zone_of_two_views_is_named_with_its_view)
{
	static char conf[4096];
	snprintf(conf, sizeof(conf), "%s%s", one_view,
		 "view \"external\" {\n  listen = { \"203.0.113.53\" }\n  zones-dir = \"@DIR@/internal\"\n"
		 "  zone \"a.example\" { file = \"a\" }\n}\n");
	appliance_configure(&appliance, conf);
	appliance_start(&appliance);
	static const struct {
		const char *words;
		const char *text;
	} cases[] = {
		{ "zone rollback a.example", "several views have this zone: name one, as in a.example@external" },
		{ "zone dump a.example@nowhere", "that view has no such zone" },
		{ "zone rollback a.example@internal", "no earlier generation is kept" },
		{ "zone dump none.example", "no view has this zone" },
		{ "zone dump a..example", "not a domain name" },
		{ "zone dump a.example@internal 7", "no generation 7 is kept, see zone history" },
		{ "zone diff a.example@internal serial:1 serial:9", "no generation serial:9 is kept, see zone history" },
		{ "zone release a.example@internal", "the zone is not rolled back" },
		{ "zone release", "usage: zone release ZONE[@VIEW]" },
		{ "zone history", "usage: zone history ZONE[@VIEW]" },
		{ "zone fly a.example", "usage: zone status [ZONE], zone reload|history|dump|diff|rollback|release ZONE" },
	};
	(void)history_of("a.example");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct ctl_answer *answer = appliance_control(&appliance, cases[i].words);
		MUST(answer->done.status == 3 && strcmp(answer->done.text, cases[i].text) == 0, "%s: %u %s", cases[i].words,
		     answer->done.status, answer->done.text);
	}
	must_have("a.example@external", "1:serving");
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static char outputs[3][APPLIANCE_OUTPUT_MAX];

/* Lines of text, sorted; the one that tells what was done left out. */
struct lines {
	unsigned count;
	char *items[512];
};

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct lines lines_of(char *text)
{
	struct lines lines = { .count = 0 };
	for (char *save, *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (line[0] != ';') {
			MUST(lines.count < COUNT(lines.items), "too many lines");
			lines.items[lines.count++] = line;
		}
	}
	qsort(lines.items, lines.count, sizeof(lines.items[0]), compare_lines);
	return lines;
}

static struct lines run(unsigned slot, const char *words)
{
	int status = appliance_bulkheadctl(&appliance, words, outputs[slot]);
	MUST(status == 0, "%s: %d %s", words, status, outputs[slot]);
	return lines_of(outputs[slot]);
}

/* The difference that is shown is that of the texts that are shown, line by line. */
Test(history, differences_are_those_of_the_texts)
{
	static const char *const texts[] = {
		"www A 10.1.2.1\nmail MX 10 www\n",
		"www A 10.1.2.1\nwww A 10.1.2.7\nmail MX 10 www\n",
		"www 60 A 10.1.2.1\nwww 60 A 10.1.2.7\nx TXT \"a;b\" \"\\\"\"\n",
		"",
	};
	appliance_start(&appliance);
	for (unsigned i = 0; i < COUNT(texts); i++) {
		reload_with(i + 2, texts[i]);
	}
	for (unsigned from = 1; from <= 5; from++) {
		for (unsigned to = 1; to <= 5; to++) {
			char words[128];
			char expected[512][300];
			unsigned count = 0;
			snprintf(words, sizeof(words), "zone dump a.example %u", from);
			struct lines old = run(0, words);
			snprintf(words, sizeof(words), "zone dump a.example serial:%u", to);
			struct lines new = run(1, words);
			snprintf(words, sizeof(words), "zone diff a.example %u %u", from, to);
			struct lines shown = run(2, words);
			for (unsigned i = 0, j = 0; i < old.count || j < new.count;) {
				int order = i == old.count ? 1 : j == new.count ? -1 : strcmp(old.items[i], new.items[j]);
				if (order < 0) {
					snprintf(expected[count++], sizeof(expected[0]), "- %s", old.items[i]);
				} else if (order > 0) {
					snprintf(expected[count++], sizeof(expected[0]), "+ %s", new.items[j]);
				}
				i += order <= 0;
				j += order >= 0;
			}
			MUST(shown.count == count && (from == to) == (count == 0), "%u to %u: %u lines, not %u", from, to,
			     shown.count, count);
			for (unsigned i = 0; i < count; i++) {
				char *line = expected[i];
				MUST(bsearch(&line, shown.items, shown.count, sizeof(line), compare_lines) != NULL,
				     "%u to %u: \"%s\" is missing", from, to, line);
			}
		}
	}
}

Test(history, the_newest_is_compared_with_the_one_before_it)
{
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	static char output[APPLIANCE_OUTPUT_MAX];
	MUST(appliance_bulkheadctl(&appliance, "zone diff a.example", output) == 0, "%s", output);
	MUST(strncmp(output, "- a.example.\t300\tIN\tSOA\t", 23) == 0, "the SOA comes first: %s", output);
	MUST(strstr(output, "+ www.a.example.\t300\tIN\tA\t10.1.2.22\n") != NULL, "%s", output);
	MUST(strstr(output, "; generation 1, serial 1 to 2, serial 2: 2 records removed, 2 added\n") != NULL, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "--json zone diff a.example", output) == 0, "%s", output);
	MUST(strncmp(output, "{\"changes\":[\n\"- a.example.\\t300\\tIN\\tSOA\\t", 30) == 0 &&
		     strstr(output, "\n],\"status\":0,\"text\":\"generation 1, serial 1 to 2") != NULL,
	     "%s", output);
}

/* Text that was dumped makes the same zone when it takes the place of the zone's text. */
Test(history, a_dump_compiles_again)
{
	static const char records[] = "www A 10.1.2.1\n\\@ TXT \"x\\\"y\" z\nsub NS ns.sub\nns.sub AAAA 2001:db8::53\n"
				      "_sip._udp SRV 1 2 5060 www\nh HTTPS 1 . alpn=h2\nt TYPE65280 \\# 2 0102\n";
	static char output[APPLIANCE_OUTPUT_MAX];
	appliance_start(&appliance);
	reload_with(2, records);
	reload_with(3, "");
	MUST(appliance_bulkheadctl(&appliance, "zone dump a.example 2", output) == 0, "%s", output);
	appliance_file(&appliance, "internal/a", output); /* with its last line, a comment */
	appliance_reload(&appliance);
	(void)history_of("a.example");
	MUST(appliance_bulkheadctl(&appliance, "zone diff a.example 2 4", output) == 0, "%s", output);
	MUST(strcmp(output, "; generation 2, serial 2 to 4, serial 2: 0 records removed, 0 added\n") == 0, "%s", output);
}

/* A text that no pipe takes as a whole. */
static void write_large(void)
{
	static char records[600000];
	size_t pos = 0;
	for (unsigned i = 0; i < 20000; i++) {
		pos += (size_t)snprintf(records + pos, sizeof(records) - pos, "h%u A 10.2.%u.%u\n", i, i / 256, i % 256);
	}
	char *text = malloc(sizeof(records) + 512);
	MUST(text != NULL, "out of memory");
	snprintf(text, sizeof(records) + 512, "$ORIGIN a.example.\n$TTL 300\n@ SOA ns h 2 1 1 1 1\n@ NS ns\nns A 10.1.0.53\n%s",
		 records);
	appliance_file(&appliance, "internal/a", text);
	free(text);
}

/* A reader that goes away ends what was written for it. */
Test(history, a_reader_may_go_away)
{
	write_large();
	appliance_start(&appliance);
	(void)history_of("a.example");
	for (unsigned i = 0; i < 10; i++) { /* more than may be under way at a time */
		char command[512];
		snprintf(command, sizeof(command), "%s/bulkheadctl -s %s zone dump a.example 2>/dev/null | head -n 1 >/dev/null",
			 build_directory(), appliance.socket);
		MUST(system(command) == 0, "%s", command);
	}
	static char output[APPLIANCE_OUTPUT_MAX];
	for (unsigned i = 0; i < 50 && appliance_bulkheadctl(&appliance, "zone diff a.example 1 1", output) != 0; i++) {
		harness_sleep_ms(100);
	}
	MUST(strstr(output, "0 records removed, 0 added") != NULL, "%s", output);
}

/* --- going back --------------------------------------------------------------------------------------------------- */

static void roll_back(const char *words, unsigned status)
{
	const struct ctl_answer *answer = appliance_control(&appliance, words);
	MUST(answer->done.status == status, "%s: %u %s", words, answer->done.status, answer->done.text);
}

Test(history, a_rollback_lasts_until_the_text_changes)
{
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	reload_with(3, "www A 10.1.2.23\n");
	must_answer("www.a.example", "10.1.2.23");

	roll_back("zone rollback a.example", 1); /* with a warning: the serial is a lower one */
	must_answer("www.a.example", "10.1.2.22");
	must_answer("www.b.example", "10.1.2.2");
	must_have("a.example", "2:serving 3:kept 2:kept 1:kept");
	MUST(strncmp(detail_of("a.example"), "old|rolled back to 2 at ", 24) == 0 &&
		     strstr(detail_of("a.example"), " until the text changes") != NULL,
	     "%s", detail_of("a.example"));
	MUST(appliance_control(&appliance, "status")->done.status == 1, "status does not warn");
	struct generations g = history_of("a.example");
	MUST(strcmp(g.items[0].cause, "rollback by root") == 0 && strcmp(g.items[0].detail, "image of generation 2") == 0,
	     "%s, %s", g.items[0].cause, g.items[0].detail);

	appliance_reload(&appliance);
	must_answer("www.a.example", "10.1.2.22");
	write_a(3, "www A 10.1.2.23\n"); /* another file with the same content */
	appliance_reload(&appliance);
	must_answer("www.a.example", "10.1.2.22");
	write_a(4, "www A nonsense\n"); /* what does not compile is no other content */
	roll_back("reload", 2);
	must_answer("www.a.example", "10.1.2.22");
	MUST(strstr(detail_of("a.example"), "until the text changes; ") != NULL, "%s", detail_of("a.example"));
	write_a(3, "www A 10.1.2.23\n");
	appliance_reload(&appliance);

	appliance_stop(&appliance);
	appliance_start(&appliance);
	must_answer("www.a.example", "10.1.2.22");
	MUST(strncmp(detail_of("a.example"), "old|rolled back to 2 at ", 24) == 0, "%s", detail_of("a.example"));

	roll_back("zone rollback a.example", 1); /* one further */
	must_answer("www.a.example", "10.1.2.1");
	roll_back("zone rollback a.example 1", 3); /* it is served */
	roll_back("zone rollback a.example serial:2", 1);
	must_answer("www.a.example", "10.1.2.22");

	reload_with(5, "www A 10.1.2.25\n");
	must_answer("www.a.example", "10.1.2.25");
	MUST(strcmp(detail_of("a.example"), "serving|") == 0, "%s", detail_of("a.example"));
	MUST(appliance_logged(&appliance, "no longer rolled back, its text has changed serial=5"), "the log does not say so");
	must_have("a.example", "5:serving 2:kept 1:kept 2:kept 3:kept 2:kept 1:kept");
}

/* Somebody who shows a zone and does not read on, once the first lines have come; *unread is the other end of its output. */
static pid_t slow_reader(unsigned number, int *unread)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/unread.%u", appliance.dir, number);
	MUST(mkfifo(path, 0600) == 0, "%s: %s", path, strerror(errno));
	*unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	pid_t pid = appliance_spawn_bulkheadctl(&appliance, "zone dump a.example 1", path);
	struct pollfd p = { .fd = *unread, .events = POLLIN };
	MUST(poll(&p, 1, 5000 * (int)harness_slow()) == 1 && (p.revents & POLLIN) != 0, "nothing is shown");
	return pid;
}

static void must_have_no_room(void)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	MUST(appliance_bulkheadctl(&appliance, "zone dump a.example", output) == 2 && strstr(output, "try again later") != NULL,
	     "they do not take all the room: %.200s", output);
}

/* Those who look at a zone page by page do not keep anybody from going back. */
Test(history, slow_readers_do_not_hinder_a_rollback)
{
	write_large();
	appliance_start(&appliance);
	reload_with(3, "www A 10.1.2.23\n");
	pid_t readers[4];
	int unread[4];
	for (unsigned i = 0; i < COUNT(readers); i++) {
		readers[i] = slow_reader(i, &unread[i]);
	}
	must_have_no_room();
	roll_back("zone rollback a.example 1", 1);
	must_answer("h7.a.example", "10.2.0.7");
	must_have_no_room();
	for (unsigned i = 0; i < COUNT(readers); i++) {
		close(unread[i]);
		MUST(harness_wait(readers[i], 5000) > 0, "a reader whose output is gone does not end, or says it has succeeded");
	}
}

Test(history, a_rollback_is_released)
{
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	roll_back("zone rollback a.example 1", 1);
	must_answer("www.a.example", "10.1.2.1");
	roll_back("zone rollback a.example 2", 3); /* that is what the text says */
	static char output[APPLIANCE_OUTPUT_MAX];
	MUST(appliance_bulkheadctl(&appliance, "zone rollback --release a.example", output) == 0, "%s", output);
	must_answer("www.a.example", "10.1.2.22");
	MUST(strcmp(detail_of("a.example"), "serving|") == 0, "%s", detail_of("a.example"));
	struct generations g = history_of("a.example");
	MUST(g.count == 4 && strcmp(g.items[0].cause, "release by root") == 0, "%s", g.items[0].cause);

	/* A text that is no good leaves the rollback as it is. */
	roll_back("zone rollback a.example 1", 1);
	write_a(9, "www A nonsense\n");
	roll_back("zone release a.example", 2);
	must_answer("www.a.example", "10.1.2.1");
	MUST(strncmp(detail_of("a.example"), "old|rolled back to 1 at ", 24) == 0, "%s", detail_of("a.example"));
}

/* --- one zone alone ------------------------------------------------------------------------------------------------- */

static void must_say(const char *words, unsigned status, const char *text)
{
	const struct ctl_answer *answer = appliance_control(&appliance, words);
	MUST(answer->done.status == status && strstr(answer->done.text, text) != NULL, "%s: %u %s", words, answer->done.status,
	     answer->done.text);
}

Test(history, one_zone_is_reloaded_alone)
{
	appliance_start(&appliance);
	write_a(2, "www A 10.1.2.22\n");
	write_zone("b", "b.example", 2, "www A nonsense\n");
	appliance_configure(&appliance, "nonsense {}\n");
	must_say("zone reload a.example", 0, "new text, serial 2");
	must_answer("www.a.example", "10.1.2.22");
	must_answer("www.b.example", "10.1.2.2");
	MUST(strcmp(detail_of("b.example"), "serving|") == 0, "b was looked at: %s", detail_of("b.example"));
	struct generations g = history_of("a.example");
	MUST(g.count == 2 && strcmp(g.items[0].cause, "reload by root") == 0, "%u, %s", g.count, g.items[0].cause);

	/* files that were touched, and files that were not */
	write_a(2, "www A 10.1.2.22\n");
	must_say("zone reload a.example", 0, "has not changed, serial 2");
	must_say("zone reload A.EXAMPLE.@internal", 0, "has not changed, serial 2");
	must_have("a.example", "2:serving 1:kept");

	/* a text that is no good */
	write_a(3, "www A nonsense\n");
	must_say("zone reload a.example", 2, "nothing is changed");
	must_answer("www.a.example", "10.1.2.22");
	MUST(appliance_logged(&appliance, "not reloaded"), "the log does not say so");
	write_a(4, "www A 10.1.2.24\n");
	must_say("zone reload a.example@internal", 0, "new text, serial 4");
	must_answer("www.a.example", "10.1.2.24");

	must_say("zone reload c.example", 3, "");
	must_say("zone reload a.example@external", 3, "");
	must_say("zone reload", 3, "usage");
	must_say("zone reload a.example b.example", 3, "usage");
}

Test(history, a_reload_of_one_zone_keeps_its_rollback)
{
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	roll_back("zone rollback a.example 1", 1);
	must_say("zone reload a.example", 0, "has not changed, serial 1, and is rolled back");
	must_answer("www.a.example", "10.1.2.1");
	write_a(2, "www A 10.1.2.22\n"); /* touched: the same text is compiled again */
	must_say("zone reload a.example", 0, "has not changed, serial 1, and is rolled back");
	must_answer("www.a.example", "10.1.2.1");
	write_a(3, "www A 10.1.2.23\n");
	must_say("zone reload a.example", 0, "new text, serial 3");
	must_answer("www.a.example", "10.1.2.23");
	MUST(appliance_logged(&appliance, "no longer rolled back, its text has changed serial=3"), "the log does not say so");
}

/* Nothing else is touched: neither another zone's text nor a configuration with a fault. */
Test(history, a_rollback_is_of_that_zone_alone)
{
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	write_zone("b", "b.example", 2, "www A 10.1.2.99\n");
	appliance_configure(&appliance, "nonsense {}\n");
	roll_back("zone rollback a.example", 1);
	must_answer("www.a.example", "10.1.2.1");
	must_answer("www.b.example", "10.1.2.2");
	roll_back("zone release a.example", 0);
	must_answer("www.a.example", "10.1.2.22");
	must_answer("www.b.example", "10.1.2.2");
}

Test(history, no_query_is_lost_while_zones_go_back_and_forth)
{
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	struct load *load = load_start(INTERNAL, "load.a.example", LOAD_RATE, RCODE_NOERROR);
	for (unsigned i = 0; i < 9; i++) { /* fewer generations than are kept */
		roll_back("zone rollback a.example 1", 1);
		must_answer("www.a.example", "10.1.2.1");
		roll_back("zone release a.example", 0);
		must_answer("www.a.example", "10.1.2.22");
		usleep(50000); /* a quick machine would be done before many were asked */
	}
	struct load_result r = load_stop(load);
	MUST(r.sent > 100 && r.lost == 0 && r.other == 0, "sent %llu lost %llu other %llu", (unsigned long long)r.sent,
	     (unsigned long long)r.lost, (unsigned long long)r.other);
}

/* --- damage ------------------------------------------------------------------------------------------------------------ */

static void damage(const char *name, off_t from_end)
{
	char path[256];
	struct stat st;
	uint8_t octet;
	snprintf(path, sizeof(path), "%s/state/internal/%s", appliance.dir, name);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	MUST(fd >= 0 && fstat(fd, &st) == 0, "%s: %s", path, strerror(errno));
	off_t at = st.st_size - from_end;
	MUST(pread(fd, &octet, 1, at) == 1, "read: %s", strerror(errno));
	octet ^= 1;
	MUST(pwrite(fd, &octet, 1, at) == 1, "write: %s", strerror(errno));
	close(fd);
}

Test(history, a_damaged_generation_is_told_and_not_served)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	appliance_start(&appliance);
	reload_with(2, "www A 10.1.2.22\n");
	reload_with(3, "www A 10.1.2.23\n");
	damage("a.example.history/2", 100); /* in the image */
	roll_back("zone rollback a.example 2", 2);
	MUST(strstr(appliance_control(&appliance, "zone rollback a.example 2")->done.text, "its image is of no use: ") != NULL,
	     "why");
	must_answer("www.a.example", "10.1.2.23");
	MUST(appliance_bulkheadctl(&appliance, "zone dump a.example 2", output) == 2, "%s", output);
	MUST(strstr(output, "its image is of no use: ") != NULL && strstr(output, "SOA") == NULL, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "zone diff a.example 1 2", output) == 2, "%s", output);
	roll_back("zone rollback a.example 1", 1); /* others are as good as before */
	must_answer("www.a.example", "10.1.2.1");

	/* What is served again is damaged, and the appliance starts: its text is better than nothing. */
	appliance_stop(&appliance);
	damage("a.example.history/1", 100);
	appliance_start(&appliance);
	uint64_t began = clock_now_ms();
	char status[64] = "";
	while (strcmp(status, "NOERROR aa") != 0 && clock_now_ms() - began < 5000) {
		const struct ask ask = { .server = INTERNAL, .name = "www.a.example", .timeout_ms = 500 };
		const struct reply *reply = client_ask(&ask);
		if (reply->received) {
			reply_status(reply, status);
		}
		harness_sleep_ms(10);
	}
	must_answer("www.a.example", "10.1.2.23");
	MUST(appliance_logged(&appliance, "no longer rolled back, its image was refused"), "the log does not say so");
}

Test(history, a_head_that_is_damaged_is_told_in_the_history)
{
	appliance_start(&appliance);
	reload_with(2, "");
	reload_with(3, "");
	char path[256];
	snprintf(path, sizeof(path), "%s/state/internal/a.example.history/1", appliance.dir);
	MUST(truncate(path, 60) == 0, "truncate: %s", strerror(errno));
	must_have("a.example", "3:serving 2:kept 0:unusable");
	MUST(appliance_control(&appliance, "zone history a.example")->done.status == 1, "no warning");
	roll_back("zone rollback a.example 1", 3);
	roll_back("zone rollback a.example", 1);
	must_have("a.example", "2:serving 3:kept 2:kept 0:unusable");
}

/* No role may read a history, not of its own view either. */
Test(history, files_are_for_root_alone)
{
	static const char *const paths[] = { "internal", "internal/a.example.image", "internal/a.example.history",
					     "internal/a.example.history/1" };
	appliance_start(&appliance);
	reload_with(2, "");
	for (size_t i = 0; i < COUNT(paths); i++) {
		char path[256];
		struct stat st;
		snprintf(path, sizeof(path), "%s/state/%s", appliance.dir, paths[i]);
		MUST(stat(path, &st) == 0 && (st.st_mode & 077) == 0 && st.st_uid == 0, "%s: %o", path, st.st_mode);
	}
}
