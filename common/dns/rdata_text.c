/*
 * RDATA in presentation form. Reads by cursor; what fails to read as its type is written in the generic form instead.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/rdata_text.h"

#include "common/dns/base32hex.h"
#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "common/dns/typemap.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * Fields of a type, a letter for each:
 *   1 2 4  a number of so many octets
 *   n      a domain name
 *   a A    an IPv4, an IPv6 address
 *   s      a <character-string> (RFC 1035 5.1); S: as many as follow, at least one
 *   w      a <character-string> of letters and digits, without quotes (the tag of CAA)
 *   q      what is left as one quoted string
 *   t      a type; m: what is left as a bit map of types (RFC 4034 4.1.2)
 *   T      a time (RFC 4034 3.2)
 *   x b    what is left in hexadecimal digits, in base64; at least one octet
 *   h H    a salt, a hash of NSEC3 (RFC 5155 3.3)
 *   i      64 bits in four groups (RFC 6742 2)
 *   e E    EUI-48, EUI-64 (RFC 7043)
 *   v      what is left as parameters of SVCB (RFC 9460 2.1)
 */
static const struct format {
	uint16_t type;
	const char *fields;
} formats[] = {
	{ RR_A, "a" },	       { RR_NS, "n" },	      { RR_MD, "n" },	    { RR_MF, "n" },	 { RR_CNAME, "n" },
	{ RR_SOA, "nn44444" }, { RR_MB, "n" },	      { RR_MG, "n" },	    { RR_MR, "n" },	 { RR_PTR, "n" },
	{ RR_HINFO, "ss" },    { RR_MINFO, "nn" },    { RR_MX, "2n" },	    { RR_TXT, "S" },	 { RR_RP, "nn" },
	{ RR_AFSDB, "2n" },    { 19 /* X25 */, "s" }, { RR_RT, "2n" },	    { RR_KEY, "211b" },	 { RR_PX, "2nn" },
	{ RR_AAAA, "A" },      { RR_SRV, "222n" },    { RR_NAPTR, "22sssn" }, { RR_KX, "2n" }, { 37 /* CERT */, "221b" },
	{ RR_DNAME, "n" },     { RR_DS, "211x" },     { RR_SSHFP, "11x" },  { RR_RRSIG, "t114TT2nb" },
	{ RR_NSEC, "nm" },     { RR_DNSKEY, "211b" }, { 49 /* DHCID */, "b" }, { RR_NSEC3, "112hHm" },
	{ RR_NSEC3PARAM, "112h" }, { RR_TLSA, "111x" }, { 53 /* SMIMEA */, "111x" }, { RR_CDS, "211x" },
	{ RR_CDNSKEY, "211b" }, { 61 /* OPENPGPKEY */, "b" }, { RR_CSYNC, "42m" }, { RR_ZONEMD, "411x" },
	{ RR_SVCB, "2nv" },    { RR_HTTPS, "2nv" },   { RR_SPF, "S" },	    { 104 /* NID */, "2i" },
	{ 105 /* L32 */, "2a" }, { 106 /* L64 */, "2i" }, { 107 /* LP */, "2n" }, { 108 /* EUI48 */, "e" },
	{ 109 /* EUI64 */, "E" }, { 256 /* URI */, "22q" }, { RR_CAA, "1wq" },
};

struct text {
	char *out;
	size_t pos; /* below RDATA_TEXT_MAX */
	bool failed;
};

static void put_char(struct text *t, char c)
{
	if (t->pos >= RDATA_TEXT_MAX - 1) {
		t->failed = true;
		return;
	}
	t->out[t->pos++] = c;
}

static void put(struct text *t, const char *text)
{
	for (; *text != '\0'; text++) {
		put_char(t, *text);
	}
}

static void put_number(struct text *t, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	put(t, text);
}

static void put_hex(struct text *t, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		put_char(t, digits[bytes[i] >> 4]);
		put_char(t, digits[bytes[i] & 15]);
	}
}

/* RFC 4648 4 */
static void put_base64(struct text *t, const uint8_t *bytes, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)bytes[i] << 16;
		bits |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		bits |= left > 2 ? bytes[i + 2] : 0;
		put_char(t, letters[bits >> 18]);
		put_char(t, letters[bits >> 12 & 63]);
		put_char(t, left > 1 ? letters[bits >> 6 & 63] : '=');
		put_char(t, left > 2 ? letters[bits & 63] : '=');
	}
}

/* RFC 1035 5.1 */
static void put_escaped(struct text *t, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
			char text[8];
			snprintf(text, sizeof(text), "\\%03u", bytes[i]);
			put(t, text);
			continue;
		}
		if (bytes[i] == '"' || bytes[i] == '\\') {
			put_char(t, '\\');
		}
		put_char(t, (char)bytes[i]);
	}
}

