/*
 * JSON writer. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/json.h"

#include "common/util/count.h"
#include "daemons/ctl/answer.h"

#include <inttypes.h>
#include <string.h>

#define REPLACEMENT 0xfffdu

/*
 * The code point at p and how many octets it takes; REPLACEMENT and 1 where p is not UTF-8 (RFC 3629:
 * no overlong forms, no surrogates, nothing past U+10FFFF). p is not at the terminator.
 */
static uint32_t next_code_point(const unsigned char *p, unsigned *octets)
{
	static const struct {
		unsigned char mask, lead;
		unsigned more;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0, 0 },
		{ 0xe0, 0xc0, 1, 0x80 },
		{ 0xf0, 0xe0, 2, 0x800 },
		{ 0xf8, 0xf0, 3, 0x10000 },
	};
	*octets = 1;
	for (unsigned f = 0; f < COUNT(forms); f++) {
		if ((p[0] & forms[f].mask) != forms[f].lead) {
			continue;
		}
		uint32_t c = p[0] & (unsigned char)~forms[f].mask;
		for (unsigned i = 1; i <= forms[f].more; i++) {
			if ((p[i] & 0xc0) != 0x80) { /* stops at the terminator too */
				return REPLACEMENT;
			}
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < forms[f].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
			return REPLACEMENT;
		}
		*octets = forms[f].more + 1;
		return c;
	}
	return REPLACEMENT;
}

static void put_code_point(FILE *out, uint32_t c)
{
	switch (c) {
	case '"':
		fputs("\\\"", out);
		return;
	case '\\':
		fputs("\\\\", out);
		return;
	case '\n':
		fputs("\\n", out);
		return;
	case '\t':
		fputs("\\t", out);
		return;
	default:
		break;
	}
	if (c >= 0x20 && c < 0x7f) {
		fputc((int)c, out);
	} else if (c < 0x10000) {
		fprintf(out, "\\u%04" PRIx32, c);
	} else { /* RFC 8259 7: a surrogate pair */
		c -= 0x10000;
		fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
	}
}

void json_string(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	fputc('"', out);
	while (*p != '\0') {
		unsigned octets;
		put_code_point(out, next_code_point(p, &octets));
		p += octets;
	}
	fputc('"', out);
}

static void print_value(FILE *out, const struct answer_field *field)
{
	switch (field->type) {
	case CTL_NUMBER:
		fprintf(out, "%" PRIu64, field->number);
		break;
	case CTL_BOOL:
		fputs(field->number != 0 ? "true" : "false", out);
		break;
	default:
		json_string(out, field->text);
		break;
	}
}

static void print_row(FILE *out, const struct answer_row *row)
{
	fputc('{', out);
	for (unsigned i = 0; i < row->count; i++) {
		if (i > 0) {
			fputc(',', out);
		}
		json_string(out, row->fields[i].name);
		fputc(':', out);
		print_value(out, &row->fields[i]);
	}
	fputc('}', out);
}

static void print_table_name(FILE *out, const char *name)
{
	if (strcmp(name, "status") == 0) {
		json_string(out, "status_rows");
	} else if (strcmp(name, "text") == 0) {
		json_string(out, "text_rows");
	} else {
		json_string(out, name);
	}
}

void json_print(FILE *out, const struct answer *answer)
{
	fprintf(out, "{\"status\":%u,\"text\":", answer->status);
	json_string(out, answer->text);
	for (const struct answer_table *t = answer->first; t != NULL; t = t->next) {
		fputc(',', out);
		print_table_name(out, t->name);
		fputs(":[", out);
		for (const struct answer_row *row = t->first; row != NULL; row = row->next) {
			if (row != t->first) {
				fputc(',', out);
			}
			print_row(out, row);
		}
		fputc(']', out);
	}
	fputs("}\n", out);
}
