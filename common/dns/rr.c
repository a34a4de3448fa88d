/*
 * Tables of the protocol. Data only. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/rr.h"

#include "common/dns/dname.h"
#include "common/util/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* IANA "Resource Record (RR) TYPEs"; order by number. */
static const struct {
	uint16_t type;
	const char *text;
} type_names[] = {
	{ 1, "A" },	    { 2, "NS" },	{ 3, "MD" },	     { 4, "MF" },
	{ 5, "CNAME" },	    { 6, "SOA" },	{ 7, "MB" },	     { 8, "MG" },
	{ 9, "MR" },	    { 10, "NULL" },	{ 11, "WKS" },	     { 12, "PTR" },
	{ 13, "HINFO" },    { 14, "MINFO" },	{ 15, "MX" },	     { 16, "TXT" },
	{ 17, "RP" },	    { 18, "AFSDB" },	{ 19, "X25" },	     { 20, "ISDN" },
	{ 21, "RT" },	    { 22, "NSAP" },	{ 23, "NSAP-PTR" },  { 24, "SIG" },
	{ 25, "KEY" },	    { 26, "PX" },	{ 27, "GPOS" },	     { 28, "AAAA" },
	{ 29, "LOC" },	    { 30, "NXT" },	{ 31, "EID" },	     { 32, "NIMLOC" },
	{ 33, "SRV" },	    { 34, "ATMA" },	{ 35, "NAPTR" },     { 36, "KX" },
	{ 37, "CERT" },	    { 38, "A6" },	{ 39, "DNAME" },     { 40, "SINK" },
	{ 41, "OPT" },	    { 42, "APL" },	{ 43, "DS" },	     { 44, "SSHFP" },
	{ 45, "IPSECKEY" }, { 46, "RRSIG" },	{ 47, "NSEC" },	     { 48, "DNSKEY" },
	{ 49, "DHCID" },    { 50, "NSEC3" },	{ 51, "NSEC3PARAM" }, { 52, "TLSA" },
	{ 53, "SMIMEA" },   { 55, "HIP" },	{ 56, "NINFO" },     { 57, "RKEY" },
	{ 58, "TALINK" },   { 59, "CDS" },	{ 60, "CDNSKEY" },   { 61, "OPENPGPKEY" },
	{ 62, "CSYNC" },    { 63, "ZONEMD" },	{ 64, "SVCB" },	     { 65, "HTTPS" },
	{ 66, "DSYNC" },    { 99, "SPF" },	{ 100, "UINFO" },    { 101, "UID" },
	{ 102, "GID" },	    { 103, "UNSPEC" },	{ 104, "NID" },	     { 105, "L32" },
	{ 106, "L64" },	    { 107, "LP" },	{ 108, "EUI48" },    { 109, "EUI64" },
	{ 128, "NXNAME" },
	{ 249, "TKEY" },    { 250, "TSIG" },	{ 251, "IXFR" },     { 252, "AXFR" },
	{ 253, "MAILB" },   { 254, "MAILA" },	{ 255, "ANY" },	     { 256, "URI" },
	{ 257, "CAA" },	    { 258, "AVC" },	{ 259, "DOA" },	     { 260, "AMTRELAY" },
	{ 261, "RESINFO" }, { 262, "WALLET" },	{ 32768, "TA" },     { 32769, "DLV" },
};

const char *rr_type_text(uint16_t type, char out[RR_TYPE_TEXT_MAX])
{
	for (size_t i = 0; i < COUNT(type_names); i++) {
		if (type_names[i].type == type) {
			snprintf(out, RR_TYPE_TEXT_MAX, "%s", type_names[i].text);
			return out;
		}
	}
	snprintf(out, RR_TYPE_TEXT_MAX, "TYPE%u", (unsigned)type);
	return out;
}

int rr_type_parse(const char *text, uint16_t *out)
{
	for (size_t i = 0; i < COUNT(type_names); i++) {
		if (strcasecmp(type_names[i].text, text) == 0) {
			*out = type_names[i].type;
			return BH_OK;
		}
	}
	if (strncasecmp(text, "TYPE", 4) != 0 || strspn(text + 4, "0123456789") != strlen(text + 4) ||
	    text[4] == '\0' || strlen(text + 4) > 5) {
		return BH_EMALFORMED;
	}
	unsigned long number = strtoul(text + 4, NULL, 10);
	if (number > UINT16_MAX) {
		return BH_EMALFORMED;
	}
	*out = (uint16_t)number;
	return BH_OK;
}

const char *rcode_text(unsigned rcode)
{
	static const char *const names[] = {
		[0] = "NOERROR", [1] = "FORMERR",   [2] = "SERVFAIL", [3] = "NXDOMAIN",
		[4] = "NOTIMP",	 [5] = "REFUSED",   [6] = "YXDOMAIN", [7] = "YXRRSET",
		[8] = "NXRRSET", [9] = "NOTAUTH",   [10] = "NOTZONE", [16] = "BADVERS",
		[17] = "BADKEY", [18] = "BADTIME",  [22] = "BADTRUNC", [23] = "BADCOOKIE",
	};
	return rcode < COUNT(names) && names[rcode] != NULL ? names[rcode] : "RCODE?";
}

/* What can follow the fields of a known type. */
enum tail { TAIL_NONE, TAIL_ANY, TAIL_SOME /* at least one octet */ };

