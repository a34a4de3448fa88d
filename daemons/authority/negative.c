/*
 * Answers that say no: the name does not exist, or not with this type (RFC 2308).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

uint32_t answer_denial_ttl(const struct image *image, const struct image_rrset *rrset)
{
	return rrset->ttl < image->negative_ttl ? rrset->ttl : image->negative_ttl;
}

/* Without the SOA the answer could not be cached. */
static int put_soa(struct answer *a)
{
	struct answer_owner owner = answer_owner(a, a->image->apex);
	return answer_put_at(a, SECTION_AUTHORITY, &owner, a->image->soa, a->image->negative_ttl);
}

enum answer_state answer_no_name(struct answer *a)
{
	a->rcode = RCODE_NXDOMAIN; /* RFC 6604 2.1: of the last name of a chain */
	if (put_soa(a) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	denial_no_wildcard(a);
	return denial_sname(a);
}

enum answer_state answer_no_type(struct answer *a, uint32_t node)
{
	if (put_soa(a) != BH_OK) {
		return ANSWER_TRUNCATED;
	}
	if (a->match.node == IMAGE_NONE) {
		denial_wildcard_type(a, node);
	} else {
		denial_type(a, node);
	}
	return ANSWER_DONE;
}
