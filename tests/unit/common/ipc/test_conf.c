/*
 * The message table, and the payloads behind it: smallest and largest values both ways.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/rr.h"
#include "common/ipc/stats.h"
#include "common/util/count.h"
#include "tests/unit/common/ipc/codecs.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Fill a string array to its last octet but the terminator. */
static void fill(char *out, size_t size)
{
	memset(out, 'x', size - 1);
	out[size - 1] = '\0';
}

static void longest_name(uint8_t out[DNAME_MAX])
{
	memset(out, 'n', DNAME_MAX);
	out[0] = out[64] = out[128] = 63;
	out[192] = 61;
	out[254] = 0;
}

static struct addr v4(void)
{
	struct addr a = { 0 };
	cr_assert_eq(addr_parse("192.0.2.1", 0, &a), BH_OK);
	return a;
}

static struct addr v6(void)
{
	struct addr a = { 0 };
	cr_assert_eq(addr_parse("fe80::ffff:ffff%4294967295@65535", 0, &a), BH_OK);
	return a;
}

union payload {
	struct ipc_hello hello;
	struct ipc_identity identity;
	struct ipc_listener listener;
	struct ipc_link link;
	struct ipc_image image;
	struct ipc_generation generation;
	struct ipc_refused refused;
	struct ipc_image_refused image_refused;
	struct ipc_id id;
	struct ipc_conf_authority authority;
	struct ipc_conf_frontend frontend;
	struct ipc_conf_resolver resolver;
	struct ipc_acl acl;
	struct ipc_zone zone;
	struct ipc_same_zones same_zones;
	struct ipc_zone_image zone_image;
	struct ipc_cookie_secrets cookie_secrets;
	struct ipc_rate_limit rate_limit;
	struct ipc_rate_table rate_table;
	struct ipc_key key;
	struct ipc_transfer transfer;
	struct ipc_name name;
	struct ipc_servers servers;
	struct ipc_outgoing outgoing;
	struct ipc_anchor anchor;
	struct ipc_anchor_state anchor_state;
	struct ipc_negative_anchor negative_anchor;
	struct ipc_flush flush;
	struct ipc_flushed flushed;
	struct ipc_trace trace;
	struct ipc_trace_step trace_step;
	struct ipc_compile compile;
	struct ipc_diagnostic diagnostic;
	struct ipc_source source;
	struct ipc_inspect inspect;
	struct ipc_inspected inspected;
	struct ipc_shown shown;
	struct ipc_compiled compiled;
	struct ipc_page page;
	struct ipc_conf_monitor monitor;
	struct ipc_host host;
	struct ipc_watched watched;
	struct ipc_role_facts role_facts;
	struct ipc_appliance_facts appliance_facts;
	struct ctl_request request;
	struct ctl_row row;
	struct ctl_done done;
};

/* The payload of a type with the fewest octets; all numbers as small as they may be. */
static void smallest(enum msg_type type, union payload *m)
{
	memset(m, 0, sizeof(*m));
	switch (type) {
	case MSG_IDENTITY:
		m->identity.count = 1;
		m->identity.log_level = LOG_LEVEL_ERR;
		break;
	case MSG_LISTENER:
		m->listener.proto = IPC_UDP;
		m->listener.addr = v4();
		break;
	case MSG_LINK:
		m->link.peer = ROLE_AUTHORITY;
		break;
	case MSG_IMAGE:
		m->image.id = 1;
		break;
	case MSG_IMAGE_REFUSED:
		m->image_refused.id = 1;
		break;
	case MSG_CONF_AUTHORITY:
		m->authority.tcp = (struct ipc_tcp){ 1, 1, 1, 1 };
		break;
	case MSG_CONF_FRONTEND:
		m->frontend.pending_max = 1;
		m->frontend.client_pending_max = 1;
		m->frontend.unproven_pending_max = 1;
		m->frontend.tcp = (struct ipc_tcp){ 1, 1, 1, 1 };
		m->frontend.budget = 1;
		break;
	case MSG_CONF_RESOLVER:
		m->resolver.pending_max = 1;
		break;
	case MSG_CONF_ACL:
	case MSG_CONF_RATE_EXEMPT:
		m->acl.prefix.family = ADDR_V4;
		break;
	case MSG_RATE_TABLE:
		m->rate_table.id = 1;
		break;
	case MSG_CONF_COOKIE_SECRETS:
		m->cookie_secrets.secrets.count = 1;
		break;
	case MSG_CONF_RATE_LIMIT:
		m->rate_limit = (struct ipc_rate_limit){ IPC_RATE_LOG, 1, 1, 1, 1 };
		break;
	case MSG_CONF_KEY:
		m->key.key.algorithm = TSIG_HMAC_SHA256;
		m->key.key.secret_len = 1;
		break;
	case MSG_CONF_TRANSFER:
		m->transfer.needs = IPC_TRANSFER_KEY;
		break;
	case MSG_CONF_OUTGOING:
		m->outgoing.addr = v4();
		break;
	case MSG_TRUST_ANCHOR:
	case MSG_CONF_ANCHOR:
		m->anchor.type = RR_DS;
		m->anchor.len = 1;
		break;
	case MSG_COMPILE:
		m->compile.log_level = LOG_LEVEL_ERR;
		break;
	case MSG_PAGE:
		m->page.id = 1;
		m->page.role = ROLE_AUTHORITY;
		break;
	case MSG_CONF_HOST:
		m->host.name[0] = 'h';
		break;
	case MSG_INSPECT:
		m->inspect.log_level = LOG_LEVEL_ERR;
		break;
	case MSG_CTL_REQUEST:
		m->request.count = 1;
		break;
	default:
		break;
	}
}

