/*
 * Encoding and decoding of payloads, field by field. Decoders trust nothing: a value out of its
 * range fails the cursor, and a payload with octets left over is malformed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"

#include "common/dns/rr.h"
#include "common/ipc/codec.h"
#include "common/util/siphash.h"

#include <string.h>

static uint8_t get_log_level(struct cursor *c)
{
	uint8_t level = cursor_u8(c);
	if (level != LOG_LEVEL_ERR && level != LOG_LEVEL_WARN && level != LOG_LEVEL_INFO &&
	    level != LOG_LEVEL_DEBUG) {
		c->failed = true;
	}
	return level;
}

void ipc_hello_encode(struct sink *s, const struct ipc_hello *m)
{
	sink_u32(s, m->protocol);
	sink_u8(s, (uint8_t)m->role);
	sink_string(s, m->build);
	sink_u32(s, m->walls);
	sink_u32(s, m->uid);
	sink_u32(s, m->gid);
	sink_u16(s, m->syscalls);
}

int ipc_hello_decode(const uint8_t *p, size_t len, struct ipc_hello *m)
{
	struct cursor c = cursor_of(p, len);
	m->protocol = cursor_u32(&c);
	m->role = (enum role)bounded(&c, cursor_u8(&c), 0, ROLE_COUNT - 1);
	cursor_string(&c, m->build, sizeof(m->build));
	m->walls = cursor_u32(&c);
	m->uid = cursor_u32(&c);
	m->gid = cursor_u32(&c);
	m->syscalls = cursor_u16(&c);
	return finish(&c);
}

void ipc_identity_encode(struct sink *s, const struct ipc_identity *m)
{
	sink_string(s, m->view);
	sink_u16(s, m->index);
	sink_u16(s, m->count);
	sink_u8(s, m->log_level);
}

int ipc_identity_decode(const uint8_t *p, size_t len, struct ipc_identity *m)
{
	struct cursor c = cursor_of(p, len);
	cursor_string(&c, m->view, sizeof(m->view));
	m->index = cursor_u16(&c);
	m->count = (uint16_t)bounded(&c, cursor_u16(&c), 1, UINT16_MAX);
	m->log_level = get_log_level(&c);
	if (m->index >= m->count) {
		c.failed = true;
	}
	return finish(&c);
}

void ipc_listener_encode(struct sink *s, const struct ipc_listener *m)
{
	sink_u32(s, m->id);
	sink_u8(s, m->proto);
	addr_encode(s, &m->addr);
}

int ipc_listener_decode(const uint8_t *p, size_t len, struct ipc_listener *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = cursor_u32(&c);
	m->proto = (uint8_t)bounded(&c, cursor_u8(&c), IPC_UDP, IPC_TCP);
	addr_decode(&c, &m->addr);
	return finish(&c);
}

void ipc_link_encode(struct sink *s, const struct ipc_link *m)
{
	sink_u32(s, m->id);
	sink_u8(s, m->peer);
	sink_u16(s, m->peer_index);
}

int ipc_link_decode(const uint8_t *p, size_t len, struct ipc_link *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = cursor_u32(&c);
	m->peer = (uint8_t)bounded(&c, cursor_u8(&c), ROLE_AUTHORITY, ROLE_RESOLVER);
	m->peer_index = cursor_u16(&c);
	return finish(&c);
}

void ipc_image_encode(struct sink *s, const struct ipc_image *m)
{
	sink_u32(s, m->id);
	put_name(s, m->zone);
}

int ipc_image_decode(const uint8_t *p, size_t len, struct ipc_image *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = bounded(&c, cursor_u32(&c), 1, UINT32_MAX);
	get_name(&c, m->zone);
	return finish(&c);
}

void ipc_generation_encode(struct sink *s, const struct ipc_generation *m)
{
	sink_u32(s, m->generation);
}

int ipc_generation_decode(const uint8_t *p, size_t len, struct ipc_generation *m)
{
	struct cursor c = cursor_of(p, len);
	m->generation = cursor_u32(&c);
	return finish(&c);
}

void ipc_refused_encode(struct sink *s, const struct ipc_refused *m)
{
	sink_u32(s, m->generation);
	sink_string(s, m->why);
}

int ipc_refused_decode(const uint8_t *p, size_t len, struct ipc_refused *m)
{
	struct cursor c = cursor_of(p, len);
	m->generation = cursor_u32(&c);
	cursor_string(&c, m->why, sizeof(m->why));
	return finish(&c);
}

void ipc_image_refused_encode(struct sink *s, const struct ipc_image_refused *m)
{
	sink_u32(s, m->id);
	sink_string(s, m->why);
}

int ipc_image_refused_decode(const uint8_t *p, size_t len, struct ipc_image_refused *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = bounded(&c, cursor_u32(&c), 1, UINT32_MAX);
	cursor_string(&c, m->why, sizeof(m->why));
	return finish(&c);
}

void ipc_id_encode(struct sink *s, const struct ipc_id *m)
{
	sink_u32(s, m->id);
}

int ipc_id_decode(const uint8_t *p, size_t len, struct ipc_id *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = cursor_u32(&c);
	return finish(&c);
}

static void put_tcp(struct sink *s, const struct ipc_tcp *m)
{
	sink_u32(s, m->connections);
	sink_u32(s, m->connections_client);
	sink_u32(s, m->idle_ms);
	sink_u32(s, m->reply_ms);
}

static void get_tcp(struct cursor *c, struct ipc_tcp *m)
{
	m->connections = bounded(c, cursor_u32(c), 1, UINT16_MAX);
	m->connections_client = bounded(c, cursor_u32(c), 1, UINT16_MAX);
	m->idle_ms = bounded(c, cursor_u32(c), 1, INT32_MAX);
	m->reply_ms = bounded(c, cursor_u32(c), 1, INT32_MAX);
}

void ipc_conf_authority_encode(struct sink *s, const struct ipc_conf_authority *m)
{
	sink_u8(s, m->anyone);
	put_tcp(s, &m->tcp);
	sink_u8(s, m->rotate);
	sink_u8(s, m->cookies);
	sink_blob(s, m->nsid, m->nsid_len);
	sink_string(s, m->identity);
	sink_string(s, m->version);
}

int ipc_conf_authority_decode(const uint8_t *p, size_t len, struct ipc_conf_authority *m)
{
	struct cursor c = cursor_of(p, len);
	m->anyone = get_bool(&c);
	get_tcp(&c, &m->tcp);
	m->rotate = get_bool(&c);
	m->cookies = (uint8_t)bounded(&c, cursor_u8(&c), IPC_COOKIES_OFF, IPC_COOKIES_REQUIRE);
	size_t nsid_len;
	const uint8_t *nsid = cursor_blob(&c, &nsid_len);
	m->nsid_len = (uint8_t)bounded(&c, (uint32_t)nsid_len, 0, NSID_MAX);
	if (m->nsid_len > 0) {
		memcpy(m->nsid, nsid, m->nsid_len);
	}
	cursor_string(&c, m->identity, sizeof(m->identity));
	cursor_string(&c, m->version, sizeof(m->version));
	return finish(&c);
}

void ipc_cookie_secrets_encode(struct sink *s, const struct ipc_cookie_secrets *m)
{
	put_count(s, m->secrets.count, COOKIE_SECRETS_MAX);
	for (unsigned i = 0; i < m->secrets.count && !s->failed; i++) {
		sink_bytes(s, m->secrets.bytes[i], COOKIE_SECRET_SIZE);
	}
}

int ipc_cookie_secrets_decode(const uint8_t *p, size_t len, struct ipc_cookie_secrets *m)
{
	struct cursor c = cursor_of(p, len);
	m->secrets.count = bounded(&c, cursor_u8(&c), 1, COOKIE_SECRETS_MAX);
	for (unsigned i = 0; i < m->secrets.count; i++) {
		const uint8_t *bytes = cursor_bytes(&c, COOKIE_SECRET_SIZE);
		if (bytes != NULL) {
			memcpy(m->secrets.bytes[i], bytes, COOKIE_SECRET_SIZE);
		}
	}
	return finish(&c);
}

void ipc_rate_limit_encode(struct sink *s, const struct ipc_rate_limit *m)
{
	sink_u8(s, m->mode);
	sink_u32(s, m->table);
	sink_u32(s, m->per_second);
	sink_u8(s, m->ipv4_bits);
	sink_u8(s, m->ipv6_bits);
}

int ipc_rate_limit_decode(const uint8_t *p, size_t len, struct ipc_rate_limit *m)
{
	struct cursor c = cursor_of(p, len);
	m->mode = (uint8_t)bounded(&c, cursor_u8(&c), IPC_RATE_LOG, IPC_RATE_ON);
	m->table = bounded(&c, cursor_u32(&c), 1, UINT32_MAX);
	m->per_second = bounded(&c, cursor_u32(&c), 1, IPC_RATE_MAX);
	m->ipv4_bits = (uint8_t)bounded(&c, cursor_u8(&c), 1, 32);
	m->ipv6_bits = (uint8_t)bounded(&c, cursor_u8(&c), 1, 64);
	return finish(&c);
}

void ipc_rate_table_encode(struct sink *s, const struct ipc_rate_table *m)
{
	sink_u32(s, m->id);
	sink_bytes(s, m->key, sizeof(m->key));
}

int ipc_rate_table_decode(const uint8_t *p, size_t len, struct ipc_rate_table *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = bounded(&c, cursor_u32(&c), 1, UINT32_MAX);
	const uint8_t *key = cursor_bytes(&c, sizeof(m->key));
	if (key != NULL) {
		memcpy(m->key, key, sizeof(m->key));
	}
	return finish(&c);
}

void ipc_conf_frontend_encode(struct sink *s, const struct ipc_conf_frontend *m)
{
	sink_u64(s, m->cache_bytes);
	sink_u32(s, m->pending_max);
	sink_u32(s, m->client_pending_max);
	sink_u32(s, m->unproven_pending_max);
	put_tcp(s, &m->tcp);
	sink_u16(s, m->budget);
	sink_u8(s, m->cookies);
	sink_u8(s, m->prefetch);
}

int ipc_conf_frontend_decode(const uint8_t *p, size_t len, struct ipc_conf_frontend *m)
{
	struct cursor c = cursor_of(p, len);
	m->cache_bytes = cursor_u64(&c);
	m->pending_max = bounded(&c, cursor_u32(&c), 1, INT32_MAX);
	m->client_pending_max = bounded(&c, cursor_u32(&c), 1, INT32_MAX);
	m->unproven_pending_max = bounded(&c, cursor_u32(&c), 1, INT32_MAX);
	get_tcp(&c, &m->tcp);
	m->budget = (uint16_t)bounded(&c, cursor_u16(&c), 1, UINT16_MAX);
	m->cookies = (uint8_t)bounded(&c, cursor_u8(&c), IPC_COOKIES_OFF, IPC_COOKIES_REQUIRE);
	m->prefetch = get_bool(&c);
	return finish(&c);
}

void ipc_conf_resolver_encode(struct sink *s, const struct ipc_conf_resolver *m)
{
	sink_u64(s, m->cache_bytes);
	sink_u32(s, m->pending_max);
	sink_u32(s, m->min_ttl_sec);
	sink_u32(s, m->max_ttl_sec);
	sink_u32(s, m->max_negative_ttl_sec);
	sink_u32(s, m->stale_sec);
	sink_u8(s, m->rebind_protection);
	sink_u8(s, m->ipv4);
	sink_u8(s, m->ipv6);
	sink_u8(s, m->use_0x20);
	sink_u8(s, m->qname_minimisation);
	sink_u8(s, m->prime_root);
	sink_u8(s, m->use_cookies);
	sink_u8(s, m->localhost);
	sink_u64(s, m->validation_date);
}

int ipc_conf_resolver_decode(const uint8_t *p, size_t len, struct ipc_conf_resolver *m)
{
	struct cursor c = cursor_of(p, len);
	m->cache_bytes = cursor_u64(&c);
	m->pending_max = bounded(&c, cursor_u32(&c), 1, INT32_MAX);
	m->min_ttl_sec = bounded(&c, cursor_u32(&c), 0, INT32_MAX); /* RFC 2181 8 */
	m->max_ttl_sec = bounded(&c, cursor_u32(&c), m->min_ttl_sec, INT32_MAX);
	m->max_negative_ttl_sec = bounded(&c, cursor_u32(&c), 0, INT32_MAX);
	m->stale_sec = bounded(&c, cursor_u32(&c), 0, INT32_MAX);
	m->rebind_protection = get_bool(&c);
	m->ipv4 = get_bool(&c);
	m->ipv6 = get_bool(&c);
	m->use_0x20 = get_bool(&c);
	m->qname_minimisation = get_bool(&c);
	m->prime_root = get_bool(&c);
	m->use_cookies = get_bool(&c);
	m->localhost = (uint8_t)bounded(&c, cursor_u8(&c), IPC_LOCALHOST_AUTO, IPC_LOCALHOST_ALWAYS);
	m->validation_date = cursor_u64(&c);
	return finish(&c);
}

