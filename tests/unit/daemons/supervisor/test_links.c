/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/supervisor/links.h"

#include <criterion/criterion.h>
#include <fcntl.h>

Test(query_links, only_the_two_ends_of_a_link_know_it)
{
	static const struct {
		enum role role;
		const char *view;
		unsigned index;
		bool is_end;
		enum role peer;
	} cases[] = {
		{ ROLE_FRONTEND, "", 0, true, ROLE_AUTHORITY },
		{ ROLE_FRONTEND, "", 1, false, 0 },
		{ ROLE_AUTHORITY, "internal", 0, true, ROLE_FRONTEND },
		{ ROLE_AUTHORITY, "internal", 1, false, 0 },
		{ ROLE_AUTHORITY, "external", 0, false, 0 },
		{ ROLE_RESOLVER, "", 0, false, 0 },
	};
	struct query_link_set set = { 0 };
	uint32_t next_id = 5;
	cr_assert_eq(query_link_want(&set, 0, ROLE_AUTHORITY, "internal", 0, &next_id), BH_OK);
	cr_assert_eq(set.count, 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ipc_link info = { 0 };
		int fd = -1;
		bool is_end = query_link_end(&set.items[0], cases[i].role, cases[i].view, cases[i].index, &fd, &info);
		cr_expect_eq(is_end, cases[i].is_end, "case %zu", i);
		if (is_end) {
			cr_expect_eq(info.id, 5);
			cr_expect_eq(info.peer, cases[i].peer, "case %zu", i);
			cr_expect_neq(fcntl(fd, F_GETFD), -1);
		}
	}
	query_link_clear(&set);
}

Test(query_links, stay_open_over_generations_until_unwanted)
{
	struct query_link_set set = { 0 };
	uint32_t next_id = 1;
	cr_assert_eq(query_link_want(&set, 0, ROLE_RESOLVER, "", 0, &next_id), BH_OK);
	cr_assert_eq(query_link_want(&set, 0, ROLE_RESOLVER, "", 1, &next_id), BH_OK);
	query_link_commit(&set);
	int fd = set.items[0].peer_fd;
	int gone = set.items[1].frontend_fd;

	query_link_unwant_all(&set);
	cr_assert_eq(query_link_want(&set, 0, ROLE_RESOLVER, "", 0, &next_id), BH_OK);
	cr_assert_eq(next_id, 3);
	query_link_commit(&set);
	cr_assert_eq(set.count, 1);
	cr_assert_eq(set.items[0].peer_fd, fd);
	cr_assert_eq(fcntl(gone, F_GETFD), -1);

	query_link_unwant_all(&set);
	cr_assert_eq(query_link_want(&set, 1, ROLE_RESOLVER, "", 0, &next_id), BH_OK);
	query_link_abort(&set);
	cr_assert_eq(set.count, 1, "abort keeps what is in use and closes the rest");
	cr_assert_eq(set.items[0].frontend, 0);
	query_link_clear(&set);
}

#define MINUTE 60000

/* Whose turn it is to be ended for a broken link. */
Test(query_links, blame_the_accused_first_then_in_turns)
{
	static const struct {
		uint64_t at_ms;
		bool accuser;
	} steps[] = {
		{ 5, false },			 /* the first one */
		{ 6, true },			 /* again */
		{ 7, false },			 /* it was not that one either */
		{ 8 + 9 * MINUTE, true },	 /* still about the same thing */
		{ 8 + 19 * MINUTE + 1, false },
		{ 8 + 40 * MINUTE, false },	 /* another matter */
		{ 8 + 60 * MINUTE, false },
	};
	struct query_link_blame blame = { 0 };
	for (size_t i = 0; i < COUNT(steps); i++) {
		cr_expect_eq(query_link_blame(&blame, steps[i].at_ms), steps[i].accuser, "step %zu", i);
	}
}
