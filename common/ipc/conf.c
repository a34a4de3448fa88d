/*
 * Encoding and decoding of payloads, field by field. Decoders trust nothing: a value out of its
 * range fails the cursor, and a payload with octets left over is malformed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"

#include "common/ipc/codec.h"

#include <string.h>

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
	sink_u8(s, m->validate_sha1);
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
	m->validate_sha1 = get_bool(&c);
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

void ipc_same_zones_encode(struct sink *s, const struct ipc_same_zones *m)
{
	sink_u32(s, m->generation);
	sink_u32(s, m->count);
}

int ipc_same_zones_decode(const uint8_t *p, size_t len, struct ipc_same_zones *m)
{
	struct cursor c = cursor_of(p, len);
	m->generation = cursor_u32(&c);
	m->count = cursor_u32(&c);
	return finish(&c);
}

void ipc_zone_image_encode(struct sink *s, const struct ipc_zone_image *m)
{
	sink_u32(s, m->zone);
	sink_u32(s, m->image);
	sink_u8(s, m->flags);
}

int ipc_zone_image_decode(const uint8_t *p, size_t len, struct ipc_zone_image *m)
{
	struct cursor c = cursor_of(p, len);
	m->zone = cursor_u32(&c);
	m->image = cursor_u32(&c);
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
