/* Counters of zones over changes of the configuration. SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/supervisor/counters.h"

#include "daemons/supervisor/zones.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct zone_set *next = make_set(steps[i].zones);
		cr_assert_eq(counters_assign(next, old), BH_OK);
		cr_expect_str_eq(numbers(next), steps[i].numbers, "step %zu: %s", i, numbers(next));
		old = next;
	}
}
