/*
 * The local wall: rules from a configuration, and its place in the life of the appliance.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/local.h"

#include "common/util/count.h"
#include "common/util/log.h"
#include "daemons/supervisor/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Addresses in DNS have no port: what the Internet names is asked at this one. */
#define DNS_PORT 53

/* --- rules ------------------------------------------------------------------------------------------- */

struct rule_list {
	struct localwall_rule *items;
	size_t count;
	size_t room;
	bool failed; /* out of memory */
};

static void add(struct rule_list *list, const struct addr *to, enum localwall_verdict verdict)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct localwall_rule *items = reallocarray(list->items, room, sizeof(*items));
		if (items == NULL) {
			list->failed = true;
			return;
		}
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = (struct localwall_rule){ .to = *to, .verdict = verdict };
}

/* A rule for every address of a family. */
static void add_any(struct rule_list *list, enum addr_family family, enum localwall_verdict verdict)
{
	const struct addr any = { .family = (uint8_t)family, .port = DNS_PORT };
	add(list, &any, verdict);
}

static void add_servers(struct rule_list *list, const struct ipc_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++) {
		struct addr to = servers->addrs[i];
		if (addr_is_any(&to)) { /* where the kernel sends what is for nobody; as a rule it would mean everybody */
			memset(to.bytes, 0, sizeof(to.bytes));
			to.bytes[to.family == ADDR_V4 ? 0 : 15] = to.family == ADDR_V4 ? 127 : 1;
			to.bytes[to.family == ADDR_V4 ? 3 : 15] = 1;
		}
		add(list, &to, LOCALWALL_ALLOW);
	}
}

/* Where only an inside can be: RFC 1918, RFC 6598, RFC 4193, link-local and loopback addresses. */
static bool is_inside(const struct addr *a)
{
	static const char *const insides[] = { "10.0.0.0/8",	"172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
					       "169.254.0.0/16", "127.0.0.0/8",	 "fc00::/7",	   "fe80::/10",
					       "::1/128" };
	for (size_t i = 0; i < COUNT(insides); i++) {
		struct prefix p;
		if (prefix_parse(insides[i], &p) == BH_OK && prefix_match(&p, a)) {
			return true;
		}
	}
	return false;
}

/* Of two rules for one place the first counts: what the administrator names goes before what we conclude. */
int local_rules(const struct config *config, const struct ipc_servers *hints, size_t hint_count,
		struct localwall_rule **out, size_t *out_count)
{
	const struct config_resolver *resolver = &config->resolver;
	struct rule_list list = { .items = NULL };
	bool loopback_hints = false;

	for (size_t i = 0; i < resolver->stub_count; i++) {
		add_servers(&list, &resolver->stubs[i].servers);
	}
	for (size_t i = 0; i < resolver->forward_count; i++) {
		add_servers(&list, &resolver->forwards[i].servers);
	}
	for (size_t i = 0; i < hint_count; i++) {
		for (unsigned k = 0; k < hints[i].count; k++) {
			loopback_hints = loopback_hints || addr_is_loopback(&hints[i].addrs[k]);
		}
	}
	/* Listeners that nobody may ask by way of the Internet, the resolver's own first: it knows the inside. */
	for (size_t i = 0; i < resolver->listen.count; i++) {
		add(&list, &resolver->listen.addrs[i], LOCALWALL_REFUSE);
	}
	for (size_t v = 0; v < config->view_count; v++) {
		const struct config_view *view = &config->views[v];
		for (size_t i = 0; i < view->listen.count; i++) {
			const struct addr *at = &view->listen.addrs[i];
			if (!config_view_is_public(config, view, at)) {
				add(&list, at, LOCALWALL_REFUSE);
			} else if (!is_inside(at)) {
				add(&list, at, LOCALWALL_ALLOW);
			}
		}
	}
	for (size_t i = 0; i < hint_count; i++) {
		add_servers(&list, &hints[i]);
	}
	if (resolver->localhost == IPC_LOCALHOST_ALWAYS) {
		add_any(&list, ADDR_V4, LOCALWALL_ALLOW);
		add_any(&list, ADDR_V6, LOCALWALL_ALLOW);
	} else if (resolver->localhost == IPC_LOCALHOST_AUTO && loopback_hints) {
		add_any(&list, ADDR_V4, LOCALWALL_LOOPBACK);
		add_any(&list, ADDR_V6, LOCALWALL_LOOPBACK);
	}
	if (list.failed) {
		free(list.items);
		return BH_ENOMEM;
	}
	*out = list.items;
	*out_count = list.count;
	return BH_OK;
}

/* --- life -------------------------------------------------------------------------------------------- */

void local_raise(struct supervisor *sup)
{
	if (localwall_raise(&sup->localwall, sup->localwall_why, sizeof(sup->localwall_why)) != BH_OK) {
		sup->localwall = NULL;
	}
}

void local_remove(struct supervisor *sup)
{
	if (sup->localwall != NULL && localwall_remove(sup->localwall) != BH_OK) {
		/* The file system's own root is nobody's to write without CAP_DAC_OVERRIDE, which was given up. */
		log_info("the control group of the local wall is left empty, for the next start to remove: %s",
			 strerror(errno));
	}
	sup->localwall = NULL;
}

bool local_needed(const struct supervisor *sup, const struct config *config)
{
	return config->resolver.present && config->resolver.local_wall &&
	       (sup->localwall != NULL || config->view_count > 0);
}

const char *local_missing(const struct supervisor *sup)
{
	return sup->localwall == NULL ? sup->localwall_why : NULL;
}

int local_prepare(struct supervisor *sup, const struct generation *g, char *why, size_t why_size)
{
	struct localwall_rule *rules = NULL;
	size_t count = 0;

	if (!g->config->resolver.present || !g->config->resolver.local_wall) {
		return BH_OK;
	}
	if (sup->localwall == NULL) {
		if (local_needed(sup, g->config)) {
			log_err("the resolver cannot be kept from this host's own services and does not start: %s; local-wall = "
				"\"off\" in section resolver would do without",
				sup->localwall_why);
		} else { /* without a view there is less to lose */
			log_warn("nothing keeps the resolver from this host's own services: %s", sup->localwall_why);
		}
		return BH_OK;
	}
	int rc = local_rules(g->config, g->zones->hints, g->zones->hint_count, &rules, &count);
	if (rc == BH_OK) {
		rc = localwall_prepare(sup->localwall, rules, count);
	}
	free(rules);
	if (rc == BH_ENOSPC) {
		snprintf(why, why_size, "local-wall: more than %d different addresses of listeners, root hints, stub and "
			 "forward servers", LOCALWALL_RULES_MAX);
	} else if (rc != BH_OK) {
		snprintf(why, why_size, "local-wall: %s", bh_strerror(rc));
	}
	return rc;
}

void local_commit(struct supervisor *sup)
{
	const struct config_resolver *resolver = &sup->current.config->resolver;
	if (sup->localwall != NULL && resolver->present && resolver->local_wall) {
		localwall_commit(sup->localwall);
	}
}

const char *local_state(const struct supervisor *sup, uint64_t *refused)
{
	const struct config *config = sup->current.config;
	*refused = sup->localwall == NULL ? 0 : localwall_refused(sup->localwall);
	if (config == NULL || !config->resolver.present) {
		return NULL;
	}
	return !config->resolver.local_wall ? "off" : sup->localwall == NULL ? "missing" : "on";
}
