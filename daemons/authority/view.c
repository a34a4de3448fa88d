/*
 * Views: building a generation, and finding the zone of a name.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/view.h"

#include "common/dns/dname.h"
#include "common/dns/fold.h"
#include "common/ipc/role_link.h"
#include "daemons/authority/allow.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A mapped image and the generations and transfers that use it; or the name of a zone that failed. */
struct view_mapping {
	uint32_t id;
	unsigned users;
	struct image *image;
	uint8_t *name;
};

void view_release(struct view_mapping *mapping)
{
	if (mapping != NULL && --mapping->users == 0) {
		if (mapping->image != NULL) {
			image_close(mapping->image);
		}
		free(mapping->name);
		free(mapping);
	}
}

struct view_mapping *view_hold(const struct view_zone *zone)
{
	if (zone->mapping != NULL) {
		zone->mapping->users++;
	}
	return zone->mapping;
}

struct view *view_new(size_t zone_max)
{
	struct view *view = calloc(1, sizeof(*view));
	if (view == NULL) {
		return NULL;
	}
	view->zone_room = zone_max;
	view->slot_count = 4;
	while (view->slot_count / 2 < zone_max) {
		view->slot_count *= 2;
	}
	view->zones = calloc(zone_max + 1, sizeof(*view->zones));
	view->slots = calloc(view->slot_count, sizeof(*view->slots));
	if (view->zones == NULL || view->slots == NULL) {
		view_free(view);
		return NULL;
	}
	return view;
}

void view_free(struct view *view)
{
	if (view == NULL) {
		return;
	}
	for (size_t i = 0; i < view->zone_count; i++) {
		view_release(view->zones[i].mapping);
	}
	acl_clear(&view->acl);
	allow_free(view->allow);
	acl_clear(&view->rrl.exempt);
	explicit_bzero(&view->cookie_secrets, sizeof(view->cookie_secrets));
	if (view->rate_table != NULL) {
		munmap(view->rate_table, IPC_RATE_TABLE_SIZE);
	}
	free(view->zones);
	free(view->slots);
	free(view);
}

/* The slot of the zone whose apex is the name from label `from` on, or the empty slot where it would be. */
static size_t find_slot(const struct view *view, const struct image_look *look, unsigned from)
{
	uint64_t hash = look->hash[from];
	size_t len = (size_t)look->len - look->at[from];
	size_t slot = (hash >> 32) & (view->slot_count - 1);
	while (view->slots[slot] != 0) {
		const struct view_zone *zone = &view->zones[view->slots[slot] - 1];
		if (zone->hash == hash && zone->name_len == len &&
		    fold_equal_lower(look->lower + look->at[from], zone->name, len)) {
			break;
		}
		slot = (slot + 1) & (view->slot_count - 1);
	}
	return slot;
}

static int add_zone(struct view *view, const uint8_t *name, const struct image *image,
		    struct view_mapping *mapping)
{
	struct image_look look;
	image_look(&look, name);
	size_t slot = find_slot(view, &look, 0);
	if (view->slots[slot] != 0) {
		return BH_EEXIST;
	}
	if (view->zone_count == view->zone_room) {
		return BH_ELIMIT;
	}
	view->zones[view->zone_count++] = (struct view_zone){ .name = name,
							      .image = image,
							      .hash = look.hash[0],
							      .labels = look.labels,
							      .name_len = look.len,
							      .mapping = mapping };
	view->slots[slot] = (uint32_t)view->zone_count;
	view->depths[look.labels / 64] |= UINT64_C(1) << (look.labels % 64);
	return BH_OK;
}

int view_add(struct view *view, const uint8_t *name, const struct image *image)
{
	return add_zone(view, name, image, NULL);
}

/* The greatest depth of zones that is not above `labels`, or -1. */
static int next_depth(const struct view *view, int labels)
{
	for (int word = labels < 0 ? -1 : labels / 64; word >= 0; word--, labels = 64 * word + 63) {
		uint64_t depths = view->depths[word] & UINT64_MAX >> (63 - labels % 64);
		if (depths != 0) {
			return 64 * word + 63 - __builtin_clzll(depths);
		}
	}
	return -1;
}

const struct view_zone *view_find_look(const struct view *view, const struct image_look *look, bool strictly_above)
{
	int labels = look->labels;
	for (int depth = next_depth(view, labels - strictly_above); depth >= 0; depth = next_depth(view, depth - 1)) {
		uint32_t found = view->slots[find_slot(view, look, (unsigned)(labels - depth))];
		if (found != 0) {
			return &view->zones[found - 1];
		}
	}
	return NULL;
}

