/*
 * Words of a line, and what they mean. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/compiler/directive.h"

#include "common/util/count.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reader {
	const char *p;
	const char *end;
	char *why;
	size_t why_size;
};

static int fault(struct reader *r, const char *what, const char *word)
{
	snprintf(r->why, r->why_size, "%s%.64s", what, word);
	return BH_EMALFORMED;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/*
 * The next word into out; empty when there is none before the end or a comment. Quotes go, escapes stay:
 * they mean something in names only.
 */
static int next_word(struct reader *r, char out[DIRECTIVE_WORD_MAX])
{
	size_t len = 0;
	bool quoted = false;
	while (r->p < r->end && is_blank(*r->p)) {
		r->p++;
	}
	for (; r->p < r->end && (quoted || (!is_blank(*r->p) && *r->p != ';')); r->p++) {
		if (*r->p == '"') {
			quoted = !quoted;
			continue;
		}
		if (len + 2 >= DIRECTIVE_WORD_MAX || *r->p == '\0') {
			return fault(r, "a word is too long, or no text", "");
		}
		out[len++] = *r->p;
		if (*r->p == '\\' && r->p + 1 < r->end && r->p[1] != '\0') {
			out[len++] = *++r->p; /* an escaped blank or quote is part of the word */
		}
	}
	out[len] = '\0';
	return quoted ? fault(r, "a quote is not closed", "") : BH_OK;
}

static int expect_end(struct reader *r, const char *directive)
{
	char word[DIRECTIVE_WORD_MAX];
	int err = next_word(r, word);
	if (err == BH_OK && word[0] != '\0') {
		return fault(r, directive, ": too many words");
	}
	return err;
}

/* RFC 1035 5.1: a name without final dot is relative. */
static int read_name(struct reader *r, const char *text, const uint8_t *origin, uint8_t out[DNAME_MAX])
{
	size_t text_len = strlen(text);
	if (strcmp(text, "@") == 0) {
		memcpy(out, origin, dname_len(origin));
		return BH_OK;
	}
	int len = dname_from_text(text, out);
	if (len < 0) {
		return fault(r, "not a name: ", text);
	}
	size_t escapes = 0; /* an even number before the final dot: the dot is one */
	while (text_len > escapes + 1 && text[text_len - 2 - escapes] == '\\') {
		escapes++;
	}
	if (text[text_len - 1] == '.' && escapes % 2 == 0) {
		return BH_OK;
	}
	size_t origin_len = dname_len(origin);
	if ((size_t)len - 1 + origin_len > DNAME_MAX) {
		return fault(r, "name is too long: ", text);
	}
	memcpy(out + len - 1, origin, origin_len);
	return BH_OK;
}

/* Seconds, or numbers with units as BIND writes them: "1h30m". */
static int read_ttl(struct reader *r, const char *text, uint32_t *out)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	uint64_t sum = 0;
	const char *p = text;
	do {
		uint64_t number = 0;
		const char *digits = p;
		for (; *p >= '0' && *p <= '9' && number <= UINT32_MAX; p++) {
			number = number * 10 + (uint64_t)(*p - '0');
		}
		if (p == digits || number > UINT32_MAX) {
			return fault(r, "not a TTL: ", text);
		}
		for (size_t i = 0; i < COUNT(units); i++) {
			if ((*p | 0x20) == units[i].unit) {
				number *= units[i].seconds;
				p++;
				break;
			}
		}
		sum += number;
	} while (*p != '\0' && sum <= UINT32_MAX);
	if (sum > UINT32_MAX) {
		return fault(r, "not a TTL: ", text);
	}
	*out = (uint32_t)sum;
	return BH_OK;
}

static int read_include(struct reader *r, const uint8_t *origin, struct directive *out)
{
	char word[DIRECTIVE_WORD_MAX];
	out->kind = DIRECTIVE_INCLUDE;
	int err = next_word(r, out->path);
	if (err == BH_OK && out->path[0] == '\0') {
		return fault(r, "$INCLUDE without a file", "");
	}
	if (err == BH_OK) {
		err = next_word(r, word);
	}
	if (err == BH_OK) {
		err = read_name(r, word[0] == '\0' ? "@" : word, origin, out->name);
	}
	return err;
}

int directive_read(const char *line, size_t len, const uint8_t *origin, struct directive *out, char *why,
		   size_t why_size)
{
	struct reader r = { .p = line, .end = line + len, .why = why, .why_size = why_size };
	char directive[DIRECTIVE_WORD_MAX];
	char word[DIRECTIVE_WORD_MAX];
	int err = next_word(&r, directive);
	if (err != BH_OK) {
		return err;
	}
	if (strcasecmp(directive, "$INCLUDE") == 0) {
		err = read_include(&r, origin, out);
		return err == BH_OK ? expect_end(&r, "$INCLUDE") : err;
	}
	bool is_origin = strcasecmp(directive, "$ORIGIN") == 0;
	if (!is_origin && strcasecmp(directive, "$TTL") != 0) {
		snprintf(why, why_size, "unknown directive '%.64s'; $ORIGIN, $TTL and $INCLUDE are known", directive);
		return BH_EMALFORMED;
	}
	err = next_word(&r, word);
	if (err != BH_OK) {
		return err;
	}
	if (word[0] == '\0') {
		return fault(&r, directive, " without a value");
	}
	out->kind = is_origin ? DIRECTIVE_ORIGIN : DIRECTIVE_TTL;
	err = is_origin ? read_name(&r, word, origin, out->name) : read_ttl(&r, word, &out->ttl);
	return err == BH_OK ? expect_end(&r, directive) : err;
}