void ipc_acl_encode(struct sink *s, const struct ipc_acl *m)
{
	prefix_encode(s, &m->prefix);
}

int ipc_acl_decode(const uint8_t *p, size_t len, struct ipc_acl *m)
{
	struct cursor c = cursor_of(p, len);
	prefix_decode(&c, &m->prefix);
	return finish(&c);
}

void ipc_zone_encode(struct sink *s, const struct ipc_zone *m)
{
	put_name(s, m->name);
	sink_u32(s, m->image);
	sink_u32(s, m->counter);
	sink_u8(s, m->flags);
}

int ipc_zone_decode(const uint8_t *p, size_t len, struct ipc_zone *m)
{
	struct cursor c = cursor_of(p, len);
	get_name(&c, m->name);
	m->image = cursor_u32(&c);
	m->counter = cursor_u32(&c);
	m->flags = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_ZONE_OVERLAY | IPC_ZONE_FAILED);
	return finish(&c);
}

void ipc_key_encode(struct sink *s, const struct ipc_key *m)
{
	put_name(s, m->key.name);
	sink_u8(s, m->key.algorithm);
	sink_blob(s, m->key.secret, m->key.secret_len);
}

int ipc_key_decode(const uint8_t *p, size_t len, struct ipc_key *m)
{
	struct cursor c = cursor_of(p, len);
	size_t secret_len;
	get_name(&c, m->key.name);
	m->key.algorithm = (uint8_t)bounded(&c, cursor_u8(&c), 1, TSIG_ALGORITHM_END - 1);
	const uint8_t *secret = cursor_blob(&c, &secret_len);
	m->key.secret_len = 0;
	if (secret == NULL || secret_len < 1 || secret_len > sizeof(m->key.secret)) {
		return BH_EMALFORMED;
	}
	memcpy(m->key.secret, secret, secret_len);
	m->key.secret_len = (uint16_t)secret_len;
	return finish(&c);
}

