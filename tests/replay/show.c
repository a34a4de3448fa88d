/*
 * Records and messages as text. SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/show.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

/* Octets of data without a form of its own that are shown. */
#define HEX_MAX 16

void text_add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(t->buf + t->len, t->size - t->len, format, args);
	va_end(args);
	if (n > 0) {
		t->len += (size_t)n;
		if (t->len >= t->size) {
			t->len = t->size - 1;
			if (t->len > 3) {
				memcpy(t->buf + t->len - 3, "...", 3);
			}
		}
	}
}

static void add_name(struct text *t, const uint8_t *name)
{
	char buf[DNAME_TEXT_MAX];
	text_add(t, "%s", dname_text(name, buf));
}

static void add_hex(struct text *t, const uint8_t *bytes, size_t len)
{
	text_add(t, " ");
	for (size_t i = 0; i < len && i < HEX_MAX; i++) {
		text_add(t, "%02x", bytes[i]);
	}
	text_add(t, len > HEX_MAX ? ".." : "");
}

/* Octets of a stranger, in quotes: what is not printable as \DDD. */
static void add_string(struct text *t, const uint8_t *bytes, size_t len)
{
	text_add(t, " \"");
	for (size_t i = 0; i < len; i++) {
		bool plain = bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\';
		text_add(t, plain ? "%c" : "\\%03u", bytes[i]);
	}
	text_add(t, "\"");
}

/* Names as names, strings in quotes, all else as hex. */
static void add_fields(struct text *t, uint16_t type, const uint8_t *p, size_t len)
{
	for (const uint8_t *field = rdata_fields(type); *field != RDATA_END && len > 0; field++) {
		size_t used = *field;
		if (*field == RDATA_NAME || *field == RDATA_NAME_COMPRESS) {
			used = dname_len(p);
			text_add(t, " ");
			add_name(t, p);
		} else if (*field == RDATA_STRING) {
			used = 1u + p[0];
			add_string(t, p + 1, p[0]);
		} else {
			used = used < len ? used : len;
			add_hex(t, p, used);
		}
		p += used;
		len -= used;
	}
	if (len > 0) {
		add_hex(t, p, len);
	}
}

static void add_rdata(struct text *t, const struct message_rr *rr)
{
	char buf[INET6_ADDRSTRLEN];
	char type[RR_TYPE_TEXT_MAX];
	const uint8_t *p = rr->rdata; /* valid for its type: the fixed parts are there */
	if (rr->type == RR_A || rr->type == RR_AAAA) {
		(void)inet_ntop(rr->type == RR_A ? AF_INET : AF_INET6, rr->rdata, buf, sizeof(buf));
		text_add(t, " %s", buf);
	} else if (rr->type == RR_RRSIG) {
		text_add(t, " %s alg %u labels %u tag %u ", rr_type_text(get_u16(p), type), p[2], p[3],
			 get_u16(p + 16));
		add_name(t, p + 18);
	} else if (rr->type == RR_DNSKEY) {
		text_add(t, " %u %u %u", get_u16(p), p[2], p[3]);
		add_hex(t, p + 4, rr->rdata_len - 4u);
	} else if (rr->type == RR_DS) {
		text_add(t, " %u %u %u", get_u16(p), p[2], p[3]);
		add_hex(t, p + 4, rr->rdata_len - 4u);
	} else {
		add_fields(t, rr->type, rr->rdata, rr->rdata_len);
	}
}

void show_rr(struct text *t, const struct message_rr *rr, bool ttl)
{
	char type[RR_TYPE_TEXT_MAX];
	add_name(t, rr->owner);
	if (ttl) {
		text_add(t, " %u", (unsigned)rr->ttl);
	}
	text_add(t, " %s", rr_type_text(rr->type, type));
	add_rdata(t, rr);
}

void show_flags(struct text *t, uint16_t flags)
{
	static const struct {
		uint16_t flag;
		const char *text;
	} names[] = {
		{ FLAG_QR, "QR" }, { FLAG_AA, "AA" }, { FLAG_TC, "TC" }, { FLAG_RD, "RD" },
		{ FLAG_RA, "RA" }, { FLAG_AD, "AD" }, { FLAG_CD, "CD" },
	};
	const char *blank = "";
	for (unsigned i = 0; i < COUNT(names); i++) {
		if ((flags & names[i].flag) != 0) {
			text_add(t, "%s%s", blank, names[i].text);
			blank = " ";
		}
	}
}

void show_question(struct text *t, const uint8_t *qname, uint16_t qtype)
{
	char type[RR_TYPE_TEXT_MAX];
	if (qname == NULL) {
		text_add(t, "(no question)");
		return;
	}
	add_name(t, qname);
	text_add(t, " %s", rr_type_text(qtype, type));
}

void show_message(FILE *out, const char *indent, const struct message *msg)
{
	static const char *const sections[] = { "question", "answer", "authority", "additional" };
	char buf[2048];
	struct text t = TEXT_OF(buf);
	show_question(&t, msg->qname, msg->qtype);
	text_add(&t, ": %s, ", rcode_text(msg->rcode));
	show_flags(&t, msg->flags);
	if (msg->has_edns) {
		text_add(&t, ", EDNS%s", msg->do_bit ? " DO" : "");
	}
	if (msg->ede != EDE_NONE) {
		text_add(&t, ", EDE %d %.*s", msg->ede, (int)msg->ede_text_len, (const char *)msg->ede_text);
	}
	fprintf(out, "%s%s\n", indent, buf);
	for (size_t i = 0; i < msg->rr_count; i++) {
		t.len = 0;
		show_rr(&t, &msg->rrs[i], true);
		fprintf(out, "%s  %s: %s\n", indent, sections[msg->rrs[i].section], buf);
	}
}
