/*
 * Zone sets and the images in them. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/zones.h"

#include "common/dns/anchor.h"
#include "common/dns/rr.h"
#include "common/ipc/link.h"

#include <stdlib.h>
#include <string.h>

static int compare_states(const void *a, const void *b)
{
	const struct zone_state *x = a;
	const struct zone_state *y = b;
	int views = x->view_name == y->view_name ? 0 : strcmp(x->view_name, y->view_name);
	return views != 0 ? views : dname_compare(x->conf->name, y->conf->name);
}

/* The view after `last` (NULL: the first) by name. NULL: there is none. */
static const struct config_view *view_after(const struct config *config, const struct config_view *last)
{
	const struct config_view *found = NULL;
	for (size_t i = 0; i < config->view_count; i++) {
		const struct config_view *view = &config->views[i];
		if ((last == NULL || strcmp(view->name, last->name) > 0) &&
		    (found == NULL || strcmp(view->name, found->name) < 0)) {
			found = view;
		}
	}
	return found;
}

/* Names of views differ, and the zones of each are in order already (config.h). */
static void add_zones(struct zone_set *set, const struct config *config)
{
	const struct config_view *view = NULL;
	while ((view = view_after(config, view)) != NULL) {
		for (size_t z = 0; z < view->zone_count; z++) {
			set->items[set->count++] = (struct zone_state){ .view = (unsigned)(view - config->views),
									.view_name = view->name,
									.conf = &view->zones[z] };
		}
	}
}

struct zone_set *zone_set_new(const struct config *config)
{
	struct zone_set *set = calloc(1, sizeof(*set));
	size_t count = 0;
	for (size_t i = 0; i < config->view_count; i++) {
		count += config->views[i].zone_count;
	}
	if (set == NULL || (set->items = calloc(count + 1, sizeof(*set->items))) == NULL ||
	    (set->hints = calloc(ZONE_SET_HINTS_MAX, sizeof(*set->hints))) == NULL) {
		zone_set_free(set);
		return NULL;
	}
	add_zones(set, config);
	return set;
}

void zone_image_release(struct zone_image *image)
{
	if (image != NULL && --image->refs == 0) {
		shared_fd_release(image->fd);
		sources_clear(&image->sources);
		free(image->refused);
		free(image);
	}
}

void zone_set_free(struct zone_set *set)
{
	if (set == NULL) {
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		zone_image_release(set->items[i].image);
	}
	free(set->items);
	free(set->hints);
	free(set->anchors);
	free(set);
}

const struct zone_state *zone_set_find(const struct zone_set *set, const struct zone_state *like)
{
	return set->count == 0 ? NULL
			       : bsearch(like, set->items, set->count, sizeof(*like), compare_states);
}

const struct zone_state *zone_set_next(const struct zone_set *set, size_t *at, const struct zone_state *like)
{
	while (set != NULL && *at < set->count) {
		int order = compare_states(&set->items[*at], like);
		if (order >= 0) {
			return order == 0 ? &set->items[*at] : NULL;
		}
		++*at;
	}
	return NULL;
}

/* The first zone of a view that is not before this one, or after it; by halves. */
static size_t begin_of_view(const struct zone_set *set, const char *view, bool after)
{
	size_t low = 0;
	size_t high = set->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(set->items[middle].view_name, view);
		if (order < 0 || (after && order == 0)) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

struct zone_range zone_set_view(const struct zone_set *set, const char *view)
{
	size_t begin = set == NULL ? 0 : begin_of_view(set, view, false);
	size_t end = set == NULL ? 0 : begin_of_view(set, view, true);
	return (struct zone_range){ end > begin ? &set->items[begin] : NULL, end - begin };
}

static bool same_transfer(const struct config_transfer *a, const struct config *config_a,
			  const struct config_transfer *b, const struct config *config_b)
{
	if (a->any != b->any || (!a->any && memcmp(&a->prefix, &b->prefix, sizeof(a->prefix)) != 0) || (a->key < 0) != (b->key < 0)) {
		return false;
	}
	return a->key < 0 || dname_equal(config_a->keys[a->key].name, config_b->keys[b->key].name);
}

static bool same_zone(const struct zone_state *a, const struct config *config_a, const struct zone_state *b,
		      const struct config *config_b)
{
	const struct config_zone *x = a->conf;
	const struct config_zone *y = b->conf;
	size_t len = dname_len(x->name);
	bool same = a->counter == b->counter && len == dname_len(y->name) &&
		    memcmp(x->name, y->name, len) == 0 && /* as it is written */
		    x->overlay == y->overlay && x->transfer_count == y->transfer_count;
	for (size_t i = 0; same && i < x->transfer_count; i++) {
		same = same_transfer(&x->transfers[i], config_a, &y->transfers[i], config_b);
	}
	return same;
}

bool zone_set_same_view(const struct zone_set *a, const struct config *config_a, const struct zone_set *b,
			const struct config *config_b, const char *view)
{
	struct zone_range x = zone_set_view(a, view);
	struct zone_range y = zone_set_view(b, view);
	bool same = x.count == y.count;
	for (size_t i = 0; same && i < x.count; i++) {
		same = same_zone(&x.items[i], config_a, &y.items[i], config_b);
	}
	return same;
}

int zone_set_add_anchor(struct zone_set *set, const struct ipc_anchor *anchor)
{
	if (set->anchor_count >= ANCHORS_MAX) {
		return BH_ELIMIT;
	}
	if ((set->anchor_count & (set->anchor_count - 1)) == 0) { /* full at powers of two */
		size_t room = set->anchor_count == 0 ? 1 : 2 * set->anchor_count;
		struct ipc_anchor *anchors = reallocarray(set->anchors, room, sizeof(*anchors));
		if (anchors == NULL) {
			return BH_ENOMEM;
		}
		set->anchors = anchors;
	}
	set->anchors[set->anchor_count++] = *anchor;
	return BH_OK;
}

int zone_set_copy_roots(struct zone_set *set, const struct zone_set *from)
{
	memcpy(set->hints, from->hints, from->hint_count * sizeof(*set->hints));
	set->hint_count = from->hint_count;
	int rc = BH_OK;
	for (size_t i = 0; i < from->anchor_count && rc == BH_OK; i++) {
		rc = zone_set_add_anchor(set, &from->anchors[i]);
	}
	return rc;
}

int zone_set_add_root_anchors(struct zone_set *set)
{
	for (size_t i = 0; i < set->anchor_count; i++) {
		if (dname_is_root(set->anchors[i].zone)) {
			return BH_OK;
		}
	}
	for (unsigned i = 0; i < ROOT_ANCHORS; i++) {
		struct ipc_anchor anchor = { .zone = { 0 }, .type = RR_DS, .len = ROOT_ANCHOR_SIZE };
		memcpy(anchor.rdata, root_anchors[i], ROOT_ANCHOR_SIZE);
		int rc = zone_set_add_anchor(set, &anchor);
		if (rc != BH_OK) {
			return rc;
		}
	}
	return BH_OK;
}
