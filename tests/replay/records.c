/*
 * Records of scenarios: libzscanner reads their text. A record without a TTL gets one hour; directives are refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/scenario.h"

#include "common/dns/dname.h"

#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TTL_DEFAULT 3600
/* Words of a record before its data: owner, TTL, class, type. */
#define HEAD_WORDS_MAX 4

/*
 * One record on each line: comments and parentheses are taken away, and the line ends inside of parentheses come
 * behind the record, so that lines keep their numbers. Returns the octets; out has room for twice len.
 */
static size_t unfold(const char *text, size_t len, char *out)
{
	size_t used = 0;
	size_t held = 0; /* line ends */
	bool quoted = false;
	bool comment = false;
	unsigned depth = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '\n') {
			comment = false;
			if (depth > 0) {
				held++;
				out[used++] = ' ';
				continue;
			}
			for (held++; held > 0; held--) {
				out[used++] = '\n';
			}
		} else if (comment || (c == ';' && !quoted)) {
			comment = true;
		} else if (c == '\\' && i + 1 < len && text[i + 1] != '\n') {
			out[used++] = c;
			out[used++] = text[++i];
		} else if (!quoted && (c == '(' || c == ')')) {
			depth = c == '(' ? depth + 1 : depth > 0 ? depth - 1 : 0;
			out[used++] = ' ';
		} else {
			quoted = quoted != (c == '"');
			out[used++] = c;
		}
	}
	return used;
}

/* Words before the base64 of a type, the type among them; 0: it has none. */
static unsigned words_before_base64(const char *word, size_t len)
{
	if (len == 5 && strncasecmp(word, "RRSIG", len) == 0) {
		return 9;
	}
	return len == 6 && strncasecmp(word, "DNSKEY", len) == 0 ? 4 : 0;
}

/* Base64 may have blanks anywhere; the scanner wants them between groups of four. In place. */
static void join_base64(char *line, size_t len)
{
	unsigned word = 0;
	unsigned keep = 0; /* words that stay apart */
	size_t used = 0;
	for (size_t i = 0; i < len;) {
		size_t blanks = strspn(line + i, " \t\r");
		size_t n = strcspn(line + i + blanks, " \t\r\n");
		const char *from = line + i + blanks;
		if (keep == 0 && word > 0 && word < HEAD_WORDS_MAX) {
			unsigned more = words_before_base64(from, n);
			keep = more == 0 ? 0 : word + more;
		}
		bool joined = keep > 0 && word > keep && n > 0;
		for (size_t b = 0; b < blanks && !joined; b++) {
			line[used++] = ' ';
		}
		memmove(line + used, from, n);
		used += n;
		i += blanks + n;
		word++;
		if (n == 0) {
			break;
		}
	}
	memset(line + used, ' ', len - used);
}

static bool take(const zs_scanner_t *zs, unsigned line, uint8_t section, struct record_list *list, char *why,
		 size_t why_size)
{
	if (list->count == list->room) {
		snprintf(why, why_size, "line %u: more than %zu records", line, list->room);
		return false;
	}
	if (!rdata_is_valid(zs->r_type, zs->r_data, zs->r_data_length)) {
		snprintf(why, why_size, "line %u: data that no such record has; write the message as RAW", line);
		return false;
	}
	const uint8_t *owner = region_copy(list->region, zs->r_owner, zs->r_owner_length);
	const uint8_t *rdata = region_copy(list->region, zs->r_data, zs->r_data_length);
	if (owner == NULL || rdata == NULL) {
		snprintf(why, why_size, "line %u: the file is too large", line);
		return false;
	}
	list->rrs[list->count++] = (struct message_rr){
		.owner = owner, .rdata = rdata, .ttl = zs->r_ttl, .type = zs->r_type, .rr_class = zs->r_class,
		.rdata_len = (uint16_t)zs->r_data_length, .section = section,
	};
	return true;
}

static bool scan(zs_scanner_t *zs, unsigned line, uint8_t section, struct record_list *list, char *why,
		 size_t why_size)
{
	while (zs_parse_record(zs) == 0) {
		unsigned at = line + (unsigned)zs->line_counter - 1;
		switch (zs->state) {
		case ZS_STATE_DATA:
			if (!take(zs, at, section, list, why, why_size)) {
				return false;
			}
			break;
		case ZS_STATE_EOF:
			return true;
		case ZS_STATE_INCLUDE:
			snprintf(why, why_size, "line %u: $INCLUDE has no place here", at);
			return false;
		default:
			snprintf(why, why_size, "line %u: %s", at, zs_strerror(zs->error.code));
			return false;
		}
	}
	snprintf(why, why_size, "line %u: %s", line, zs_strerror(zs->error.code));
	return false;
}

/* Text that the scanner reads, with a line end behind it. *out_len: its octets. For free(). */
static char *prepare(const char *text, size_t len, size_t *out_len)
{
	char *out = malloc(2 * len + 2);
	if (out == NULL) {
		return NULL;
	}
	size_t used = unfold(text, len, out);
	out[used++] = '\n';
	out[used] = '\0';
	for (char *line = out; line < out + used;) {
		size_t n = strcspn(line, "\n");
		join_base64(line, n);
		line += n + 1;
	}
	*out_len = used;
	return out;
}

bool records_read(const char *text, size_t len, unsigned line, uint8_t section, struct record_list *list, char *why,
		  size_t why_size)
{
	size_t prepared_len;
	char *prepared = prepare(text, len, &prepared_len);
	zs_scanner_t *zs = malloc(sizeof(*zs));
	if (prepared == NULL || zs == NULL || zs_init(zs, ".", CLASS_IN, TTL_DEFAULT) != 0) {
		snprintf(why, why_size, "out of memory");
		free(prepared);
		free(zs);
		return false;
	}
	bool fine = false;
	if (zs_set_input_string(zs, prepared, prepared_len) != 0) {
		snprintf(why, why_size, "line %u: %s", line, zs_strerror(zs->error.code));
	} else {
		fine = scan(zs, line, section, list, why, why_size);
	}
	zs_deinit(zs);
	free(zs);
	free(prepared);
	return fine;
}