static void put_quoted(struct text *t, const uint8_t *bytes, size_t len)
{
	put_char(t, '"');
	put_escaped(t, bytes, len);
	put_char(t, '"');
}

static void put_string(struct text *t, struct cursor *c)
{
	size_t len = cursor_u8(c);
	const uint8_t *bytes = cursor_bytes(c, len);
	if (bytes != NULL) {
		put_quoted(t, bytes, len);
	}
}

/* Readers of zone files differ in what may stand without a backslash, so little does. */
static bool is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' || c == '*' ||
	       c == '/';
}

const char *record_name_text(const uint8_t *name, char out[RECORD_NAME_MAX])
{
	size_t pos = 0;
	for (const uint8_t *label = name; label[0] != 0; label += label[0] + 1) {
		for (unsigned i = 1; i <= label[0]; i++) {
			uint8_t c = label[i];
			if (c <= ' ' || c > '~') {
				pos += (size_t)snprintf(out + pos, 5, "\\%03u", c);
				continue;
			}
			if (!is_plain(c)) {
				out[pos++] = '\\';
			}
			out[pos++] = (char)c;
		}
		out[pos++] = '.';
	}
	if (pos == 0) {
		out[pos++] = '.';
	}
	out[pos] = '\0';
	return out;
}

static void put_name(struct text *t, struct cursor *c)
{
	char text[RECORD_NAME_MAX];
	int len = c->failed ? BH_ETRUNC : dname_check(c->base + c->pos, c->len - c->pos);
	const uint8_t *name = len < 0 ? NULL : cursor_bytes(c, (size_t)len);
	if (name == NULL) {
		c->failed = true;
		return;
	}
	put(t, record_name_text(name, text));
}

static void put_address(struct text *t, const uint8_t *bytes, int family)
{
	char text[INET6_ADDRSTRLEN];
	if (bytes == NULL || inet_ntop(family, bytes, text, sizeof(text)) == NULL) {
		return; /* the cursor has failed */
	}
	put(t, text);
}

/*
 * YYYYMMDDHHmmSS (RFC 4034 3.2), of seconds since 1970 until 2106. Days are counted from the 1st of March, so that the
 * one that a leap year has more is the last of the year.
 */
static void put_time(struct text *t, uint32_t sec)
{
	char text[48];
	unsigned day = sec / 86400 + 719468; /* since the 1st of March of the year 0 */
	unsigned rest = sec % 86400;
	unsigned era = day / 146097; /* of 400 years */
	unsigned of_era = day % 146097;
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned march = (5 * of_year + 2) / 153; /* months since March */
	unsigned month = march < 10 ? march + 3 : march - 9;
	snprintf(text, sizeof(text), "%04u%02u%02u%02u%02u%02u", era * 400 + year + (month <= 2 ? 1u : 0u), month,
		 of_year - (153 * march + 2) / 5 + 1, rest / 3600, rest / 60 % 60, rest % 60);
	put(t, text);
}

static void put_types(struct text *t, struct cursor *c)
{
	struct typemap map;
	size_t len = cursor_left(c);
	const uint8_t *bytes = cursor_bytes(c, len);
	if (bytes == NULL || typemap_parse(bytes, len, &map) != BH_OK) {
		c->failed = true;
		return;
	}
	const char *gap = "";
	for (size_t at = 0; at < len; at += 2 + (size_t)bytes[at + 1]) {
		for (unsigned bit = 0; bit < 8u * bytes[at + 1]; bit++) {
			char text[RR_TYPE_TEXT_MAX];
			if ((bytes[at + 2 + bit / 8] & (0x80 >> bit % 8)) != 0) {
				put(t, gap);
				put(t, rr_type_text((uint16_t)(bytes[at] << 8 | bit), text));
				gap = " ";
			}
		}
	}
}

static void put_hash(struct text *t, struct cursor *c)
{
	uint8_t text[255 / 5 * 8];
	size_t len = cursor_u8(c);
	const uint8_t *bytes = cursor_bytes(c, len);
	if (bytes == NULL || len == 0 || len % 5 != 0) {
		c->failed = true;
		return;
	}
	base32hex_encode(bytes, len, text);
	for (size_t i = 0; i < len / 5 * 8; i++) {
		put_char(t, (char)text[i]);
	}
}

static void put_salt(struct text *t, struct cursor *c)
{
	size_t len = cursor_u8(c);
	const uint8_t *bytes = cursor_bytes(c, len);
	if (bytes != NULL && len == 0) {
		put_char(t, '-');
	} else if (bytes != NULL) {
		put_hex(t, bytes, len);
	}
}

/* Pairs of hexadecimal digits. */
static void put_groups(struct text *t, struct cursor *c, size_t len, size_t group, char between)
{
	const uint8_t *bytes = cursor_bytes(c, len);
	for (size_t i = 0; bytes != NULL && i < len; i += group) {
		if (i > 0) {
			put_char(t, between);
		}
		put_hex(t, bytes + i, group);
	}
}