static void largest_row(struct ctl_row *row)
{
	fill(row->table, sizeof(row->table));
	row->count = CTL_FIELDS_MAX;
	for (unsigned i = 0; i < CTL_FIELDS_MAX; i++) {
		fill(row->fields[i].name, sizeof(row->fields[i].name));
		row->fields[i].type = CTL_TEXT;
		fill(row->fields[i].text, sizeof(row->fields[i].text));
	}
}

/* The payload of a type with the most octets; numbers differ from each other and are large. */
static void largest(enum msg_type type, union payload *m)
{
	memset(m, 0, sizeof(*m));
	switch (type) {
	case MSG_NONE:
	case MSG_SHOW:
	case MSG_CTL_STREAM:
	case MSG_STOP:
	case MSG_TYPE_COUNT:
		break;
	case MSG_HELLO:
		m->hello.protocol = UINT32_MAX;
		m->hello.role = ROLE_COUNT - 1;
		fill(m->hello.build, sizeof(m->hello.build));
		m->hello.walls = UINT32_MAX - 1;
		m->hello.uid = UINT32_MAX - 2;
		m->hello.gid = UINT32_MAX - 3;
		m->hello.syscalls = UINT16_MAX;
		break;
	case MSG_IDENTITY:
		fill(m->identity.view, sizeof(m->identity.view));
		m->identity.index = UINT16_MAX - 1;
		m->identity.count = UINT16_MAX;
		m->identity.log_level = LOG_LEVEL_DEBUG;
		break;
	case MSG_LISTENER:
		m->listener.id = UINT32_MAX;
		m->listener.proto = IPC_TCP;
		m->listener.addr = v6();
		break;
	case MSG_LINK:
		m->link.id = UINT32_MAX;
		m->link.peer = ROLE_RESOLVER;
		m->link.peer_index = UINT16_MAX - 1;
		break;
	case MSG_IMAGE:
		m->image.id = UINT32_MAX;
		longest_name(m->image.zone);
		break;
	case MSG_CONF_BEGIN:
	case MSG_PREPARE:
	case MSG_PREPARED:
	case MSG_COMMIT:
	case MSG_COMMITTED:
	case MSG_ABORT:
		m->generation.generation = UINT32_MAX;
		break;
	case MSG_IMAGE_REFUSED:
		m->image_refused.id = UINT32_MAX;
		fill(m->image_refused.why, sizeof(m->image_refused.why));
		break;
	case MSG_REFUSED:
		m->refused.generation = UINT32_MAX;
		fill(m->refused.why, sizeof(m->refused.why));
		break;
	case MSG_CONF_LISTENER:
	case MSG_CONF_LINK:
	case MSG_PEER_RESTARTED:
	case MSG_CONF_PAGE:
	case MSG_PEER_BROKEN:
		m->id.id = UINT32_MAX;
		break;
	case MSG_CONF_AUTHORITY:
		m->authority.anyone = 1;
		m->authority.tcp = (struct ipc_tcp){ UINT16_MAX, UINT16_MAX - 1, INT32_MAX, INT32_MAX - 1 };
		m->authority.rotate = 1;
		m->authority.cookies = IPC_COOKIES_REQUIRE;
		m->authority.nsid_len = NSID_MAX;
		memset(m->authority.nsid, 'n', NSID_MAX);
		fill(m->authority.identity, sizeof(m->authority.identity));
		fill(m->authority.version, sizeof(m->authority.version));
		break;
	case MSG_RATE_TABLE:
		m->rate_table.id = UINT32_MAX;
		memset(m->rate_table.key, 0xfe, sizeof(m->rate_table.key));
		break;
	case MSG_CONF_COOKIE_SECRETS:
		m->cookie_secrets.secrets.count = COOKIE_SECRETS_MAX;
		memset(m->cookie_secrets.secrets.bytes, 0xfe, sizeof(m->cookie_secrets.secrets.bytes));
		break;
	case MSG_CONF_RATE_LIMIT:
		m->rate_limit = (struct ipc_rate_limit){ IPC_RATE_ON, UINT32_MAX, IPC_RATE_MAX, 32, 64 };
		break;
	case MSG_CONF_FRONTEND:
		m->frontend.cache_bytes = UINT64_MAX;
		m->frontend.pending_max = INT32_MAX;
		m->frontend.client_pending_max = INT32_MAX - 1;
		m->frontend.tcp = (struct ipc_tcp){ UINT16_MAX, UINT16_MAX - 1, INT32_MAX - 2, INT32_MAX - 3 };
		m->frontend.budget = UINT16_MAX;
		m->frontend.unproven_pending_max = INT32_MAX - 4;
		m->frontend.cookies = IPC_COOKIES_REQUIRE;
		m->frontend.prefetch = 1;
		break;
	case MSG_CONF_RESOLVER:
		m->resolver.cache_bytes = UINT64_MAX;
		m->resolver.pending_max = INT32_MAX;
		m->resolver.ipv4 = 1;
		m->resolver.ipv6 = 1;
		m->resolver.use_0x20 = 1;
		m->resolver.qname_minimisation = 1;
		m->resolver.prime_root = 1;
		m->resolver.use_cookies = 1;
		m->resolver.localhost = IPC_LOCALHOST_ALWAYS;
		m->resolver.validate_sha1 = 1;
		m->resolver.validation_date = UINT64_MAX;
		m->resolver.min_ttl_sec = INT32_MAX - 2;
		m->resolver.max_ttl_sec = INT32_MAX - 1;
		m->resolver.max_negative_ttl_sec = INT32_MAX - 3;
		m->resolver.stale_sec = INT32_MAX - 4;
		m->resolver.rebind_protection = 1;
		break;
	case MSG_CONF_ACL:
	case MSG_CONF_RATE_EXEMPT:
		cr_assert_eq(prefix_parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", &m->acl.prefix), BH_OK);
		break;
	case MSG_CONF_ZONE:
		longest_name(m->zone.name);
		m->zone.image = UINT32_MAX;
		m->zone.counter = UINT32_MAX - 1;
		m->zone.flags = IPC_ZONE_OVERLAY | IPC_ZONE_FAILED;
		break;
	case MSG_CONF_SAME_ZONES:
		m->same_zones = (struct ipc_same_zones){ UINT32_MAX, UINT32_MAX - 1 };
		break;
	case MSG_CONF_ZONE_IMAGE:
		m->zone_image = (struct ipc_zone_image){ UINT32_MAX, UINT32_MAX - 1, IPC_ZONE_OVERLAY | IPC_ZONE_FAILED };
		break;
	case MSG_CONF_KEY:
		longest_name(m->key.key.name);
		m->key.key.algorithm = TSIG_HMAC_SHA512;
		m->key.key.secret_len = TSIG_SECRET_MAX;
		memset(m->key.key.secret, 0x7a, TSIG_SECRET_MAX);
		break;
	case MSG_CONF_TRANSFER:
		m->transfer.zone = UINT32_MAX;
		m->transfer.needs = IPC_TRANSFER_PREFIX | IPC_TRANSFER_KEY;
		cr_assert_eq(prefix_parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", &m->transfer.prefix), BH_OK);
		longest_name(m->transfer.key);
		break;
	case MSG_CONF_PROBE:
	case MSG_CONF_REBIND_ALLOW:
		longest_name(m->name.name);
		break;
	case MSG_CONF_STUB:
	case MSG_CONF_FORWARD:
	case MSG_CONF_ROOT:
	case MSG_ROOT_HINT:
		longest_name(m->servers.name);
		m->servers.count = IPC_ADDRS_MAX;
		for (unsigned i = 0; i < IPC_ADDRS_MAX; i++) {
			m->servers.addrs[i] = v6();
			m->servers.addrs[i].port = (uint16_t)(i + 1);
		}
		break;
	case MSG_CONF_OUTGOING:
		m->outgoing.addr = v6();
		break;
	case MSG_TRUST_ANCHOR:
	case MSG_CONF_ANCHOR:
		longest_name(m->anchor.zone);
		m->anchor.type = RR_DNSKEY;
		m->anchor.len = ANCHOR_RDATA_MAX;
		memset(m->anchor.rdata, 0x7a, ANCHOR_RDATA_MAX);
		break;
	case MSG_ANCHOR_FOUND:
	case MSG_ANCHOR_STATE:
	case MSG_CONF_ANCHOR_STATE:
		longest_name(m->anchor_state.zone);
		m->anchor_state.configured = UINT64_MAX;
		m->anchor_state.checked_sec = UINT64_MAX - 1;
		m->anchor_state.next_sec = UINT64_MAX - 2;
		m->anchor_state.ttl = UINT32_MAX;
		m->anchor_state.sig_left_sec = UINT32_MAX - 1;
		m->anchor_state.count = IPC_ANCHOR_KEYS_MAX;
		for (unsigned i = 0; i < IPC_ANCHOR_KEYS_MAX; i++) {
			struct ipc_anchor_key *key = &m->anchor_state.keys[i];
			*key = (struct ipc_anchor_key){ (uint8_t)(1 + i % 5), UINT8_MAX, UINT64_MAX - i, UINT32_MAX - i, ANCHOR_RDATA_MAX, { 0 } };
			memset(key->rdata, (int)i, ANCHOR_RDATA_MAX);
		}
		break;
	case MSG_CONF_NEGATIVE_ANCHOR:
	case MSG_NEGATIVE_ANCHOR:
		longest_name(m->negative_anchor.zone);
		m->negative_anchor.left_sec = IPC_FOR_EVER;
		break;
	case MSG_FLUSH:
		m->flush.kind = IPC_FLUSH_ZONE;
		longest_name(m->flush.name);
		break;
	case MSG_FLUSHED:
		m->flushed.entries = UINT64_MAX;
		break;
	case MSG_TRACE:
		m->trace.flags = IPC_TRACE_CACHED | IPC_TRACE_CD;
		m->trace.type = UINT16_MAX;
		longest_name(m->trace.name);
		break;
	case MSG_TRACE_STEP:
		m->trace_step = (struct ipc_trace_step){
			.event = IPC_TRACE_REFUSED, .depth = UINT8_MAX, .kind = IPC_TRACE_ERROR, .security = IPC_TRACE_BOGUS,
			.tcp = 1, .type = 1, .rcode = 2, .ede = UINT16_MAX, .at_ms = UINT32_MAX, .took_ms = UINT32_MAX - 1,
			.octets = UINT32_MAX - 2, .left_out = UINT32_MAX - 3, .has_server = 1, .server = v6(), .has_other = 1,
		};
		longest_name(m->trace_step.name);
		longest_name(m->trace_step.other);
		fill(m->trace_step.why, sizeof(m->trace_step.why));
		break;
	case MSG_COMPILE:
		m->compile.kind = IPC_COMPILE_ANCHORS;
		longest_name(m->compile.zone);
		fill(m->compile.file, sizeof(m->compile.file));
		m->compile.default_ttl = INT32_MAX;
		m->compile.log_level = LOG_LEVEL_DEBUG;
		m->compile.now_sec = UINT64_MAX;
		break;
	case MSG_DIAGNOSTIC:
		m->diagnostic.warning = 1;
		m->diagnostic.line = UINT32_MAX;
		fill(m->diagnostic.file, sizeof(m->diagnostic.file));
		fill(m->diagnostic.text, sizeof(m->diagnostic.text));
		break;
	case MSG_INSPECT:
		m->inspect.log_level = LOG_LEVEL_DEBUG;
		longest_name(m->inspect.zone);
		break;
	case MSG_INSPECTED:
		m->inspected.ok = 1;
		m->inspected.is_signed = 1;
		m->inspected.serial = UINT32_MAX;
		m->inspected.records = UINT32_MAX - 1;
		m->inspected.checksum = UINT64_MAX - 2;
		fill(m->inspected.why, sizeof(m->inspected.why));
		break;
	case MSG_SHOWN:
		m->shown.ok = 1;
		m->shown.records = UINT64_MAX;
		m->shown.removed = UINT64_MAX - 1;
		m->shown.added = UINT64_MAX - 2;
		fill(m->shown.why, sizeof(m->shown.why));
		break;
	case MSG_SOURCE:
		fill(m->source.path, sizeof(m->source.path));
		m->source.dev = UINT64_MAX;
		m->source.ino = UINT64_MAX - 1;
		m->source.size = UINT64_MAX - 2;
		m->source.mtime_ns = UINT64_MAX - 3;
		m->source.ctime_ns = UINT64_MAX - 4;
		break;
	case MSG_COMPILED:
		m->compiled.ok = 1;
		m->compiled.errors = UINT32_MAX;
		m->compiled.warnings = UINT32_MAX - 1;
		m->compiled.serial = UINT32_MAX - 2;
		m->compiled.records = UINT32_MAX - 3;
		m->compiled.size = UINT64_MAX;
		m->compiled.checksum = UINT64_MAX - 1;
		break;
	case MSG_PAGE:
		m->page.id = UINT32_MAX;
		m->page.role = ROLE_MONITOR;
		m->page.index = UINT16_MAX;
		fill(m->page.view, sizeof(m->page.view));
		break;
	case MSG_CONF_MONITOR:
		m->monitor.zones = 1;
		break;
	case MSG_CONF_HOST:
		fill(m->host.name, sizeof(m->host.name));
		break;
	case MSG_CONF_WATCHED:
		fill(m->watched.view, sizeof(m->watched.view));
		longest_name(m->watched.name);
		m->watched.counter = STATS_ZONES_MAX - 1;
		m->watched.serial = UINT32_MAX;
		m->watched.records = UINT32_MAX - 1;
		m->watched.size = UINT64_MAX;
		m->watched.made_sec = UINT64_MAX - 1;
		m->watched.flags = IPC_WATCHED_FAILED | IPC_WATCHED_OLD;
		break;
	case MSG_ROLE_FACTS:
		m->role_facts = (struct ipc_role_facts){
			.page = UINT32_MAX, .state = IPC_ROLE_STOPPING, .pid = UINT32_MAX - 1, .restarts = UINT32_MAX - 2,
			.started_sec = UINT64_MAX, .generation = UINT32_MAX - 3, .resident = UINT64_MAX - 1,
			.cpu_ms = UINT64_MAX - 2, .walls = UINT32_MAX - 4, .missing = UINT32_MAX - 5,
			.syscalls = UINT16_MAX, .confined = 1,
		};
		fill(m->role_facts.last_end, sizeof(m->role_facts.last_end));
		break;
	case MSG_APPLIANCE_FACTS:
		m->appliance_facts = (struct ipc_appliance_facts){
			.state = IPC_APPLIANCE_STOPPING, .started_sec = UINT64_MAX, .generation = UINT32_MAX,
			.pid = UINT32_MAX - 1, .resident = UINT64_MAX - 1, .cpu_ms = UINT64_MAX - 2, .change_ok = 1,
			.change_sec = UINT64_MAX - 3,
		};
		break;
	case MSG_CTL_REQUEST:
		m->request.count = CTL_WORDS_MAX;
		for (unsigned i = 0; i < CTL_WORDS_MAX; i++) {
			fill(m->request.words[i], sizeof(m->request.words[i]));
		}
		break;
	case MSG_CTL_ROW:
		largest_row(&m->row);
		break;
	case MSG_CTL_DONE:
		m->done.status = 3;
		fill(m->done.text, sizeof(m->done.text));
		break;
	}
}

Test(msg, every_type_has_a_complete_row_and_a_payload)
{
	cr_assert_null(msg_rule(MSG_NONE));
	cr_assert_null(msg_rule(MSG_TYPE_COUNT));
	cr_assert_null(msg_rule(UINT16_MAX));
	for (uint16_t type = 1; type < MSG_TYPE_COUNT; type++) {
		const struct msg_rule *rule = msg_rule(type);
		cr_assert_not_null(rule, "message %u has no row", type);
		cr_assert(rule->from != 0 && rule->to != 0, "%s", rule->name);
		cr_assert_eq((rule->from | rule->to) >> ROLE_COUNT, 0u, "%s", rule->name);
		/* One end is the supervisor: roles speak to each other over query links only. */
		cr_assert((rule->from == ROLE_BIT(ROLE_SUPERVISOR)) != (rule->to == ROLE_BIT(ROLE_SUPERVISOR)), "%s",
			  rule->name);
		cr_assert(rule->phases != 0 && rule->phases <= 7, "%s", rule->name);
		cr_assert_leq(rule->min_len, rule->max_len, "%s", rule->name);
		cr_assert_leq(rule->max_len, MSG_PAYLOAD_MAX, "%s", rule->name);
		cr_assert_leq(rule->fds, 1, "%s", rule->name);
		cr_assert_eq(rule->max_len == 0, codecs[type].size == 0, "%s has no payload here", rule->name);
		for (uint16_t other = 1; other < type; other++) {
			cr_assert_str_neq(msg_rule(other)->name, rule->name);
		}
	}
}

Test(msg, descriptors_travel_towards_roles_only)
{
	for (uint16_t type = 1; type < MSG_TYPE_COUNT; type++) {
		const struct msg_rule *rule = msg_rule(type);
		cr_assert(rule->fds == 0 || rule->from == ROLE_BIT(ROLE_SUPERVISOR), "%s", rule->name);
	}
}

Test(msg, roles_and_build_have_texts)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		cr_assert_not_null(role_text((enum role)role));
	}
	cr_assert_str_eq(role_text(ROLE_COUNT), "unknown");
	cr_assert_lt(strlen(ipc_build_id()), (size_t)IPC_BUILD_MAX);
}

