/*
 * bulkheadctl: asks the running appliance, or tests a configuration, and prints the answer.
 *
 * Owns nothing but its own output. What other processes send is shown only through grid.c and json.c,
 * which let no control character through. command.h has what it can do.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/command.h"
#include "daemons/ctl/complete.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct options options;
	char why[256];

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
		return complete_run(argc - 2, argv + 2); /* of a line that is not finished */
	}
	int first = options_read(argc, argv, &options, why, sizeof(why));
	if (first < 0) {
		return command_usage_error(NULL, "%s", why);
	}
	bool alone = first == argc;
	if (options.given[OPTION_VERSION] != NULL || (options.given[OPTION_HELP] != NULL && alone)) {
		const char *word = options.given[OPTION_VERSION] != NULL ? "version" : "help";
		char *instead[] = { (char *)(uintptr_t)word, NULL };
		const struct options none = { { NULL } };
		return command_run(1, instead, &none);
	}
	return command_run(argc - first, argv + first, &options);
}
