/*
 * Encoding and decoding of what the monitor is told. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/watch.h"

#include "common/ipc/codec.h"
#include "common/ipc/stats.h"

static uint8_t get_watched_role(struct cursor *c)
{
	uint8_t role = cursor_u8(c);
	if (role >= ROLE_COUNT || (ROLES_LASTING & ROLE_BIT(role)) == 0) {
		c->failed = true;
	}
	return role;
}

void ipc_page_encode(struct sink *s, const struct ipc_page *m)
{
	sink_u32(s, m->id);
	sink_u8(s, m->role);
	sink_u16(s, m->index);
	sink_string(s, m->view);
}

int ipc_page_decode(const uint8_t *p, size_t len, struct ipc_page *m)
{
	struct cursor c = cursor_of(p, len);
	m->id = bounded(&c, cursor_u32(&c), 1, UINT32_MAX);
	m->role = get_watched_role(&c);
	m->index = cursor_u16(&c);
	cursor_string(&c, m->view, sizeof(m->view));
	return finish(&c);
}

void ipc_conf_monitor_encode(struct sink *s, const struct ipc_conf_monitor *m)
{
	sink_u8(s, m->zones);
}

int ipc_conf_monitor_decode(const uint8_t *p, size_t len, struct ipc_conf_monitor *m)
{
	struct cursor c = cursor_of(p, len);
	m->zones = get_bool(&c);
	return finish(&c);
}

void ipc_host_encode(struct sink *s, const struct ipc_host *m)
{
	sink_string(s, m->name);
}

int ipc_host_decode(const uint8_t *p, size_t len, struct ipc_host *m)
{
	struct cursor c = cursor_of(p, len);
	cursor_string(&c, m->name, sizeof(m->name));
	int rc = finish(&c);
	return rc == BH_OK && m->name[0] == '\0' ? BH_EMALFORMED : rc;
}

void ipc_watched_encode(struct sink *s, const struct ipc_watched *m)
{
	sink_string(s, m->view);
	put_name(s, m->name);
	sink_u32(s, m->counter);
	sink_u32(s, m->serial);
	sink_u32(s, m->records);
	sink_u64(s, m->size);
	sink_u64(s, m->made_sec);
	sink_u8(s, m->flags);
}

int ipc_watched_decode(const uint8_t *p, size_t len, struct ipc_watched *m)
{
	struct cursor c = cursor_of(p, len);
	cursor_string(&c, m->view, sizeof(m->view));
	get_name(&c, m->name);
	m->counter = bounded(&c, cursor_u32(&c), 0, STATS_ZONES_MAX - 1);
	m->serial = cursor_u32(&c);
	m->records = cursor_u32(&c);
	m->size = cursor_u64(&c);
	m->made_sec = cursor_u64(&c);
	m->flags = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_WATCHED_FAILED | IPC_WATCHED_OLD);
	return finish(&c);
}

void ipc_role_facts_encode(struct sink *s, const struct ipc_role_facts *m)
{
	sink_u32(s, m->page);
	sink_u8(s, m->state);
	sink_u32(s, m->pid);
	sink_u32(s, m->restarts);
	sink_u64(s, m->started_sec);
	sink_u32(s, m->generation);
	sink_u64(s, m->resident);
	sink_u64(s, m->cpu_ms);
	sink_u32(s, m->walls);
	sink_u32(s, m->missing);
	sink_u16(s, m->syscalls);
	sink_u8(s, m->confined);
	sink_string(s, m->last_end);
}

int ipc_role_facts_decode(const uint8_t *p, size_t len, struct ipc_role_facts *m)
{
	struct cursor c = cursor_of(p, len);
	m->page = cursor_u32(&c);
	m->state = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_ROLE_STATES - 1);
	m->pid = cursor_u32(&c);
	m->restarts = cursor_u32(&c);
	m->started_sec = cursor_u64(&c);
	m->generation = cursor_u32(&c);
	m->resident = cursor_u64(&c);
	m->cpu_ms = cursor_u64(&c);
	m->walls = cursor_u32(&c);
	m->missing = cursor_u32(&c);
	m->syscalls = cursor_u16(&c);
	m->confined = get_bool(&c);
	cursor_string(&c, m->last_end, sizeof(m->last_end));
	return finish(&c);
}

void ipc_appliance_facts_encode(struct sink *s, const struct ipc_appliance_facts *m)
{
	sink_u8(s, m->state);
	sink_u64(s, m->started_sec);
	sink_u32(s, m->generation);
	sink_u32(s, m->pid);
	sink_u64(s, m->resident);
	sink_u64(s, m->cpu_ms);
	sink_u8(s, m->change_ok);
	sink_u64(s, m->change_sec);
}

int ipc_appliance_facts_decode(const uint8_t *p, size_t len, struct ipc_appliance_facts *m)
{
	struct cursor c = cursor_of(p, len);
	m->state = (uint8_t)bounded(&c, cursor_u8(&c), 0, IPC_APPLIANCE_STATES - 1);
	m->started_sec = cursor_u64(&c);
	m->generation = cursor_u32(&c);
	m->pid = cursor_u32(&c);
	m->resident = cursor_u64(&c);
	m->cpu_ms = cursor_u64(&c);
	m->change_ok = get_bool(&c);
	m->change_sec = cursor_u64(&c);
	return finish(&c);
}
