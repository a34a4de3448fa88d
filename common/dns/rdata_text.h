/*
 * Records as text that a zone file can have (RFC 1035 5.1 and the RFC of each type), for people who read histories and for
 * compilers that read them again.
 *
 * Every RDATA has a text: one that is not as its type has it, and types without a format here, get the generic form of
 * RFC 3597 5, which every server reads. What comes out is printable ASCII and blanks, whatever goes in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_DNS_RDATA_TEXT_H
#define BULKHEAD_COMMON_DNS_RDATA_TEXT_H

#include "common/dns/dname.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Longest text of one RDATA, with terminator. The most is a bit map of all types (RFC 4034 4.1.2): 65,536 words of up to
 * 11 octets from 8,704 octets of RDATA.
 */
#define RDATA_TEXT_MAX (1u << 20)

/* Returns the length; out has room for RDATA_TEXT_MAX and is terminated. rdata is uncompressed. */
size_t rdata_text(uint16_t type, const uint8_t *rdata, size_t len, char *out);

/* Each octet as a backslash and three digits, and a terminator. */
#define RECORD_NAME_MAX (4 * DNAME_MAX + 1)

/* A name as an owner or in RDATA, absolute. dname_text is for logs: not all it leaves as it is can begin a line. Returns out. */
const char *record_name_text(const uint8_t *name, char out[RECORD_NAME_MAX]);

#endif