/* Encode, look at the length, decode, compare; then every shorter and one longer payload. */
static void round_trip(enum msg_type type, const union payload *in, bool is_smallest, const char *what)
{
	const struct codec *codec = &codecs[type];
	const struct msg_rule *rule = msg_rule((uint16_t)type);
	static uint8_t wire[MSG_PAYLOAD_MAX + 1];
	static union payload out;
	struct sink s = sink_of(wire, sizeof(wire));

	codec->put(&s, in);
	cr_assert_not(s.failed);
	cr_assert_geq(s.pos, rule->min_len, "%s %s: %zu octets", what, rule->name, s.pos);
	cr_assert_leq(s.pos, rule->max_len, "%s %s: %zu octets", what, rule->name, s.pos);
	cr_assert(!is_smallest || s.pos == rule->min_len, "%s: the smallest has %zu octets, not %u", rule->name, s.pos,
		  rule->min_len);

	/* Both were zeroed and then set field by field, so that padding is equal as well. */
	memset(&out, 0, sizeof(out));
	cr_assert_eq(codec->get(wire, s.pos, &out), BH_OK, "%s %s", what, rule->name);
	cr_assert_eq(memcmp(in, &out, codec->size), 0, "%s %s changed on its way", what, rule->name);

	for (size_t cut = 0; cut < s.pos; cut++) {
		uint8_t *copy = malloc(cut == 0 ? 1 : cut); /* exact, for the sanitizers */
		memcpy(copy, wire, cut);
		cr_assert_eq(codec->get(copy, cut, &out), BH_EMALFORMED, "%s %s cut at %zu", what, rule->name, cut);
		free(copy);

		struct sink small = sink_of(wire, cut);
		codec->put(&small, in);
		cr_assert(small.failed, "%s %s fits into %zu of %zu octets", what, rule->name, cut, s.pos);
	}
	wire[s.pos] = 0;
	cr_assert_eq(codec->get(wire, s.pos + 1, &out), BH_EMALFORMED, "%s %s and an octet", what, rule->name);
}

