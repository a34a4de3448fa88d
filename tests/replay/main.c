/*
 * replay [-v] [-s SEED] [-o LINE]... FILE...: plays scenarios against the resolver's core, without a network and
 * without waiting.
 *
 * One line for each: "pass|fail|skip NAME: why"; the totals last. Exit status 1 when one failed, 2 for wrong usage.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/play.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXTRA_MAX 16

static void usage(FILE *out)
{
	fprintf(out, "usage: replay [-v] [-s SEED] [-o LINE]... FILE...\n"
		     "  -v       print every packet and answer\n"
		     "  -s SEED  of the random numbers (server choice, ids, case); 1 without it\n"
		     "  -o LINE  a further line of each file's head, as 'query-minimization: off'\n");
}

/* The file's name without folder and ending. */
static void print_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash == NULL ? file : slash + 1;
	size_t len = strlen(name);
	if (len > 4 && strcmp(name + len - 4, ".rpl") == 0) {
		len -= 4;
	}
	printf("%.*s", (int)len, name);
}

int main(int argc, char **argv)
{
	static const char *const words[] = { [OUTCOME_PASS] = "pass", [OUTCOME_FAIL] = "fail",
					     [OUTCOME_SKIP] = "skip" };
	unsigned totals[3] = { 0 };
	const char *extra[EXTRA_MAX];
	struct play_options options = { .seed = 1, .extra = extra };
	int option;
	while ((option = getopt(argc, argv, "ho:s:v")) != -1) {
		switch (option) {
		case 'o':
			if (options.extra_count == EXTRA_MAX) {
				usage(stderr);
				return 2;
			}
			extra[options.extra_count++] = optarg;
			break;
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			options.trace = stdout;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++) {
		char why[4096] = "";
		enum outcome outcome = play_file(argv[i], &options, why, sizeof(why));
		totals[outcome]++;
		printf("%s ", words[outcome]);
		print_name(argv[i]);
		printf("%s%s\n", outcome == OUTCOME_PASS ? "" : ": ", outcome == OUTCOME_PASS ? "" : why);
	}
	printf("%u passed, %u failed, %u skipped\n", totals[OUTCOME_PASS], totals[OUTCOME_FAIL],
	       totals[OUTCOME_SKIP]);
	return totals[OUTCOME_FAIL] > 0;
}