void ipc_transfer_encode(struct sink *s, const struct ipc_transfer *m)
{
	sink_u32(s, m->zone);
	sink_u8(s, m->needs);
	if ((m->needs & IPC_TRANSFER_PREFIX) != 0) {
		prefix_encode(s, &m->prefix);
	}
	if ((m->needs & IPC_TRANSFER_KEY) != 0) {
		put_name(s, m->key);
	}
}

int ipc_transfer_decode(const uint8_t *p, size_t len, struct ipc_transfer *m)
{
	struct cursor c = cursor_of(p, len);
	m->zone = cursor_u32(&c);
	m->needs = (uint8_t)bounded(&c, cursor_u8(&c), 1, IPC_TRANSFER_PREFIX | IPC_TRANSFER_KEY);
	if ((m->needs & IPC_TRANSFER_PREFIX) != 0) {
		prefix_decode(&c, &m->prefix);
	}
	if ((m->needs & IPC_TRANSFER_KEY) != 0) {
		get_name(&c, m->key);
	}
	return finish(&c);
}

void ipc_name_encode(struct sink *s, const struct ipc_name *m)
{
	put_name(s, m->name);
}

int ipc_name_decode(const uint8_t *p, size_t len, struct ipc_name *m)
{
	struct cursor c = cursor_of(p, len);
	get_name(&c, m->name);
	return finish(&c);
}

