/*
 * The main of every integration test program. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/harness.h"

#include <errno.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char name[64];
	snprintf(name, sizeof(name), "integration/%s", program_invocation_short_name);
	return harness_main(argc, argv, name);
}
