/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool usage_read(pid_t pid, uint64_t *resident, uint64_t *cpu_ms)
{
	char path[32];
	char line[1024];
	uint64_t user;
	uint64_t system;
	uint64_t pages;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	bool read = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	/* proc(5): the name of the program, in brackets, may hold anything; the field behind it is the third. */
	const char *rest = read ? strrchr(line, ')') : NULL;
	if (rest == NULL || sscanf(rest + 1,
				   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
				   " %*d %*d %*d %*d %*d %*d %*u %*u %" SCNu64,
				   &user, &system, &pages) != 3) {
		return false;
	}
	long ticks = sysconf(_SC_CLK_TCK);
	*resident = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	*cpu_ms = (user + system) * 1000 / (uint64_t)(ticks > 0 ? ticks : 100);
	return true;
}