void ipc_servers_encode(struct sink *s, const struct ipc_servers *m)
{
	put_name(s, m->name);
	put_count(s, m->count, IPC_ADDRS_MAX);
	for (unsigned i = 0; i < m->count && !s->failed; i++) {
		addr_encode(s, &m->addrs[i]);
	}
}

int ipc_servers_decode(const uint8_t *p, size_t len, struct ipc_servers *m)
{
	struct cursor c = cursor_of(p, len);
	get_name(&c, m->name);
	m->count = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_ADDRS_MAX);
	for (unsigned i = 0; i < m->count && !c.failed; i++) {
		addr_decode(&c, &m->addrs[i]);
	}
	return finish(&c);
}

void ipc_anchor_encode(struct sink *s, const struct ipc_anchor *m)
{
	put_name(s, m->zone);
	sink_u16(s, m->type);
	if (m->len == 0 || m->len > sizeof(m->rdata)) {
		s->failed = true;
		return;
	}
	sink_blob(s, m->rdata, m->len);
}

int ipc_anchor_decode(const uint8_t *p, size_t len, struct ipc_anchor *m)
{
	struct cursor c = cursor_of(p, len);
	get_name(&c, m->zone);
	m->type = cursor_u16(&c);
	if (m->type != RR_DS && m->type != RR_DNSKEY) {
		c.failed = true;
	}
	size_t rdata_len;
	const uint8_t *rdata = cursor_blob(&c, &rdata_len);
	if (rdata == NULL || rdata_len == 0 || rdata_len > sizeof(m->rdata)) {
		return BH_EMALFORMED;
	}
	m->len = (uint16_t)rdata_len;
	memcpy(m->rdata, rdata, rdata_len);
	return finish(&c);
}

