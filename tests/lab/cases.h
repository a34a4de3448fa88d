/*
 * Questions to a resolver in the lab, with the answers that RFC 1034, 2181, 2308 and 6672 leave no doubt
 * about: the same table is asked of the appliance and, where installed, of another resolver, which
 * proves the lab itself.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_LAB_CASES_H
#define BULKHEAD_TESTS_LAB_CASES_H

#include <stddef.h>
#include <stdint.h>

struct lab_case {
	const char *name;
	uint16_t type;
	const char *rcode;
	const char *answer; /* as reply_section; NULL: any */
};

extern const struct lab_case lab_cases[];
extern const size_t lab_case_count;

/*
 * Ask them all at this address, over UDP (and TCP where the reply says TC), but those whose names are in
 * except (ends with NULL; may be NULL). Tells every wrong answer, then fails the test.
 */
void lab_ask_cases(const char *server, const char *const *except);
/* One question of the test's own, judged alike. */
void lab_ask_case(const char *server, const char *name, uint16_t type, const char *rcode, const char *answer);

#endif