static const struct layout {
	uint16_t type;
	uint8_t tail; /* enum tail */
	uint8_t fields[7];
} layouts[] = {
	{ RR_A, TAIL_NONE, { 4 } },
	{ RR_NS, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_MD, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_MF, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_CNAME, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_SOA, TAIL_NONE, { RDATA_NAME_COMPRESS, RDATA_NAME_COMPRESS, 20 } },
	{ RR_MB, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_MG, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_MR, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_PTR, TAIL_NONE, { RDATA_NAME_COMPRESS } },
	{ RR_HINFO, TAIL_NONE, { RDATA_STRING, RDATA_STRING } },
	{ RR_MINFO, TAIL_NONE, { RDATA_NAME_COMPRESS, RDATA_NAME_COMPRESS } },
	{ RR_MX, TAIL_NONE, { 2, RDATA_NAME_COMPRESS } },
	{ RR_RP, TAIL_NONE, { RDATA_NAME, RDATA_NAME } },
	{ RR_AFSDB, TAIL_NONE, { 2, RDATA_NAME } },
	{ RR_RT, TAIL_NONE, { 2, RDATA_NAME } },
	{ RR_SIG, TAIL_SOME, { 18, RDATA_NAME } },
	{ RR_PX, TAIL_NONE, { 2, RDATA_NAME, RDATA_NAME } },
	{ RR_AAAA, TAIL_NONE, { 16 } },
	{ RR_NXT, TAIL_SOME, { RDATA_NAME } },
	{ RR_SRV, TAIL_NONE, { 6, RDATA_NAME } },
	{ RR_NAPTR, TAIL_NONE, { 4, RDATA_STRING, RDATA_STRING, RDATA_STRING, RDATA_NAME } },
	{ RR_KX, TAIL_NONE, { 2, RDATA_NAME } },
	{ RR_DNAME, TAIL_NONE, { RDATA_NAME } },
	{ RR_DS, TAIL_SOME, { 4 } },
	{ RR_SSHFP, TAIL_SOME, { 2 } },
	{ RR_RRSIG, TAIL_SOME, { 18, RDATA_NAME } },
	{ RR_NSEC, TAIL_ANY, { RDATA_NAME } },
	{ RR_DNSKEY, TAIL_SOME, { 4 } },
	{ RR_NSEC3, TAIL_ANY, { 4, RDATA_STRING, RDATA_STRING } },
	{ RR_NSEC3PARAM, TAIL_NONE, { 4, RDATA_STRING } },
	{ RR_TLSA, TAIL_SOME, { 3 } },
	{ RR_CDS, TAIL_SOME, { 4 } },
	{ RR_CDNSKEY, TAIL_SOME, { 4 } },
	{ RR_CSYNC, TAIL_ANY, { 6 } },
	{ RR_ZONEMD, TAIL_SOME, { 6 } },
	{ RR_SVCB, TAIL_ANY, { 2, RDATA_NAME } },
	{ RR_HTTPS, TAIL_ANY, { 2, RDATA_NAME } },
	{ RR_CAA, TAIL_ANY, { 1, RDATA_STRING } },
};

/* Types up to this number are found by one table look-up: the composer asks for every record. */
#define DIRECT_MAX 65

static const struct layout *find_layout(uint16_t type)
{
	static const uint8_t direct[DIRECT_MAX + 1] = {
		/* index into layouts + 1, in the order above */
		[RR_A] = 1,	 [RR_NS] = 2,	   [RR_MD] = 3,	    [RR_MF] = 4,     [RR_CNAME] = 5,
		[RR_SOA] = 6,	 [RR_MB] = 7,	   [RR_MG] = 8,	    [RR_MR] = 9,     [RR_PTR] = 10,
		[RR_HINFO] = 11, [RR_MINFO] = 12,  [RR_MX] = 13,    [RR_RP] = 14,    [RR_AFSDB] = 15,
		[RR_RT] = 16,	 [RR_SIG] = 17,	   [RR_PX] = 18,    [RR_AAAA] = 19,  [RR_NXT] = 20,
		[RR_SRV] = 21,	 [RR_NAPTR] = 22,  [RR_KX] = 23,    [RR_DNAME] = 24, [RR_DS] = 25,
		[RR_SSHFP] = 26, [RR_RRSIG] = 27,  [RR_NSEC] = 28,  [RR_DNSKEY] = 29, [RR_NSEC3] = 30,
		[RR_NSEC3PARAM] = 31, [RR_TLSA] = 32, [RR_CDS] = 33, [RR_CDNSKEY] = 34,
		[RR_CSYNC] = 35, [RR_ZONEMD] = 36, [RR_SVCB] = 37,  [RR_HTTPS] = 38,
	};
	if (type <= DIRECT_MAX) {
		return direct[type] == 0 ? NULL : &layouts[direct[type] - 1];
	}
	return type == RR_CAA ? &layouts[COUNT(layouts) - 1] : NULL;
}

const uint8_t *rdata_fields(uint16_t type)
{
	static const uint8_t none[1] = { RDATA_END };
	const struct layout *layout = find_layout(type);
	return layout == NULL ? none : layout->fields;
}

bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t len)
{
	const struct layout *layout = find_layout(type);
	size_t pos = 0;

	if (type == RR_TXT || type == RR_SPF) { /* RFC 1035 3.3.14: one or more strings */
		while (pos < len && (size_t)rdata[pos] + 1 <= len - pos) {
			pos += (size_t)rdata[pos] + 1;
		}
		return len > 0 && pos == len;
	}
	if (layout == NULL) {
		return true;
	}
	for (const uint8_t *field = layout->fields; *field != RDATA_END; field++) {
		size_t need;
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			int name_len = dname_check(rdata + pos, len - pos);
			if (name_len < 0) {
				return false;
			}
			need = (size_t)name_len;
		} else if (*field == RDATA_STRING) {
			if (pos == len) {
				return false;
			}
			need = (size_t)rdata[pos] + 1;
		} else {
			need = *field;
		}
		if (need > len - pos) {
			return false;
		}
		pos += need;
	}
	return layout->tail == TAIL_ANY || (layout->tail == TAIL_NONE) == (pos == len);
}
