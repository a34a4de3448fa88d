/*
 * Inside of the reader of scenarios: what parse.c, parse_head.c and parse_entry.c share. All functions that give bool
 * or a pointer have told the fault, with its line, when they give false or NULL.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_REPLAY_PARSE_H
#define BULKHEAD_TESTS_REPLAY_PARSE_H

#include "tests/replay/scenario.h"

struct parser {
	struct scenario *s;
	const char *at; /* behind the current line */
	const char *end;
	unsigned line;
	char text[SCENARIO_LINE_MAX]; /* the current line, without blanks around it */
	char words_text[SCENARIO_LINE_MAX];
	char *words[SCENARIO_WORDS_MAX];
	unsigned word_count;
	struct message_rr *rrs; /* of the entry at hand; MESSAGE_RR_MAX */
	const char *const *extra; /* lines of the head */
	unsigned extra_count;
	char *why;
	size_t why_size;
};

struct keyword {
	const char *text;
	unsigned value;
};

static inline bool parse_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Tell what is wrong with the current line. False. */
BH_PRINTF(2, 3) bool parse_fault(struct parser *p, const char *format, ...);
/* Zeroed memory of the scenario. */
void *parse_alloc(struct parser *p, size_t size);

/* The bounds of the line at `at` without blanks around it; returns where the next one begins. */
const char *parse_line_bounds(const char *at, const char *end, const char **from, size_t *len);
/* To the next line that says something: p->text. */
bool parse_next_line(struct parser *p);
/* Words of a line, up to a comment: p->words. */
bool parse_split(struct parser *p, const char *text);
bool parse_first_word_is(const char *text, size_t len, const char *word);

bool parse_number(struct parser *p, const char *text, uint64_t max, uint64_t *out);
bool parse_name(struct parser *p, const char *text, const uint8_t **out);
bool parse_addr(struct parser *p, const char *text, struct addr *addrs, unsigned *count);
/* The value of a word in a table that ends with NULL; -1 if it is not in it. */
int parse_find_word(const struct keyword *table, const char *word);
/* A line that begins with '%': sign.c knows what it means. */
bool parse_made_records(struct parser *p, const char *text, uint8_t section, struct record_list *list);

/* parse_head.c: up to CONFIG_END. */
bool parse_head(struct parser *p);
/* parse_entry.c: behind ENTRY_BEGIN, up to ENTRY_END. */
struct scenario_entry *parse_entry(struct parser *p);

#endif
