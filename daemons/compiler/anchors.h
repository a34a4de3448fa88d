/*
 * Trust anchors from a file: DS and DNSKEY records as zone text, or the XML in which IANA publishes those of the
 * root (RFC 7958, RFC 9718). Which of both it is tells its first octet.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_COMPILER_ANCHORS_H
#define BULKHEAD_DAEMONS_COMPILER_ANCHORS_H

#include "common/dns/limits.h"
#include "daemons/compiler/compile.h"

struct anchor_item {
	uint8_t zone[DNAME_MAX];
	uint16_t type; /* RR_DS or RR_DNSKEY */
	uint16_t len;
	uint8_t rdata[ANCHOR_RDATA_MAX];
};

struct anchor_list {
	struct anchor_item *items;
	size_t count;
	size_t capacity;
};

/*
 * Read the file of a request whose zone is the origin of relative names, the root. A record that can never be used
 * is passed on with a warning, so that its zone fails closed. Of the XML only digests that are valid at now_sec
 * (since 1970) count; a public key beside one must be that of the digest. No anchor at all is an error.
 * Returns as compile_zone; out is valid when *errors is 0, and cleared by the caller in any case.
 */
int compile_anchors(const struct compile_request *request, uint64_t now_sec, struct anchor_list *out, int *errors)
	BH_CHECKED;
void anchor_list_clear(struct anchor_list *list);

/* The same from text that the caller has. */
int compile_anchors_text(const struct compile_request *request, uint64_t now_sec, const char *text, size_t len,
			 struct anchor_list *out, int *errors) BH_CHECKED;

/* --- between anchors.c and anchors_xml.c --- */

/* BH_ELIMIT (ANCHORS_MAX, ANCHOR_RDATA_MAX), BH_ENOMEM. */
int anchor_list_add(struct anchor_list *list, const uint8_t *zone, uint16_t type, const uint8_t *rdata, size_t len)
	BH_CHECKED;

/* Findings go to request->report. Returns the number of errors, or one of our own. */
int anchors_xml_read(const struct compile_request *request, uint64_t now_sec, const char *text, size_t len,
		     struct anchor_list *out) BH_CHECKED;

#endif
