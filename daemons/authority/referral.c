/*
 * Referrals: the name is in a zone that others serve.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

enum answer_state answer_referral(struct answer *a, uint32_t cut)
{
	const struct image *image = a->image;
	const uint8_t *owner = image_name(image, cut);
	const struct image_rrset *ns = image_rrset(image, cut, RR_NS);

	/* NS of a cut are not authoritative and not signed (RFC 4035 2.2): no signatures are in the image. */
	if (answer_put(a, SECTION_AUTHORITY, owner, ns, ns->ttl) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	/* RFC 4035 3.1.4: in a signed zone, DS with its signatures or their absence tells whether the child is signed. */
	bool secure = a->dnssec && (image->header->flags & IMAGE_SIGNED) != 0;
	const struct image_rrset *ds = secure ? image_rrset(image, cut, RR_DS) : NULL;
	if (ds == NULL) {
		denial_type(a, cut); /* RFC 5155 7.2.7 */
	} else if (answer_put(a, SECTION_AUTHORITY, owner, ds, ds->ttl) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	a->referral_cut = cut;
	a->extra = ns;
	return ANSWER_DONE;
}
