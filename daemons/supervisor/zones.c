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
	int views = strcmp(x->view_name, y->view_name);
	return views != 0 ? views : dname_compare(x->conf->name, y->conf->name);
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
	for (unsigned v = 0; v < config->view_count; v++) {
		const struct config_view *view = &config->views[v];
		for (size_t z = 0; z < view->zone_count; z++) {
			set->items[set->count++] = (struct zone_state){
				.view = v, .view_name = view->name, .conf = &view->zones[z]
			};
		}
	}
	qsort(set->items, set->count, sizeof(*set->items), compare_states);
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
