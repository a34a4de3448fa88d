/*
 * Reading scenarios: lines and words, ranges and steps. Whatever is not understood is an error with its line, so that
 * a misspelt check cannot pass for one that holds.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/parse.h"

#include "common/dns/dname.h"
#include "common/ipc/stats.h"
#include "tests/replay/sign.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool parse_fault(struct parser *p, const char *format, ...)
{
	va_list args;
	int n = snprintf(p->why, p->why_size, "line %u: ", p->line);
	va_start(args, format);
	if (n > 0 && (size_t)n < p->why_size) {
		vsnprintf(p->why + n, p->why_size - (size_t)n, format, args);
	}
	va_end(args);
	return false;
}

void *parse_alloc(struct parser *p, size_t size)
{
	void *bytes = region_alloc(&p->s->region, size);
	if (bytes == NULL) {
		(void)parse_fault(p, "the file is too large");
	}
	return bytes;
}

/* --- lines and words ---------------------------------------------------------------------------------- */

const char *parse_line_bounds(const char *at, const char *end, const char **from, size_t *len)
{
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	const char *next = stop == NULL ? end : stop + 1;
	stop = stop == NULL ? end : stop;
	while (at < stop && parse_is_blank(*at)) {
		at++;
	}
	while (stop > at && parse_is_blank(stop[-1])) {
		stop--;
	}
	*from = at;
	*len = (size_t)(stop - at);
	return next;
}

bool parse_next_line(struct parser *p)
{
	while (p->at < p->end) {
		const char *from;
		size_t len;
		p->at = parse_line_bounds(p->at, p->end, &from, &len);
		p->line++;
		if (len == 0 || *from == ';') {
			continue;
		}
		if (len >= sizeof(p->text)) {
			return parse_fault(p, "longer than %d octets", SCENARIO_LINE_MAX);
		}
		memcpy(p->text, from, len);
		p->text[len] = '\0';
		return true;
	}
	return parse_fault(p, "the file ends too early");
}

bool parse_split(struct parser *p, const char *text)
{
	char *save = NULL;
	snprintf(p->words_text, sizeof(p->words_text), "%s", text);
	p->words_text[strcspn(p->words_text, ";")] = '\0';
	p->word_count = 0;
	for (char *word = strtok_r(p->words_text, " \t\r", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r", &save)) {
		if (p->word_count == SCENARIO_WORDS_MAX) {
			return parse_fault(p, "more than %d words", SCENARIO_WORDS_MAX);
		}
		p->words[p->word_count++] = word;
	}
	return true;
}

bool parse_first_word_is(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);
	return len >= n && memcmp(text, word, n) == 0 && (len == n || parse_is_blank(text[n]));
}

bool parse_number(struct parser *p, const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > max) {
		return parse_fault(p, "'%s': a number up to %llu is wanted", text, (unsigned long long)max);
	}
	*out = value;
	return true;
}

bool parse_name(struct parser *p, const char *text, const uint8_t **out)
{
	uint8_t wire[DNAME_MAX];
	int len = dname_from_text(text, wire);
	if (len < 0) {
		return parse_fault(p, "'%s' is no domain name", text);
	}
	*out = region_copy(&p->s->region, wire, (size_t)len);
	return *out != NULL || parse_fault(p, "the file is too large");
}

int parse_find_word(const struct keyword *table, const char *word)
{
	for (; table->text != NULL; table++) {
		if (strcasecmp(table->text, word) == 0) {
			return (int)table->value;
		}
	}
	return -1;
}

bool parse_addr(struct parser *p, const char *text, struct addr *addrs, unsigned *count)
{
	if (*count == SCENARIO_ADDRS_MAX) {
		return parse_fault(p, "more than %d addresses", SCENARIO_ADDRS_MAX);
	}
	if (addr_parse(text, 53, &addrs[*count]) != BH_OK) {
		return parse_fault(p, "'%s' is no address", text);
	}
	(*count)++;
	return true;
}

bool parse_made_records(struct parser *p, const char *text, uint8_t section, struct record_list *list)
{
	char why[256];
	if (!parse_split(p, text)) {
		return false;
	}
	return sign_line(p->s, p->words, p->word_count, section, list, why, sizeof(why)) || parse_fault(p, "%s", why);
}

/* --- ranges and steps --------------------------------------------------------------------------------- */

