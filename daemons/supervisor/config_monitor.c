/*
 * The section "monitor": where it is asked over HTTP, by whom, and what it may tell.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Off without the section; with it on loopback, unless other addresses are named. */
static void read_listen(struct config_reader *r, cfg_t *section, struct config_listen *out)
{
	if (config_text_count(section, "listen") > 0) {
		config_read_listen(r, section, CONFIG_MONITOR_PORT, out);
		return;
	}
	if (config_text_count(section, "interfaces") > 0) {
		FAULT(r, config_text_item(section, "interfaces", 0), "interfaces: without 'listen' it is loopback alone");
	}
	out->addrs = config_must(calloc(1, sizeof(*out->addrs)));
	if (addr_parse("127.0.0.1", CONFIG_MONITOR_PORT, &out->addrs[0]) != BH_OK) {
		log_fatal("out of memory reading the configuration");
	}
	out->count = 1;
}

/* Loopback is this machine; whoever else may ask must be named, as what is told is of use to attackers. */
static void read_allow(struct config_reader *r, cfg_t *section, struct config_monitor *monitor)
{
	bool loopback = true;
	bool global = false;
	bool everybody = false;
	for (size_t i = 0; i < monitor->listen.count; i++) {
		loopback = loopback && addr_is_loopback(&monitor->listen.addrs[i]);
		global = global || addr_is_global(&monitor->listen.addrs[i]);
	}
	if (config_text_count(section, "allow") > 0) {
		config_read_acl(r, section, "allow", &monitor->allow);
		for (size_t i = 0; i < monitor->allow.count; i++) {
			everybody = everybody || monitor->allow.items[i].bits == 0;
		}
		if (global && everybody) {
			FAULT(r, config_text_item(section, "allow", 0),
			      "allow: an address that can be reached from the Internet would tell everybody: narrow 'allow'");
		}
		return;
	}
	if (!loopback) {
		FAULT(r, config_text_item(section, "listen", 0),
		      "listen: an address that is not loopback needs 'allow': who may look, as \"10.0.0.0/8\"");
		return;
	}
	config_add_loopback(&monitor->allow);
}

/* RFC 1123 2.1: letters, digits, hyphens, dots; in lower case, as they are compared. */
static bool host_from_text(const char *text, char out[IPC_HOST_MAX])
{
	size_t len = strlen(text);
	if (len > 0 && text[len - 1] == '.') {
		len--;
	}
	if (len == 0 || len >= IPC_HOST_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
							    "0123456789-_.:") < len) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		out[i] = (char)tolower((unsigned char)text[i]);
	}
	out[len] = '\0';
	return true;
}

static void read_hosts(struct config_reader *r, cfg_t *section, struct config_monitor *monitor)
{
	unsigned count = config_text_count(section, "names");
	if (count > CONFIG_HOSTS_MAX) {
		FAULT(r, config_text_item(section, "names", 0), "names: more than %d", CONFIG_HOSTS_MAX);
		return;
	}
	monitor->hosts = config_must(calloc(count + 1u, sizeof(*monitor->hosts)));
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "names", i);
		if (!host_from_text(v->text, monitor->hosts[monitor->host_count].name)) {
			FAULT(r, v, "names: '%s' is neither a host name nor an address", v->text);
			continue;
		}
		monitor->host_count++;
	}
}

void config_read_monitor(struct config_reader *r, cfg_t *section, struct config_monitor *monitor)
{
	monitor->present = true;
	read_listen(r, section, &monitor->listen);
	read_allow(r, section, monitor);
	read_hosts(r, section, monitor);
	config_read_bool(r, section, "zones", true, &monitor->zones);
	const struct config_value *probe = config_text_value(section, "probe");
	if (probe != NULL) {
		(void)config_read_name(r, probe->file, probe->line, probe->text, monitor->probe.name);
	} else {
		monitor->probe.name[0] = 0; /* the root */
	}
}

void config_monitor_clear(struct config_monitor *monitor)
{
	config_listen_clear(&monitor->listen);
	acl_clear(&monitor->allow);
	free(monitor->hosts);
}
