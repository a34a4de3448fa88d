/*
 * Payloads about trust anchors. As in conf.c, decoders trust nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"

#include "common/dns/rr.h"
#include "common/ipc/codec.h"
#include "common/util/siphash.h"

#include <string.h>

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
