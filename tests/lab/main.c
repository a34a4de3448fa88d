/*
 * The lab's test program: the lab once, around all tests. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/harness.h"
#include "tests/lab/lab.h"

int main(int argc, char **argv)
{
	return harness_main_around(argc, argv, "lab", lab_up, lab_down);
}
