/*
 * What workers of a view share: kept over reloads, forgotten with its view, never mixed up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/shared.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config_view views[3];

/* A configuration of views; each letter is a name, in upper case those with limits. */
static struct config config_of(const char *names)
{
	struct config config = { .views = views };
	memset(views, 0, sizeof(views));
	for (; *names != '\0'; names++) {
		struct config_view *v = &views[config.view_count++];
		bool limited = *names >= 'A' && *names <= 'Z';
		snprintf(v->name, sizeof(v->name), "%c", limited ? *names - 'A' + 'a' : *names);
		v->rate.mode = limited ? IPC_RATE_ON : 0;
	}
	return config;
}

Test(shared, lives_as_long_as_it_is_wanted)
{
	struct shared_set set = { 0 };
	uint32_t next_id = 10;
	struct config config = config_of("Ab");

	cr_assert_eq(shared_want(&set, &config, &next_id), BH_OK);
	struct shared a = *shared_find(&set, "a");
	struct shared b = *shared_find(&set, "b");
	cr_expect(a.id == 10 && a.fd >= 0 && b.fd < 0 && next_id == 11);
	cr_expect_neq(memcmp(a.cookie_secret, b.cookie_secret, sizeof(a.cookie_secret)), 0);
	struct stat st;
	cr_assert_eq(fstat(a.fd, &st), 0);
	cr_expect_eq(st.st_size, IPC_RATE_TABLE_SIZE);
	cr_expect_neq(ftruncate(a.fd, 0), 0); /* a worker cannot take the others' memory away */
	cr_expect_neq(ftruncate(a.fd, 2 * IPC_RATE_TABLE_SIZE), 0);
	shared_settle(&set, &config);

	/* a reload that changes nothing of it */
	cr_assert_eq(shared_want(&set, &config, &next_id), BH_OK);
	shared_settle(&set, &config);
	cr_expect_eq(memcmp(&a, shared_find(&set, "a"), sizeof(a)), 0);
	cr_expect_eq(next_id, 11);

	/* limits for b are prepared, and given up: roles have let go of that table, so the next one is new */
	struct config more = config_of("AB");
	cr_assert_eq(shared_want(&set, &more, &next_id), BH_OK);
	cr_expect_eq(shared_find(&set, "b")->id, 11);
	config = config_of("Ab");
	shared_settle(&set, &config);
	cr_expect_lt(shared_find(&set, "b")->fd, 0);
	more = config_of("AB");
	cr_assert_eq(shared_want(&set, &more, &next_id), BH_OK);
	cr_expect_eq(shared_find(&set, "b")->id, 12);
	cr_expect_eq(memcmp(b.cookie_secret, shared_find(&set, "b")->cookie_secret, sizeof(b.cookie_secret)), 0);

	/* a goes */
	config = config_of("B");
	shared_settle(&set, &config);
	cr_expect_null(shared_find(&set, "a"));
	cr_expect_eq(fcntl(a.fd, F_GETFD), -1);
	cr_expect_eq(shared_find(&set, "b")->id, 12);
	shared_settle(&set, NULL);
	cr_expect(set.count == 0 && set.items == NULL);
}

/* The frontends share a secret too, of their own, as long as there is a resolver. */
Test(shared, frontends_have_a_secret)
{
	struct shared_set set = { 0 };
	uint32_t next_id = 10;
	struct config config = config_of("a");
	cr_assert_eq(shared_want(&set, &config, &next_id), BH_OK);
	cr_expect_null(shared_find(&set, ""));
	config.resolver.present = true;
	cr_assert_eq(shared_want(&set, &config, &next_id), BH_OK);
	cr_assert_not_null(shared_find(&set, ""));
	struct shared first = *shared_find(&set, "");
	cr_expect(first.fd < 0 && next_id == 10);
	cr_expect_neq(memcmp(first.cookie_secret, shared_find(&set, "a")->cookie_secret, COOKIE_SECRET_SIZE), 0);
	shared_settle(&set, &config);
	cr_expect_eq(memcmp(&first, shared_find(&set, ""), sizeof(first)), 0);
	config.resolver.present = false;
	shared_settle(&set, &config);
	cr_expect_null(shared_find(&set, ""));
	cr_expect_not_null(shared_find(&set, "a"));
	shared_settle(&set, NULL);
}
