/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/usage.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

Test(usage, usage_of_a_process)
{
	uint64_t resident = 0;
	uint64_t cpu_ms = 0;
	cr_assert(usage_read(getpid(), &resident, &cpu_ms));
	cr_assert(resident > 100000 && resident < UINT64_C(1) << 40, "%llu", (unsigned long long)resident);

	/* processor time grows with work, whatever the program is called */
	uint64_t before = cpu_ms;
	for (volatile unsigned long i = 0; cpu_ms < before + 50; i++) {
		if (i % 10000000 == 0) {
			cr_assert(usage_read(getpid(), &resident, &cpu_ms));
		}
	}
	pid_t child = fork();
	if (child == 0) {
		_exit(0);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert_not(usage_read(child, &resident, &cpu_ms), "of a process that is gone");
}
