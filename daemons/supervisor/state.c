/*
 * Writing and reading the record. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t magic[8] = { 'B', 'H', 'S', 'T', 'A', 'T', 'E', '\0' };

/* --- parts ------------------------------------------------------------------------------------------- */

static void put_fd(struct sink *out, int fd)
{
	sink_u32(out, fd < 0 ? UINT32_MAX : (uint32_t)fd);
}

/* A descriptor that is no standard one; -1 where there may be none. */
static int get_fd(struct cursor *in, bool optional)
{
	uint32_t number = cursor_u32(in);
	if (number == UINT32_MAX && optional) {
		return -1;
	}
	if (number <= STDERR_FILENO || number > INT32_MAX) {
		in->failed = true;
	}
	return (int)(number & INT32_MAX);
}

static bool get_bool(struct cursor *in)
{
	uint8_t value = cursor_u8(in);
	in->failed = in->failed || value > 1;
	return value == 1;
}

static void get_name(struct cursor *in, uint8_t out[DNAME_MAX])
{
	int len = in->failed ? BH_ETRUNC : dname_check(in->base + in->pos, in->len - in->pos);
	const uint8_t *name = len < 0 ? NULL : cursor_bytes(in, (size_t)len);
	if (name == NULL) {
		in->failed = true;
		return;
	}
	memcpy(out, name, (size_t)len);
}

/* An absolute path. */
static void get_path(struct cursor *in, char out[PATH_MAX])
{
	cursor_string(in, out, PATH_MAX);
	in->failed = in->failed || out[0] != '/';
}

/* A payload of conf.h, as a blob. */
static void put_payload(struct sink *out, const uint8_t *bytes, const struct sink *payload)
{
	out->failed = out->failed || payload->failed;
	sink_blob(out, bytes, payload->pos);
}

static void put_listener(struct sink *out, const struct listener *l)
{
	uint8_t bytes[64];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_listener_encode(&s, &(struct ipc_listener){ .id = l->id, .proto = (uint8_t)l->proto, .addr = l->addr });
	put_payload(out, bytes, &s);
	sink_string(out, l->device);
	sink_u32(out, l->worker);
	sink_string(out, l->owner);
	put_fd(out, l->fd);
}

static void get_listener(struct cursor *in, void *item)
{
	struct listener *l = item;
	struct ipc_listener info;
	size_t len;
	const uint8_t *payload = cursor_blob(in, &len);
	if (payload == NULL || ipc_listener_decode(payload, len, &info) != BH_OK) {
		in->failed = true;
		return;
	}
	*l = (struct listener){ .id = info.id, .proto = (enum ipc_proto)info.proto, .addr = info.addr, .in_use = true };
	cursor_string(in, l->device, sizeof(l->device));
	l->worker = cursor_u32(in);
	in->failed = in->failed || l->worker >= CONFIG_WORKERS_MAX;
	cursor_string(in, l->owner, sizeof(l->owner));
	l->fd = get_fd(in, false);
}

static void put_view(struct sink *out, const struct state_view *v)
{
	sink_string(out, v->name);
	sink_u32(out, v->slot);
}

static void get_view(struct cursor *in, void *item)
{
	struct state_view *v = item;
	cursor_string(in, v->name, sizeof(v->name));
	v->slot = cursor_u32(in);
	in->failed = in->failed || v->name[0] == '\0' || v->slot >= 2 * CONFIG_VIEWS_MAX;
}

static void put_shared(struct sink *out, const struct shared *s)
{
	sink_string(out, s->view);
	sink_u32(out, s->id);
	put_fd(out, s->fd);
	sink_bytes(out, s->rate_key, sizeof(s->rate_key));
	sink_bytes(out, s->cookie_secret, sizeof(s->cookie_secret));
}

static void get_octets(struct cursor *in, uint8_t *out, size_t len)
{
	const uint8_t *bytes = cursor_bytes(in, len);
	if (bytes != NULL) {
		memcpy(out, bytes, len);
	}
}

