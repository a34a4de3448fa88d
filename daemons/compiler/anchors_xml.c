/*
 * The XML of RFC 9718 2.1 (and RFC 7958 2.1.1, of which it is a superset):
 *
 *	TrustAnchor: Zone, any number of KeyDigest validFrom="..." [validUntil="..."]
 *	KeyDigest: KeyTag, Algorithm, DigestType, Digest [, PublicKey, Flags]
 *
 * libexpat reads the syntax. No document type is taken, so there are no entities but the five of XML itself, and
 * nothing is expanded or fetched. Another element than those above is an error: what is not understood may be
 * what ends the trust in a key.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/anchors.h"

#include "common/dns/anchor.h"
#include "common/dns/dname.h"
#include "common/dns/dnssec.h"
#include "common/dns/rr.h"
#include "common/util/count.h"
#include "common/util/cursor.h"
#include "common/util/rand.h"

#include <expat.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The published file has some 2 KB. */
#define XML_FILE_MAX (256 * 1024)
/* Characters inside one element: the base64 of a key of ANCHOR_RDATA_MAX octets, broken into lines. */
#define XML_TEXT_MAX 2048

enum element {
	NOTHING, /* outside of the document */
	TRUST_ANCHOR,
	ZONE,
	KEY_DIGEST,
	KEY_TAG,
	ALGORITHM,
	DIGEST_TYPE,
	DIGEST,
	PUBLIC_KEY,
	FLAGS,
};

static const struct {
	const char *name;
	enum element parent;
} elements[] = {
	[TRUST_ANCHOR] = { "TrustAnchor", NOTHING }, [ZONE] = { "Zone", TRUST_ANCHOR },
	[KEY_DIGEST] = { "KeyDigest", TRUST_ANCHOR }, [KEY_TAG] = { "KeyTag", KEY_DIGEST },
	[ALGORITHM] = { "Algorithm", KEY_DIGEST },   [DIGEST_TYPE] = { "DigestType", KEY_DIGEST },
	[DIGEST] = { "Digest", KEY_DIGEST },	     [PUBLIC_KEY] = { "PublicKey", KEY_DIGEST },
	[FLAGS] = { "Flags", KEY_DIGEST },
};
#define ELEMENT_COUNT COUNT(elements)

struct reading {
	const struct compile_request *request;
	uint64_t now_sec;
	struct anchor_list *out;
	XML_Parser parser;
	int errors;
	int rc; /* an error of our own */
	enum element at;
	unsigned seen; /* elements of this KeyDigest, as bits */
	bool zone_seen;
	uint8_t zone[DNAME_MAX];
	size_t text_len;
	char text[XML_TEXT_MAX + 1];
	/* The KeyDigest that is being read. */
	bool valid; /* now */
	uint16_t tag;
	uint8_t algorithm;
	uint8_t digest_type;
	uint16_t flags;
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len;
	uint8_t key[ANCHOR_RDATA_MAX];
	size_t key_len;
};

static void tell(struct reading *r, enum zone_severity severity, const char *text)
{
	struct zone_finding finding = { .severity = severity, .file = r->request->file,
					.line = (uint32_t)XML_GetCurrentLineNumber(r->parser), .text = text };
	r->request->report(r->request->ctx, &finding);
	if (severity == ZONE_ERROR) {
		r->errors++;
	}
}

/* libexpat may still call a handler or two after it was told to stop. */
static bool is_over(const struct reading *r)
{
	return r->errors > 0 || r->rc != BH_OK;
}

/* The first error ends it: what follows would be read in the wrong place. */
static void fail(struct reading *r, const char *text)
{
	if (r->errors == 0) {
		tell(r, ZONE_ERROR, text);
	}
	(void)XML_StopParser(r->parser, XML_FALSE);
}

/* A number of one or two digits, or four, at *p, which moves behind it; -1: none. */
static int digits(const char **p, unsigned count)
{
	int value = 0;
	for (unsigned i = 0; i < count; i++, (*p)++) {
		if (**p < '0' || **p > '9') {
			return -1;
		}
		value = 10 * value + (**p - '0');
	}
	return value;
}

