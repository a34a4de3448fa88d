/*
 * Where views and the resolver listen, and how they serve TCP.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

void config_read_listen(struct config_reader *r, cfg_t *section, uint16_t port, struct config_listen *out)
{
	unsigned count = config_text_count(section, "listen");
	if (count == 0) {
		FAULT_SECTION(r, section, "'%s' has no 'listen' address", cfg_name(section));
		return;
	}
	if (count > CONFIG_LISTEN_MAX) {
		FAULT(r, config_text_item(section, "listen", 0), "listen: more than %d addresses",
		      CONFIG_LISTEN_MAX);
		return;
	}
	out->addrs = config_must(calloc(count, sizeof(*out->addrs)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "listen", i);
		struct addr *addr = &out->addrs[out->count];
		if (addr_parse(v->text, port, addr) != BH_OK) {
			FAULT(r, v, "listen: '%s' is not an address, allowed: \"address\" or \"address@port\"",
			      v->text);
			continue;
		}
		out->count++;
	}
	unsigned interfaces = config_text_count(section, "interfaces");
	out->interfaces = config_must(calloc(interfaces + 1u, sizeof(*out->interfaces)));
	for (unsigned i = 0; i < interfaces; i++) {
		const struct config_value *v = config_text_item(section, "interfaces", i);
		if (v->text[0] == '\0' || strlen(v->text) >= IFNAMSIZ || if_nametoindex(v->text) == 0) {
			FAULT(r, v, "interfaces: there is no network interface '%s'", v->text);
			continue;
		}
		out->interfaces[out->interface_count++] = config_must(strdup(v->text));
	}
}

/* Limits of TCP service, for each worker. */
void config_read_tcp(struct config_reader *r, cfg_t *parent, struct ipc_tcp *out)
{
	unsigned long connections = 1000; /* idle, each costs a descriptor and a few KiB of kernel memory */
	unsigned long client = 128;
	unsigned long idle_sec = 10; /* RFC 7766 6.2.3: a few seconds */
	unsigned long reply_sec = 10;

	for (unsigned i = 1; i < cfg_size(parent, "tcp"); i++) {
		FAULT_SECTION(r, cfg_getnsec(parent, "tcp", i), "section 'tcp' stands twice");
	}
	if (cfg_size(parent, "tcp") > 0) {
		cfg_t *section = cfg_getnsec(parent, "tcp", 0);
		config_read_between(r, section, "connections", 1, CONFIG_TCP_MAX, connections, &connections);
		config_read_between(r, section, "connections-per-client", 1, CONFIG_TCP_MAX, client, &client);
		config_read_between(r, section, "idle-timeout", 1, CONFIG_TCP_SEC_MAX, idle_sec, &idle_sec);
		config_read_between(r, section, "reply-timeout", 1, CONFIG_TCP_SEC_MAX, reply_sec, &reply_sec);
	}
	*out = (struct ipc_tcp){ .connections = (uint32_t)connections,
				 .connections_client = (uint32_t)client,
				 .idle_ms = (uint32_t)idle_sec * 1000,
				 .reply_ms = (uint32_t)reply_sec * 1000 };
}

/* One address and port belongs to one section: the socket chooses the view. */
static bool listens_clash(const struct config_listen *a, const struct config_listen *b, struct addr *out)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t k = 0; k < b->count; k++) {
			const struct addr *x = &a->addrs[i];
			const struct addr *y = &b->addrs[k];
			bool same = addr_equal(x, y) || (x->family == y->family && x->port == y->port &&
							 (addr_is_any(x) || addr_is_any(y)));
			if (!same) {
				continue;
			}
			bool apart = a->interface_count > 0 && b->interface_count > 0;
			for (size_t m = 0; m < a->interface_count && apart; m++) {
				for (size_t n = 0; n < b->interface_count; n++) {
					apart = apart && strcmp(a->interfaces[m], b->interfaces[n]) != 0;
				}
			}
			if (!apart) {
				*out = *x;
				return true;
			}
		}
	}
	return false;
}

/* One that listens, and the section where that stands. */
struct listening {
	const struct config_listen *listen;
	cfg_t *section;
	const char *name; /* of a view, or "" */
};

static void check_one(struct config_reader *r, const struct listening *all, size_t i)
{
	const struct config_listen *own = all[i].listen;
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	for (size_t k = 0; k < own->count; k++) {
		for (size_t m = 0; m < k; m++) {
			if (addr_equal(&own->addrs[k], &own->addrs[m])) {
				FAULT(r, config_text_item(all[i].section, "listen", (unsigned)k), "listen: %s stands twice",
				      addr_text(&own->addrs[k], text));
			}
		}
	}
	for (size_t k = 0; k < i; k++) {
		if (!listens_clash(own, all[k].listen, &addr)) {
			continue;
		}
		bool view = all[k].name[0] != '\0';
		const struct config_value *at = config_text_item(all[i].section, "listen", 0);
		/* Without a value of its own the section listens where it does by default. */
		config_fault_at(r, at != NULL ? at->file : config_text_file(all[i].section),
				at != NULL ? at->line : (unsigned)all[i].section->line, "listen: %s is also used by %s%s%s",
				addr_text(&addr, text), view ? "view '" : "the resolver", all[k].name, view ? "'" : "");
	}
}

void config_check_listens(struct config_reader *r, cfg_t *cfg)
{
	const struct config *config = r->config;
	struct listening all[CONFIG_VIEWS_MAX + 2];
	size_t count = 0;

	for (; count < config->view_count; count++) {
		all[count] = (struct listening){ &config->views[count].listen, cfg_getnsec(cfg, "view", (unsigned)count),
						 config->views[count].name };
	}
	if (config->resolver.present) {
		all[count++] = (struct listening){ &config->resolver.listen, cfg_getnsec(cfg, "resolver", 0), "" };
	}
	if (config->monitor.present) {
		all[count++] = (struct listening){ &config->monitor.listen, cfg_getnsec(cfg, "monitor", 0), "" };
	}
	for (size_t i = 0; i < count; i++) {
		check_one(r, all, i);
	}
}

void config_listen_clear(struct config_listen *listen)
{
	free(listen->addrs);
	for (size_t i = 0; i < listen->interface_count; i++) {
		free(listen->interfaces[i]);
	}
	free(listen->interfaces);
}
