/*
 * Users and the block of unused numbers. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/ids.h"

#include "common/util/count.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* systemd's UIDS-GIDS table leaves 60578..61183 to nobody; a block is taken from there. */
#define BLOCK_FIRST 60600u
#define BLOCK_LAST 61183u
#define SLOTS_FIXED 4u
/* A view has two, for its authority and its compiler; during a reload there are two sets of views. */
#define SLOTS_MAX (SLOTS_FIXED + 2u * 2u * CONFIG_VIEWS_MAX)

static bool find_user(const char *name, struct sandbox_ids *out)
{
	const struct passwd *pw = getpwnam(name);
	if (pw == NULL) {
		return false;
	}
	*out = (struct sandbox_ids){ .uid = pw->pw_uid, .gid = pw->pw_gid };
	return true;
}

static bool is_anybodys(uid_t id)
{
	return getpwuid(id) != NULL || getgrgid(id) != NULL;
}

/*
 * So many numbers of the block can be in use with both configurations: places of the old one, and behind them the
 * views that are new. Nobody is asked about the others: where users come from a directory service that takes long.
 */
static uid_t count_needed(const struct config *config, const struct config *old_config, const struct ids_table *old)
{
	unsigned places = 0;
	for (size_t i = 0; old_config != NULL && i < old_config->view_count; i++) {
		places = old->slots[i] + 1 > places ? old->slots[i] + 1 : places;
	}
	uid_t count = SLOTS_FIXED + 2u * (places + (uid_t)config->view_count);
	return count < SLOTS_MAX ? count : SLOTS_MAX;
}

/* First number of a block whose first `needed` ones belong to no user and no group, or 0. */
static uid_t find_block(uid_t needed)
{
	uid_t base = BLOCK_FIRST;
	for (uid_t id = base; base + SLOTS_MAX - 1 <= BLOCK_LAST; id++) {
		if (is_anybodys(id)) {
			base = id + 1;
		} else if (id - base + 1 == needed) {
			return base;
		}
	}
	return 0;
}

/* Do still no user and no group have those numbers of this block? */
static bool is_unused(uid_t block, uid_t needed)
{
	for (uid_t id = block; id < block + needed; id++) {
		if (is_anybodys(id)) {
			return false;
		}
	}
	return true;
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

/* Place of view i: the one it has, or the first that no view has. */
static unsigned find_slot(const struct config *config, unsigned i, const struct config *old_config,
			  const struct ids_table *old, const struct ids_table *out)
{
	bool used[2 * CONFIG_VIEWS_MAX] = { false };
	for (size_t k = 0; old_config != NULL && k < old_config->view_count; k++) {
		if (strcmp(old_config->views[k].name, config->views[i].name) == 0) {
			return old->slots[k];
		}
		used[old->slots[k]] = true;
	}
	for (unsigned k = 0; k < i; k++) {
		used[out->slots[k]] = true;
	}
	unsigned slot = 0;
	while (used[slot]) {
		slot++; /* there are places for all views of two configurations */
	}
	return slot;
}

static bool shared(const struct sandbox_ids *a, const struct sandbox_ids *b)
{
	return a->uid == b->uid || a->gid == b->gid;
}

/* A view's user serves that view alone. */
static int check_alone(const struct config *config, unsigned i, const struct ids_table *out, char *why,
		       size_t why_size)
{
	const struct config_view *view = &config->views[i];
	const struct sandbox_ids *ids = &out->authority[i];
	const struct {
		const char *role;
		const struct sandbox_ids *ids;
	} others[] = { { "the frontend", &out->frontend },
		       { "the resolver", &out->resolver },
		       { "the monitor", &out->monitor },
		       { "the compiler", &out->hints },
		       { "the compiler", &out->compiler[i] } };

	if (ids->uid == 0 || ids->gid == 0) {
		snprintf(why, why_size, "view '%s': user '%s' is root or in its group", view->name,
			 view->user == NULL ? default_user(view->name) : view->user);
		return BH_EPERM;
	}
	for (unsigned k = 0; k < i; k++) {
		if (shared(&out->authority[k], ids)) {
			snprintf(why, why_size, "views '%s' and '%s' would run as the same user or group",
				 config->views[k].name, view->name);
			return BH_EPERM;
		}
	}
	for (size_t k = 0; k < COUNT(others); k++) {
		if (shared(others[k].ids, ids)) {
			snprintf(why, why_size, "view '%s' and %s would run as the same user or group", view->name,
				 others[k].role);
			return BH_EPERM;
		}
	}
	return BH_OK;
}

int ids_resolve(const struct config *config, const struct config *old_config, const struct ids_table *old,
		struct ids_table *out, char *why, size_t why_size)
{
	memset(out, 0, sizeof(*out));
	uid_t needed = count_needed(config, old_config, old);
	bool keep = old_config != NULL && is_unused(old->block, needed);
	out->block = keep ? old->block : find_block(needed);
	if (out->block == 0) {
		snprintf(why, why_size, "no %u unused user ids between %u and %u", SLOTS_MAX, BLOCK_FIRST,
			 BLOCK_LAST);
		return BH_ENOENT;
	}
	out->frontend = named_or_slot("bulkhead-front", out->block, 0);
	out->resolver = named_or_slot("bulkhead-res", out->block, 1);
	out->hints = named_or_slot("bulkhead-zone", out->block, 2);
	out->monitor = named_or_slot("bulkhead-mon", out->block, 3);
	for (unsigned i = 0; i < config->view_count; i++) {
		const struct config_view *view = &config->views[i];
		out->slots[i] = find_slot(config, i, old_config, old, out);
		unsigned slot = SLOTS_FIXED + 2 * out->slots[i];
		if (view->user == NULL) {
			out->authority[i] = named_or_slot(default_user(view->name), out->block, slot);
		} else if (!find_user(view->user, &out->authority[i])) {
			snprintf(why, why_size, "view '%s': there is no user '%s'", view->name, view->user);
			return BH_ENOENT;
		}
		out->compiler[i] = named_or_slot("bulkhead-zone", out->block, slot + 1);
		int rc = check_alone(config, i, out, why, why_size);
		if (rc != BH_OK) {
			return rc;
		}
	}
	return BH_OK;
}
