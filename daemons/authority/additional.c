/*
 * Additional records: addresses of the names that NS, MX, SRV and the like point to, as far as they
 * are in the same zone. The image knows the node of each, so no name is looked up here.
 *
 * Glue is owed: of a referral whose servers are below the cut all addresses are sent or the message
 * says TC (RFC 9471 3.1). Everything else is a courtesy and left out in silence when it does not fit
 * (RFC 2181 9).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

/* The node that the next record of an RRset points to, or IMAGE_NONE. */
static uint32_t next_target(struct image_walk *walk)
{
	uint16_t len;
	(void)image_next_rdata(walk, &len);
	return image_walk_target(walk);
}

static bool has_target_before(const struct answer *a, unsigned i, uint32_t node)
{
	struct image_walk walk = image_records(a->image, a->extra);
	for (unsigned k = 0; k < i; k++) {
		if (next_target(&walk) == node) {
			return true;
		}
	}
	return false;
}

/* A and AAAA of a node, that of the i-th name. BH_ENOSPC: one of them did not fit. */
static int put_addresses(struct answer *a, unsigned i, uint32_t node)
{
	static const uint16_t types[] = { RR_A, RR_AAAA };
	struct answer_owner owner = { .name = image_name(a->image, node) };
	owner.at = a->placed == a->extra && i < ANSWER_COURTESY_MAX ? a->target_places[i] : 0;
	int rc = BH_OK;

	for (unsigned k = 0; k < 2 && rc == BH_OK; k++) {
		const struct image_rrset *rrset = image_rrset(a->image, node, types[k]);
		if (rrset != NULL) {
			rc = answer_put_at(a, SECTION_ADDITIONAL, &owner, rrset, rrset->ttl);
		}
	}
	return rc;
}

/* Addresses of servers below the cut itself: without them the referral leads nowhere. */
static int put_glue(struct answer *a)
{
	struct image_walk walk = image_records(a->image, a->extra);
	for (unsigned i = 0; i < a->extra->rr_count; i++) {
		uint32_t node = next_target(&walk);
		if (node != IMAGE_NONE && image_cut(a->image, node) == a->referral_cut &&
		    put_addresses(a, i, node) != BH_OK) {
			return BH_ENOSPC;
		}
	}
	return BH_OK;
}

/*
 * May the addresses at this node go along? Those of the zone itself may. Those below a cut are the
 * child's to tell, but for servers: sibling glue, and the zone's own servers that live in a child
 * (put_glue has sent what is below the cut referred to). What a DNAME hides does not exist.
 */
static bool is_courtesy(const struct answer *a, uint32_t node)
{
	if (node == IMAGE_NONE || image_dname(a->image, node) != IMAGE_NONE) {
		return false;
	}
	uint32_t cut = image_cut(a->image, node);
	return cut == IMAGE_NONE || (a->extra->type == RR_NS && cut != a->referral_cut);
}

static void put_courtesy(struct answer *a)
{
	unsigned count = a->extra->rr_count;

	count = count < ANSWER_COURTESY_MAX ? count : ANSWER_COURTESY_MAX;
	struct image_walk walk = image_records(a->image, a->extra);
	for (unsigned i = 0; i < count; i++) {
		uint32_t node = next_target(&walk);
		if (is_courtesy(a, node) && !has_target_before(a, i, node) && put_addresses(a, i, node) != BH_OK) {
			return;
		}
	}
}

enum answer_state answer_additional(struct answer *a)
{
	if (a->extra == NULL || a->extra->behind != IMAGE_TARGET) {
		return ANSWER_DONE;
	}
	if (a->referral_cut != IMAGE_NONE && put_glue(a) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	put_courtesy(a);
	return ANSWER_DONE;
}
