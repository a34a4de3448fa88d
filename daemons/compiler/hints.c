/*
 * Root hints: a zone file without SOA, of which only names and addresses of servers are wanted. Servers
 * and addresses may come in any order, so addresses are kept by name until all is read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/dname.h"
#include "common/dns/rr.h"
#include "daemons/compiler/compile.h"
#include "daemons/compiler/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

/* Names with addresses in the file; more than servers, as it may hold addresses of others. */
#define HOSTS_MAX (4 * HINTS_SERVERS_MAX)

struct reading {
	const struct compile_request *request;
	size_t server_count;
	uint8_t servers[HINTS_SERVERS_MAX][DNAME_MAX];
	size_t host_count;
	struct hint_server hosts[HOSTS_MAX];
	int errors;
};

static void tell(struct reading *r, enum zone_severity severity, const char *file, uint32_t line,
		 const char *text)
{
	struct zone_finding finding = { .severity = severity, .file = file, .line = line, .text = text };
	r->request->report(r->request->ctx, &finding);
	r->errors += severity == ZONE_ERROR;
}

static void pass_on(void *ctx, const struct zone_finding *finding)
{
	struct reading *r = ctx;
	r->request->report(r->request->ctx, finding);
}

static void take_server(struct reading *r, const struct scan_record *record)
{
	for (size_t i = 0; i < r->server_count; i++) {
		if (dname_equal(r->servers[i], record->rdata)) {
			return;
		}
	}
	if (r->server_count == HINTS_SERVERS_MAX) {
		tell(r, ZONE_ERROR, record->file, record->line, "more than 64 root servers");
		return;
	}
	memcpy(r->servers[r->server_count++], record->rdata, dname_len(record->rdata));
}

static void take_address(struct reading *r, const struct scan_record *record)
{
	struct addr addr = { .family = record->type == RR_A ? ADDR_V4 : ADDR_V6, .port = DNS_PORT };
	memcpy(addr.bytes, record->rdata, record->rdata_len);
	size_t i = 0;
	while (i < r->host_count && !dname_equal(r->hosts[i].name, record->owner)) {
		i++;
	}
	if (i == HOSTS_MAX || (i < r->host_count && r->hosts[i].addr_count == HINTS_ADDRS_MAX)) {
		tell(r, ZONE_ERROR, record->file, record->line, "too many addresses");
		return;
	}
	struct hint_server *host = &r->hosts[i];
	if (i == r->host_count) {
		memcpy(host->name, record->owner, dname_len(record->owner));
		r->host_count++;
	}
	for (size_t a = 0; a < host->addr_count; a++) {
		if (addr_equal(&host->addrs[a], &addr)) {
			return;
		}
	}
	host->addrs[host->addr_count++] = addr;
}

static int take_record(void *ctx, const struct scan_record *record)
{
	struct reading *r = ctx;
	if (!rdata_is_valid(record->type, record->rdata, record->rdata_len)) {
		tell(r, ZONE_ERROR, record->file, record->line, "RDATA is not valid for its type");
	} else if (record->type == RR_NS && dname_is_root(record->owner)) {
		take_server(r, record);
	} else if (record->type == RR_A || record->type == RR_AAAA) {
		take_address(r, record);
	}
	return BH_OK;
}

/* Put servers and addresses together. */
static void join(struct reading *r, struct hints *out)
{
	out->count = 0;
	for (size_t i = 0; i < r->server_count; i++) {
		size_t h = 0;
		while (h < r->host_count && !dname_equal(r->hosts[h].name, r->servers[i])) {
			h++;
		}
		if (h < r->host_count) {
			out->servers[out->count++] = r->hosts[h];
			continue;
		}
		char name[DNAME_TEXT_MAX];
		char text[DNAME_TEXT_MAX + 64];
		snprintf(text, sizeof(text), "root server %s has no address", dname_text(r->servers[i], name));
		tell(r, ZONE_WARNING, "", 0, text);
	}
	if (out->count == 0) {
		tell(r, ZONE_ERROR, "", 0, "no root server with an address");
	}
}

int compile_hints(const struct compile_request *request, struct hints *out, int *errors)
{
	int rc = BH_ENOMEM;
	struct scan *scan = NULL;
	struct reading *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return rc;
	}
	r->request = request;
	const struct scan_options options = {
		.root_fd = request->root_fd,
		.origin = request->zone,
		.default_ttl = request->default_ttl,
		.record = take_record,
		.report = pass_on,
		.ctx = r,
	};
	scan = scan_new(&options);
	if (scan != NULL) {
		rc = scan_file(scan, request->file);
	}
	if (rc == 0 && r->errors == 0) {
		join(r, out);
	}
	if (rc >= 0) {
		*errors = rc + r->errors;
		rc = BH_OK;
	}
	scan_free(scan);
	free(r);
	return rc;
}