Test(conf, smallest_and_largest_payloads_round_trip)
{
	static union payload m;
	for (enum msg_type type = 1; type < MSG_TYPE_COUNT; type++) {
		if (codecs[type].size == 0) {
			continue;
		}
		smallest(type, &m);
		round_trip(type, &m, true, "smallest");
		largest(type, &m);
		round_trip(type, &m, false, "largest");
	}
}

Test(conf, rows_of_all_value_types)
{
	static union payload m;
	memset(&m, 0, sizeof(m));
	strcpy(m.row.table, "role");
	m.row.count = 4;
	strcpy(m.row.fields[0].name, "name");
	m.row.fields[0].type = CTL_TEXT;
	strcpy(m.row.fields[0].text, "authority");
	strcpy(m.row.fields[1].name, "pid");
	m.row.fields[1].type = CTL_NUMBER;
	m.row.fields[1].number = UINT64_MAX;
	strcpy(m.row.fields[2].name, "up");
	m.row.fields[2].type = CTL_BOOL;
	m.row.fields[2].number = 1;
	m.row.fields[3].type = CTL_BOOL;
	round_trip(MSG_CTL_ROW, &m, false, "mixed");
}

Test(conf, largest_payloads_have_the_octets_counted_by_hand)
{
	static const struct {
		enum msg_type type;
		size_t len;
	} cases[] = {
		{ MSG_HELLO, 84 },	  { MSG_IDENTITY, 38 },	     { MSG_LISTENER, 28 },  { MSG_LINK, 7 },
		{ MSG_IMAGE, 259 },	  { MSG_CONF_AUTHORITY, 635 }, { MSG_CONF_FRONTEND, 40 }, { MSG_CONF_RESOLVER, 45 },
		{ MSG_CONF_ACL, 18 },	  { MSG_CONF_ZONE, 264 },    { MSG_CONF_STUB, 624 }, { MSG_CONF_OUTGOING, 23 },
		{ MSG_REFUSED, 517 },	  { MSG_FLUSH, 256 },	     { MSG_FLUSHED, 8 }, { MSG_TRACE, 258 }, { MSG_TRACE_STEP, 659 },    { MSG_COMPILE, 1294 },
		{ MSG_DIAGNOSTIC, 1543 }, { MSG_COMPILED, 33 },	     { MSG_CTL_REQUEST, 8201 }, { MSG_CTL_ROW, 13162 },
		{ MSG_CTL_DONE, 514 },	  { MSG_RATE_TABLE, 20 },    { MSG_CONF_COOKIE_SECRETS, 33 },
		{ MSG_CONF_RATE_LIMIT, 11 },
		{ MSG_CONF_ANCHOR, 1283 }, { MSG_TRUST_ANCHOR, 1283 }, { MSG_ANCHOR_STATE, 16928 }, { MSG_CONF_NEGATIVE_ANCHOR, 259 },
		{ MSG_IMAGE_REFUSED, 517 }, { MSG_SOURCE, 1065 }, { MSG_INSPECT, 256 },
		{ MSG_INSPECTED, 531 }, { MSG_SHOWN, 538 },  { MSG_CONF_KEY, 386 },     { MSG_CONF_TRANSFER, 278 },
		{ MSG_CONF_SAME_ZONES, 8 }, { MSG_CONF_ZONE_IMAGE, 9 },
	};
	static uint8_t wire[MSG_PAYLOAD_MAX];
	static union payload m;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sink s = sink_of(wire, sizeof(wire));
		largest(cases[i].type, &m);
		codecs[cases[i].type].put(&s, &m);
		cr_assert_eq(s.pos, cases[i].len, "%s: %zu", msg_rule((uint16_t)cases[i].type)->name, s.pos);
	}
}