static struct scenario_range *read_range(struct parser *p)
{
	struct scenario_range *range = parse_alloc(p, sizeof(*range));
	uint64_t from;
	uint64_t to;
	if (range == NULL) {
		return NULL;
	}
	struct scenario_entry **last = &range->entries;
	if (p->word_count != 3 || !parse_number(p, p->words[1], UINT32_MAX, &from) ||
	    !parse_number(p, p->words[2], UINT32_MAX, &to) || from > to) {
		(void)parse_fault(p, "RANGE_BEGIN takes the first and the last step");
		return NULL;
	}
	range->from = (unsigned)from;
	range->to = (unsigned)to;
	while (parse_next_line(p) && parse_split(p, p->text)) {
		if (strcmp(p->words[0], "RANGE_END") == 0) {
			if (range->addr_count == 0) {
				(void)parse_fault(p, "a range without ADDRESS");
				return NULL;
			}
			return range;
		}
		if (strcmp(p->words[0], "ADDRESS") == 0) {
			if (p->word_count != 2 || !parse_addr(p, p->words[1], range->addrs, &range->addr_count)) {
				(void)parse_fault(p, "ADDRESS takes one address");
				return NULL;
			}
		} else if (strcmp(p->words[0], "ENTRY_BEGIN") == 0) {
			*last = parse_entry(p);
			if (*last == NULL) {
				return NULL;
			}
			last = &(*last)->next;
		} else {
			(void)parse_fault(p, "unknown '%s' in a range", p->words[0]);
			return NULL;
		}
	}
	return NULL;
}

static struct scenario_entry *expect_entry(struct parser *p)
{
	if (!parse_next_line(p)) {
		return NULL;
	}
	if (!parse_first_word_is(p->text, strlen(p->text), "ENTRY_BEGIN")) {
		(void)parse_fault(p, "ENTRY_BEGIN is wanted");
		return NULL;
	}
	return parse_entry(p);
}

/* "<= 12": words i and i + 1 */
static bool comparison(struct parser *p, unsigned i, struct scenario_step *step)
{
	static const struct keyword compares[] = {
		{ "=", COMPARE_EQUAL }, { "<=", COMPARE_AT_MOST }, { ">=", COMPARE_AT_LEAST }, { NULL, 0 },
	};
	int compare = p->word_count > i + 1 ? parse_find_word(compares, p->words[i]) : -1;
	if (compare < 0) {
		return parse_fault(p, "%s takes =, <= or >= and a number", p->words[2]);
	}
	step->compare = (enum compare)compare;
	return parse_number(p, p->words[i + 1], UINT32_MAX, &step->number);
}

static bool counter_of(struct parser *p, const char *text, unsigned *out)
{
	char name[STATS_NAME_MAX];
	for (unsigned i = 0; i < stats_count(ROLE_RESOLVER); i++) {
		if (strcmp(stats_name(ROLE_RESOLVER, i, name), text) == 0) {
			*out = i;
			return true;
		}
	}
	return parse_fault(p, "the resolver has no counter '%s'", text);
}

static bool step_words(struct parser *p, struct scenario_step *step)
{
	static const struct keyword kinds[] = {
		{ "QUERY", STEP_QUERY }, { "CHECK_ANSWER", STEP_CHECK_ANSWER }, { "TIME_PASSES", STEP_TIME_PASSES },
		{ "REPLY", STEP_REPLY }, { "CHECK_OUT_QUERY", STEP_CHECK_OUT_QUERY },
		{ "CHECK_PACKETS", STEP_CHECK_PACKETS }, { "CHECK_TIME", STEP_CHECK_TIME },
		{ "CHECK_ASKED", STEP_CHECK_ASKED }, { "CHECK_COUNTER", STEP_CHECK_COUNTER }, { NULL, 0 },
	};
	uint64_t id;
	int kind = p->word_count >= 3 ? parse_find_word(kinds, p->words[2]) : -1;
	if (kind < 0) {
		return parse_fault(p, "STEP takes a number and what to do");
	}
	if (!parse_number(p, p->words[1], UINT32_MAX, &id)) {
		return false;
	}
	step->id = (unsigned)id;
	step->kind = (enum step_kind)kind;
	switch (step->kind) {
	case STEP_TIME_PASSES:
		if (p->word_count != 5 || strcmp(p->words[3], "ELAPSE") != 0) {
			return parse_fault(p, "TIME_PASSES ELAPSE takes seconds");
		}
		return parse_number(p, p->words[4], UINT32_MAX, &step->seconds);
	case STEP_CHECK_PACKETS:
	case STEP_CHECK_TIME:
		return p->word_count == 5 ? comparison(p, 3, step)
					  : parse_fault(p, "%s takes =, <= or >= and a number", p->words[2]);
	case STEP_CHECK_ASKED: /* name type <= 12 */
		if (p->word_count != 7 || rr_type_parse(p->words[4], &step->type) != BH_OK) {
			return parse_fault(p, "CHECK_ASKED takes name, type, comparison and number");
		}
		return parse_name(p, p->words[3], &step->name) && comparison(p, 5, step);
	case STEP_CHECK_COUNTER: /* upstream_mismatches = 3 */
		if (p->word_count != 6) {
			return parse_fault(p, "CHECK_COUNTER takes a name, comparison and number");
		}
		return counter_of(p, p->words[3], &step->counter) && comparison(p, 4, step);
	default:
		step->entry = expect_entry(p);
		return step->entry != NULL;
	}
}