void ipc_anchor_state_encode(struct sink *s, const struct ipc_anchor_state *m)
{
	put_name(s, m->zone);
	sink_u64(s, m->configured);
	sink_u64(s, m->checked_sec);
	sink_u64(s, m->next_sec);
	sink_u32(s, m->ttl);
	sink_u32(s, m->sig_left_sec);
	put_count(s, m->count, IPC_ANCHOR_KEYS_MAX);
	for (unsigned i = 0; i < m->count && !s->failed; i++) {
		const struct ipc_anchor_key *key = &m->keys[i];
		sink_u8(s, key->state);
		sink_u8(s, key->seen);
		sink_u64(s, key->since_sec);
		sink_u32(s, key->hold_sec);
		if (key->len > sizeof(key->rdata)) {
			s->failed = true;
			return;
		}
		sink_blob(s, key->rdata, key->len);
	}
}

int ipc_anchor_state_decode(const uint8_t *p, size_t len, struct ipc_anchor_state *m)
{
	struct cursor c = cursor_of(p, len);
	get_name(&c, m->zone);
	m->configured = cursor_u64(&c);
	m->checked_sec = cursor_u64(&c);
	m->next_sec = cursor_u64(&c);
	m->ttl = cursor_u32(&c);
	m->sig_left_sec = cursor_u32(&c);
	m->count = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_ANCHOR_KEYS_MAX);
	for (unsigned i = 0; i < m->count && !c.failed; i++) {
		struct ipc_anchor_key *key = &m->keys[i];
		key->state = (uint8_t)bounded(&c, cursor_u8(&c), IPC_KEY_PENDING, IPC_KEY_REMOVED);
		key->seen = cursor_u8(&c);
		key->since_sec = cursor_u64(&c);
		key->hold_sec = cursor_u32(&c);
		size_t rdata_len;
		const uint8_t *rdata = cursor_blob(&c, &rdata_len);
		if (rdata == NULL || rdata_len < ANCHOR_KEY_MIN || rdata_len > sizeof(key->rdata)) {
			return BH_EMALFORMED;
		}
		key->len = (uint16_t)rdata_len;
		memcpy(key->rdata, rdata, rdata_len);
	}
	return finish(&c);
}