Test(conf, counts_above_their_array_are_not_sent)
{
	static uint8_t wire[MSG_PAYLOAD_MAX];
	static union payload m;
	struct sink s = sink_of(wire, sizeof(wire));
	largest(MSG_CONF_STUB, &m);
	m.servers.count = IPC_ADDRS_MAX + 1;
	ipc_servers_encode(&s, &m.servers);
	cr_assert(s.failed);

	static const unsigned counts[] = { CTL_WORDS_MAX + 1, 255, 256, 257, UINT32_MAX };
	for (size_t i = 0; i < COUNT(counts); i++) {
		s = sink_of(wire, sizeof(wire));
		largest(MSG_CTL_REQUEST, &m);
		m.request.count = counts[i];
		ctl_request_encode(&s, &m.request);
		cr_assert(s.failed, "%u words", counts[i]);
		s = sink_of(wire, sizeof(wire));
		largest(MSG_CTL_ROW, &m);
		m.row.count = counts[i] < 25 ? 25 : counts[i];
		ctl_row_encode(&s, &m.row);
		cr_assert(s.failed, "%u fields", counts[i]);
	}
}

Test(conf, values_out_of_range_are_refused)
{
	/* The smallest payload with some octets at `at` overwritten by `value`, `size` octets. */
	static const struct {
		enum msg_type type;
		const char *what;
		size_t at;
		unsigned size;
		uint64_t value;
	} cases[] = {
		{ MSG_HELLO, "role", 4, 1, ROLE_COUNT },
		{ MSG_IDENTITY, "count", 4, 2, 0 },
		{ MSG_IDENTITY, "index = count", 2, 2, 1 },
		{ MSG_IDENTITY, "log level", 6, 1, 5 },
		{ MSG_IDENTITY, "log level", 6, 1, 0 },
		{ MSG_IDENTITY, "log level", 6, 1, 8 },
		{ MSG_LISTENER, "protocol", 4, 1, 0 },
		{ MSG_LISTENER, "protocol", 4, 1, 3 },
		{ MSG_LISTENER, "family", 5, 1, 0 },
		{ MSG_LISTENER, "family", 5, 1, 5 },
		{ MSG_LINK, "peer", 4, 1, ROLE_SUPERVISOR },
		{ MSG_LINK, "peer", 4, 1, ROLE_COMPILER },
		{ MSG_LINK, "peer", 4, 1, 255 },
		{ MSG_IMAGE, "id", 0, 4, 0 },
		{ MSG_INSPECT, "log level", 0, 1, 8 },
		{ MSG_INSPECT, "name", 1, 1, 0xc0 },
		{ MSG_INSPECTED, "ok", 0, 1, 2 },
		{ MSG_INSPECTED, "signed", 1, 1, 2 },
		{ MSG_SHOWN, "ok", 0, 1, 2 },
		{ MSG_IMAGE_REFUSED, "id", 0, 4, 0 },
		{ MSG_IMAGE, "name", 4, 1, 0xc0 },
		{ MSG_CONF_AUTHORITY, "anyone", 0, 1, 2 },
		{ MSG_CONF_AUTHORITY, "connections", 1, 4, 0 },
		{ MSG_CONF_AUTHORITY, "connections", 1, 4, 65536 },
		{ MSG_CONF_AUTHORITY, "connections of a client", 5, 4, 0 },
		{ MSG_CONF_AUTHORITY, "connections of a client", 5, 4, 65536 },
		{ MSG_CONF_AUTHORITY, "idle", 9, 4, 0 },
		{ MSG_CONF_AUTHORITY, "idle", 9, 4, 0x80000000 },
		{ MSG_CONF_AUTHORITY, "reply", 13, 4, 0 },
		{ MSG_CONF_AUTHORITY, "reply", 13, 4, 0x80000000 },
		{ MSG_CONF_AUTHORITY, "rotate", 17, 1, 2 },
		{ MSG_CONF_AUTHORITY, "cookies", 18, 1, 3 },
		{ MSG_CONF_COOKIE_SECRETS, "count", 0, 1, 0 },
		{ MSG_CONF_COOKIE_SECRETS, "count", 0, 1, COOKIE_SECRETS_MAX + 1 },
		{ MSG_CONF_RATE_LIMIT, "mode", 0, 1, 0 },
		{ MSG_CONF_RATE_LIMIT, "mode", 0, 1, 3 },
		{ MSG_CONF_RATE_LIMIT, "table", 1, 4, 0 },
		{ MSG_CONF_RATE_LIMIT, "rate", 5, 4, 0 },
		{ MSG_CONF_RATE_LIMIT, "rate", 5, 4, IPC_RATE_MAX + 1 },
		{ MSG_CONF_RATE_LIMIT, "ipv4", 9, 1, 0 },
		{ MSG_CONF_RATE_LIMIT, "ipv4", 9, 1, 33 },
		{ MSG_CONF_RATE_LIMIT, "ipv6", 10, 1, 0 },
		{ MSG_CONF_RATE_LIMIT, "ipv6", 10, 1, 65 },
		{ MSG_RATE_TABLE, "id", 0, 4, 0 },
		{ MSG_CONF_FRONTEND, "pending", 8, 4, 0 },
		{ MSG_CONF_FRONTEND, "pending", 8, 4, 0x80000000 },
		{ MSG_CONF_FRONTEND, "pending of a client", 12, 4, 0 },
		{ MSG_CONF_FRONTEND, "pending of an unproven one", 16, 4, 0 },
		{ MSG_CONF_FRONTEND, "connections", 20, 4, 65536 },
		{ MSG_CONF_FRONTEND, "connections of a client", 24, 4, 0 },
		{ MSG_CONF_FRONTEND, "idle", 28, 4, 0 },
		{ MSG_CONF_FRONTEND, "reply", 32, 4, 0 },
		{ MSG_CONF_FRONTEND, "budget", 36, 2, 0 },
		{ MSG_CONF_FRONTEND, "cookies", 38, 1, 3 },
		{ MSG_CONF_FRONTEND, "prefetch", 39, 1, 2 },
		{ MSG_TRACE, "flags", 0, 1, 4 },
		{ MSG_TRACE_STEP, "event", 0, 1, IPC_TRACE_EVENTS },
		{ MSG_TRACE_STEP, "kind", 2, 1, IPC_TRACE_KINDS },
		{ MSG_TRACE_STEP, "security", 3, 1, IPC_TRACE_SECURITIES },
		{ MSG_TRACE_STEP, "proto", 4, 1, 2 },
		{ MSG_TRACE_STEP, "server", 27, 1, 2 },
		{ MSG_TRACE_STEP, "name", 28, 1, 0x40 },
		{ MSG_CONF_RESOLVER, "pending", 8, 4, 0 },
		{ MSG_CONF_RESOLVER, "floor", 12, 4, 1 },
		{ MSG_CONF_RESOLVER, "ceiling", 16, 4, 0x80000000 },
		{ MSG_CONF_RESOLVER, "ceiling of absences", 20, 4, 0x80000000 },
		{ MSG_CONF_RESOLVER, "stale", 24, 4, 0x80000000 },
		{ MSG_CONF_RESOLVER, "rebinding", 28, 1, 2 },
		{ MSG_CONF_RESOLVER, "ipv4", 29, 1, 2 },
		{ MSG_CONF_RESOLVER, "ipv6", 30, 1, 2 },
		{ MSG_CONF_RESOLVER, "0x20", 31, 1, 255 },
		{ MSG_CONF_RESOLVER, "minimisation", 32, 1, 2 },
		{ MSG_CONF_RESOLVER, "priming", 33, 1, 2 },
		{ MSG_CONF_RESOLVER, "cookies", 34, 1, 2 },
		{ MSG_CONF_RESOLVER, "localhost", 35, 1, IPC_LOCALHOST_ALWAYS + 1 },
		{ MSG_CONF_RESOLVER, "sha-1", 36, 1, 2 },
		{ MSG_CONF_ACL, "family", 0, 1, 0 },
		{ MSG_CONF_ACL, "bits", 1, 1, 33 },
		{ MSG_CONF_ACL, "host bits", 2, 1, 1 },
		{ MSG_CONF_ZONE, "name", 0, 1, 0x40 },
		{ MSG_CONF_ZONE, "flags", 9, 1, 4 },
		{ MSG_CONF_ZONE_IMAGE, "flags", 8, 1, 4 },
		{ MSG_CONF_KEY, "name", 0, 1, 0xc0 },
		{ MSG_CONF_KEY, "algorithm", 1, 1, 0 },
		{ MSG_CONF_KEY, "algorithm", 1, 1, TSIG_ALGORITHM_END },
		{ MSG_CONF_KEY, "no secret", 2, 2, 0 },
		{ MSG_CONF_KEY, "length of the secret", 2, 2, 2 },
		{ MSG_CONF_TRANSFER, "needs", 4, 1, 0 },
		{ MSG_CONF_TRANSFER, "needs", 4, 1, 4 },
		{ MSG_CONF_TRANSFER, "name", 5, 1, 0x40 },
		{ MSG_CONF_REBIND_ALLOW, "name", 0, 1, 0xc0 },
		{ MSG_CONF_STUB, "count", 1, 1, 1 },
		{ MSG_CONF_STUB, "count", 1, 1, IPC_ADDRS_MAX + 1 },
		{ MSG_CONF_STUB, "count", 1, 1, 255 },
		{ MSG_CONF_OUTGOING, "family", 0, 1, 6 },
		{ MSG_CONF_ANCHOR, "name", 0, 1, 0x40 },
		{ MSG_CONF_ANCHOR, "type", 1, 2, RR_A },
		{ MSG_TRUST_ANCHOR, "length", 3, 2, 0 },
		{ MSG_TRUST_ANCHOR, "length", 3, 2, 2 },
		{ MSG_NEGATIVE_ANCHOR, "name", 0, 1, 0xc0 },
		{ MSG_ANCHOR_STATE, "name", 0, 1, 0xc0 },
		{ MSG_ANCHOR_STATE, "count", 33, 1, 1 },
		{ MSG_ANCHOR_STATE, "count", 33, 1, IPC_ANCHOR_KEYS_MAX + 1 },
		{ MSG_FLUSH, "kind", 0, 1, 3 },
		{ MSG_COMPILE, "kind", 0, 1, 3 },
		{ MSG_COMPILE, "ttl", 4, 4, 0x80000000 },
		{ MSG_COMPILE, "log level", 8, 1, 1 },
		{ MSG_DIAGNOSTIC, "warning", 0, 1, 2 },
		{ MSG_COMPILED, "ok", 0, 1, 2 },
		{ MSG_PAGE, "id", 0, 4, 0 },
		{ MSG_PAGE, "role", 4, 1, ROLE_SUPERVISOR },
		{ MSG_PAGE, "role", 4, 1, ROLE_COMPILER },
		{ MSG_PAGE, "role", 4, 1, ROLE_COUNT },
		{ MSG_PAGE, "role", 4, 1, 255 },
		{ MSG_CONF_MONITOR, "zones", 0, 1, 2 },
		{ MSG_CONF_WATCHED, "name", 2, 1, 0xc0 },
		{ MSG_CONF_WATCHED, "counter", 3, 4, STATS_ZONES_MAX },
		{ MSG_CONF_WATCHED, "flags", 31, 1, 4 },
		{ MSG_ROLE_FACTS, "state", 4, 1, IPC_ROLE_STATES },
		{ MSG_ROLE_FACTS, "confined", 51, 1, 2 },
		{ MSG_APPLIANCE_FACTS, "state", 0, 1, IPC_APPLIANCE_STATES },
		{ MSG_APPLIANCE_FACTS, "change", 33, 1, 2 },
		{ MSG_CTL_REQUEST, "count", 0, 1, 0 },
		{ MSG_CTL_REQUEST, "count", 0, 1, CTL_WORDS_MAX + 1 },
		{ MSG_CTL_ROW, "count", 2, 1, CTL_FIELDS_MAX + 1 },
		{ MSG_CTL_DONE, "status", 0, 1, 4 },
	};
	static union payload m;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t wire[64];
		struct sink s = sink_of(wire, sizeof(wire));
		smallest(cases[i].type, &m);
		codecs[cases[i].type].put(&s, &m);
		cr_assert_leq(cases[i].at + cases[i].size, s.pos);
		for (unsigned n = 0; n < cases[i].size; n++) {
			wire[cases[i].at + n] = (uint8_t)(cases[i].value >> 8 * (cases[i].size - 1 - n));
		}
		cr_assert_eq(codecs[cases[i].type].get(wire, s.pos, &m), BH_EMALFORMED, "%s: %s %llu",
			     msg_rule((uint16_t)cases[i].type)->name, cases[i].what,
			     (unsigned long long)cases[i].value);
	}
}

