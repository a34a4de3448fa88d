/*
 * Users and the block of unused numbers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/ids.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* systemd's UIDS-GIDS table leaves 60578..61183 to nobody; a block is taken from there. */
#define BLOCK_FIRST 60600u
#define BLOCK_LAST 61183u
#define SLOTS_FIXED 3u
#define SLOTS_MAX (SLOTS_FIXED + 2u * CONFIG_VIEWS_MAX)

static bool find_user(const char *name, struct sandbox_ids *out)
{
	const struct passwd *pw = getpwnam(name);
	if (pw == NULL) {
		return false;
	}
	*out = (struct sandbox_ids){ .uid = pw->pw_uid, .gid = pw->pw_gid };
	return true;
}

/* First number of SLOTS_MAX that belong to no user and no group, or 0. */
static uid_t find_block(void)
{
	uid_t base = BLOCK_FIRST;
	for (uid_t id = base; id <= BLOCK_LAST; id++) {
		if (getpwuid(id) != NULL || getgrgid(id) != NULL) {
			base = id + 1;
		} else if (id - base + 1 == SLOTS_MAX) {
			return base;
		}
	}
	return 0;
}

static struct sandbox_ids named_or_slot(const char *name, uid_t block, unsigned slot)
{
	struct sandbox_ids ids;
	if (find_user(name, &ids)) {
		return ids;
	}
	return (struct sandbox_ids){ .uid = block + slot, .gid = block + slot };
}

static const char *default_user(const char *view)
{
	return strcmp(view, "internal") == 0   ? "bulkhead-int"
	       : strcmp(view, "external") == 0 ? "bulkhead-ext"
					       : "";
}

int ids_resolve(const struct config *config, struct ids_table *out, char *why, size_t why_size)
{
	uid_t block = find_block();
	if (block == 0) {
		snprintf(why, why_size, "no %u unused user ids between %u and %u", SLOTS_MAX, BLOCK_FIRST,
			 BLOCK_LAST);
		return BH_ENOENT;
	}
	memset(out, 0, sizeof(*out));
	out->frontend = named_or_slot("bulkhead-front", block, 0);
	out->resolver = named_or_slot("bulkhead-res", block, 1);
	out->hints = named_or_slot("bulkhead-zone", block, 2);
	for (unsigned i = 0; i < config->view_count; i++) {
		const struct config_view *view = &config->views[i];
		unsigned slot = SLOTS_FIXED + 2 * i;
		if (view->user == NULL) {
			out->authority[i] = named_or_slot(default_user(view->name), block, slot);
		} else if (!find_user(view->user, &out->authority[i])) {
			snprintf(why, why_size, "view '%s': there is no user '%s'", view->name, view->user);
			return BH_ENOENT;
		}
		if (out->authority[i].uid == 0 || out->authority[i].gid == 0) {
			snprintf(why, why_size, "view '%s': user '%s' is root or in its group", view->name,
				 view->user == NULL ? default_user(view->name) : view->user);
			return BH_EPERM;
		}
		for (unsigned k = 0; k < i; k++) {
			if (out->authority[k].uid == out->authority[i].uid) {
				snprintf(why, why_size, "views '%s' and '%s' would run as the same user",
					 config->views[k].name, view->name);
				return BH_EPERM;
			}
		}
		out->compiler[i] = named_or_slot("bulkhead-zone", block, slot + 1);
	}
	return BH_OK;
}