uint64_t ipc_anchor_sum(const struct ipc_anchor *anchors, size_t count, const uint8_t *zone)
{
	/* It guards against mistakes, not against somebody who writes the state: the key need not be secret. */
	static const struct siphash_key key = { 0x5011, 0x7646 };
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		if (dname_equal(anchors[i].zone, zone)) {
			sum = sum * 31 + siphash(&key, anchors[i].rdata, anchors[i].len) + anchors[i].type;
		}
	}
	return sum;
}

void ipc_negative_anchor_encode(struct sink *s, const struct ipc_negative_anchor *m)
{
	put_name(s, m->zone);
	sink_u32(s, m->left_sec);
}

int ipc_negative_anchor_decode(const uint8_t *p, size_t len, struct ipc_negative_anchor *m)
{
	struct cursor c = cursor_of(p, len);
	get_name(&c, m->zone);
	m->left_sec = cursor_u32(&c);
	return finish(&c);
}

void ipc_outgoing_encode(struct sink *s, const struct ipc_outgoing *m)
{
	addr_encode(s, &m->addr);
}

int ipc_outgoing_decode(const uint8_t *p, size_t len, struct ipc_outgoing *m)
{
	struct cursor c = cursor_of(p, len);
	addr_decode(&c, &m->addr);
	return finish(&c);
}

void ipc_flush_encode(struct sink *s, const struct ipc_flush *m)
{
	sink_u8(s, m->kind);
	put_name(s, m->name);
}

int ipc_flush_decode(const uint8_t *p, size_t len, struct ipc_flush *m)
{
	struct cursor c = cursor_of(p, len);
	m->kind = (uint8_t)bounded(&c, cursor_u8(&c), IPC_FLUSH_ALL, IPC_FLUSH_ZONE);
	get_name(&c, m->name);
	return finish(&c);
}

void ipc_flushed_encode(struct sink *s, const struct ipc_flushed *m)
{
	sink_u64(s, m->entries);
}

int ipc_flushed_decode(const uint8_t *p, size_t len, struct ipc_flushed *m)
{
	struct cursor c = cursor_of(p, len);
	m->entries = cursor_u64(&c);
	return finish(&c);
}

void ipc_trace_encode(struct sink *s, const struct ipc_trace *m)
{
	sink_u8(s, m->flags);
	sink_u16(s, m->type);
	put_name(s, m->name);
}

int ipc_trace_decode(const uint8_t *p, size_t len, struct ipc_trace *m)
{
	struct cursor c = cursor_of(p, len);
	m->flags = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_TRACE_CACHED | IPC_TRACE_CD);
	m->type = cursor_u16(&c);
	get_name(&c, m->name);
	return finish(&c);
}

void ipc_trace_step_encode(struct sink *s, const struct ipc_trace_step *m)
{
	sink_u8(s, m->event);
	sink_u8(s, m->depth);
	sink_u8(s, m->kind);
	sink_u8(s, m->security);
	sink_u8(s, m->tcp);
	sink_u16(s, m->type);
	sink_u16(s, m->rcode);
	sink_u16(s, m->ede);
	sink_u32(s, m->at_ms);
	sink_u32(s, m->took_ms);
	sink_u32(s, m->octets);
	sink_u32(s, m->left_out);
	sink_u8(s, m->has_server);
	if (m->has_server) {
		addr_encode(s, &m->server);
	}
	put_name(s, m->name);
	sink_u8(s, m->has_other);
	if (m->has_other) {
		put_name(s, m->other);
	}
	sink_string(s, m->why);
}

int ipc_trace_step_decode(const uint8_t *p, size_t len, struct ipc_trace_step *m)
{
	struct cursor c = cursor_of(p, len);
	m->event = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_TRACE_EVENTS - 1);
	m->depth = cursor_u8(&c);
	m->kind = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_TRACE_KINDS - 1);
	m->security = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_TRACE_SECURITIES - 1);
	m->tcp = get_bool(&c);
	m->type = cursor_u16(&c);
	m->rcode = cursor_u16(&c);
	m->ede = cursor_u16(&c);
	m->at_ms = cursor_u32(&c);
	m->took_ms = cursor_u32(&c);
	m->octets = cursor_u32(&c);
	m->left_out = cursor_u32(&c);
	m->has_server = get_bool(&c);
	if (m->has_server) {
		addr_decode(&c, &m->server);
	}
	get_name(&c, m->name);
	m->has_other = get_bool(&c);
	if (m->has_other) {
		get_name(&c, m->other);
	}
	cursor_string(&c, m->why, sizeof(m->why));
	return finish(&c);
}