Test(conf, strings_that_do_not_fit_or_hold_a_nul)
{
	static uint8_t wire[2048];
	static union payload m;
	/* REFUSED: u32, then the string */
	for (size_t len = IPC_TEXT_MAX - 2; len <= IPC_TEXT_MAX + 1; len++) {
		memset(wire, 'x', sizeof(wire));
		put_u32(wire, 1);
		put_u16(wire + 4, (uint16_t)len);
		cr_assert_eq(ipc_refused_decode(wire, 6 + len, &m.refused), len < IPC_TEXT_MAX ? BH_OK : BH_EMALFORMED,
			     "%zu", len);
	}
	put_u16(wire + 4, 10);
	wire[6 + 9] = 0;
	cr_assert_eq(ipc_refused_decode(wire, 16, &m.refused), BH_EMALFORMED);

	/* A row's field types. */
	static const uint8_t row[] = { 0, 1, 't', 1, 0, 1, 'f', 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	for (unsigned type = 0; type < 6; type++) {
		for (unsigned number = 1; number < 3; number++) {
			uint8_t bytes[sizeof(row)];
			memcpy(bytes, row, sizeof(row));
			bytes[7] = (uint8_t)type;
			bytes[15] = (uint8_t)number;
			bool good = type == CTL_NUMBER || (type == CTL_BOOL && number == 1);
			cr_assert_eq(ctl_row_decode(bytes, sizeof(bytes), &m.row), good ? BH_OK : BH_EMALFORMED,
				     "type %u, %u", type, number);
		}
	}
}