const struct view_zone *view_find(const struct view *view, const uint8_t *name, bool strictly_above)
{
	struct image_look look;
	image_look(&look, name);
	return view_find_look(view, &look, strictly_above);
}

/* The zone in service that has this name and image. */
static const struct view_zone *find_mapped(const struct view *view, uint32_t id, const uint8_t *name)
{
	const struct view_zone *zone = view == NULL ? NULL : view_find(view, name, false);
	bool same = zone != NULL && zone->image != NULL && zone->mapping != NULL && zone->mapping->id == id &&
		    dname_equal(zone->name, name);
	return same ? zone : NULL;
}

static struct view_mapping *mapping_new(uint32_t id)
{
	struct view_mapping *mapping = calloc(1, sizeof(*mapping));
	if (mapping != NULL) {
		mapping->id = id;
		mapping->users = 1;
	}
	return mapping;
}

/* A zone that failed has only its name. */
static int keep_name(const struct role_zone *zone, struct view_mapping *mapping)
{
	size_t len = dname_len(zone->info.name);
	mapping->name = malloc(len);
	if (mapping->name == NULL) {
		return BH_ENOMEM;
	}
	memcpy(mapping->name, zone->info.name, len);
	return BH_OK;
}

static int map_image(const struct role_zone *zone, struct view_mapping *mapping, char *why, size_t why_size)
{
	int rc = image_open(zone->image_fd, &mapping->image, why, why_size);
	if (rc == BH_OK && !dname_equal(mapping->image->apex, zone->info.name)) {
		snprintf(why, why_size, "its image holds another zone");
		rc = BH_EMALFORMED;
	}
	return rc;
}

/* What stands behind a zone: a new mapping, or the one that is in service. NULL: reason in why. */
static struct view_mapping *get_mapping(const struct role_zone *zone, const struct view *old, char *why,
					size_t why_size, int *rc)
{
	bool failed = (zone->info.flags & IPC_ZONE_FAILED) != 0;
	const struct view_zone *known = find_mapped(old, zone->info.image, zone->info.name);
	if (!failed && known != NULL) {
		return view_hold(known);
	}
	struct view_mapping *mapping = mapping_new(failed ? 0 : zone->info.image);
	*rc = BH_ENOMEM;
	snprintf(why, why_size, "%s", bh_strerror(BH_ENOMEM));
	if (mapping != NULL) {
		*rc = failed ? keep_name(zone, mapping) : map_image(zone, mapping, why, why_size);
		if (*rc != BH_OK) {
			view_release(mapping);
			mapping = NULL;
		}
	}
	return mapping;
}

/* Is the image to blame, and not this process, which is short of something? */
static bool is_refusal(int rc)
{
	return rc != BH_ENOMEM && rc != BH_ESYS;
}

/* What stands behind a zone whose image was refused: that of the generation before, or a name. NULL: no memory. */
static struct view_mapping *get_substitute(const struct role_zone *zone, const struct view *old)
{
	const struct view_zone *known = old == NULL ? NULL : view_find(old, zone->info.name, false);
	if (known != NULL && known->mapping != NULL && dname_equal(known->name, zone->info.name)) {
		known->mapping->users++;
		return known->mapping;
	}
	struct view_mapping *mapping = mapping_new(0);
	if (mapping != NULL && keep_name(zone, mapping) != BH_OK) {
		view_release(mapping);
		return NULL;
	}
	return mapping;
}

/* Who is told of images that were refused. */
struct refusals {
	view_refused_fn *tell;
	void *ctx;
};