/*
 * RFC 9460 2.1: the generic form of every parameter, which needs no knowledge of any. They stand in the order of their
 * keys (2.2); readers of text put them so, which would be another RDATA.
 */
static void put_parameters(struct text *t, struct cursor *c)
{
	const char *gap = "";
	int before = -1;
	while (!c->failed && cursor_left(c) > 0) {
		size_t len;
		unsigned key = cursor_u16(c);
		const uint8_t *value = cursor_blob(c, &len);
		if (value == NULL || (int)key <= before) {
			c->failed = true;
			return;
		}
		before = (int)key;
		put(t, gap);
		put(t, "key");
		put_number(t, key);
		if (len > 0) {
			put_char(t, '=');
			put_quoted(t, value, len);
		}
		gap = " ";
	}
}

/* The tag of CAA (RFC 8659 4.1). */
static void put_word(struct text *t, struct cursor *c)
{
	size_t len = cursor_u8(c);
	const uint8_t *bytes = cursor_bytes(c, len);
	c->failed = c->failed || len == 0;
	for (size_t i = 0; bytes != NULL && i < len; i++) {
		bool plain = (bytes[i] >= '0' && bytes[i] <= '9') || ((bytes[i] | 0x20) >= 'a' && (bytes[i] | 0x20) <= 'z');
		c->failed = c->failed || !plain;
		put_char(t, (char)bytes[i]);
	}
}

/* What is left; some formats want at least one octet. */
static void put_rest(struct text *t, struct cursor *c, char form)
{
	size_t len = cursor_left(c);
	const uint8_t *bytes = cursor_bytes(c, len);
	if (bytes == NULL || (len == 0 && form != 'q')) {
		c->failed = true;
	} else if (form == 'x') {
		put_hex(t, bytes, len);
	} else if (form == 'b') {
		put_base64(t, bytes, len);
	} else {
		put_quoted(t, bytes, len);
	}
}

static void put_field(struct text *t, struct cursor *c, char field)
{
	char text[RR_TYPE_TEXT_MAX];
	switch (field) {
	case '1':
		put_number(t, cursor_u8(c));
		break;
	case '2':
		put_number(t, cursor_u16(c));
		break;
	case '4':
		put_number(t, cursor_u32(c));
		break;
	case 'n':
		put_name(t, c);
		break;
	case 'a':
		put_address(t, cursor_bytes(c, 4), AF_INET);
		break;
	case 'A':
		put_address(t, cursor_bytes(c, 16), AF_INET6);
		break;
	case 's':
		put_string(t, c);
		break;
	case 'S':
		do {
			put_string(t, c);
			put(t, cursor_left(c) > 0 ? " " : "");
		} while (cursor_left(c) > 0);
		break;
	case 'w':
		put_word(t, c);
		break;
	case 't':
		put(t, rr_type_text(cursor_u16(c), text));
		break;
	case 'T':
		put_time(t, cursor_u32(c));
		break;
	case 'm':
		put_types(t, c);
		break;
	case 'h':
		put_salt(t, c);
		break;
	case 'H':
		put_hash(t, c);
		break;
	case 'i':
		put_groups(t, c, 8, 2, ':');
		break;
	case 'e':
		put_groups(t, c, 6, 1, '-');
		break;
	case 'E':
		put_groups(t, c, 8, 1, '-');
		break;
	case 'v':
		put_parameters(t, c);
		break;
	default:
		put_rest(t, c, field);
		break;
	}
}

/* RFC 3597 5 */
static void put_generic(struct text *t, const uint8_t *rdata, size_t len)
{
	t->pos = 0;
	t->failed = false;
	put(t, "\\# ");
	put_number(t, len);
	put(t, len > 0 ? " " : "");
	put_hex(t, rdata, len);
}

size_t rdata_text(uint16_t type, const uint8_t *rdata, size_t len, char *out)
{
	struct text t = { .out = out };
	struct cursor c = cursor_of(rdata, len);
	const char *fields = "";

	for (size_t i = 0; i < COUNT(formats); i++) {
		if (formats[i].type == type) {
			fields = formats[i].fields;
		}
	}
	for (const char *field = fields; *field != '\0' && !c.failed; field++) {
		size_t before = t.pos;
		put_field(&t, &c, *field);
		if (field[1] != '\0' && t.pos > before) {
			put_char(&t, ' ');
		}
	}
	while (t.pos > 0 && out[t.pos - 1] == ' ') {
		t.pos--; /* an empty bit map, no parameters */
	}
	if (fields[0] == '\0' || !cursor_done(&c) || t.failed || len > UINT16_MAX) {
		put_generic(&t, rdata, len <= UINT16_MAX ? len : 0);
	}
	out[t.pos] = '\0';
	return t.pos;
}