static void get_shared(struct cursor *in, void *item)
{
	struct shared *s = item;
	cursor_string(in, s->view, sizeof(s->view));
	s->id = cursor_u32(in);
	s->fd = get_fd(in, true);
	get_octets(in, s->rate_key, sizeof(s->rate_key));
	get_octets(in, s->cookie_secret, sizeof(s->cookie_secret));
}

static void put_zone(struct sink *out, const struct state_zone *z)
{
	sink_u32(out, z->view);
	sink_bytes(out, z->name, dname_len(z->name));
	put_fd(out, z->fd);
	sink_u32(out, z->id);
	sink_u32(out, z->info.warnings);
	sink_u32(out, z->info.serial);
	sink_u32(out, z->info.records);
	sink_u64(out, z->info.size);
	sink_u64(out, z->info.checksum);
	sink_u64(out, z->made_sec);
	sink_u8(out, z->cause.kind);
	sink_u32(out, z->cause.uid);
	sink_u64(out, z->rollback.image_of);
	sink_u64(out, z->rollback.since_sec);
	sink_u32(out, z->rollback.text_serial);
	sink_u64(out, z->rollback.text_size);
	sink_u64(out, z->rollback.text_checksum);
	sink_u8(out, z->sources.incomplete);
	sources_encode(out, &z->sources);
}

static void get_zone(struct cursor *in, void *item)
{
	struct state_zone *z = item;
	z->info.ok = 1;
	z->view = cursor_u32(in);
	get_name(in, z->name);
	z->fd = get_fd(in, false);
	z->id = cursor_u32(in);
	z->info.warnings = cursor_u32(in);
	z->info.serial = cursor_u32(in);
	z->info.records = cursor_u32(in);
	z->info.size = cursor_u64(in);
	z->info.checksum = cursor_u64(in);
	z->made_sec = cursor_u64(in);
	z->cause.kind = cursor_u8(in);
	z->cause.uid = cursor_u32(in);
	z->rollback.image_of = cursor_u64(in);
	z->rollback.since_sec = cursor_u64(in);
	z->rollback.text_serial = cursor_u32(in);
	z->rollback.text_size = cursor_u64(in);
	z->rollback.text_checksum = cursor_u64(in);
	in->failed = in->failed || z->cause.kind < ZONE_CAUSE_START || z->cause.kind > ZONE_CAUSE_LAST;
	bool incomplete = get_bool(in);
	if (in->failed || sources_decode(in, &z->sources) != BH_OK) {
		in->failed = true;
	}
	z->sources.incomplete = z->sources.incomplete || incomplete;
}

static void put_tracked(struct sink *out, const struct tracked *t)
{
	uint8_t bytes[sizeof(t->state)];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_anchor_state_encode(&s, &t->state);
	put_payload(out, bytes, &s);
	sink_u8(out, t->news);
}

static void get_tracked(struct cursor *in, void *item)
{
	struct tracked *t = item;
	size_t len;
	const uint8_t *payload = cursor_blob(in, &len);
	if (payload == NULL || ipc_anchor_state_decode(payload, len, &t->state) != BH_OK) {
		in->failed = true;
	}
	t->news = get_bool(in);
}

static void put_nta(struct sink *out, const struct nta *nta)
{
	sink_bytes(out, nta->zone, dname_len(nta->zone));
	sink_u64(out, nta->until_ms);
}

static void get_nta(struct cursor *in, void *item)
{
	struct nta *nta = item;
	get_name(in, nta->zone);
	nta->until_ms = cursor_u64(in);
}

static void put_role(struct sink *out, const struct state_role *r)
{
	sink_u8(out, r->role);
	sink_u8(out, r->stage);
	sink_string(out, r->view);
	sink_u32(out, r->index);
	sink_string(out, r->name);
	sink_u32(out, (uint32_t)r->pid);
	put_fd(out, r->link_fd);
	put_fd(out, r->log_fd);
}

static void get_role(struct cursor *in, void *item)
{
	struct state_role *r = item;
	r->role = cursor_u8(in);
	r->stage = cursor_u8(in);
	cursor_string(in, r->view, sizeof(r->view));
	r->index = cursor_u32(in);
	cursor_string(in, r->name, sizeof(r->name));
	uint32_t pid = cursor_u32(in);
	r->pid = (pid_t)(pid & INT32_MAX);
	r->link_fd = get_fd(in, true);
	r->log_fd = get_fd(in, true);
	in->failed = in->failed || pid <= 1 || pid > INT32_MAX || r->stage > STATE_LEAVING;
}

