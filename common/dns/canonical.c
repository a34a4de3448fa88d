/*
 * Canonical order of RDATA, and targets. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/canonical.h"

#include "common/dns/dname.h"
#include "common/dns/rr.h"

#include <string.h>

/* RFC 4034 6.2 (3) without the obsolete A6, as amended by RFC 6840 5.1. */
static bool names_are_folded(uint16_t type)
{
	switch (type) {
	case RR_NS:
	case RR_MD:
	case RR_MF:
	case RR_CNAME:
	case RR_SOA:
	case RR_MB:
	case RR_MG:
	case RR_MR:
	case RR_PTR:
	case RR_MINFO:
	case RR_MX:
	case RR_RP:
	case RR_AFSDB:
	case RR_RT:
	case RR_SIG:
	case RR_PX:
	case RR_NXT:
	case RR_NAPTR:
	case RR_KX:
	case RR_SRV:
	case RR_DNAME:
	case RR_RRSIG:
		return true;
	default:
		return false;
	}
}

static int compare_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int diff = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return diff != 0 ? diff : (a_len > b_len) - (a_len < b_len);
}

/* Octets of a field at p; names of valid RDATA are complete. */
static size_t field_size(uint8_t field, const uint8_t *p)
{
	switch (field) {
	case RDATA_NAME:
	case RDATA_NAME_COMPRESS:
		return dname_len(p);
	case RDATA_STRING:
		return (size_t)p[0] + 1;
	default:
		return field;
	}
}

static int compare_folded(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t min = a_len < b_len ? a_len : b_len;
	for (size_t i = 0; i < min; i++) {
		int diff = (int)dname_fold(a[i]) - (int)dname_fold(b[i]);
		if (diff != 0) {
			return diff;
		}
	}
	return (a_len > b_len) - (a_len < b_len);
}

int canonical_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	if (!names_are_folded(type)) {
		return compare_octets(a, a_len, b, b_len);
	}
	/* While all fields are equal they are as long in both, so one position serves both. */
	size_t pos = 0;
	for (const uint8_t *field = rdata_fields(type); *field != RDATA_END; field++) {
		size_t a_size = field_size(*field, a + pos);
		size_t b_size = field_size(*field, b + pos);
		bool is_name = *field == RDATA_NAME || *field == RDATA_NAME_COMPRESS;
		int diff = is_name ? compare_folded(a + pos, a_size, b + pos, b_size)
				   : compare_octets(a + pos, a_size, b + pos, b_size);
		if (diff != 0) {
			return diff;
		}
		pos += a_size;
	}
	return compare_octets(a + pos, a_len - pos, b + pos, b_len - pos);
}

void canonical_fold(uint16_t type, uint8_t *rdata)
{
	if (!names_are_folded(type)) {
		return;
	}
	for (const uint8_t *field = rdata_fields(type); *field != RDATA_END; field++) {
		size_t size = field_size(*field, rdata);
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			(void)dname_copy_lower(rdata, rdata);
		}
		rdata += size;
	}
}

const uint8_t *canonical_target(uint16_t type, const uint8_t *rdata)
{
	for (const uint8_t *field = rdata_fields(type);; field++) {
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS || *field == RDATA_END) {
			return rdata;
		}
		rdata += field_size(*field, rdata);
	}
}