static bool skip(const char **p, char c)
{
	if (**p != c) {
		return false;
	}
	(*p)++;
	return true;
}

/* dateTime of XML Schema: "2017-02-02T00:00:00+00:00"; without zone it is UTC. False: it is none. */
static bool parse_time(const char *text, uint64_t *out)
{
	const char *p = text;
	struct tm tm = { 0 };
	int year = digits(&p, 4);
	bool fine = year >= 1970 && skip(&p, '-') && (tm.tm_mon = digits(&p, 2) - 1) >= 0 && skip(&p, '-') &&
		    (tm.tm_mday = digits(&p, 2)) > 0 && skip(&p, 'T') && (tm.tm_hour = digits(&p, 2)) >= 0 &&
		    skip(&p, ':') && (tm.tm_min = digits(&p, 2)) >= 0 && skip(&p, ':') &&
		    (tm.tm_sec = digits(&p, 2)) >= 0;
	if (!fine || tm.tm_mon > 11 || tm.tm_mday > 31 || tm.tm_hour > 24 || tm.tm_min > 59 || tm.tm_sec > 60) {
		return false;
	}
	if (skip(&p, '.')) {
		while (*p >= '0' && *p <= '9') {
			p++;
		}
	}
	long offset = 0;
	if (*p == '+' || *p == '-') {
		long sign = *p++ == '+' ? 1 : -1;
		int hours = digits(&p, 2);
		int minutes = hours < 0 || !skip(&p, ':') ? -1 : digits(&p, 2);
		if (minutes < 0 || hours > 14 || minutes > 59) {
			return false;
		}
		offset = sign * (hours * 3600L + minutes * 60L);
	} else {
		(void)skip(&p, 'Z');
	}
	tm.tm_year = year - 1900;
	time_t sec = timegm(&tm);
	if (*p != '\0' || sec < offset) {
		return false;
	}
	*out = (uint64_t)(sec - offset);
	return true;
}

/* RFC 9718 2.2: used from validFrom on, and before validUntil. */
static void begin_digest(struct reading *r, const char **attributes)
{
	uint64_t from = 0;
	uint64_t until = UINT64_MAX;
	bool has_from = false;
	for (; attributes[0] != NULL; attributes += 2) {
		bool fine = true;
		if (strcmp(attributes[0], "validFrom") == 0) {
			fine = parse_time(attributes[1], &from);
			has_from = true;
		} else if (strcmp(attributes[0], "validUntil") == 0) {
			fine = parse_time(attributes[1], &until);
		}
		if (!fine) {
			fail(r, "not a date with time, as \"2017-02-02T00:00:00+00:00\"");
			return;
		}
	}
	if (!has_from) {
		fail(r, "KeyDigest has no validFrom");
		return;
	}
	r->seen = 0;
	r->valid = from <= r->now_sec && r->now_sec < until;
}

static void XMLCALL on_start(void *ctx, const char *name, const char **attributes)
{
	struct reading *r = ctx;
	enum element found = NOTHING;
	for (size_t i = 1; i < ELEMENT_COUNT; i++) {
		if (strcmp(elements[i].name, name) == 0) {
			found = (enum element)i;
		}
	}
	if (is_over(r)) {
		return;
	}
	if (found == NOTHING || elements[found].parent != r->at) {
		fail(r, "an element that is not expected here");
		return;
	}
	if (found == KEY_DIGEST) {
		if (!r->zone_seen) {
			fail(r, "KeyDigest before Zone");
			return;
		}
		begin_digest(r, attributes);
	} else if ((found == ZONE && r->zone_seen) || (r->at == KEY_DIGEST && (r->seen & 1u << found) != 0)) {
		fail(r, "this element stands twice");
		return;
	}
	r->seen |= 1u << found;
	r->at = found;
	r->text_len = 0;
}

static void XMLCALL on_text(void *ctx, const char *text, int len)
{
	struct reading *r = ctx;
	bool container = r->at <= TRUST_ANCHOR || r->at == KEY_DIGEST;
	for (int i = 0; i < len && !is_over(r); i++) {
		bool blank = text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
		if (blank) { /* no content here has any: base64 and hexadecimal digits may be broken into lines */
			continue;
		}
		if (container || text[i] == '\0' || r->text_len == XML_TEXT_MAX) {
			fail(r, container ? "text that is not expected here" : "too long");
			return;
		}
		r->text[r->text_len++] = text[i];
	}
}

