/*
 * Looking ahead at queries. Trusts nothing: what it reads is not checked yet.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/ahead.h"

void ahead_look(struct ahead *ahead, const struct view *view, const uint8_t *wire, size_t len)
{
	static const uint8_t root[1] = { 0 };

	ahead->qname_len = BH_ETRUNC;
	if (len > DNS_HEADER_SIZE) {
		ahead->qname_len = dname_check(wire + DNS_HEADER_SIZE, len - DNS_HEADER_SIZE);
	}
	if (ahead->qname_len < 0) {
		image_look(&ahead->look, root);
		ahead->zone = NULL;
		return;
	}
	image_look(&ahead->look, wire + DNS_HEADER_SIZE);
	ahead->zone = view_find_look(view, &ahead->look, false);
}

static const struct image *image_of(const struct ahead *ahead)
{
	return ahead->zone == NULL ? NULL : ahead->zone->image;
}

void ahead_fetch(struct ahead *batch, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (image_of(&batch[i]) != NULL) {
			image_fetch_slots(image_of(&batch[i]), &batch[i].look);
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (image_of(&batch[i]) != NULL) {
			batch[i].node = image_fetch_node(image_of(&batch[i]), &batch[i].look);
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (image_of(&batch[i]) != NULL) {
			image_fetch_sets(image_of(&batch[i]), batch[i].node);
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (image_of(&batch[i]) != NULL) {
			image_fetch_data(image_of(&batch[i]), batch[i].node);
		}
	}
}
