/*
 * Entries of a scenario: one message, as it is sent, answered or compared.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
		int part = parse_find_word(parts, p->words[i]);
		if (part < 0) {
			return parse_fault(p, "MATCH: unknown '%s'", p->words[i]);
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
		{ "refuse", ADJUST_REFUSE }, { "cookie", ADJUST_COOKIE }, { "wrong_cookie", ADJUST_WRONG_COOKIE },
		{ NULL, 0 },
	};
	for (unsigned i = 1; i < p->word_count; i++) {
		int how = parse_find_word(hows, p->words[i]);
		if (how < 0) {
			return parse_fault(p, "ADJUST: unknown '%s'", p->words[i]);
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
		{ "BADCOOKIE", RCODE_BADCOOKIE }, { NULL, 0 },
	};
	static const struct keyword opcodes[] = {
		{ "QUERY", OPCODE_QUERY }, { "IQUERY", OPCODE_IQUERY }, { "STATUS", OPCODE_STATUS },
		{ "NOTIFY", OPCODE_NOTIFY }, { "UPDATE", OPCODE_UPDATE }, { NULL, 0 },
	};
	for (unsigned i = 1; i < p->word_count; i++) {
		const char *word = p->words[i];
		int flag = parse_find_word(flags, word);
		int rcode = parse_find_word(rcodes, word);
		int opcode = parse_find_word(opcodes, word);
		if (flag >= 0) {
			e->flags |= (uint16_t)flag;
		} else if (rcode >= 0) {
			e->rcode = (uint16_t)rcode;
		} else if (opcode >= 0) {
			e->flags = (uint16_t)((e->flags & ~FLAG_OPCODE) | opcode << 11);
		} else if (strcasecmp(word, "DO") == 0) {
			e->do_bit = true;
		} else {
			return parse_fault(p, "REPLY: unknown '%s'", word);
		}
	}
	return true;
}

/* "name [class] type" */
static bool question_line(struct parser *p, struct scenario_entry *e)
{
	if (e->has_question) {
		return parse_fault(p, "a second question; write the message as RAW");
	}
	if (!parse_split(p, p->text)) {
		return false;
	}
	const char *type = p->words[p->word_count - 1];
	e->qclass = CLASS_IN;
	if (p->word_count == 3 && strcasecmp(p->words[1], "CH") == 0) {
		e->qclass = CLASS_CH;
	} else if (p->word_count != 2 && (p->word_count != 3 || strcasecmp(p->words[1], "IN") != 0)) {
		return parse_fault(p, "a question is 'name class type', class IN or CH");
	}
	e->has_question = true;
	return (rr_type_parse(type, &e->qtype) == BH_OK || parse_fault(p, "'%s' is no type", type)) &&
	       parse_name(p, p->words[0], &e->qname);
}

/* Is this the line of a keyword that ends a list of records? */
static bool ends_records(const char *text, size_t len)
{
	return parse_first_word_is(text, len, "SECTION") || parse_first_word_is(text, len, "ENTRY_END") ||
	       parse_first_word_is(text, len, "RAW");
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
		return parse_fault(p, "out of memory");
	}
	while (p->at < p->end) {
		const char *from;
		size_t len;
		const char *next = parse_line_bounds(p->at, p->end, &from, &len);
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
		(void)parse_line_bounds(p->at, p->end, &from, &len);
		if (p->at == p->end || ends_records(from, len)) {
			return true;
		}
		if (!parse_next_line(p) || !parse_made_records(p, p->text, section, list)) {
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
	int section = p->word_count == 2 ? parse_find_word(sections, p->words[1]) : -1;
	if (section < 0) {
		return parse_fault(p, "SECTION QUESTION, ANSWER, AUTHORITY or ADDITIONAL is wanted");
	}
	if (section != SECTION_QUESTION) {
		return section_records(p, (uint8_t)section, list);
	}
	while (p->at < p->end) { /* lines up to the next keyword; one question at most */
		const char *from;
		size_t len;
		(void)parse_line_bounds(p->at, p->end, &from, &len);
		if (ends_records(from, len)) {
			return true;
		}
		if (len == 0 || *from == ';') {
			p->at = parse_line_bounds(p->at, p->end, &from, &len);
			p->line++;
		} else if (!parse_next_line(p) || !question_line(p, e)) {
			return false;
		}
	}
	return true;
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
	return at == NULL ? -1 : (int)(at - digits);
}

/* Hex digits up to ENTRY_END. */
static bool raw_octets(struct parser *p, struct scenario_entry *e)
{
	uint8_t *octets = parse_alloc(p, DNS_MESSAGE_MAX);
	size_t digits = 0;
	if (octets == NULL) {
		return false;
	}
	while (p->at < p->end) {
		const char *from;
		size_t len;
		const char *next = parse_line_bounds(p->at, p->end, &from, &len);
		if (ends_records(from, len)) {
			break;
		}
		p->at = next;
		p->line++;
		for (size_t i = 0; i < len && from[i] != ';'; i++) {
			int value = hex_value(from[i]);
			if (parse_is_blank(from[i])) {
				continue;
			}
			if (value < 0 || digits >= 2 * (size_t)DNS_MESSAGE_MAX) {
				return parse_fault(p, "RAW: hex digits of one message are wanted");
			}
			octets[digits / 2] = (uint8_t)(octets[digits / 2] << 4 | value);
			digits++;
		}
	}
	if (digits % 2 != 0) {
		return parse_fault(p, "RAW: half an octet");
	}
	e->raw = octets;
	e->raw_len = digits / 2;
	return true;
}

static bool ede_word(struct parser *p, struct scenario_entry *e)
{
	uint64_t code;
	if (p->word_count != 2) {
		return parse_fault(p, "EDE takes a number or 'none'");
	}
	if (strcmp(p->words[1], "none") == 0) {
		e->ede = EDE_NONE;
	} else if (parse_number(p, p->words[1], UINT16_MAX, &code)) {
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
		return parse_fault(p, "%s takes a number", p->words[0]);
	}
	if (!parse_number(p, p->words[1], max, &n)) {
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
	return parse_fault(p, "unknown '%s' in an entry", word);
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
struct scenario_entry *parse_entry(struct parser *p)
{
	struct scenario_entry *e = parse_alloc(p, sizeof(*e));
	struct record_list list = { .rrs = p->rrs, .room = MESSAGE_RR_MAX, .region = &p->s->region };
	if (e == NULL) {
		return NULL;
	}
	*e = (struct scenario_entry){ .line = p->line, .ede = EDE_NONE, .clients = 1 };
	while (parse_next_line(p) && parse_split(p, p->text)) {
		if (strcmp(p->words[0], "ENTRY_END") == 0) {
			struct message_rr *rrs = parse_alloc(p, list.count * sizeof(*rrs) + 1);
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