static uint32_t read_number(struct reading *r, uint32_t max)
{
	uint32_t value = 0;
	for (size_t i = 0; i < r->text_len; i++) {
		unsigned digit = (unsigned)(r->text[i] - '0');
		if (digit > 9 || value * 10 + digit > max) {
			fail(r, "not a number in its range");
			return 0;
		}
		value = value * 10 + digit;
	}
	if (r->text_len == 0) {
		fail(r, "empty element");
	}
	return value;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
					   : c >= 'A' && c <= 'F'    ? c - 'A' + 10
								     : -1;
}

static void read_digest(struct reading *r)
{
	if (r->text_len == 0 || r->text_len % 2 != 0 || r->text_len / 2 > sizeof(r->digest)) {
		fail(r, "not a digest in hexadecimal digits");
		return;
	}
	r->digest_len = r->text_len / 2;
	for (size_t i = 0; i < r->digest_len; i++) {
		int high = hex(r->text[2 * i]);
		int low = hex(r->text[2 * i + 1]);
		if (high < 0 || low < 0) {
			fail(r, "not a digest in hexadecimal digits");
			return;
		}
		r->digest[i] = (uint8_t)(high << 4 | low);
	}
}

static void read_key(struct reading *r)
{
	uint8_t out[XML_TEXT_MAX];
	size_t padding = 0;
	while (padding < 2 && padding < r->text_len && r->text[r->text_len - 1 - padding] == '=') {
		padding++;
	}
	/* EVP_DecodeBlock counts padding as octets. */
	int len = r->text_len == 0 ? -1 : EVP_DecodeBlock(out, (const uint8_t *)r->text, (int)r->text_len);
	if (len < 4 || (size_t)len - padding > sizeof(r->key)) {
		fail(r, "not a public key in base64");
		return;
	}
	r->key_len = (size_t)len - padding;
	memcpy(r->key, out, r->key_len);
}

/* Is the public key, which is there for who wants keys instead of digests, that of the digest? */
static bool key_fits(const struct reading *r)
{
	uint8_t block[DNAME_MAX + 4 + ANCHOR_RDATA_MAX]; /* RFC 4034 5.1.4: owner, RDATA */
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	const EVP_MD *md = r->digest_type == DNSSEC_SHA256   ? EVP_sha256()
			   : r->digest_type == DNSSEC_SHA384 ? EVP_sha384()
			   : r->digest_type == DNSSEC_SHA1   ? EVP_sha1()
							     : NULL;
	struct sink s = sink_of(block, sizeof(block));
	sink_bytes(&s, r->zone, dname_len(r->zone));
	sink_u16(&s, r->flags);
	sink_u8(&s, 3);
	sink_u8(&s, r->algorithm);
	sink_bytes(&s, r->key, r->key_len);
	return s.failed || md == NULL || EVP_Digest(block, s.pos, digest, &digest_len, md, NULL) != 1 ||
	       (digest_len == r->digest_len && memcmp(digest, r->digest, digest_len) == 0);
}

static void end_digest(struct reading *r)
{
	const unsigned needed = 1u << KEY_TAG | 1u << ALGORITHM | 1u << DIGEST_TYPE | 1u << DIGEST;
	const unsigned key = 1u << PUBLIC_KEY | 1u << FLAGS;
	if ((r->seen & needed) != needed) {
		fail(r, "KeyDigest without KeyTag, Algorithm, DigestType or Digest");
		return;
	}
	if ((r->seen & key) != 0 && (r->seen & key) != key) { /* RFC 9718 2.2 */
		fail(r, "PublicKey and Flags stand together or not at all");
		return;
	}
	if ((r->seen & key) == key && !key_fits(r)) {
		fail(r, "PublicKey is not the key of this Digest");
		return;
	}
	if (!r->valid) {
		return;
	}
	uint8_t rdata[4 + EVP_MAX_MD_SIZE];
	struct sink s = sink_of(rdata, sizeof(rdata));
	sink_u16(&s, r->tag);
	sink_u8(&s, r->algorithm);
	sink_u8(&s, r->digest_type);
	sink_bytes(&s, r->digest, r->digest_len);
	const char *fault = anchor_fault(RR_DS, rdata, s.pos);
	if (fault != NULL) {
		fail(r, fault);
		return;
	}
	int rc = anchor_list_add(r->out, r->zone, RR_DS, rdata, s.pos);
	if (rc == BH_ELIMIT) {
		fail(r, "too many trust anchors");
	} else if (rc != BH_OK) {
		r->rc = rc;
		(void)XML_StopParser(r->parser, XML_FALSE);
	}
}

