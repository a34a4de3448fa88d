/*
 * Payloads of the compiler: what it is to do, and what became of it. As in conf.c, decoders trust nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"

#include "common/ipc/codec.h"

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
