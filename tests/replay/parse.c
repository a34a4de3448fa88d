/*
 * Reading scenarios. Line by line, one place for what each keyword takes; whatever is not understood is an error with
 * its line, so that a misspelt check cannot pass for one that holds.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/scenario.h"
#include "tests/replay/sign.h"

#include "common/dns/dname.h"
#include "common/ipc/stats.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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

BH_PRINTF(2, 3) static bool fault(struct parser *p, const char *format, ...)
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

static void *make(struct parser *p, size_t size)
{
	void *bytes = region_alloc(&p->s->region, size);
	if (bytes == NULL) {
		(void)fault(p, "the file is too large");
	}
	return bytes;
}

/* --- lines and words ---------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The bounds of the line at `at` without blanks around it; returns where the next one begins. */
static const char *line_bounds(const char *at, const char *end, const char **from, size_t *len)
{
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	const char *next = stop == NULL ? end : stop + 1;
	stop = stop == NULL ? end : stop;
	while (at < stop && is_blank(*at)) {
		at++;
	}
	while (stop > at && is_blank(stop[-1])) {
		stop--;
	}
	*from = at;
	*len = (size_t)(stop - at);
	return next;
}

/* To the next line that says something. False: there is none, or it is too long (then why is set). */
static bool next_line(struct parser *p)
{
	while (p->at < p->end) {
		const char *from;
		size_t len;
		p->at = line_bounds(p->at, p->end, &from, &len);
		p->line++;
		if (len == 0 || *from == ';') {
			continue;
		}
		if (len >= sizeof(p->text)) {
			return fault(p, "longer than %d octets", SCENARIO_LINE_MAX);
		}
		memcpy(p->text, from, len);
		p->text[len] = '\0';
		return true;
	}
	return fault(p, "the file ends too early");
}

/* Words of a line, up to a comment. */
static bool split(struct parser *p, const char *text)
{
	char *save = NULL;
	snprintf(p->words_text, sizeof(p->words_text), "%s", text);
	p->words_text[strcspn(p->words_text, ";")] = '\0';
	p->word_count = 0;
	for (char *word = strtok_r(p->words_text, " \t\r", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r", &save)) {
		if (p->word_count == SCENARIO_WORDS_MAX) {
			return fault(p, "more than %d words", SCENARIO_WORDS_MAX);
		}
		p->words[p->word_count++] = word;
	}
	return true;
}

static bool first_word_is(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);
	return len >= n && memcmp(text, word, n) == 0 && (len == n || is_blank(text[n]));
}

static bool number(struct parser *p, const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > max) {
		return fault(p, "'%s': a number up to %llu is wanted", text, (unsigned long long)max);
	}
	*out = value;
	return true;
}

static bool name_of(struct parser *p, const char *text, const uint8_t **out)
{
	uint8_t wire[DNAME_MAX];
	int len = dname_from_text(text, wire);
	if (len < 0) {
		return fault(p, "'%s' is no domain name", text);
	}
	*out = region_copy(&p->s->region, wire, (size_t)len);
	return *out != NULL || fault(p, "the file is too large");
}

struct keyword {
	const char *text;
	unsigned value;
};

/* The value of a word in a table that ends with NULL; -1 if it is not in it. */
static int find_word(const struct keyword *table, const char *word)
{
	for (; table->text != NULL; table++) {
		if (strcasecmp(table->text, word) == 0) {
			return (int)table->value;
		}
	}
	return -1;
}

/* --- the head ----------------------------------------------------------------------------------------- */

static bool yes_or_no(struct parser *p, const char *value, int *out)
{
	if (strcmp(value, "yes") == 0 || strcmp(value, "on") == 0 || strcmp(value, "true") == 0) {
		*out = 1;
	} else if (strcmp(value, "no") == 0 || strcmp(value, "off") == 0 || strcmp(value, "false") == 0) {
		*out = 0;
	} else {
		return fault(p, "'%s': yes or no is wanted", value);
	}
	return true;
}

