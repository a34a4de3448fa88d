/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemons/monitor/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 4096

void text_init(struct text *t, size_t max)
{
	*t = (struct text){ .max = max };
}

void text_clear(struct text *t)
{
	free(t->bytes);
	*t = (struct text){ .max = t->max };
}

/* Room for len more octets, or the text has failed. */
static bool make_room(struct text *t, size_t len)
{
	if (t->failed || len > t->max - t->len) {
		t->failed = true;
		return false;
	}
	if (len <= t->room - t->len) {
		return true;
	}
	size_t room = t->room == 0 ? ROOM_FIRST : t->room;
	while (room - t->len < len) { /* ends: twice the largest text is a number of this type */
		room *= 2;
	}
	char *bytes = realloc(t->bytes, room);
	if (bytes == NULL) {
		t->failed = true;
		return false;
	}
	t->bytes = bytes;
	t->room = room;
	return true;
}

void text_bytes(struct text *t, const char *bytes, size_t len)
{
	if (len > 0 && make_room(t, len)) {
		memcpy(t->bytes + t->len, bytes, len);
		t->len += len;
	}
}

void text_add(struct text *t, const char *string)
{
	text_bytes(t, string, strlen(string));
}

void text_format(struct text *t, const char *fmt, ...)
{
	char line[1024];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		t->failed = true;
		return;
	}
	text_bytes(t, line, (size_t)n);
}

void text_thousandths(struct text *t, uint64_t value)
{
	text_format(t, "%" PRIu64 ".%03u", value / 1000, (unsigned)(value % 1000));
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f;
}

static void add_char(struct text *t, char c)
{
	char plain = is_plain(c) ? c : '?';
	text_bytes(t, &plain, 1);
}

void text_html(struct text *t, const char *string)
{
	for (; *string != '\0'; string++) {
		switch (*string) {
		case '&':
			text_add(t, "&amp;");
			break;
		case '<':
			text_add(t, "&lt;");
			break;
		case '>':
			text_add(t, "&gt;");
			break;
		case '"':
			text_add(t, "&quot;");
			break;
		case '\'':
			text_add(t, "&#39;");
			break;
		default:
			add_char(t, *string);
		}
	}
}

void text_label(struct text *t, const char *string)
{
	for (; *string != '\0'; string++) {
		if (*string == '\\' || *string == '"') {
			text_bytes(t, "\\", 1);
			text_bytes(t, string, 1);
		} else if (*string == '\n') {
			text_add(t, "\\n");
		} else {
			add_char(t, *string);
		}
	}
}

void text_json(struct text *t, const char *string)
{
	for (; *string != '\0'; string++) {
		if (*string == '\\' || *string == '"') {
			text_bytes(t, "\\", 1);
			text_bytes(t, string, 1);
		} else if (*string == '<') {
			text_add(t, "\\u003c"); /* harmless wherever it is put */
		} else {
			add_char(t, *string);
		}
	}
}
