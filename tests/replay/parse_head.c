/*
 * The head of a scenario: "key: value" lines.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/replay/parse.h"

#include "common/dns/dname.h"
#include "common/util/count.h"
#include "tests/replay/sign.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool yes_or_no(struct parser *p, const char *value, int *out)
{
	if (strcmp(value, "yes") == 0 || strcmp(value, "on") == 0 || strcmp(value, "true") == 0) {
		*out = 1;
	} else if (strcmp(value, "no") == 0 || strcmp(value, "off") == 0 || strcmp(value, "false") == 0) {
		*out = 0;
	} else {
		return parse_fault(p, "'%s': yes or no is wanted", value);
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
	if (strlen(value) != 14 || !parse_number(p, value, UINT64_C(99991231235959), &digits)) {
		return parse_fault(p, "'%s': a date YYYYMMDDHHMMSS is wanted", value);
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
	if (!parse_number(p, value, UINT32_MAX, &seconds)) {
		return false;
	}
	*out = (int64_t)seconds;
	return true;
}

static bool add_key(struct parser *p, const char *value)
{
	char why[256];
	if (!parse_split(p, value)) {
		return false;
	}
	return sign_add_key(p->s, p->words, p->word_count, why, sizeof(why)) || parse_fault(p, "%s", why);
}

static bool add_anchor(struct parser *p, const char *value)
{
	struct scenario_config *c = &p->s->config;
	char line[SCENARIO_LINE_MAX + 1];
	struct record_list list = { .rrs = p->rrs, .count = c->anchor_count, .room = MESSAGE_RR_MAX,
				    .region = &p->s->region };
	int len = snprintf(line, sizeof(line), "%s\n", value);
	if (value[0] == '%') {
		if (!parse_made_records(p, value, SECTION_ANSWER, &list)) {
			return false;
		}
	} else if (!records_read(line, (size_t)len, p->line, SECTION_ANSWER, &list, p->why, p->why_size)) {
		return false;
	}
	for (size_t i = c->anchor_count; i < list.count; i++) {
		if (p->rrs[i].type != RR_DS && p->rrs[i].type != RR_DNSKEY) {
			return parse_fault(p, "a trust anchor is a DS or DNSKEY record");
		}
	}
	c->anchor_count = list.count;
	return true;
}

static bool add_insecure(struct parser *p, const char *value)
{
	struct scenario_name *name = parse_alloc(p, sizeof(*name));
	if (name == NULL || !parse_name(p, value, &name->name)) {
		return false;
	}
	name->next = p->s->config.insecure;
	p->s->config.insecure = name;
	return true;
}

static bool push_stub(struct parser *p, struct scenario_stub *stub, const char *zone, struct scenario_stub **list,
		      unsigned *count)
{
	stub->next = *list;
	*list = stub;
	(*count)++;
	return parse_name(p, zone, &stub->zone);
}

/* "zone address..." */
static bool add_stub(struct parser *p, const char *value, struct scenario_stub **list, unsigned *count)
{
	struct scenario_stub *stub = parse_alloc(p, sizeof(*stub));
	if (stub == NULL || !parse_split(p, value)) {
		return false;
	}
	if (p->word_count < 2) {
		return parse_fault(p, "a zone and addresses are wanted");
	}
	for (unsigned i = 1; i < p->word_count; i++) {
		if (!parse_addr(p, p->words[i], stub->addrs, &stub->addr_count)) {
			return false;
		}
	}
	return push_stub(p, stub, p->words[0], list, count);
}

/* One more server for everything. */
static bool add_forward_addr(struct parser *p, const char *value)
{
	struct scenario_config *c = &p->s->config;
	struct scenario_stub *all = c->forwards;
	while (all != NULL && !dname_is_root(all->zone)) {
		all = all->next;
	}
	if (all == NULL) {
		all = parse_alloc(p, sizeof(*all));
		if (all == NULL || !push_stub(p, all, ".", &c->forwards, &c->forward_count)) {
			return false;
		}
	}
	return parse_addr(p, value, all->addrs, &all->addr_count);
}

/* "min_ttl = 300" */
static bool feature(struct parser *p, const char *value)
{
	char key[32];
	char text[32];
	uint64_t seconds;
	if (sscanf(value, "%31[a-z_] = %31s", key, text) != 2) {
		return parse_fault(p, "features: 'name = value' is wanted");
	}
	if (strcmp(key, "min_ttl") != 0 && strcmp(key, "max_ttl") != 0) {
		return parse_fault(p, "unknown feature '%s'", key);
	}
	if (!parse_number(p, text, INT32_MAX, &seconds)) {
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
		{ "rebind-protection", &c->rebind_protection }, { "validate-sha1", &c->validate_sha1 },
		{ "use-cookies", &c->use_cookies },
	};
	const struct {
		const char *key;
		int64_t *value;
	} numbers[] = {
		{ "min-ttl", &c->min_ttl }, { "max-ttl", &c->max_ttl }, { "max-negative-ttl", &c->max_negative_ttl },
		{ "serve-stale-ttl", &c->stale_ttl }, { "budget", &c->budget },
	};

	for (unsigned i = 0; i < COUNT(switches); i++) {
		if (strcmp(key, switches[i].key) == 0) {
			return yes_or_no(p, value, switches[i].value);
		}
	}
	for (unsigned i = 0; i < COUNT(numbers); i++) {
		uint64_t n;
		if (strcmp(key, numbers[i].key) == 0) {
			if (!parse_number(p, value, INT32_MAX, &n)) {
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
		return parse_addr(p, value, c->roots, &c->root_count);
	}
	if (strcmp(key, "forward-addr") == 0) {
		return add_forward_addr(p, value);
	}
	if (strcmp(key, "trust-anchor") == 0) {
		return add_anchor(p, value);
	}
	if (strcmp(key, "stub") == 0) {
		return add_stub(p, value, &c->stubs, &c->stub_count);
	}
	if (strcmp(key, "forward") == 0) {
		return add_stub(p, value, &c->forwards, &c->forward_count);
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
	return parse_fault(p, "unknown key '%s'", key);
}

/* The value without quotes, comment (';', '#') and blanks around it; in place. */
static char *clean_value(char *value)
{
	while (parse_is_blank(*value)) {
		value++;
	}
	if (*value == '"') {
		value++;
		value[strcspn(value, "\"")] = '\0';
	} else {
		value[strcspn(value, ";#")] = '\0';
	}
	size_t len = strlen(value);
	while (len > 0 && parse_is_blank(value[len - 1])) {
		value[--len] = '\0';
	}
	return value;
}

static bool head_line(struct parser *p)
{
	char *colon = strchr(p->text, ':');
	if (colon == NULL) {
		return parse_fault(p, "'key: value' or CONFIG_END is wanted");
	}
	*colon = '\0';
	return head_value(p, p->text, clean_value(colon + 1));
}

bool parse_head(struct parser *p)
{
	while (parse_next_line(p)) {
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
			return c->anchor_count == 0 || c->anchors != NULL || parse_fault(p, "the file is too large");
		}
		if (!head_line(p)) {
			return false;
		}
	}
	return false;
}
