/*
 * Answers that say no: the name does not exist, or not with this type (RFC 2308).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

#include "common/util/cursor.h"

/* RFC 2308 3, 5: how long a no may be kept. MINIMUM is the last field of SOA; image_open has proved it whole. */
static uint32_t negative_ttl(const struct image *image, const struct image_rrset *soa)
{
	struct image_walk walk = image_records(image, soa);
	uint16_t len;
	const uint8_t *rdata = image_next_rdata(&walk, &len);
	uint32_t minimum = get_u32(rdata + len - 4);
	return soa->ttl < minimum ? soa->ttl : minimum;
}

uint32_t answer_denial_ttl(const struct image *image, const struct image_rrset *rrset)
{
	uint32_t negative = negative_ttl(image, image_rrset(image, 0, RR_SOA));
	return rrset->ttl < negative ? rrset->ttl : negative;
}

/* Without the SOA the answer could not be cached. */
static int put_soa(struct answer *a)
{
	const struct image_rrset *soa = image_rrset(a->image, 0, RR_SOA);
	return answer_put(a, SECTION_AUTHORITY, a->image->apex, soa, negative_ttl(a->image, soa));
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
