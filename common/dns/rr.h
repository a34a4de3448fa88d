/*
 * Numbers of the protocol with their names: types, classes, opcodes, rcodes, extended errors; and
 * the layout of RDATA as far as names in it matter.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_RR_H
#define BULKHEAD_COMMON_DNS_RR_H

#include "common/util/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rr_type {
	RR_A = 1,
	RR_NS = 2,
	RR_MD = 3,
	RR_MF = 4,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_MB = 7,
	RR_MG = 8,
	RR_MR = 9,
	RR_PTR = 12,
	RR_HINFO = 13,
	RR_MINFO = 14,
	RR_MX = 15,
	RR_TXT = 16,
	RR_RP = 17,
	RR_AFSDB = 18,
	RR_RT = 21,
	RR_SIG = 24,
	RR_KEY = 25,
	RR_PX = 26,
	RR_AAAA = 28,
	RR_NXT = 30,
	RR_SRV = 33,
	RR_NAPTR = 35,
	RR_KX = 36,
	RR_DNAME = 39,
	RR_OPT = 41,
	RR_DS = 43,
	RR_SSHFP = 44,
	RR_RRSIG = 46,
	RR_NSEC = 47,
	RR_DNSKEY = 48,
	RR_NSEC3 = 50,
	RR_NSEC3PARAM = 51,
	RR_TLSA = 52,
	RR_CDS = 59,
	RR_CDNSKEY = 60,
	RR_CSYNC = 62,
	RR_ZONEMD = 63,
	RR_SVCB = 64,
	RR_HTTPS = 65,
	RR_SPF = 99,
	RR_NXNAME = 128, /* RFC 9824: only in type bit maps */
	RR_TKEY = 249,
	RR_TSIG = 250,
	RR_IXFR = 251,
	RR_AXFR = 252,
	RR_MAILB = 253,
	RR_MAILA = 254,
	RR_ANY = 255,
	RR_CAA = 257,
};

/* RFC 6895 3.1: 128..255 ask something (QTYPE or meta), OPT is a pseudo record; never zone data. */
static inline bool rr_type_is_meta(uint16_t type)
{
	return (type >= 128 && type <= 255) || type == RR_OPT || type == 0;
}

enum rr_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };

enum opcode { OPCODE_QUERY = 0, OPCODE_IQUERY = 1, OPCODE_STATUS = 2, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_NOTAUTH = 9,
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23,
};

/* Extended DNS errors, RFC 8914 4 and the IANA registry. EDE_NONE: none is sent. */
enum ede {
	EDE_NONE = -1,
	EDE_OTHER = 0,
	EDE_UNSUPPORTED_DNSKEY_ALGORITHM = 1,
	EDE_UNSUPPORTED_DS_DIGEST = 2,
	EDE_STALE_ANSWER = 3,
	EDE_FORGED_ANSWER = 4,
	EDE_DNSSEC_INDETERMINATE = 5,
	EDE_DNSSEC_BOGUS = 6,
	EDE_SIGNATURE_EXPIRED = 7,
	EDE_SIGNATURE_NOT_YET_VALID = 8,
	EDE_DNSKEY_MISSING = 9,
	EDE_RRSIGS_MISSING = 10,
	EDE_NO_ZONE_KEY_BIT = 11,
	EDE_NSEC_MISSING = 12,
	EDE_CACHED_ERROR = 13,
	EDE_NOT_READY = 14,
	EDE_BLOCKED = 15,
	EDE_CENSORED = 16,
	EDE_FILTERED = 17,
	EDE_PROHIBITED = 18,
	EDE_STALE_NXDOMAIN = 19,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NOT_SUPPORTED = 21,
	EDE_NO_REACHABLE_AUTHORITY = 22,
	EDE_NETWORK_ERROR = 23,
	EDE_INVALID_DATA = 24,
	EDE_UNSUPPORTED_NSEC3_ITERATIONS = 27,
};

#define RR_TYPE_TEXT_MAX 12 /* "TYPE65535" with terminator, and every mnemonic */

/* Mnemonic, or TYPEnnn (RFC 3597 5). Returns out. */
const char *rr_type_text(uint16_t type, char out[RR_TYPE_TEXT_MAX]);

/* Mnemonic in any case, or TYPEnnn. */
int rr_type_parse(const char *text, uint16_t *out) BH_CHECKED;

/* Name of an RCODE ("NXDOMAIN"), "RCODEnn" is not built: unknown ones give "RCODE?". */
const char *rcode_text(unsigned rcode);

/*
 * Fields at the start of RDATA, as far as they tell where domain names are. Values 1..63 are that
 * many fixed octets. The list ends with RDATA_END; octets after it belong to the RDATA as well.
 */
enum rdata_field {
	RDATA_END = 0,
	RDATA_NAME_COMPRESS = 0x80, /* RFC 3597 4: may be compressed when sent (RFC 1035 types) */
	RDATA_NAME = 0x81,	    /* never compressed when sent; accepted compressed when received */
	RDATA_STRING = 0x82,	    /* <character-string> */
};

/*
 * Fields for a type, never NULL; types without names in RDATA, unknown ones among them, have an
 * empty list. RFC 3597 4 lists the types whose names must be accepted compressed.
 */
const uint8_t *rdata_fields(uint16_t type);

/* Does RDATA of this type have names that are compressed when sent (RDATA_NAME_COMPRESS)? */
static inline bool rdata_is_compressed(uint16_t type)
{
	const uint32_t types = 1u << RR_NS | 1u << RR_MD | 1u << RR_MF | 1u << RR_CNAME | 1u << RR_SOA | 1u << RR_MB |
			       1u << RR_MG | 1u << RR_MR | 1u << RR_PTR | 1u << RR_MINFO | 1u << RR_MX;
	return type < 32 && (types >> type & 1) != 0;
}

/*
 * Is rdata[0..len), uncompressed, well formed for its type, as far as a server relies on it: names
 * complete, fixed parts there, A of 4 octets, AAAA of 16, SOA, MX, SRV, DS, RRSIG, NSEC and the like
 * not cut short, nothing behind the last field where the type has no tail. Unknown types: true.
 */
bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t len);

#endif
