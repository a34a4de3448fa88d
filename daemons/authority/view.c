/*
 * Views: building a generation, and finding the zone of a name.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/view.h"

#include "common/dns/dname.h"
#include "common/ipc/role_link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A mapped image and the generations that use it; or the name of a zone that failed. */
struct view_mapping {
	uint32_t id;
	unsigned users;
	struct image *image;
	uint8_t *name;
};

static void mapping_release(struct view_mapping *mapping)
{
	if (mapping != NULL && --mapping->users == 0) {
		if (mapping->image != NULL) {
			image_close(mapping->image);
		}
		free(mapping->name);
		free(mapping);
	}
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
		mapping_release(view->zones[i].mapping);
	}
	acl_clear(&view->acl);
	acl_clear(&view->rrl.exempt);
	explicit_bzero(&view->cookie_secrets, sizeof(view->cookie_secrets));
	if (view->rate_table != NULL) {
		munmap(view->rate_table, IPC_RATE_TABLE_SIZE);
	}
	free(view->zones);
	free(view->slots);
	free(view);
}

#define OFFSETS_MAX (DNAME_LABELS_MAX + 1)

/* Offsets of the labels of a name, leftmost first, the root label last; returns how many before it. */
static unsigned label_offsets(const uint8_t *name, uint8_t offsets[OFFSETS_MAX])
{
	unsigned count = 0;
	unsigned at = 0;
	for (; name[at] != 0; at += (unsigned)name[at] + 1) {
		offsets[count++] = (uint8_t)at;
	}
	offsets[count] = (uint8_t)at;
	return count;
}

static bool has_depth(const struct view *view, unsigned labels)
{
	return (view->depths[labels / 64] >> (labels % 64) & 1) != 0;
}

/* The slot of a zone with this apex, or the empty slot where it would be. */
static size_t find_slot(const struct view *view, const uint8_t *name, uint64_t hash)
{
	size_t slot = (hash >> 32) & (view->slot_count - 1);
	while (view->slots[slot] != 0) {
		const struct view_zone *zone = &view->zones[view->slots[slot] - 1];
		if (zone->hash == hash && dname_equal(zone->name, name)) {
			break;
		}
		slot = (slot + 1) & (view->slot_count - 1);
	}
	return slot;
}

static int add_zone(struct view *view, const uint8_t *name, const struct image *image,
		    struct view_mapping *mapping)
{
	uint8_t offsets[OFFSETS_MAX];
	unsigned labels = label_offsets(name, offsets);
	uint64_t hash = IMAGE_HASH_ROOT;
	for (unsigned i = labels; i-- > 0;) {
		hash = image_hash_label(hash, name + offsets[i]);
	}
	size_t slot = find_slot(view, name, hash);
	if (view->slots[slot] != 0) {
		return BH_EEXIST;
	}
	if (view->zone_count == view->zone_room) {
		return BH_ELIMIT;
	}
	view->zones[view->zone_count++] = (struct view_zone){
		.name = name, .image = image, .hash = hash, .labels = (uint8_t)labels, .mapping = mapping
	};
	view->slots[slot] = (uint32_t)view->zone_count;
	view->depths[labels / 64] |= UINT64_C(1) << (labels % 64);
	return BH_OK;
}

int view_add(struct view *view, const uint8_t *name, const struct image *image)
{
	return add_zone(view, name, image, NULL);
}

const struct view_zone *view_find(const struct view *view, const uint8_t *name, bool strictly_above)
{
	uint8_t offsets[OFFSETS_MAX];
	unsigned labels = label_offsets(name, offsets);
	uint64_t hash = IMAGE_HASH_ROOT;
	const struct view_zone *best = NULL;

	/* From the root downwards, so that one running hash serves all suffixes; the last hit is longest. */
	for (unsigned depth = 0;; depth++) {
		const uint8_t *suffix = name + offsets[labels - depth];
		if (depth > 0) {
			hash = image_hash_label(hash, suffix);
		}
		if (strictly_above && depth == labels) {
			return best;
		}
		if (has_depth(view, depth)) {
			uint32_t found = view->slots[find_slot(view, suffix, hash)];
			best = found != 0 ? &view->zones[found - 1] : best;
		}
		if (depth == labels) {
			return best;
		}
	}
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
		known->mapping->users++;
		return known->mapping;
	}
	struct view_mapping *mapping = mapping_new(failed ? 0 : zone->info.image);
	*rc = BH_ENOMEM;
	snprintf(why, why_size, "%s", bh_strerror(BH_ENOMEM));
	if (mapping != NULL) {
		*rc = failed ? keep_name(zone, mapping) : map_image(zone, mapping, why, why_size);
		if (*rc != BH_OK) {
			mapping_release(mapping);
			mapping = NULL;
		}
	}
	return mapping;
}

static int build_zone(struct view *view, const struct role_zone *zone, const struct view *old, char *why,
		      size_t why_size)
{
	char text[DNAME_TEXT_MAX];
	char reason[IPC_TEXT_MAX];
	int rc = BH_OK;
	struct view_mapping *mapping = get_mapping(zone, old, reason, sizeof(reason), &rc);

	if (mapping != NULL) {
		const struct image *image = mapping->image;
		rc = add_zone(view, image != NULL ? image->apex : mapping->name, image, mapping);
		if (rc == BH_OK) {
			view->zones[view->zone_count - 1].counter = zone->info.counter;
		}
		if (rc != BH_OK) {
			snprintf(reason, sizeof(reason), "%s", bh_strerror(rc));
			mapping_release(mapping);
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
	view->keepalive = (uint16_t)(options->tcp_idle_ms / 100 < UINT16_MAX ? options->tcp_idle_ms / 100 : UINT16_MAX);
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

int view_build(const struct role_conf *conf, const struct view *old, struct view **out, char *why,
	       size_t why_size)
{
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
	for (size_t i = 0; i < conf->zone_count; i++) {
		rc = build_zone(view, &conf->zones[i], old, why, why_size);
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