static void put_client(struct sink *out, const struct state_client *c)
{
	put_fd(out, c->fd);
	sink_u32(out, c->request);
	sink_u32(out, c->uid);
	sink_u8(out, c->wait);
}

static void get_client(struct cursor *in, void *item)
{
	struct state_client *c = item;
	c->fd = get_fd(in, false);
	c->request = cursor_u32(in);
	c->uid = cursor_u32(in);
	c->wait = cursor_u8(in);
	in->failed = in->failed || c->wait > STATE_WAITS_RELOAD;
}

static void put_local(struct sink *out, const struct state *s)
{
	sink_u8(out, s->localwall);
	if (!s->localwall) {
		sink_string(out, s->local_why);
		return;
	}
	sink_u32(out, s->local.version);
	for (size_t i = 0; i < LOCALWALL_FDS; i++) {
		put_fd(out, s->local.fds[i]);
	}
}

static void get_local(struct cursor *in, struct state *s)
{
	s->localwall = get_bool(in);
	if (!s->localwall) {
		cursor_string(in, s->local_why, sizeof(s->local_why));
		return;
	}
	s->local.version = cursor_u32(in);
	for (size_t i = 0; i < LOCALWALL_FDS; i++) {
		s->local.fds[i] = get_fd(in, false);
	}
}

/* --- lists ------------------------------------------------------------------------------------------- */

#define PUT_LIST(out, s, list, count, put)                    \
	do {                                                  \
		sink_u32((out), (uint32_t)(s)->count);        \
		for (size_t i_ = 0; i_ < (s)->count; i_++) {  \
			put((out), &(s)->list[i_]);           \
		}                                             \
	} while (0)

/*
 * A list of at most `most` items of `size` octets each. Memory grows with what has been read: a record that only
 * claims to be long costs nothing.
 */
static int get_list(struct cursor *in, void **list, size_t *count, size_t size, size_t most,
		    void (*get)(struct cursor *in, void *item))
{
	uint32_t wanted = cursor_u32(in);
	size_t room = 0;
	in->failed = in->failed || wanted > most;
	while (!in->failed && *count < wanted) {
		if (*count == room) {
			room = room == 0 ? 16 : 2 * room;
			void *grown = reallocarray(*list, room, size);
			if (grown == NULL) {
				return BH_ENOMEM;
			}
			*list = grown;
		}
		void *item = (uint8_t *)*list + *count * size;
		memset(item, 0, size);
		(*count)++; /* also of one that fails: what it holds is freed with the others */
		get(in, item);
	}
	return in->failed ? BH_EMALFORMED : BH_OK;
}

/* --- the record -------------------------------------------------------------------------------------- */

size_t state_encode(struct sink *out, const struct state *s)
{
	sink_bytes(out, magic, sizeof(magic));
	sink_u32(out, STATE_VERSION);
	sink_string(out, s->build);
	sink_string(out, s->conf_path);
	sink_string(out, s->role_dir);
	sink_string(out, s->program);
	sink_string(out, s->run_dir);
	sink_string(out, s->state_dir);
	sink_u8(out, s->foreground);
	sink_u8(out, s->log_level);
	sink_u64(out, s->started_ms);
	sink_u32(out, s->next_id);
	sink_u32(out, s->generation);
	sink_u32(out, s->next_generation);
	sink_u32(out, s->image_format);
	put_fd(out, s->lock_fd);
	put_fd(out, s->control_fd);
	sandbox_handover_encode(out, &s->walls);
	put_local(out, s);
	sink_u32(out, s->id_block);
	sink_u8(out, s->resolver);
	PUT_LIST(out, s, listeners, listener_count, put_listener);
	PUT_LIST(out, s, views, view_count, put_view);
	PUT_LIST(out, s, shared, shared_count, put_shared);
	PUT_LIST(out, s, zones, zone_count, put_zone);
	PUT_LIST(out, s, tracked, tracked_count, put_tracked);
	PUT_LIST(out, s, ntas, nta_count, put_nta);
	PUT_LIST(out, s, roles, role_count, put_role);
	size_t fixed = out->pos;
	PUT_LIST(out, s, clients, client_count, put_client);
	for (size_t i = 0; i < s->zone_count; i++) {
		sink_u64(out, s->zones[i].number);
		sink_u8(out, s->zones[i].saved);
	}
	return fixed;
}