/* YYYYMMDDHHMMSS in UTC. "-1": none. */
static bool date(struct parser *p, const char *value, int64_t *out)
{
	struct tm tm = { .tm_isdst = 0 };
	uint64_t digits;
	if (strcmp(value, "-1") == 0) {
		*out = -1;
		return true;
	}
	if (strlen(value) != 14 || !number(p, value, UINT64_C(99991231235959), &digits)) {
		return fault(p, "'%s': a date YYYYMMDDHHMMSS is wanted", value);
	}
	tm.tm_sec = (int)(digits % 100);
	tm.tm_min = (int)(digits / 100 % 100);
	tm.tm_hour = (int)(digits / 10000 % 100);
	tm.tm_mday = (int)(digits / 1000000 % 100);
	tm.tm_mon = (int)(digits / 100000000 % 100) - 1;
	tm.tm_year = (int)(digits / UINT64_C(10000000000)) - 1900;
	*out = timegm(&tm);
	return true;
}

static bool timestamp(struct parser *p, const char *value, int64_t *out)
{
	uint64_t seconds;
	if (strcmp(value, "-1") == 0) {
		*out = -1;
		return true;
	}
	if (!number(p, value, UINT32_MAX, &seconds)) {
		return false;
	}
	*out = (int64_t)seconds;
	return true;
}

static bool add_addr(struct parser *p, const char *text, struct addr *addrs, unsigned *count)
{
	if (*count == SCENARIO_ADDRS_MAX) {
		return fault(p, "more than %d addresses", SCENARIO_ADDRS_MAX);
	}
	if (addr_parse(text, 53, &addrs[*count]) != BH_OK) {
		return fault(p, "'%s' is no address", text);
	}
	(*count)++;
	return true;
}

/* A line that begins with '%': sign.c knows what it means. */
static bool made_records(struct parser *p, const char *text, uint8_t section, struct record_list *list)
{
	char why[256];
	if (!split(p, text)) {
		return false;
	}
	return sign_line(p->s, p->words, p->word_count, section, list, why, sizeof(why)) || fault(p, "%s", why);
}

static bool add_key(struct parser *p, const char *value)
{
	char why[256];
	if (!split(p, value)) {
		return false;
	}
	return sign_add_key(p->s, p->words, p->word_count, why, sizeof(why)) || fault(p, "%s", why);
}

static bool add_anchor(struct parser *p, const char *value)
{
	struct scenario_config *c = &p->s->config;
	char line[SCENARIO_LINE_MAX + 1];
	struct record_list list = { .rrs = p->rrs, .count = c->anchor_count, .room = MESSAGE_RR_MAX,
				    .region = &p->s->region };
	int len = snprintf(line, sizeof(line), "%s\n", value);
	if (value[0] == '%') {
		if (!made_records(p, value, SECTION_ANSWER, &list)) {
			return false;
		}
	} else if (!records_read(line, (size_t)len, p->line, SECTION_ANSWER, &list, p->why, p->why_size)) {
		return false;
	}
	for (size_t i = c->anchor_count; i < list.count; i++) {
		if (p->rrs[i].type != RR_DS && p->rrs[i].type != RR_DNSKEY) {
			return fault(p, "a trust anchor is a DS or DNSKEY record");
		}
	}
	c->anchor_count = list.count;
	return true;
}

static bool add_insecure(struct parser *p, const char *value)
{
	struct scenario_name *name = make(p, sizeof(*name));
	if (name == NULL || !name_of(p, value, &name->name)) {
		return false;
	}
	name->next = p->s->config.insecure;
	p->s->config.insecure = name;
	return true;
}

/* "zone address..." */
static bool add_stub(struct parser *p, const char *value)
{
	struct scenario_stub *stub = make(p, sizeof(*stub));
	if (stub == NULL || !split(p, value)) {
		return false;
	}
	if (p->word_count < 2) {
		return fault(p, "stub: a zone and addresses are wanted");
	}
	for (unsigned i = 1; i < p->word_count; i++) {
		if (!add_addr(p, p->words[i], stub->addrs, &stub->addr_count)) {
			return false;
		}
	}
	stub->next = p->s->config.stubs;
	p->s->config.stubs = stub;
	p->s->config.stub_count++;
	return name_of(p, p->words[0], &stub->zone);
}

/* "min_ttl = 300" */
static bool feature(struct parser *p, const char *value)
{
	char key[32];
	char text[32];
	uint64_t seconds;
	if (sscanf(value, "%31[a-z_] = %31s", key, text) != 2) {
		return fault(p, "features: 'name = value' is wanted");
	}
	if (strcmp(key, "min_ttl") != 0 && strcmp(key, "max_ttl") != 0) {
		return fault(p, "unknown feature '%s'", key);
	}
	if (!number(p, text, INT32_MAX, &seconds)) {
		return false;
	}
	*(key[1] == 'i' ? &p->s->config.min_ttl : &p->s->config.max_ttl) = (int64_t)seconds;
	return true;
}

