/*
 * Lists of source files. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/sources.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Room grows by doubling from here. */
#define ROOM_FIRST 1

static int add(struct sources *s, const char *path, const struct source *numbers)
{
	size_t len = strlen(path);
	if (s->count >= SOURCES_MAX) {
		return BH_ELIMIT;
	}
	if (s->incomplete || len > SOURCES_OCTETS_MAX - s->octets) {
		s->incomplete = true;
		return BH_OK;
	}
	if ((s->count & (s->count - 1)) == 0) { /* full at powers of two */
		size_t room = s->count == 0 ? ROOM_FIRST : s->count * 2;
		struct source *items = reallocarray(s->items, room, sizeof(*items));
		if (items == NULL) {
			return BH_ENOMEM;
		}
		s->items = items;
	}
	struct source *item = &s->items[s->count];
	*item = *numbers;
	item->path = strdup(path);
	if (item->path == NULL) {
		return BH_ENOMEM;
	}
	s->octets += len;
	s->count++;
	return BH_OK;
}

int sources_add(struct sources *s, const struct ipc_source *m)
{
	const struct source numbers = {
		.dev = m->dev,
		.ino = m->ino,
		.size = m->size,
		.mtime_ns = (int64_t)m->mtime_ns,
		.ctime_ns = (int64_t)m->ctime_ns,
	};
	return add(s, m->path, &numbers);
}

/* Relative, and no way up in it. */
static bool stays_below(const char *path)
{
	if (path[0] == '\0' || path[0] == '/') {
		return false;
	}
	for (const char *p = path; *p != '\0'; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			return false;
		}
		p += len;
	}
	return true;
}

static int64_t in_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

/* Settled well before it was read; subtraction of a time that a liar chose must not overflow. */
static bool settled(int64_t changed_ns, int64_t read_ns)
{
	return read_ns > SOURCES_RACY_NS && changed_ns < read_ns - SOURCES_RACY_NS;
}

static bool is_same(const struct source *item, const char *zones_dir, int64_t read_ns)
{
	char path[PATH_MAX];
	struct stat st;

	if (!stays_below(item->path) ||
	    snprintf(path, sizeof(path), "%s/%s", zones_dir, item->path) >= (int)sizeof(path) ||
	    stat(path, &st) != 0) {
		return false;
	}
	return S_ISREG(st.st_mode) && st.st_dev == item->dev && st.st_ino == item->ino &&
	       (uint64_t)st.st_size == item->size && in_ns(&st.st_mtim) == item->mtime_ns &&
	       in_ns(&st.st_ctim) == item->ctime_ns && settled(item->mtime_ns, read_ns) &&
	       settled(item->ctime_ns, read_ns);
}

bool sources_current(const struct sources *s, const char *zones_dir, const char *file, uint32_t default_ttl)
{
	if (s->incomplete || s->count == 0 || s->default_ttl != default_ttl ||
	    strcmp(s->items[0].path, file) != 0) {
		return false;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (!is_same(&s->items[i], zones_dir, s->read_ns)) {
			return false;
		}
	}
	return true;
}

int sources_copy(struct sources *to, const struct sources *from)
{
	*to = (struct sources){ .read_ns = from->read_ns, .default_ttl = from->default_ttl };
	for (size_t i = 0; i < from->count; i++) {
		int rc = add(to, from->items[i].path, &from->items[i]);
		if (rc != BH_OK) {
			sources_clear(to);
			return rc;
		}
	}
	to->incomplete = from->incomplete;
	return BH_OK;
}

void sources_move(struct sources *to, struct sources *from)
{
	sources_clear(to);
	*to = *from;
	*from = (struct sources){ .items = NULL };
}

void sources_clear(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->items[i].path);
	}
	free(s->items);
	*s = (struct sources){ .items = NULL };
}

void sources_encode(struct sink *out, const struct sources *s)
{
	sink_u64(out, (uint64_t)s->read_ns);
	sink_u32(out, s->default_ttl);
	sink_u32(out, (uint32_t)s->count);
	for (size_t i = 0; i < s->count; i++) {
		const struct source *item = &s->items[i];
		sink_string(out, item->path);
		sink_u64(out, item->dev);
		sink_u64(out, item->ino);
		sink_u64(out, item->size);
		sink_u64(out, (uint64_t)item->mtime_ns);
		sink_u64(out, (uint64_t)item->ctime_ns);
	}
}

int sources_decode(struct cursor *in, struct sources *s)
{
	*s = (struct sources){ .read_ns = (int64_t)cursor_u64(in) };
	s->default_ttl = cursor_u32(in);
	uint32_t count = cursor_u32(in);
	if (count > SOURCES_MAX) {
		in->failed = true;
	}
	for (uint32_t i = 0; i < count && !in->failed; i++) {
		char path[IPC_PATH_MAX];
		struct source numbers;
		cursor_string(in, path, sizeof(path));
		numbers.dev = cursor_u64(in);
		numbers.ino = cursor_u64(in);
		numbers.size = cursor_u64(in);
		numbers.mtime_ns = (int64_t)cursor_u64(in);
		numbers.ctime_ns = (int64_t)cursor_u64(in);
		int rc = in->failed ? BH_EMALFORMED : add(s, path, &numbers);
		if (rc != BH_OK) {
			return rc;
		}
	}
	return in->failed ? BH_EMALFORMED : BH_OK;
}
