/*
 * The section "resolver".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* An open resolver is refused unless it is asked for (RFC 5358): it serves attackers. */
static void check_open(struct config_reader *r, cfg_t *section, const struct config_resolver *resolver)
{
	bool open;
	config_read_bool(r, section, "open", false, &open);
	bool everybody = false;
	for (size_t i = 0; i < resolver->allow_query.count; i++) {
		everybody = everybody || resolver->allow_query.items[i].bits == 0;
	}
	for (size_t i = 0; i < resolver->listen.count && everybody && !open; i++) {
		if (addr_is_global(&resolver->listen.addrs[i])) {
			char text[ADDR_TEXT_MAX];
			FAULT(r, config_text_item(section, "listen", 0),
			      "listen: %s can be reached from the Internet and allow-query lets everybody ask: "
			      "narrow allow-query, or set open = true",
			      addr_text(&resolver->listen.addrs[i], text));
			return;
		}
	}
}

static void read_internal_view(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	const struct config_value *v = config_text_value(section, "internal-view");
	resolver->internal_view = -1;
	if (v == NULL) {
		return;
	}
	for (size_t i = 0; i < r->config->view_count; i++) {
		if (strcmp(r->config->views[i].name, v->text) == 0) {
			resolver->internal_view = (int)i;
			return;
		}
	}
	FAULT(r, v, "internal-view: there is no view '%s'", v->text);
}

static uint32_t read_seconds(struct config_reader *r, cfg_t *section, const char *name, unsigned long min,
			     unsigned long max, unsigned long fallback)
{
	unsigned long seconds;
	config_read_between(r, section, name, min, max, fallback, &seconds);
	return (uint32_t)seconds;
}

/* How long answers are kept. */
static void read_lives(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	bool stale;
	/* What its owner wanted to change within minutes must not stay for days. */
	resolver->min_ttl_sec = read_seconds(r, section, "min-ttl", 0, CONFIG_MIN_TTL_MAX, 0);
	resolver->max_ttl_sec = read_seconds(r, section, "max-ttl", 1, CONFIG_MAX_TTL_MAX, 86400);
	resolver->max_negative_ttl_sec =
		read_seconds(r, section, "max-negative-ttl", 1, CONFIG_NEGATIVE_TTL_MAX, 10800);
	if (resolver->min_ttl_sec > resolver->max_ttl_sec) {
		FAULT(r, config_text_value(section, "min-ttl"), "min-ttl: %u is more than max-ttl, %u",
		      (unsigned)resolver->min_ttl_sec, (unsigned)resolver->max_ttl_sec);
	}
	config_read_bool(r, section, "serve-stale", false, &stale);
	uint32_t stale_sec = read_seconds(r, section, "serve-stale-ttl", 1, CONFIG_STALE_TTL_MAX, 86400);
	resolver->stale_sec = stale ? stale_sec : 0;
	config_read_bool(r, section, "prefetch", true, &resolver->prefetch);
}

static void read_rebind(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	unsigned allow = config_text_count(section, "rebind-allow");
	config_read_bool(r, section, "rebind-protection", true, &resolver->rebind_protection);
	resolver->rebind_allow = config_must(calloc(allow + 1u, sizeof(*resolver->rebind_allow)));
	for (unsigned i = 0; i < allow; i++) {
		const struct config_value *v = config_text_item(section, "rebind-allow", i);
		if (config_read_name(r, v->file, v->line, v->text,
				     resolver->rebind_allow[resolver->rebind_allow_count].name)) {
			resolver->rebind_allow_count++;
		}
	}
}

void config_read_resolver(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	resolver->present = true;
	config_read_listen(r, section, 53, &resolver->listen);
	config_read_tcp(r, section, &resolver->tcp);
	if (config_text_count(section, "allow-query") > 0) {
		config_read_acl(r, section, "allow-query", &resolver->allow_query);
	} else {
		config_add_loopback(&resolver->allow_query);
	}
	check_open(r, section, resolver);
	config_read_cookies(r, section, &resolver->cookies);
	read_internal_view(r, section, resolver);
	config_read_upstream(r, section, resolver);
	config_read_trust(r, section, resolver);
	config_read_local(r, section, resolver);

	const struct config_value *hints = config_text_value(section, "root-hints");
	if (hints != NULL && hints->text[0] != '\0') {
		struct stat st;
		resolver->root_hints = config_absolute_path(hints);
		if (stat(resolver->root_hints, &st) != 0) {
			FAULT(r, hints, "root-hints: '%s': %s", resolver->root_hints, strerror(errno));
		}
	}
	config_read_size(r, section, "cache-size", 1024 * 1024, 256 * 1024 * 1024, &resolver->cache_size);

	read_lives(r, section, resolver);
	read_rebind(r, section, resolver);
	config_read_bool(r, section, "ipv4", true, &resolver->ipv4);
	config_read_bool(r, section, "ipv6", true, &resolver->ipv6);
	config_read_bool(r, section, "use-0x20", true, &resolver->use_0x20);
	config_read_bool(r, section, "qname-minimisation", true, &resolver->qname_minimisation);
	config_read_bool(r, section, "prime-root", true, &resolver->prime_root);
	if (!resolver->ipv4 && !resolver->ipv6) {
		FAULT_SECTION(r, section, "resolver: ipv4 and ipv6 are both off, nobody can be asked");
	}
}

void config_resolver_clear(struct config_resolver *resolver)
{
	config_listen_clear(&resolver->listen);
	acl_clear(&resolver->allow_query);
	explicit_bzero(&resolver->cookies, sizeof(resolver->cookies));
	config_upstream_clear(resolver);
	config_trust_clear(resolver);
	free(resolver->root_hints);
	free(resolver->rebind_allow);
}
