/*
 * Whom the resolver asks, and from which addresses: "outgoing", sections "stub".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_read.h"

#include <stdlib.h>

static void read_stub(struct config_reader *r, cfg_t *section, struct config_resolver *resolver)
{
	struct ipc_servers *servers = &resolver->stubs[resolver->stub_count].servers;
	unsigned count = config_text_count(section, "to");

	if (!config_read_name(r, config_text_file(section), (unsigned)section->line, cfg_title(section),
			      servers->name)) {
		return;
	}
	if (count == 0 || count > IPC_ADDRS_MAX) {
		FAULT_SECTION(r, section, "stub '%s': 'to' takes 1 to %d addresses", cfg_title(section),
			      IPC_ADDRS_MAX);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const struct config_value *v = config_text_item(section, "to", i);
		if (addr_parse(v->text, 53, &servers->addrs[servers->count]) != BH_OK) {
			FAULT(r, v, "to: '%s' is not an address, allowed: \"address\" or \"address@port\"",
			      v->text);
			return;
		}
		servers->count++;
	}
	resolver->stub_count++;
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
	resolver->stubs = config_must(calloc(stubs + 1u, sizeof(*resolver->stubs)));
	for (unsigned i = 0; i < stubs; i++) {
		read_stub(r, cfg_getnsec(section, "stub", i), resolver);
	}
}

void config_upstream_clear(struct config_resolver *resolver)
{
	free(resolver->outgoing);
	free(resolver->stubs);
}