static bool head_value(struct parser *p, const char *key, const char *value)
{
	struct scenario_config *c = &p->s->config;
	const struct {
		const char *key;
		int *value;
	} switches[] = {
		{ "query-minimization", &c->minimise }, { "do-ip4", &c->ip4 }, { "do-ip6", &c->ip6 },
		{ "harden-glue", &c->harden_glue }, { "force-ipv6", &c->force_ip6 }, { "use-0x20", &c->use_0x20 },
		{ "prime-root", &c->prime_root }, { "special-names", &c->special_names },
		{ "rebind-protection", &c->rebind_protection },
		{ "use-cookies", &c->use_cookies },
	};
	const struct {
		const char *key;
		int64_t *value;
	} numbers[] = { { "min-ttl", &c->min_ttl }, { "max-ttl", &c->max_ttl }, { "max-negative-ttl", &c->max_negative_ttl },
			{ "budget", &c->budget } };

	for (unsigned i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcmp(key, switches[i].key) == 0) {
			return yes_or_no(p, value, switches[i].value);
		}
	}
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t n;
		if (strcmp(key, numbers[i].key) == 0) {
			if (!number(p, value, INT32_MAX, &n)) {
				return false;
			}
			*numbers[i].value = (int64_t)n;
			return true;
		}
	}
	if (strcmp(key, "do-not-query-localhost") == 0) {
		int no;
		bool fine = yes_or_no(p, value, &no);
		c->ask_localhost = fine ? !no : c->ask_localhost;
		return fine;
	}
	if (strcmp(key, "stub-addr") == 0) {
		return add_addr(p, value, c->roots, &c->root_count);
	}
	if (strcmp(key, "forward-addr") == 0) {
		return add_addr(p, value, c->forwards, &c->forward_count);
	}
	if (strcmp(key, "trust-anchor") == 0) {
		return add_anchor(p, value);
	}
	if (strcmp(key, "stub") == 0) {
		return add_stub(p, value);
	}
	if (strcmp(key, "key") == 0) {
		return add_key(p, value);
	}
	if (strcmp(key, "val-override-date") == 0) {
		return date(p, value, &c->date_sec);
	}
	if (strcmp(key, "val-override-timestamp") == 0) {
		return timestamp(p, value, &c->date_sec);
	}
	if (strcmp(key, "domain-insecure") == 0) {
		return add_insecure(p, value);
	}
	if (strcmp(key, "features") == 0) {
		return feature(p, value);
	}
	return fault(p, "unknown key '%s'", key);
}

/* The value without quotes, comment (';', '#') and blanks around it; in place. */
static char *clean_value(char *value)
{
	while (is_blank(*value)) {
		value++;
	}
	if (*value == '"') {
		value++;
		value[strcspn(value, "\"")] = '\0';
	} else {
		value[strcspn(value, ";#")] = '\0';
	}
	size_t len = strlen(value);
	while (len > 0 && is_blank(value[len - 1])) {
		value[--len] = '\0';
	}
	return value;
}

static bool head_line(struct parser *p)
{
	char *colon = strchr(p->text, ':');
	if (colon == NULL) {
		return fault(p, "'key: value' or CONFIG_END is wanted");
	}
	*colon = '\0';
	return head_value(p, p->text, clean_value(colon + 1));
}

static bool read_head(struct parser *p)
{
	while (next_line(p)) {
		if (strcmp(p->text, "CONFIG_END") == 0) {
			struct scenario_config *c = &p->s->config;
			for (unsigned i = 0; i < p->extra_count; i++) {
				snprintf(p->text, sizeof(p->text), "%s", p->extra[i]);
				if (!head_line(p)) {
					return false;
				}
			}
			if (c->anchor_count > 0) {
				c->anchors = region_copy(&p->s->region, p->rrs, c->anchor_count * sizeof(*p->rrs));
			}
			return c->anchor_count == 0 || c->anchors != NULL || fault(p, "the file is too large");
		}
		if (!head_line(p)) {
			return false;
		}
	}
	return false;
}

/* --- entries ------------------------------------------------------------------------------------------ */