static int get_head(struct cursor *in, struct state *s)
{
	const uint8_t *start = cursor_bytes(in, sizeof(magic));
	if (start == NULL || memcmp(start, magic, sizeof(magic)) != 0 || cursor_u32(in) != STATE_VERSION) {
		return BH_EVERSION;
	}
	cursor_string(in, s->build, sizeof(s->build));
	get_path(in, s->conf_path);
	get_path(in, s->role_dir);
	get_path(in, s->program);
	get_path(in, s->run_dir);
	get_path(in, s->state_dir);
	s->foreground = get_bool(in);
	s->log_level = cursor_u8(in);
	s->started_ms = cursor_u64(in);
	s->next_id = cursor_u32(in);
	s->generation = cursor_u32(in);
	s->next_generation = cursor_u32(in);
	s->image_format = cursor_u32(in);
	s->lock_fd = get_fd(in, false);
	s->control_fd = get_fd(in, false);
	sandbox_handover_decode(in, &s->walls);
	get_local(in, s);
	s->id_block = cursor_u32(in);
	s->resolver = get_bool(in);
	in->failed = in->failed || s->log_level > LOG_LEVEL_DEBUG || s->generation == 0 ||
		     s->next_generation <= s->generation;
	return in->failed ? BH_EMALFORMED : BH_OK;
}

/* What one part says of another. */
static int check(const struct state *s)
{
	uint32_t last = 0;
	for (size_t i = 0; i < s->listener_count; i++) {
		if (s->listeners[i].id >= s->next_id) {
			return BH_EMALFORMED;
		}
	}
	for (size_t i = 0; i < s->shared_count; i++) {
		if (s->shared[i].id >= s->next_id) {
			return BH_EMALFORMED;
		}
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		const struct state_zone *z = &s->zones[i];
		if (z->id >= s->next_id || z->view >= s->view_count || z->view < last) {
			return BH_EMALFORMED; /* views in ascending order: they become sections of a configuration */
		}
		last = z->view;
	}
	for (size_t i = 0; i < s->view_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(s->views[i].name, s->views[k].name) == 0 || s->views[i].slot == s->views[k].slot) {
				return BH_EMALFORMED;
			}
		}
	}
	int *fds = NULL;
	int rc = state_descriptors(s, &fds);
	free(fds);
	return rc < 0 ? rc : BH_OK;
}

