/* Counters of zones over changes of the configuration. SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/counters.h"

#include "common/util/count.h"
#include "daemons/supervisor/zones.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A set from "view:zones view:zones", each zone one letter. Static memory: two sets live at a time. */
static struct zone_set *make_set(const char *text)
{
	static struct zone_state states[2][32];
	static struct config_zone zones[2][32];
	static char views[2][4][2];
	static struct zone_set sets[2];
	static unsigned which;
	which = !which;
	struct zone_set *set = &sets[which];
	memset(states[which], 0, sizeof(states[which]));
	*set = (struct zone_set){ .items = states[which] };
	for (unsigned v = 0; *text != '\0'; v++) {
		views[which][v][0] = *text;
		for (text += 2; *text != '\0' && *text != ' '; text++) {
			struct config_zone *zone = &zones[which][set->count];
			memcpy(zone->name, (const uint8_t[]){ 1, (uint8_t)*text, 0 }, 3);
			states[which][set->count++] =
				(struct zone_state){ .view = v, .view_name = views[which][v], .conf = zone };
		}
		text += *text == ' ';
	}
	return set;
}

static const char *numbers(const struct zone_set *set)
{
	static char text[256];
	text[0] = '\0';
	for (size_t i = 0; i < set->count; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%c%u", i > 0 ? " " : "", set->items[i].conf->name[1],
			 (unsigned)set->items[i].counter);
	}
	return text;
}

Test(counters, stay_with_their_zones)
{
	static const struct {
		const char *zones;
		const char *numbers;
	} steps[] = {
		{ "i:abc x:ab", "a0 b1 c2 a0 b1" },
		{ "i:abc x:ab", "a0 b1 c2 a0 b1" },
		{ "i:bc x:ab", "b1 c2 a0 b1" },
		{ "i:abc x:ab", "a0 b1 c2 a0 b1" },   /* 0 was free since the change before */
		{ "i:bcd x:b", "b1 c2 d3 b1" },       /* 0 is not: it is in service until this change is through */
		{ "i:abcde x:bc", "a0 b1 c2 d3 e4 b1 c0" },
		{ "i:z", "z5" },
		{ "a:z i:z", "z0 z5" },		      /* views have nothing to do with each other */
		{ "a:z i:az", "z0 a0 z5" },
	};
	const struct zone_set *old = NULL;
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct zone_set *next = make_set(steps[i].zones);
		cr_assert_eq(counters_assign(next, old), BH_OK);
		cr_expect_str_eq(numbers(next), steps[i].numbers, "step %zu: %s", i, numbers(next));
		old = next;
	}
}

#define OCTETS 4096

Test(counters, a_page_for_reading_cannot_be_written)
{
	int fd = memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert(fd >= 0 && ftruncate(fd, OCTETS) == 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	char *written = mmap(NULL, OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(written, MAP_FAILED);

	int page = counters_open_for_reading(fd);
	cr_assert_geq(page, 0);
	cr_assert_eq(fcntl(page, F_GETFL) & O_ACCMODE, O_RDONLY);
	cr_assert_neq(fcntl(page, F_GETFD) & FD_CLOEXEC, 0);
	const char *read = mmap(NULL, OCTETS, PROT_READ, MAP_SHARED, page, 0);
	cr_assert_neq(read, MAP_FAILED);
	written[7] = 'x';
	cr_assert_eq(read[7], 'x', "it is not the same memory");

	cr_assert(write(page, "y", 1) < 0 && errno == EBADF);
	cr_assert(pwrite(page, "y", 1, 7) < 0 && errno == EBADF);
	cr_assert(ftruncate(page, 0) < 0 && errno == EINVAL);
	cr_assert(fallocate(page, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, OCTETS) < 0 && errno == EBADF);
	cr_assert(mmap(NULL, OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0) == MAP_FAILED && errno == EACCES);
	cr_assert(mprotect((void *)(uintptr_t)read, OCTETS, PROT_READ | PROT_WRITE) < 0 && errno == EACCES);
	cr_assert_eq(read[7], 'x');

	/* The next process of the role still writes: no seal of ours keeps it from it. */
	char *again = mmap(NULL, OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(again, MAP_FAILED);
	again[7] = 'z';
	cr_assert_eq(read[7], 'z');
}