static bool match_words(struct parser *p, struct scenario_entry *e)
{
	static const struct keyword parts[] = {
		{ "opcode", MATCH_OPCODE }, { "qtype", MATCH_QTYPE }, { "qname", MATCH_QNAME },
		{ "qcase", MATCH_QCASE }, { "subdomain", MATCH_SUBDOMAIN }, { "flags", MATCH_FLAGS },
		{ "rcode", MATCH_RCODE }, { "question", MATCH_QUESTION }, { "answer", MATCH_ANSWER },
		{ "authority", MATCH_AUTHORITY }, { "additional", MATCH_ADDITIONAL }, { "edns", MATCH_EDNS },
		{ "nsid", MATCH_NSID }, { "all", MATCH_ALL }, { "ttl", MATCH_TTL }, { "ede", MATCH_EDE },
		{ "udp", MATCH_UDP }, { "tcp", MATCH_TCP }, { "plain", MATCH_PLAIN }, { NULL, 0 },
	};
	for (unsigned i = 1; i < p->word_count; i++) {
		int part = find_word(parts, p->words[i]);
		if (part < 0) {
			return fault(p, "MATCH: unknown '%s'", p->words[i]);
		}
		e->match |= (unsigned)part;
	}
	return true;
}

static bool adjust_words(struct parser *p, struct scenario_entry *e)
{
	static const struct keyword hows[] = {
		{ "copy_id", ADJUST_COPY_ID }, { "copy_query", ADJUST_COPY_QUERY }, { "raw_id", ADJUST_RAW_ID },
		{ "do_not_answer", ADJUST_DO_NOT_ANSWER }, { "lower_case", ADJUST_LOWER_CASE },
		{ "no_edns", ADJUST_NO_EDNS }, { "more", ADJUST_MORE }, { "no_route", ADJUST_NO_ROUTE },
		{ "refuse", ADJUST_REFUSE }, { NULL, 0 },
	};
	for (unsigned i = 1; i < p->word_count; i++) {
		int how = find_word(hows, p->words[i]);
		if (how < 0) {
			return fault(p, "ADJUST: unknown '%s'", p->words[i]);
		}
		e->adjust |= (unsigned)how;
	}
	return true;
}

static bool reply_words(struct parser *p, struct scenario_entry *e)
{
	static const struct keyword flags[] = {
		{ "QR", FLAG_QR }, { "AA", FLAG_AA }, { "TC", FLAG_TC }, { "RD", FLAG_RD }, { "RA", FLAG_RA },
		{ "AD", FLAG_AD }, { "CD", FLAG_CD }, { NULL, 0 },
	};
	static const struct keyword rcodes[] = {
		{ "NOERROR", RCODE_NOERROR }, { "FORMERR", RCODE_FORMERR }, { "SERVFAIL", RCODE_SERVFAIL },
		{ "NXDOMAIN", RCODE_NXDOMAIN }, { "NOTIMP", RCODE_NOTIMP }, { "REFUSED", RCODE_REFUSED },
		{ "YXDOMAIN", RCODE_YXDOMAIN }, { "NOTAUTH", RCODE_NOTAUTH }, { "BADVERS", RCODE_BADVERS },
		{ NULL, 0 },
	};
	static const struct keyword opcodes[] = {
		{ "QUERY", OPCODE_QUERY }, { "IQUERY", OPCODE_IQUERY }, { "STATUS", OPCODE_STATUS },
		{ "NOTIFY", OPCODE_NOTIFY }, { "UPDATE", OPCODE_UPDATE }, { NULL, 0 },
	};
	for (unsigned i = 1; i < p->word_count; i++) {
		const char *word = p->words[i];
		int flag = find_word(flags, word);
		int rcode = find_word(rcodes, word);
		int opcode = find_word(opcodes, word);
		if (flag >= 0) {
			e->flags |= (uint16_t)flag;
		} else if (rcode >= 0) {
			e->rcode = (uint16_t)rcode;
		} else if (opcode >= 0) {
			e->flags = (uint16_t)((e->flags & ~FLAG_OPCODE) | opcode << 11);
		} else if (strcasecmp(word, "DO") == 0) {
			e->do_bit = true;
		} else {
			return fault(p, "REPLY: unknown '%s'", word);
		}
	}
	return true;
}