int state_decode(const uint8_t *bytes, size_t len, struct state *s)
{
	enum { LISTENERS, VIEWS, SHARED, ZONES, TRACKED, NTAS, ROLES, CLIENTS, LISTS };
	static const struct {
		size_t size;
		size_t most;
		void (*get)(struct cursor *in, void *item);
	} kinds[LISTS] = {
		[LISTENERS] = { sizeof(struct listener), STATE_LISTENERS_MAX, get_listener },
		[VIEWS] = { sizeof(struct state_view), CONFIG_VIEWS_MAX, get_view },
		[SHARED] = { sizeof(struct shared), CONFIG_VIEWS_MAX + 1, get_shared },
		[ZONES] = { sizeof(struct state_zone), STATE_ZONES_MAX, get_zone },
		[TRACKED] = { sizeof(struct tracked), 2 * TRACKED_ZONES_MAX, get_tracked },
		[NTAS] = { sizeof(struct nta), NEGATIVE_ANCHORS_MAX, get_nta },
		[ROLES] = { sizeof(struct state_role), STATE_ROLES_MAX, get_role },
		[CLIENTS] = { sizeof(struct state_client), STATE_CLIENTS_MAX, get_client },
	};
	struct {
		void *items;
		size_t count;
	} lists[LISTS];
	struct cursor in = cursor_of(bytes, len);

	memset(s, 0, sizeof(*s));
	memset(lists, 0, sizeof(lists));
	int rc = get_head(&in, s);
	for (size_t i = 0; i < LISTS && rc == BH_OK; i++) {
		rc = get_list(&in, &lists[i].items, &lists[i].count, kinds[i].size, kinds[i].most, kinds[i].get);
	}
	s->listeners = lists[LISTENERS].items;
	s->listener_count = lists[LISTENERS].count;
	s->views = lists[VIEWS].items;
	s->view_count = lists[VIEWS].count;
	s->shared = lists[SHARED].items;
	s->shared_count = lists[SHARED].count;
	s->zones = lists[ZONES].items;
	s->zone_count = lists[ZONES].count;
	s->tracked = lists[TRACKED].items;
	s->tracked_count = lists[TRACKED].count;
	s->ntas = lists[NTAS].items;
	s->nta_count = lists[NTAS].count;
	s->roles = lists[ROLES].items;
	s->role_count = lists[ROLES].count;
	s->clients = lists[CLIENTS].items;
	s->client_count = lists[CLIENTS].count;
	for (size_t i = 0; i < s->zone_count && rc == BH_OK; i++) {
		s->zones[i].number = cursor_u64(&in);
		s->zones[i].saved = get_bool(&in);
	}
	if (rc == BH_OK && !cursor_done(&in)) {
		rc = BH_EMALFORMED;
	}
	return rc == BH_OK ? check(s) : rc;
}

const struct state_zone *state_lost_rollback(const struct state *s, uint32_t image_format)
{
	for (size_t i = 0; i < s->zone_count && s->image_format != image_format; i++) {
		if (s->zones[i].rollback.image_of != 0) {
			return &s->zones[i];
		}
	}
	return NULL;
}

void state_clear(struct state *s, bool sources_borrowed)
{
	for (size_t i = 0; i < s->zone_count && !sources_borrowed; i++) {
		sources_clear(&s->zones[i].sources);
	}
	if (s->shared != NULL) {
		explicit_bzero(s->shared, s->shared_count * sizeof(*s->shared));
	}
	free(s->listeners);
	free(s->views);
	free(s->shared);
	free(s->zones);
	free(s->tracked);
	free(s->ntas);
	free(s->roles);
	free(s->clients);
	memset(s, 0, sizeof(*s));
}

/* --- descriptors ------------------------------------------------------------------------------------- */

static int compare_fds(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;
	return x < y ? -1 : x > y;
}

int state_descriptors(const struct state *s, int **out)
{
	size_t most = 2 + LOCALWALL_FDS + s->listener_count + s->shared_count + s->zone_count + 2 * s->role_count + s->client_count;
	int *fds = calloc(most, sizeof(*fds));
	size_t count = 0;
	if (fds == NULL) {
		return BH_ENOMEM;
	}
	fds[count++] = s->lock_fd;
	fds[count++] = s->control_fd;
	for (size_t i = 0; s->localwall && i < LOCALWALL_FDS; i++) {
		fds[count++] = s->local.fds[i];
	}
	for (size_t i = 0; i < s->listener_count; i++) {
		fds[count++] = s->listeners[i].fd;
	}
	for (size_t i = 0; i < s->shared_count; i++) {
		fds[count] = s->shared[i].fd;
		count += s->shared[i].fd >= 0;
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		fds[count++] = s->zones[i].fd;
	}
	for (size_t i = 0; i < s->role_count; i++) {
		fds[count] = s->roles[i].link_fd;
		count += s->roles[i].link_fd >= 0;
		fds[count] = s->roles[i].log_fd;
		count += s->roles[i].log_fd >= 0;
	}
	for (size_t i = 0; i < s->client_count; i++) {
		fds[count++] = s->clients[i].fd;
	}
	qsort(fds, count, sizeof(*fds), compare_fds);
	for (size_t i = 1; i < count; i++) {
		if (fds[i] == fds[i - 1]) {
			free(fds);
			return BH_EMALFORMED;
		}
	}
	*out = fds;
	return (int)count;
}
