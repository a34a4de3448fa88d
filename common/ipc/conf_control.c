/*
 * Payloads of what an operator asks for: of bulkheadctl, and of the roles that do it. As in conf.c, decoders trust
 * nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"

#include "common/ipc/codec.h"

#include <string.h>

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
