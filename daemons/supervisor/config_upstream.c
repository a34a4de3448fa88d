/*
 * Whom the resolver asks, and from which addresses: "outgoing", sections "stub" and "forward", and how.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include "common/dns/dname.h"

#include <stdlib.h>

/* Zone and servers of a section "stub" or "forward". False: reported. */
static bool read_servers(struct config_reader *r, cfg_t *section, const char *kind, struct ipc_servers *servers)
{
	unsigned count = config_text_count(section, "to");

	if (!config_read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section),
			      servers->name)) {
		return false;
	}
	if (count == 0 || count > IPC_ADDRS_MAX) {
		FAULT_SECTION(r, section, "%s '%s': 'to' takes 1 to %d addresses", kind, cfg_title(section),
			      IPC_ADDRS_MAX);
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "to", i);
		if (addr_parse(v->text, 53, &servers->addrs[servers->count]) != BH_OK) {
			FAULT(r, v, "to: '%s' is not an address, allowed: \"address\" or \"address@port\"",
			      v->text);
			return false;
		}
		servers->count++;
	}
	return true;
}

/* The listener of the resolver at which what is sent there would come back, or NULL. */
static const struct addr *find_own(const struct config_resolver *resolver, const struct addr *to)
{
	for (size_t i = 0; i < resolver->listen.count; i++) {
		const struct addr *own = &resolver->listen.addrs[i];
		bool any = addr_is_any(own) && own->family == to->family && (addr_is_loopback(to) || addr_is_any(to));
		if (own->port == to->port && (any || addr_same_host(own, to))) {
			return own;
		}
	}
	return NULL;
}

/* None of the servers is the resolver itself. */
static bool check_circle(struct config_reader *r, cfg_t *section, const char *kind,
			 const struct config_resolver *resolver, const struct ipc_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++) {
		char text[ADDR_TEXT_MAX];
		const struct addr *own = find_own(resolver, &servers->addrs[i]);
		if (own != NULL) {
			FAULT(r, config_text_item(section, "to", i),
			      "%s '%s': the resolver listens at %s itself: queries would go round in a circle", kind,
			      cfg_title(section), addr_text(own, text));
			return false;
		}
	}
	return true;
}

static bool has_zone(const struct config_stub *list, size_t count, const uint8_t *name)
{
	for (size_t i = 0; i < count; i++) {
		if (dname_equal(list[i].servers.name, name)) {
			return true;
		}
	}
	return false;
}

static void read_stub(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	struct ipc_servers *servers = &resolver->stubs[resolver->stub_count].servers;
	bool good = read_servers(r, section, "stub", servers);
	if (good && has_zone(resolver->stubs, resolver->stub_count, servers->name)) {
		FAULT_SECTION(r, section, "stub '%s' stands twice", cfg_title(section));
		good = false;
	}
	if (good && check_circle(r, section, "stub", resolver, servers)) {
		resolver->stub_count++;
	} else {
		*servers = (struct ipc_servers){ .count = 0 };
	}
}

static bool check_forward(struct config_reader *r, cfg_t *section, const struct config_resolver *resolver,
			  const struct ipc_servers *servers)
{
	bool tls;
	bool first;
	config_read_bool(r, section, "tls", false, &tls);
	config_read_bool(r, section, "forward-first", false, &first);
	if (tls) {
		FAULT(r, config_text_value(section, "tls"),
		      "forward '%s': tls = true: queries over TLS are not supported yet, only tls = false",
		      cfg_title(section));
		return false;
	}
	if (first) {
		FAULT(r, config_text_value(section, "forward-first"),
		      "forward '%s': forward-first = true is not supported: what is forwarded is asked of nobody else",
		      cfg_title(section));
		return false;
	}
	if (has_zone(resolver->stubs, resolver->stub_count, servers->name)) {
		FAULT_SECTION(r, section, "forward '%s': there is a stub of that name", cfg_title(section));
		return false;
	}
	if (has_zone(resolver->forwards, resolver->forward_count, servers->name)) {
		FAULT_SECTION(r, section, "forward '%s' stands twice", cfg_title(section));
		return false;
	}
	return check_circle(r, section, "forward", resolver, servers);
}

static void read_forward(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	struct ipc_servers *servers = &resolver->forwards[resolver->forward_count].servers;
	if (read_servers(r, section, "forward", servers) && check_forward(r, section, resolver, servers)) {
		resolver->forward_count++;
	} else {
		*servers = (struct ipc_servers){ .count = 0 };
	}
}

static void read_localhost(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	bool never = true;
	resolver->localhost = IPC_LOCALHOST_AUTO;
	if (config_text_value(section, "do-not-query-localhost") != NULL) {
		config_read_bool(r, section, "do-not-query-localhost", true, &never);
		resolver->localhost = never ? IPC_LOCALHOST_NEVER : IPC_LOCALHOST_ALWAYS;
	}
}

static void read_outgoing(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	unsigned count = config_text_count(section, "outgoing");
	resolver->outgoing = config_must(calloc(count + 1u, sizeof(*resolver->outgoing)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "outgoing", i);
		struct addr addr;
		if (addr_parse(v->text, 0, &addr) != BH_OK || addr.port != 0) {
			FAULT(r, v, "outgoing: '%s' is not an address without port", v->text);
			continue;
		}
		resolver->outgoing[resolver->outgoing_count++] = addr;
	}
}

void config_read_upstream(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	read_outgoing(r, section, resolver);
	unsigned stubs = cfg_size(section, "stub");
	unsigned forwards = cfg_size(section, "forward");
	if (stubs > CONFIG_STUBS_MAX || forwards > CONFIG_STUBS_MAX) { /* each stub is a negative anchor, too */
		FAULT_SECTION(r, section, "resolver: more than %d %s zones", CONFIG_STUBS_MAX,
			      stubs > CONFIG_STUBS_MAX ? "stub" : "forward");
		return;
	}
	resolver->stubs = config_must(calloc(stubs + 1u, sizeof(*resolver->stubs)));
	for (unsigned i = 0; i < stubs; i++) {
		read_stub(r, cfg_getnsec(section, "stub", i), resolver);
	}
	resolver->forwards = config_must(calloc(forwards + 1u, sizeof(*resolver->forwards)));
	for (unsigned i = 0; i < forwards; i++) {
		read_forward(r, cfg_getnsec(section, "forward", i), resolver);
	}
	config_read_bool(r, section, "use-cookies", true, &resolver->use_cookies);
	read_localhost(r, section, resolver);
}

void config_upstream_clear(struct config_resolver *resolver)
{
	free(resolver->outgoing);
	free(resolver->stubs);
	free(resolver->forwards);
}
