/*
 * One generation of what this process serves: the zones of its view, who may ask, and the zone that
 * is responsible for a name. Read-only once it is in service; a reload builds another one aside.
 *
 * Images are shared between generations: a zone whose image did not change keeps its mapping.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_AUTHORITY_VIEW_H
#define BULKHEAD_DAEMONS_AUTHORITY_VIEW_H

#include "common/ipc/conf.h"
#include "common/util/addr.h"
#include "common/zone/image.h"
#include "daemons/authority/rrl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allow;
struct nsec3_hasher;
struct role_conf;
struct view_mapping;

struct view_zone {
	const uint8_t *name;	    /* apex */
	const struct image *image;  /* NULL: its text did not compile, or its image was refused */
	uint64_t hash;		    /* image_hash of name */
	uint8_t labels;
	uint8_t name_len;
	struct view_mapping *mapping; /* who owns image; NULL: the caller of view_add */
	uint32_t counter;	      /* of its queries, in the counters of the process */
};

struct view {
	struct view_zone *zones;
	size_t zone_count;
	size_t zone_room;
	uint32_t *slots; /* open addressing: zone index + 1, 0 is empty; a power of two, at most half full */
	size_t slot_count;
	uint64_t depths[2]; /* bit n: there is a zone with n labels */
	struct allow *allow; /* who may transfer; NULL: nobody */
	struct acl acl;
	bool anyone; /* everybody may ask; acl is not looked at */
	bool rotate; /* records of an answer begin with another one each time */
	enum ipc_cookies cookies;
	struct cookie_secrets cookie_secrets; /* when cookies are not off */
	uint8_t nsid_len;
	uint8_t nsid[NSID_MAX]; /* RFC 5001; empty: not told */
	char identity[IPC_IDENTITY_MAX]; /* id.server and hostname.bind (RFC 4892); "": not told */
	char version[IPC_IDENTITY_MAX];	 /* version.server and version.bind */
	struct rrl rrl;
	void *rate_table; /* mapping that rrl counts in, or NULL */
	/* Lent by the process for longer than any view lives. NULL: answers that need a hash fail. */
	struct nsec3_hasher *hasher;
};

/* An empty view with room for so many zones. NULL: out of memory. */
struct view *view_new(size_t zone_max);
void view_free(struct view *view);

/*
 * Add a zone. name is borrowed for the life of the view; image (NULL: failed zone) too. BH_EEXIST: it
 * is there already. BH_ELIMIT: more than zone_max.
 */
int view_add(struct view *view, const uint8_t *name, const struct image *image) BH_CHECKED;

/* An image that was refused, and why. */
typedef void view_refused_fn(void *ctx, uint32_t image, const char *why);

/*
 * Build the view of a configuration. Images that `old` (may be NULL) has under the same id are taken
 * over, others are mapped and verified. One that is not what it should be is told to `refused`, and costs its
 * own zone only: that keeps the image it has in `old`, or fails. When the view itself cannot be built why
 * says which zone and what.
 */
int view_build(const struct role_conf *conf, const struct view *old, view_refused_fn *refused, void *ctx,
	       struct view **out, char *why, size_t why_size) BH_CHECKED;

/*
 * The zone with the longest apex at or above name; NULL when there is none. strictly_above: an apex
 * equal to name does not count (DS, RFC 4035 3.1.4.1). Cost: one look at the name and at most one probe
 * for each different depth of zones, not depending on the number of zones.
 */
const struct view_zone *view_find(const struct view *view, const uint8_t *name, bool strictly_above);

/* The same for a name that was taken apart already. */
const struct view_zone *view_find_look(const struct view *view, const struct image_look *look, bool strictly_above);

/*
 * Keep the image of a zone mapped beyond the life of the view, until it is released. NULL: the zone's image is
 * the caller's of view_add.
 */
struct view_mapping *view_hold(const struct view_zone *zone);
void view_release(struct view_mapping *mapping);

/* May this client ask? */
static inline bool view_allows(const struct view *view, const struct addr *client)
{
	return view->anyone || acl_match(&view->acl, client);
}

#endif