void ipc_compile_encode(struct sink *s, const struct ipc_compile *m)
{
	sink_u8(s, m->kind);
	put_name(s, m->zone);
	sink_string(s, m->file);
	sink_u32(s, m->default_ttl);
	sink_u8(s, m->log_level);
	sink_u64(s, m->now_sec);
}

int ipc_compile_decode(const uint8_t *p, size_t len, struct ipc_compile *m)
{
	struct cursor c = cursor_of(p, len);
	m->kind = (uint8_t)bounded(&c, cursor_u8(&c), IPC_COMPILE_ZONE, IPC_COMPILE_ANCHORS);
	get_name(&c, m->zone);
	cursor_string(&c, m->file, sizeof(m->file));
	m->default_ttl = bounded(&c, cursor_u32(&c), 0, INT32_MAX); /* RFC 2181 8 */
	m->log_level = get_log_level(&c);
	m->now_sec = cursor_u64(&c);
	return finish(&c);
}

void ipc_diagnostic_encode(struct sink *s, const struct ipc_diagnostic *m)
{
	sink_u8(s, m->warning);
	sink_u32(s, m->line);
	sink_string(s, m->file);
	sink_string(s, m->text);
}

int ipc_diagnostic_decode(const uint8_t *p, size_t len, struct ipc_diagnostic *m)
{
	struct cursor c = cursor_of(p, len);
	m->warning = get_bool(&c);
	m->line = cursor_u32(&c);
	cursor_string(&c, m->file, sizeof(m->file));
	cursor_string(&c, m->text, sizeof(m->text));
	return finish(&c);
}

void ipc_source_encode(struct sink *s, const struct ipc_source *m)
{
	sink_string(s, m->path);
	sink_u64(s, m->dev);
	sink_u64(s, m->ino);
	sink_u64(s, m->size);
	sink_u64(s, m->mtime_ns);
	sink_u64(s, m->ctime_ns);
}

int ipc_source_decode(const uint8_t *p, size_t len, struct ipc_source *m)
{
	struct cursor c = cursor_of(p, len);
	cursor_string(&c, m->path, sizeof(m->path));
	m->dev = cursor_u64(&c);
	m->ino = cursor_u64(&c);
	m->size = cursor_u64(&c);
	m->mtime_ns = cursor_u64(&c);
	m->ctime_ns = cursor_u64(&c);
	return finish(&c);
}

void ipc_compiled_encode(struct sink *s, const struct ipc_compiled *m)
{
	sink_u8(s, m->ok);
	sink_u32(s, m->errors);
	sink_u32(s, m->warnings);
	sink_u32(s, m->serial);
	sink_u32(s, m->records);
	sink_u64(s, m->size);
	sink_u64(s, m->checksum);
}

int ipc_compiled_decode(const uint8_t *p, size_t len, struct ipc_compiled *m)
{
	struct cursor c = cursor_of(p, len);
	m->ok = get_bool(&c);
	m->errors = cursor_u32(&c);
	m->warnings = cursor_u32(&c);
	m->serial = cursor_u32(&c);
	m->records = cursor_u32(&c);
	m->size = cursor_u64(&c);
	m->checksum = cursor_u64(&c);
	return finish(&c);
}

void ipc_inspect_encode(struct sink *s, const struct ipc_inspect *m)
{
	sink_u8(s, m->log_level);
	put_name(s, m->zone);
}

int ipc_inspect_decode(const uint8_t *p, size_t len, struct ipc_inspect *m)
{
	struct cursor c = cursor_of(p, len);
	m->log_level = get_log_level(&c);
	get_name(&c, m->zone);
	return finish(&c);
}