/* "name [class] type" */
static bool question_line(struct parser *p, struct scenario_entry *e)
{
	if (e->has_question) {
		return fault(p, "a second question; write the message as RAW");
	}
	if (!split(p, p->text)) {
		return false;
	}
	const char *type = p->words[p->word_count - 1];
	e->qclass = CLASS_IN;
	if (p->word_count == 3 && strcasecmp(p->words[1], "CH") == 0) {
		e->qclass = CLASS_CH;
	} else if (p->word_count != 2 && (p->word_count != 3 || strcasecmp(p->words[1], "IN") != 0)) {
		return fault(p, "a question is 'name class type', class IN or CH");
	}
	e->has_question = true;
	return (rr_type_parse(type, &e->qtype) == BH_OK || fault(p, "'%s' is no type", type)) &&
	       name_of(p, p->words[0], &e->qname);
}

/* Is this the line of a keyword that ends a list of records? */
static bool ends_records(const char *text, size_t len)
{
	return first_word_is(text, len, "SECTION") || first_word_is(text, len, "ENTRY_END") ||
	       first_word_is(text, len, "RAW");
}

/*
 * Records up to the next keyword or '%'. Blanks before them are taken away: in a zone file they would mean the owner of
 * the record before.
 */
static bool text_records(struct parser *p, uint8_t section, struct record_list *list)
{
	char *copy = malloc((size_t)(p->end - p->at) + 2);
	size_t used = 0;
	unsigned first = p->line + 1;
	if (copy == NULL) {
		return fault(p, "out of memory");
	}
	while (p->at < p->end) {
		const char *from;
		size_t len;
		const char *next = line_bounds(p->at, p->end, &from, &len);
		if (ends_records(from, len) || (len > 0 && *from == '%')) {
			break;
		}
		memcpy(copy + used, from, len);
		used += len;
		copy[used++] = '\n';
		p->at = next;
		p->line++;
	}
	bool fine = records_read(copy, used, first, section, list, p->why, p->why_size);
	free(copy);
	return fine;
}

static bool section_records(struct parser *p, uint8_t section, struct record_list *list)
{
	while (p->at < p->end) {
		const char *from;
		size_t len;
		if (!text_records(p, section, list)) {
			return false;
		}
		(void)line_bounds(p->at, p->end, &from, &len);
		if (p->at == p->end || ends_records(from, len)) {
			return true;
		}
		if (!next_line(p) || !made_records(p, p->text, section, list)) {
			return false;
		}
	}
	return true;
}

