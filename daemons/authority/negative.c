/*
 * Answers that say no: the name does not exist, or not with this type (RFC 2308).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/answer.h"

#include "common/util/cursor.h"

/* MINIMUM is the last field of SOA; image_open has proved that the RDATA is whole. */
static uint32_t soa_minimum(const struct image *image, const struct image_rrset *soa)
{
	size_t pos = 0;
	uint16_t len;
	const uint8_t *rdata = image_next_rdata(image->data + soa->data, &pos, &len);
	return get_u32(rdata + len - 4);
}

enum answer_state answer_negative(struct answer *a, uint16_t rcode)
{
	const struct image *image = a->image;
	const struct image_rrset *soa = image_rrset(image, 0, RR_SOA);

	a->rcode = rcode; /* RFC 6604 2.1: of the last name of a chain */
	uint32_t minimum = soa_minimum(image, soa);
	uint32_t ttl = soa->ttl < minimum ? soa->ttl : minimum; /* RFC 2308 3, 5; RFC 9077 3 */
	if (answer_put(a, SECTION_AUTHORITY, image->apex, soa, ttl) != BH_OK) {
		return ANSWER_TRUNCATED; /* without the SOA the answer could not be cached */
	}
	return ANSWER_DONE;
}