static bool read_body(struct parser *p)
{
	struct scenario_range **last_range = &p->s->ranges;
	struct scenario_step **last_step = &p->s->steps;
	while (parse_next_line(p) && parse_split(p, p->text)) {
		if (strcmp(p->words[0], "SCENARIO_END") == 0) {
			return p->s->steps != NULL || parse_fault(p, "a scenario without a step");
		}
		if (strcmp(p->words[0], "RANGE_BEGIN") == 0) {
			*last_range = read_range(p);
			if (*last_range == NULL) {
				return false;
			}
			last_range = &(*last_range)->next;
		} else if (strcmp(p->words[0], "STEP") == 0) {
			struct scenario_step *step = parse_alloc(p, sizeof(*step));
			if (step == NULL) {
				return false;
			}
			step->line = p->line;
			if (!step_words(p, step)) {
				return false;
			}
			*last_step = step;
			last_step = &step->next;
		} else {
			return parse_fault(p, "unknown '%s' in a scenario", p->words[0]);
		}
	}
	return false;
}

static bool read_all(struct parser *p)
{
	if (!parse_head(p) || !parse_next_line(p)) {
		return false;
	}
	if (!parse_first_word_is(p->text, strlen(p->text), "SCENARIO_BEGIN")) {
		return parse_fault(p, "SCENARIO_BEGIN is wanted");
	}
	const char *text = p->text + strlen("SCENARIO_BEGIN");
	while (parse_is_blank(*text)) {
		text++;
	}
	p->s->text = region_copy(&p->s->region, text, strlen(text) + 1);
	return (p->s->text != NULL || parse_fault(p, "the file is too large")) && read_body(p);
}

/* --- the file ----------------------------------------------------------------------------------------- */

static char *read_file(const char *file, size_t *len, char *why, size_t why_size)
{
	FILE *in = fopen(file, "r");
	char *text = malloc(SCENARIO_FILE_MAX + 1);
	if (in == NULL || text == NULL) {
		snprintf(why, why_size, "%s", strerror(errno));
		free(text);
		if (in != NULL) {
			fclose(in);
		}
		return NULL;
	}
	*len = fread(text, 1, SCENARIO_FILE_MAX + 1, in);
	bool bad = ferror(in) != 0;
	fclose(in);
	if (bad || *len > SCENARIO_FILE_MAX || memchr(text, '\0', *len) != NULL) {
		snprintf(why, why_size, "%s", bad ? "cannot be read"
						  : *len > SCENARIO_FILE_MAX ? "larger than 4 MiB" : "no text");
		free(text);
		return NULL;
	}
	return text;
}

struct scenario *scenario_read(const char *file, const char *const *extra, unsigned extra_count, char *why,
			       size_t why_size)
{
	size_t len;
	char *text = read_file(file, &len, why, why_size);
	if (text == NULL) {
		return NULL;
	}
	struct scenario *s = calloc(1, sizeof(*s));
	struct parser *p = calloc(1, sizeof(*p));
	struct message_rr *rrs = calloc(MESSAGE_RR_MAX, sizeof(*rrs));
	bool fine = false;
	if (s == NULL || p == NULL || rrs == NULL) {
		snprintf(why, why_size, "out of memory");
	} else {
		s->file = file;
		s->config = (struct scenario_config){
			.date_sec = -1, .minimise = -1, .ip4 = -1, .ip6 = -1, .ask_localhost = -1, .harden_glue = -1,
			.force_ip6 = -1, .use_0x20 = -1, .use_cookies = -1, .prime_root = -1, .special_names = -1,
			.rebind_protection = -1, .validate_sha1 = -1, .min_ttl = -1, .max_ttl = -1, .max_negative_ttl = -1, .stale_ttl = -1,
			.budget = -1,
		};
		region_init(&s->region, 64 * 1024, SCENARIO_MEMORY_MAX);
		*p = (struct parser){ .s = s, .at = text, .end = text + len, .rrs = rrs, .extra = extra,
				      .extra_count = extra_count, .why = why, .why_size = why_size };
		fine = read_all(p);
	}
	free(rrs);
	free(p);
	free(text);
	if (!fine && s != NULL) {
		scenario_free(s);
		s = NULL;
	}
	return s;
}

void scenario_free(struct scenario *scenario)
{
	sign_free_keys(scenario->keys);
	region_clear(&scenario->region);
	free(scenario);
}