static void XMLCALL on_end(void *ctx, const char *name)
{
	struct reading *r = ctx;
	enum element ended = r->at;
	(void)name;
	if (is_over(r)) {
		return;
	}
	r->text[r->text_len] = '\0';
	r->at = elements[ended].parent;
	switch (ended) {
	case ZONE:
		if (dname_from_text(r->text, r->zone) < 0) {
			fail(r, "Zone is not a domain name");
			break;
		}
		(void)dname_copy_lower(r->zone, r->zone);
		r->zone_seen = true;
		break;
	case KEY_DIGEST:
		end_digest(r);
		break;
	case KEY_TAG:
		r->tag = (uint16_t)read_number(r, UINT16_MAX);
		break;
	case ALGORITHM:
		r->algorithm = (uint8_t)read_number(r, UINT8_MAX);
		break;
	case DIGEST_TYPE:
		r->digest_type = (uint8_t)read_number(r, UINT8_MAX);
		break;
	case DIGEST:
		read_digest(r);
		break;
	case PUBLIC_KEY:
		read_key(r);
		break;
	case FLAGS:
		r->flags = (uint16_t)read_number(r, UINT16_MAX);
		break;
	default:
		break;
	}
	r->text_len = 0;
}

/* With a document type come entities, and with them expansion without bound and files from elsewhere. */
static void XMLCALL on_doctype(void *ctx, const char *name, const char *system_id, const char *public_id,
			       int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	fail(ctx, "a document type is not taken");
}

static void XMLCALL on_entity(void *ctx, const char *name, int is_parameter, const char *value, int value_len,
			      const char *base, const char *system_id, const char *public_id, const char *notation)
{
	(void)name;
	(void)is_parameter;
	(void)value;
	(void)value_len;
	(void)base;
	(void)system_id;
	(void)public_id;
	(void)notation;
	fail(ctx, "an entity is not taken");
}

int anchors_xml_read(const struct compile_request *request, uint64_t now_sec, const char *text, size_t len,
		     struct anchor_list *out)
{
	struct reading *r = calloc(1, sizeof(*r));
	int rc = BH_ENOMEM;
	if (r == NULL) {
		return rc;
	}
	r->request = request;
	r->now_sec = now_sec;
	r->out = out;
	r->parser = XML_ParserCreate(NULL);
	if (r->parser == NULL) {
		goto out;
	}
	if (len > XML_FILE_MAX) {
		tell(r, ZONE_ERROR, "more than 256 KiB of XML");
		rc = r->errors;
		goto out;
	}
	/* Ours, so that libexpat need not look for one: names of elements are a stranger's. */
	(void)XML_SetHashSalt(r->parser, (unsigned long)rand_u64() | 1);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	XML_SetEntityDeclHandler(r->parser, on_entity);
	enum XML_Status status = XML_Parse(r->parser, text, (int)len, XML_TRUE);
	if (r->rc != BH_OK || XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY) {
		goto out;
	}
	if (status != XML_STATUS_OK && r->errors == 0) {
		char line[160];
		snprintf(line, sizeof(line), "XML: %s", XML_ErrorString(XML_GetErrorCode(r->parser)));
		tell(r, ZONE_ERROR, line);
	}
	if (r->errors == 0 && out->count == 0) {
		tell(r, ZONE_ERROR, "no KeyDigest is valid at this time");
	}
	rc = r->errors;
out:
	if (r->parser != NULL) {
		XML_ParserFree(r->parser);
	}
	free(r);
	return rc;
}