static int build_zone(struct view *view, const struct role_zone *zone, const struct view *old,
		      const struct refusals *refusals, char *why, size_t why_size)
{
	char text[DNAME_TEXT_MAX];
	char reason[IPC_TEXT_MAX];
	int rc = BH_OK;
	struct view_mapping *mapping = get_mapping(zone, old, reason, sizeof(reason), &rc);

	if (mapping == NULL && is_refusal(rc)) {
		refusals->tell(refusals->ctx, zone->info.image, reason);
		mapping = get_substitute(zone, old);
		rc = mapping == NULL ? BH_ENOMEM : BH_OK;
		snprintf(reason, sizeof(reason), "%s", bh_strerror(rc));
	}
	if (mapping != NULL) {
		const struct image *image = mapping->image;
		rc = add_zone(view, image != NULL ? image->apex : mapping->name, image, mapping);
		if (rc == BH_OK) {
			view->zones[view->zone_count - 1].counter = zone->info.counter;
		}
		if (rc != BH_OK) {
			snprintf(reason, sizeof(reason), "%s", bh_strerror(rc));
			view_release(mapping);
		}
	}
	if (rc != BH_OK) {
		snprintf(why, why_size, "zone %s: %s", dname_text(zone->info.name, text), reason);
	}
	return rc;
}

static int copy_acl(struct acl *to, const struct acl *from)
{
	int rc = BH_OK;
	for (size_t i = 0; i < from->count && rc == BH_OK; i++) {
		rc = acl_add(to, &from->items[i]);
	}
	return rc;
}

static int build_rates(struct view *view, const struct role_conf *conf)
{
	struct rrl *rrl = &view->rrl;
	struct stat st;

	if (conf->rate.mode == 0) {
		return BH_OK;
	}
	/* A shorter file would end the process at the first access behind its end. */
	if (fstat(conf->rate_table_fd, &st) != 0 || st.st_size != IPC_RATE_TABLE_SIZE) {
		return BH_EMALFORMED;
	}
	void *block = mmap(NULL, IPC_RATE_TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, conf->rate_table_fd, 0);
	if (block == MAP_FAILED) {
		return BH_ESYS;
	}
	view->rate_table = block;
	rrl->mode = conf->rate.mode == IPC_RATE_ON ? RRL_ON : RRL_LOG;
	memcpy(&rrl->key, conf->rate_table.key, sizeof(rrl->key));
	rrl->cost_us = RRL_WINDOW_US / conf->rate.per_second;
	rrl->ipv4_bits = conf->rate.ipv4_bits;
	rrl->ipv6_bits = conf->rate.ipv6_bits;
	int rc = rrl_table_init(&rrl->table, block, IPC_RATE_TABLE_SIZE);
	return rc == BH_OK ? copy_acl(&rrl->exempt, &conf->rate_exempt) : rc;
}

static int build_options(struct view *view, const struct role_conf *conf, char *why, size_t why_size)
{
	const struct ipc_conf_authority *options = &conf->options.authority;

	view->anyone = options->anyone != 0;
	view->rotate = options->rotate != 0;
	view->cookies = (enum ipc_cookies)options->cookies;
	view->cookie_secrets = conf->cookie_secrets.secrets;
	view->nsid_len = options->nsid_len;
	memcpy(view->nsid, options->nsid, options->nsid_len);
	memcpy(view->identity, options->identity, sizeof(view->identity));
	memcpy(view->version, options->version, sizeof(view->version));
	if (view->cookies != IPC_COOKIES_OFF && view->cookie_secrets.count == 0) {
		snprintf(why, why_size, "cookies: there is no secret");
		return BH_EMALFORMED;
	}
	int rc = copy_acl(&view->acl, &conf->acl);
	if (rc != BH_OK) {
		snprintf(why, why_size, "allow-query: %s", bh_strerror(rc));
		return rc;
	}
	rc = build_rates(view, conf);
	if (rc != BH_OK) {
		snprintf(why, why_size, "rate-limit: %s", bh_strerror(rc));
	}
	return rc;
}

int view_build(const struct role_conf *conf, const struct view *old, view_refused_fn *refused, void *ctx,
	       struct view **out, char *why, size_t why_size)
{
	const struct refusals refusals = { .tell = refused, .ctx = ctx };
	int rc = BH_ENOMEM;
	struct view *view = view_new(conf->zone_count);
	if (view == NULL) {
		snprintf(why, why_size, "%s", bh_strerror(rc));
		return rc;
	}
	rc = build_options(view, conf, why, why_size);
	if (rc != BH_OK) {
		goto fail;
	}
	rc = allow_new(conf, &view->allow, why, why_size);
	if (rc != BH_OK) {
		goto fail;
	}
	for (size_t i = 0; i < conf->zone_count; i++) {
		rc = build_zone(view, &conf->zones[i], old, &refusals, why, why_size);
		if (rc != BH_OK) {
			goto fail;
		}
	}
	*out = view;
	return BH_OK;
fail:
	view_free(view);
	return rc;
}