static bool section_words(struct parser *p, struct scenario_entry *e, struct record_list *list)
{
	static const struct keyword sections[] = {
		{ "QUESTION", SECTION_QUESTION }, { "ANSWER", SECTION_ANSWER }, { "AUTHORITY", SECTION_AUTHORITY },
		{ "ADDITIONAL", SECTION_ADDITIONAL }, { NULL, 0 },
	};
	int section = p->word_count == 2 ? find_word(sections, p->words[1]) : -1;
	if (section < 0) {
		return fault(p, "SECTION QUESTION, ANSWER, AUTHORITY or ADDITIONAL is wanted");
	}
	if (section != SECTION_QUESTION) {
		return section_records(p, (uint8_t)section, list);
	}
	while (p->at < p->end) { /* lines up to the next keyword; one question at most */
		const char *from;
		size_t len;
		(void)line_bounds(p->at, p->end, &from, &len);
		if (ends_records(from, len)) {
			return true;
		}
		if (len == 0 || *from == ';') {
			p->at = line_bounds(p->at, p->end, &from, &len);
			p->line++;
		} else if (!next_line(p) || !question_line(p, e)) {
			return false;
		}
	}
	return true;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hex digits up to ENTRY_END. */
static bool raw_octets(struct parser *p, struct scenario_entry *e)
{
	uint8_t *octets = make(p, DNS_MESSAGE_MAX);
	size_t digits = 0;
	if (octets == NULL) {
		return false;
	}
	while (p->at < p->end) {
		const char *from;
		size_t len;
		const char *next = line_bounds(p->at, p->end, &from, &len);
		if (ends_records(from, len)) {
			break;
		}
		p->at = next;
		p->line++;
		for (size_t i = 0; i < len && from[i] != ';'; i++) {
			int value = hex_value(from[i]);
			if (is_blank(from[i])) {
				continue;
			}
			if (value < 0 || digits >= 2 * (size_t)DNS_MESSAGE_MAX) {
				return fault(p, "RAW: hex digits of one message are wanted");
			}
			octets[digits / 2] = (uint8_t)(octets[digits / 2] << 4 | value);
			digits++;
		}
	}
	if (digits % 2 != 0) {
		return fault(p, "RAW: half an octet");
	}
	e->raw = octets;
	e->raw_len = digits / 2;
	return true;
}

static bool ede_word(struct parser *p, struct scenario_entry *e)
{
	uint64_t code;
	if (p->word_count != 2) {
		return fault(p, "EDE takes a number or 'none'");
	}
	if (strcmp(p->words[1], "none") == 0) {
		e->ede = EDE_NONE;
	} else if (number(p, p->words[1], UINT16_MAX, &code)) {
		e->ede = (int)code;
	} else {
		return false;
	}
	e->match |= MATCH_EDE;
	return true;
}

static bool small_number(struct parser *p, uint64_t max, unsigned *out)
{
	uint64_t n;
	if (p->word_count != 2) {
		return fault(p, "%s takes a number", p->words[0]);
	}
	if (!number(p, p->words[1], max, &n)) {
		return false;
	}
	*out = (unsigned)n;
	return true;
}

static bool entry_line(struct parser *p, struct scenario_entry *e, struct record_list *list)
{
	const char *word = p->words[0];
	if (strcmp(word, "MATCH") == 0) {
		return match_words(p, e);
	}
	if (strcmp(word, "ADJUST") == 0) {
		return adjust_words(p, e);
	}
	if (strcmp(word, "REPLY") == 0) {
		return reply_words(p, e);
	}
	if (strcmp(word, "SECTION") == 0) {
		return section_words(p, e, list);
	}
	if (strcmp(word, "RAW") == 0) {
		return raw_octets(p, e);
	}
	if (strcmp(word, "EDE") == 0) {
		return ede_word(p, e);
	}
	if (strcmp(word, "DELAY") == 0) {
		return small_number(p, 60000, &e->delay_ms);
	}
	if (strcmp(word, "CLIENTS") == 0) {
		return small_number(p, SCENARIO_CLIENTS_MAX, &e->clients);
	}
	return fault(p, "unknown '%s' in an entry", word);
}

/* Records of the answer section first, and so on: as they stand in a message. */
static void sort_sections(const struct message_rr *from, size_t count, struct message_rr *to)
{
	for (unsigned section = SECTION_ANSWER; section <= SECTION_ADDITIONAL; section++) {
		for (size_t i = 0; i < count; i++) {
			if (from[i].section == section) {
				*to++ = from[i];
			}
		}
	}
}

/* Behind ENTRY_BEGIN. */
static struct scenario_entry *read_entry(struct parser *p)
{
	struct scenario_entry *e = make(p, sizeof(*e));
	struct record_list list = { .rrs = p->rrs, .room = MESSAGE_RR_MAX, .region = &p->s->region };
	if (e == NULL) {
		return NULL;
	}
	*e = (struct scenario_entry){ .line = p->line, .ede = EDE_NONE, .clients = 1 };
	while (next_line(p) && split(p, p->text)) {
		if (strcmp(p->words[0], "ENTRY_END") == 0) {
			struct message_rr *rrs = make(p, list.count * sizeof(*rrs) + 1);
			if (rrs == NULL) {
				return NULL;
			}
			sort_sections(list.rrs, list.count, rrs);
			e->rrs = rrs;
			e->rr_count = list.count;
			return e;
		}
		if (!entry_line(p, e, &list)) {
			return NULL;
		}
	}
	return NULL;
}

static struct scenario_entry *expect_entry(struct parser *p)
{
	if (!next_line(p)) {
		return NULL;
	}
	if (!first_word_is(p->text, strlen(p->text), "ENTRY_BEGIN")) {
		(void)fault(p, "ENTRY_BEGIN is wanted");
		return NULL;
	}
	return read_entry(p);
}

/* --- ranges and steps --------------------------------------------------------------------------------- */

static struct scenario_range *read_range(struct parser *p)
{
	struct scenario_range *range = make(p, sizeof(*range));
	uint64_t from;
	uint64_t to;
	if (range == NULL) {
		return NULL;
	}
	struct scenario_entry **last = &range->entries;
	if (p->word_count != 3 || !number(p, p->words[1], UINT32_MAX, &from) ||
	    !number(p, p->words[2], UINT32_MAX, &to) || from > to) {
		(void)fault(p, "RANGE_BEGIN takes the first and the last step");
		return NULL;
	}
	range->from = (unsigned)from;
	range->to = (unsigned)to;
	while (next_line(p) && split(p, p->text)) {
		if (strcmp(p->words[0], "RANGE_END") == 0) {
			if (range->addr_count == 0) {
				(void)fault(p, "a range without ADDRESS");
				return NULL;
			}
			return range;
		}
		if (strcmp(p->words[0], "ADDRESS") == 0) {
			if (p->word_count != 2 || !add_addr(p, p->words[1], range->addrs, &range->addr_count)) {
				(void)fault(p, "ADDRESS takes one address");
				return NULL;
			}
		} else if (strcmp(p->words[0], "ENTRY_BEGIN") == 0) {
			*last = read_entry(p);
			if (*last == NULL) {
				return NULL;
			}
			last = &(*last)->next;
		} else {
			(void)fault(p, "unknown '%s' in a range", p->words[0]);
			return NULL;
		}
	}
	return NULL;
}

/* "<= 12": words i and i + 1 */
static bool comparison(struct parser *p, unsigned i, struct scenario_step *step)
{
	static const struct keyword compares[] = {
		{ "=", COMPARE_EQUAL }, { "<=", COMPARE_AT_MOST }, { ">=", COMPARE_AT_LEAST }, { NULL, 0 },
	};
	int compare = p->word_count > i + 1 ? find_word(compares, p->words[i]) : -1;
	if (compare < 0) {
		return fault(p, "%s takes =, <= or >= and a number", p->words[2]);
	}
	step->compare = (enum compare)compare;
	return number(p, p->words[i + 1], UINT32_MAX, &step->number);
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
	return fault(p, "the resolver has no counter '%s'", text);
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
	int kind = p->word_count >= 3 ? find_word(kinds, p->words[2]) : -1;
	if (kind < 0) {
		return fault(p, "STEP takes a number and what to do");
	}
	if (!number(p, p->words[1], UINT32_MAX, &id)) {
		return false;
	}
	step->id = (unsigned)id;
	step->kind = (enum step_kind)kind;
	switch (step->kind) {
	case STEP_TIME_PASSES:
		if (p->word_count != 5 || strcmp(p->words[3], "ELAPSE") != 0) {
			return fault(p, "TIME_PASSES ELAPSE takes seconds");
		}
		return number(p, p->words[4], UINT32_MAX, &step->seconds);
	case STEP_CHECK_PACKETS:
	case STEP_CHECK_TIME:
		return p->word_count == 5 ? comparison(p, 3, step)
					  : fault(p, "%s takes =, <= or >= and a number", p->words[2]);
	case STEP_CHECK_ASKED: /* name type <= 12 */
		if (p->word_count != 7 || rr_type_parse(p->words[4], &step->type) != BH_OK) {
			return fault(p, "CHECK_ASKED takes name, type, comparison and number");
		}
		return name_of(p, p->words[3], &step->name) && comparison(p, 5, step);
	case STEP_CHECK_COUNTER: /* upstream_mismatches = 3 */
		if (p->word_count != 6) {
			return fault(p, "CHECK_COUNTER takes a name, comparison and number");
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
	while (next_line(p) && split(p, p->text)) {
		if (strcmp(p->words[0], "SCENARIO_END") == 0) {
			return p->s->steps != NULL || fault(p, "a scenario without a step");
		}
		if (strcmp(p->words[0], "RANGE_BEGIN") == 0) {
			*last_range = read_range(p);
			if (*last_range == NULL) {
				return false;
			}
			last_range = &(*last_range)->next;
		} else if (strcmp(p->words[0], "STEP") == 0) {
			struct scenario_step *step = make(p, sizeof(*step));
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
			return fault(p, "unknown '%s' in a scenario", p->words[0]);
		}
	}
	return false;
}

static bool read_all(struct parser *p)
{
	if (!read_head(p) || !next_line(p)) {
		return false;
	}
	if (!first_word_is(p->text, strlen(p->text), "SCENARIO_BEGIN")) {
		return fault(p, "SCENARIO_BEGIN is wanted");
	}
	const char *text = p->text + strlen("SCENARIO_BEGIN");
	while (is_blank(*text)) {
		text++;
	}
	p->s->text = region_copy(&p->s->region, text, strlen(text) + 1);
	return (p->s->text != NULL || fault(p, "the file is too large")) && read_body(p);
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
			.rebind_protection = -1, .min_ttl = -1, .max_ttl = -1, .max_negative_ttl = -1, .budget = -1,
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