void ipc_inspected_encode(struct sink *s, const struct ipc_inspected *m)
{
	sink_u8(s, m->ok);
	sink_u8(s, m->is_signed);
	sink_u32(s, m->serial);
	sink_u32(s, m->records);
	sink_u64(s, m->checksum);
	sink_string(s, m->why);
}

int ipc_inspected_decode(const uint8_t *p, size_t len, struct ipc_inspected *m)
{
	struct cursor c = cursor_of(p, len);
	m->ok = get_bool(&c);
	m->is_signed = get_bool(&c);
	m->serial = cursor_u32(&c);
	m->records = cursor_u32(&c);
	m->checksum = cursor_u64(&c);
	cursor_string(&c, m->why, sizeof(m->why));
	return finish(&c);
}

void ipc_shown_encode(struct sink *s, const struct ipc_shown *m)
{
	sink_u8(s, m->ok);
	sink_u64(s, m->records);
	sink_u64(s, m->removed);
	sink_u64(s, m->added);
	sink_string(s, m->why);
}

int ipc_shown_decode(const uint8_t *p, size_t len, struct ipc_shown *m)
{
	struct cursor c = cursor_of(p, len);
	m->ok = get_bool(&c);
	m->records = cursor_u64(&c);
	m->removed = cursor_u64(&c);
	m->added = cursor_u64(&c);
	cursor_string(&c, m->why, sizeof(m->why));
	return finish(&c);
}

void ctl_request_encode(struct sink *s, const struct ctl_request *m)
{
	put_count(s, m->count, CTL_WORDS_MAX);
	for (unsigned i = 0; i < m->count && !s->failed; i++) {
		sink_string(s, m->words[i]);
	}
}

int ctl_request_decode(const uint8_t *p, size_t len, struct ctl_request *m)
{
	struct cursor c = cursor_of(p, len);
	m->count = bounded(&c, cursor_u8(&c), 1, CTL_WORDS_MAX);
	for (unsigned i = 0; i < m->count && !c.failed; i++) {
		cursor_string(&c, m->words[i], sizeof(m->words[i]));
	}
	return finish(&c);
}

void ctl_row_encode(struct sink *s, const struct ctl_row *m)
{
	sink_string(s, m->table);
	put_count(s, m->count, CTL_FIELDS_MAX);
	for (unsigned i = 0; i < m->count && !s->failed; i++) {
		const struct ctl_field *field = &m->fields[i];
		sink_string(s, field->name);
		sink_u8(s, field->type);
		if (field->type == CTL_TEXT) {
			sink_string(s, field->text);
		} else {
			sink_u64(s, field->number);
		}
	}
}

int ctl_row_decode(const uint8_t *p, size_t len, struct ctl_row *m)
{
	struct cursor c = cursor_of(p, len);
	cursor_string(&c, m->table, sizeof(m->table));
	m->count = bounded(&c, cursor_u8(&c), 0, CTL_FIELDS_MAX);
	for (unsigned i = 0; i < m->count && !c.failed; i++) {
		struct ctl_field *field = &m->fields[i];
		cursor_string(&c, field->name, sizeof(field->name));
		field->type = (uint8_t)bounded(&c, cursor_u8(&c), CTL_TEXT, CTL_BOOL);
		field->number = 0;
		field->text[0] = '\0';
		if (field->type == CTL_TEXT) {
			cursor_string(&c, field->text, sizeof(field->text));
		} else {
			field->number = cursor_u64(&c);
			if (field->type == CTL_BOOL && field->number > 1) {
				c.failed = true;
			}
		}
	}
	return finish(&c);
}

void ctl_done_encode(struct sink *s, const struct ctl_done *m)
{
	sink_u8(s, m->status);
	sink_string(s, m->text);
}

int ctl_done_decode(const uint8_t *p, size_t len, struct ctl_done *m)
{
	struct cursor c = cursor_of(p, len);
	m->status = (uint8_t)bounded(&c, cursor_u8(&c), 0, 3);
	cursor_string(&c, m->text, sizeof(m->text));
	return finish(&c);
}
