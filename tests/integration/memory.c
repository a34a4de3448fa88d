/*
 * /proc/PID/maps and /proc/PID/mem. The needle is compared with letters folded, since names are kept in
 * the case they came in and questions to others in mixed case.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "tests/integration/memory.h"

#include "tests/integration/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1u << 20)

/*
 * The shadow memory of the address sanitizer is a mapping of many TiB that holds no data of the program. In
 * an ordinary build every mapping is searched.
 */
#ifdef BH_SANITIZERS
#define MAPPING_MAX (UINT64_C(1) << 34)
#else
#define MAPPING_MAX UINT64_MAX
#endif

static void fold(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		p[i] = (uint8_t)(p[i] + (((uint8_t)(p[i] - 'A') < 26) << 5));
	}
}

/* Chunks overlap by the needle's length, so that none is missed at a border. */
static void scan_range(int mem, uint64_t from, uint64_t to, const char *needle, const char *line,
		       struct memory_scan *scan)
{
	static uint8_t buf[CHUNK];
	size_t needle_len = strlen(needle);
	for (uint64_t at = from; at < to;) {
		size_t want = to - at < CHUNK ? (size_t)(to - at) : CHUNK;
		ssize_t n = pread(mem, buf, want, (off_t)at);
		if (n <= 0) {
			scan->unreadable++;
			return;
		}
		scan->octets += (uint64_t)n;
		fold(buf, (size_t)n);
		const uint8_t *p = buf;
		while ((p = memmem(p, (size_t)n - (size_t)(p - buf), needle, needle_len)) != NULL) {
			if (scan->found++ == 0) {
				snprintf(scan->first, sizeof(scan->first), "%s", line);
			}
			p += needle_len;
		}
		if ((size_t)n < needle_len || at + (uint64_t)n >= to) {
			return;
		}
		at += (uint64_t)n - needle_len + 1;
	}
}

struct memory_scan memory_scan(pid_t pid, const char *needle)
{
	struct memory_scan scan = { 0 };
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int mem = open(path, O_RDONLY | O_CLOEXEC);
	MUST(maps != NULL && mem >= 0, "memory of process %d: %s", (int)pid, strerror(errno));
	char line[4096];
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char perms[5];
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) != 3 || perms[0] != 'r' ||
		    strstr(line, "[vvar") != NULL || strstr(line, "[vsyscall]") != NULL || to - from > MAPPING_MAX) {
			continue;
		}
		scan.mappings++;
		scan_range(mem, from, to, needle, line, &scan);
	}
	fclose(maps);
	close(mem);
	MUST(scan.octets > 65536, "only %llu octets of process %d could be read", (unsigned long long)scan.octets,
	     (int)pid);
	return scan;
}
