/*
 * "local-wall" of the resolver, and what the configuration opens in it (local.h has the rules that follow).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

void config_read_local(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	static const char *const words[] = { "off", "on" };
	resolver->local_wall = config_read_word(r, section, "local-wall", words, 2, "\"on\", \"off\"", 1) == 1;
	const struct config_value *v = config_text_value(section, "local-wall");
	if (v != NULL && !resolver->local_wall) {
		log_warn("%s:%u: local-wall: off: a resolver that was taken over can ask everything on this host, views of "
			 "the inside among it",
			 v->file, v->line);
	}
}

bool config_view_is_public(const struct config *config, const struct config_view *view, const struct addr *at)
{
	bool everybody = view->anyone;
	for (size_t i = 0; i < view->allow_query.count; i++) {
		const struct prefix *p = &view->allow_query.items[i];
		everybody = everybody || (p->bits == 0 && p->family == at->family);
	}
	return everybody && view - config->views != config->resolver.internal_view;
}

/* Is this an address of the host, as things are? */
static bool is_ours(const struct addr *a)
{
	struct ifaddrs *list = NULL;
	bool ours = addr_is_loopback(a) || addr_is_any(a);
	if (ours || getifaddrs(&list) != 0) {
		return ours;
	}
	for (const struct ifaddrs *i = list; i != NULL && !ours; i = i->ifa_next) {
		struct addr own;
		socklen_t len = i->ifa_addr == NULL		      ? 0
				: i->ifa_addr->sa_family == AF_INET  ? sizeof(struct sockaddr_in)
				: i->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								      : 0;
		ours = len > 0 && addr_from_sockaddr(i->ifa_addr, len, &own) == BH_OK && addr_same_host(&own, a);
	}
	freeifaddrs(list);
	return ours;
}

/* The view that is not for everybody and is met there, or NULL. */
static const struct config_view *find_closed_view(const struct config *config, const struct addr *to)
{
	for (size_t v = 0; v < config->view_count; v++) {
		const struct config_view *view = &config->views[v];
		for (size_t i = 0; i < view->listen.count; i++) {
			const struct addr *at = &view->listen.addrs[i];
			bool there = at->port == to->port && at->family == to->family &&
				     (addr_same_host(at, to) || (addr_is_any(at) && is_ours(to)));
			if (there && !config_view_is_public(config, view, at)) {
				return view;
			}
		}
	}
	return NULL;
}

/* What was read without fault before: only its places in the text are looked for again. */
static void check_sections(const struct config *config, cfg_t *resolver, const char *kind)
{
	for (unsigned s = 0; s < cfg_size(resolver, kind); s++) {
		cfg_t *section = cfg_getnsec(resolver, kind, s);
		for (unsigned i = 0; i < config_text_count(section, "to"); i++) {
			const struct config_value *v = config_text_item(section, "to", i);
			const struct config_view *view = NULL;
			struct addr to;
			if (addr_parse(v->text, 53, &to) == BH_OK) {
				view = find_closed_view(config, &to);
			}
			if (view != NULL) {
				log_warn("%s:%u: %s '%s': view '%s', which not everybody may ask, listens at %s: a resolver "
					 "that was taken over can ask it for all of its zones",
					 v->file, v->line, kind, cfg_title(section), view->name, v->text);
			}
		}
	}
}

void config_check_local(struct config_reader *r, cfg_t *cfg)
{
	if (r->config->resolver.present && r->config->resolver.local_wall) {
		check_sections(r->config, cfg_getnsec(cfg, "resolver", 0), "stub");
		check_sections(r->config, cfg_getnsec(cfg, "resolver", 0), "forward");
	}
}
