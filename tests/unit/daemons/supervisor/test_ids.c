/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "daemons/supervisor/ids.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* A configuration of views with these one-letter names. user: of the first view, or NULL. */
static struct config *views(struct config *config, struct config_view *room, const char *names, char *user)
{
	memset(config, 0, sizeof(*config));
	memset(room, 0, CONFIG_VIEWS_MAX * sizeof(*room));
	config->views = room;
	for (; names[config->view_count] != '\0'; config->view_count++) {
		struct config_view *view = &room[config->view_count];
		snprintf(view->name, sizeof(view->name), "%c", names[config->view_count]);
	}
	room[0].user = user;
	return config;
}

static struct config_view old_views[CONFIG_VIEWS_MAX], new_views[CONFIG_VIEWS_MAX];
static struct config old_config, new_config;
static struct ids_table old, new;
static char why[256];

static void must_differ(const struct sandbox_ids *a, const struct sandbox_ids *b)
{
	cr_assert(a->uid != b->uid && a->gid != b->gid);
	cr_assert(a->uid != 0 && a->gid != 0);
}

/* While a reload is under way, processes of both configurations run. */
Test(ids, a_view_keeps_its_numbers_and_nobody_gets_those_of_another)
{
	static const struct {
		const char *before, *after;
	} cases[] = { { "abc", "cba" }, { "abc", "bc" },  { "abc", "c" },	  { "abc", "xabc" },
		      { "abc", "xyz" }, { "a", "bcdefa" }, { "abcdef", "fxb" }, { "ab", "ab" } };
	for (size_t n = 0; n < COUNT(cases); n++) {
		views(&old_config, old_views, cases[n].before, NULL);
		views(&new_config, new_views, cases[n].after, NULL);
		cr_assert_eq(ids_resolve(&old_config, NULL, NULL, &old, why, sizeof(why)), BH_OK, "%s", why);
		cr_assert_eq(ids_resolve(&new_config, &old_config, &old, &new, why, sizeof(why)), BH_OK, "%s", why);
		for (size_t i = 0; i < new_config.view_count; i++) {
			for (size_t k = 0; k < old_config.view_count; k++) {
				if (cases[n].after[i] == cases[n].before[k]) {
					cr_assert_eq(new.authority[i].uid, old.authority[k].uid, "case %zu", n);
					cr_assert_eq(new.compiler[i].uid, old.compiler[k].uid, "case %zu", n);
				} else {
					must_differ(&new.authority[i], &old.authority[k]);
				}
				must_differ(&new.authority[i], &old.compiler[k]);
			}
			must_differ(&new.authority[i], &new.frontend);
			must_differ(&new.authority[i], &new.resolver);
		}
	}
}

Test(ids, as_many_views_as_there_can_be_twice)
{
	char before[CONFIG_VIEWS_MAX + 1] = "", after[CONFIG_VIEWS_MAX + 1] = "";
	for (int i = 0; i < CONFIG_VIEWS_MAX; i++) {
		before[i] = (char)(' ' + 1 + i);
		after[i] = (char)(128 + i);
	}
	views(&old_config, old_views, before, NULL);
	views(&new_config, new_views, after, NULL);
	cr_assert_eq(ids_resolve(&old_config, NULL, NULL, &old, why, sizeof(why)), BH_OK, "%s", why);
	cr_assert_eq(ids_resolve(&new_config, &old_config, &old, &new, why, sizeof(why)), BH_OK, "%s", why);
	for (size_t i = 0; i < CONFIG_VIEWS_MAX; i++) {
		for (size_t k = 0; k < CONFIG_VIEWS_MAX; k++) {
			must_differ(&new.authority[i], &old.authority[k]);
		}
	}
}

Test(ids, root_and_unknown_users_are_refused)
{
	views(&new_config, new_views, "ab", (char[]){ "root" });
	cr_assert_eq(ids_resolve(&new_config, NULL, NULL, &new, why, sizeof(why)), BH_EPERM);
	cr_assert_not_null(strstr(why, "is root"));
	views(&new_config, new_views, "ab", (char[]){ "no-such-user-here" });
	cr_assert_eq(ids_resolve(&new_config, NULL, NULL, &new, why, sizeof(why)), BH_ENOENT);
}

Test(ids, two_views_never_share_a_user)
{
	views(&new_config, new_views, "ab", (char[]){ "nobody" });
	new_views[1].user = new_views[0].user;
	cr_assert_eq(ids_resolve(&new_config, NULL, NULL, &new, why, sizeof(why)), BH_EPERM);
	cr_assert_not_null(strstr(why, "same user or group"));
}
