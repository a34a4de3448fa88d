/*
 * Asks several resolvers the same questions and compares what they say: RCODE, AD, and the answer section as a set of
 * records without TTLs.
 *
 *   differ [-v] [-n TURNS] [-k KNOWN] NAME=ADDRESS@PORT ... < QUESTIONS
 *
 * The first resolver is ours, the others judge. QUESTIONS has lines "NAME TYPE"; each is asked with every combination of
 * flags below, or with TURNS of them, which are others for the next question. Where most of the others agree with each
 * other and not with ours, that is a finding, unless KNOWN has a line "NAME TYPE FLAGS reason" for it; NAME, TYPE or
 * FLAGS that begin with "*" stand for all that end with what follows. Status 1 when there is a finding. -v shows all
 * our answers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define RESOLVERS_MAX 8
#define KNOWN_MAX 256
#define LINE 1024
#define SHOWN 300 /* characters of an answer */

struct resolver {
	const char *name;
	const char *at;
	unsigned alone; /* questions where its answer was nobody else's */
};

static const struct flags {
	const char *name;
	uint16_t flags;
	bool do_bit;
} flags[] = {
	{ "cd,do", FLAG_RD | FLAG_CD, true },
	{ "do", FLAG_RD, true },
	{ "ad", FLAG_RD | FLAG_AD, false },
	{ "-", FLAG_RD, false },
	{ "cd", FLAG_RD | FLAG_CD, false },

};

#define FLAGS COUNT(flags)

static struct resolver resolvers[RESOLVERS_MAX];
static unsigned resolver_count;
static struct known {
	char name[256], type[16], flags[16], reason[LINE];
	unsigned used;
} known[KNOWN_MAX];
static unsigned known_count;
static unsigned lines, questions, findings, expected;
static bool verbose;

static char said[RESOLVERS_MAX][CLIENT_TEXT_MAX + 64];

static void ask_one(unsigned i, const char *name, uint16_t type, const struct flags *f)
{
	struct ask ask = { .server = resolvers[i].at, .name = name, .type = type, .flags = f->flags, .edns = true,
			   .do_bit = f->do_bit, .timeout_ms = 15000, .tcp = true };
	const struct reply *reply = client_ask(&ask);
	char answer[CLIENT_TEXT_MAX], status[64];
	if (!reply->received || reply->error != 0) {
		snprintf(said[i], sizeof(said[i]), "no reply");
		return;
	}
	/* Of the flags only AD is compared; with CD nothing need be checked, so AD is as one likes (RFC 4035 3.2.2). */
	reply_status(reply, status);
	bool ad = (f->flags & FLAG_CD) == 0 && strstr(status, " ad") != NULL;
	status[strcspn(status, " ")] = '\0';
	snprintf(said[i], sizeof(said[i]), "%s%s: %s", status, ad ? " ad" : "",
		 reply_section(reply, SECTION_ANSWER, answer));
}

static bool matches(const char *pattern, const char *text)
{
	size_t len = strlen(text), tail = strlen(pattern + (pattern[0] != '\0'));
	if (pattern[0] == '*') {
		return tail <= len && strcasecmp(text + len - tail, pattern + 1) == 0;
	}
	return strcasecmp(pattern, text) == 0;
}

static const char *known_reason(const char *name, const char *type, const char *flag_names)
{
	for (unsigned i = 0; i < known_count; i++) {
		if (matches(known[i].name, name) && matches(known[i].type, type) && matches(known[i].flags, flag_names)) {
			known[i].used++;
			return known[i].reason;
		}
	}
	return NULL;
}

static void compare(const char *name, const char *type, const struct flags *f)
{
	unsigned others = resolver_count - 1, most = 0, first = 0;
	for (unsigned i = 0; i < resolver_count; i++) {
		unsigned same = 0;
		for (unsigned j = 1; j < resolver_count; j++) {
			same += j != i && strcmp(said[i], said[j]) == 0;
		}
		resolvers[i].alone += same == 0 && (i == 0 || strcmp(said[i], said[0]) != 0);
		if (i > 0 && same + 1 > most) {
			most = same + 1;
			first = i;
		}
	}
	if (2 * most <= others || strcmp(said[0], said[first]) == 0) {
		return;
	}
	const char *reason = known_reason(name, type, f->name);
	if (reason != NULL) {
		expected++;
		return;
	}
	findings++;
	printf("FINDING %s %s %s\n", name, type, f->name);
	for (unsigned i = 0; i < resolver_count; i++) {
		printf("    %-10s %.*s\n", resolvers[i].name, SHOWN, said[i]);
	}
}

static void read_known(const char *path)
{
	char line[LINE];
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file) != NULL && known_count < KNOWN_MAX) {
		struct known *k = &known[known_count];
		if (line[0] != '#' && sscanf(line, "%255s %15s %15s %1023[^\n]", k->name, k->type, k->flags, k->reason) == 4) {
			known_count++;
		}
	}
	fclose(file);
}

int main(int argc, char **argv)
{
	char line[LINE], name[256], type[16];
	size_t turns = FLAGS;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int option; (option = getopt(argc, argv, "vn:k:")) != -1;) {
		switch (option) {
		case 'k':
			read_known(optarg);
			break;
		case 'n':
			turns = strtoul(optarg, NULL, 10);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2;
		}
	}
	for (int i = optind; i < argc && resolver_count < RESOLVERS_MAX; i++) {
		char *at = strchr(argv[i], '=');
		if (at == NULL) {
			return 2;
		}
		*at = '\0';
		resolvers[resolver_count++] = (struct resolver){ .name = argv[i], .at = at + 1 };
	}
	if (resolver_count < 3) {
		fprintf(stderr, "differ [-k KNOWN] NAME=ADDRESS@PORT ... < QUESTIONS: at least three resolvers\n");
		return 2;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		uint16_t number;
		if (sscanf(line, "%255s %15s", name, type) != 2 || rr_type_parse(type, &number) != 0) {
			fprintf(stderr, "differ: not a question: %s", line);
			return 2;
		}
		/* Each question begins with another one, so that what is cached with CD meets questions without and the reverse. */
		for (size_t turn = 0; turn < turns && turn < FLAGS; turn++) {
			size_t f = (turn + lines) % FLAGS;
			for (unsigned i = 0; i < resolver_count; i++) {
				ask_one(i, name, number, &flags[f]);
			}
			questions++;
			if (verbose) {
				printf("%s %s %s: %.*s\n", name, type, flags[f].name, SHOWN, said[0]);
			}
			compare(name, type, &flags[f]);
		}
		lines++;
	}
	printf("%u questions, %u findings, %u differences that are known\n", questions, findings, expected);
	for (unsigned i = 0; i < resolver_count; i++) {
		printf("  %-10s alone %u times\n", resolvers[i].name, resolvers[i].alone);
	}
	return findings > 0 || questions == 0;
}
