/*
 * The role's end of the control link: resources by id, one configuration at a time.
 *
 * Owns every descriptor the supervisor sent, until no configuration names it any more. Trusts the
 * supervisor as far as starting anew goes: what it should not have sent ends the process.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/role_link.h"

#include "common/ipc/link.h"
#include "common/util/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Replies of a role are small; a supervisor that does not read them is broken. */
#define ROLE_QUEUE_MAX (1024 * 1024)

enum resource_kind { RESOURCE_LISTENER, RESOURCE_LINK, RESOURCE_IMAGE, RESOURCE_RATE_TABLE, RESOURCE_PAGE };

struct resource {
	uint32_t id;
	enum resource_kind kind;
	int fd;
	union {
		struct ipc_listener listener;
		struct ipc_link link;
		struct ipc_rate_table rate_table;
		struct ipc_page page;
	} info;
};

struct role_link {
	struct event_base *base;
	struct link *link;
	enum role role;
	const struct role_ops *ops;
	void *ctx;
	struct stats_page **stats;
	struct stats_page *stats_private;
	struct ipc_identity identity;
	bool have_options;
	bool building; /* CONF_BEGIN came, PREPARE not yet */
	bool same_zones; /* in between CONF_SAME_ZONES */
	bool prepared; /* next waits for COMMIT or ABORT */
	bool running;
	struct role_conf next;
	struct role_conf current;
	struct resource *resources;
	size_t resource_count;
	size_t resource_room;
};

/* One more element at the end of a growing array, zeroed. Running out of memory here is fatal: there is no
 * smaller configuration to fall back to inside this process, and the supervisor starts it anew. */
static void *array_grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) == 0) { /* full at powers of two */
		size_t room = count == 0 ? 1 : count * 2;
		array = reallocarray(array, room, size);
		if (array == NULL) {
			log_fatal("out of memory for the configuration");
		}
	}
	memset((char *)array + count * size, 0, size);
	return array;
}

static void conf_clear(struct role_conf *conf)
{
	free(conf->listeners);
	free(conf->links);
	free(conf->zones);
	tsig_keys_free(conf->keys, conf->key_count);
	free(conf->transfers);
	free(conf->rebind_allow);
	free(conf->stubs);
	free(conf->forwards);
	free(conf->roots);
	free(conf->outgoing);
	free(conf->anchors);
	free(conf->negative_anchors);
	free(conf->anchor_states);
	free(conf->pages);
	free(conf->hosts);
	free(conf->watched);
	acl_clear(&conf->acl);
	acl_clear(&conf->rate_exempt);
	explicit_bzero(&conf->cookie_secrets, sizeof(conf->cookie_secrets));
	memset(conf, 0, sizeof(*conf));
}

static struct resource *find_resource(struct role_link *rl, enum resource_kind kind, uint32_t id)
{
	/* Ids grow, so the array is ordered by id and can be searched in halves. */
	size_t low = 0;
	size_t high = rl->resource_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (rl->resources[mid].id < id) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	if (low < rl->resource_count && rl->resources[low].id == id && rl->resources[low].kind == kind) {
		return &rl->resources[low];
	}
	return NULL;
}

static int add_resource(struct role_link *rl, enum resource_kind kind, uint32_t id, struct link_message *m,
			struct resource **out)
{
	if (rl->resource_count > 0 && rl->resources[rl->resource_count - 1].id >= id) {
		return BH_EMALFORMED; /* ids only grow */
	}
	if (rl->resource_count == rl->resource_room) {
		size_t room = rl->resource_room == 0 ? 16 : rl->resource_room * 2;
		struct resource *resources = reallocarray(rl->resources, room, sizeof(*resources));
		if (resources == NULL) {
			return BH_ENOMEM;
		}
		rl->resources = resources;
		rl->resource_room = room;
	}
	struct resource *r = &rl->resources[rl->resource_count++];
	*r = (struct resource){ .id = id, .kind = kind, .fd = m->fd };
	m->fd = -1; /* taken */
	*out = r;
	return BH_OK;
}

static bool conf_uses(const struct role_conf *conf, const struct resource *r)
{
	switch (r->kind) {
	case RESOURCE_LISTENER:
		for (size_t i = 0; i < conf->listener_count; i++) {
			if (conf->listeners[i].info.id == r->id) {
				return true;
			}
		}
		return false;
	case RESOURCE_LINK:
		for (size_t i = 0; i < conf->link_count; i++) {
			if (conf->links[i].info.id == r->id) {
				return true;
			}
		}
		return false;
	case RESOURCE_PAGE:
		for (size_t i = 0; i < conf->page_count; i++) {
			if (conf->pages[i].info.id == r->id) {
				return true;
			}
		}
		return false;
	case RESOURCE_RATE_TABLE:
		return conf->rate.mode != 0 && conf->rate.table == r->id;
	case RESOURCE_IMAGE:
		break;
	}
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* Close what the current configuration does not name. Images are many, so their ids are sorted once. */
static void drop_unused(struct role_link *rl)
{
	uint32_t *used = calloc(rl->current.zone_count + 1, sizeof(*used));
	if (used == NULL) {
		log_fatal("out of memory");
	}
	size_t used_count = 0;
	for (size_t i = 0; i < rl->current.zone_count; i++) {
		used[used_count++] = rl->current.zones[i].info.image;
	}
	qsort(used, used_count, sizeof(*used), compare_ids);

	size_t kept = 0;
	for (size_t i = 0; i < rl->resource_count; i++) {
		const struct resource *r = &rl->resources[i];
		bool keep = r->kind == RESOURCE_IMAGE
				    ? bsearch(&r->id, used, used_count, sizeof(*used), compare_ids) != NULL
				    : conf_uses(&rl->current, r);
		if (keep) {
			rl->resources[kept++] = *r;
		} else {
			close(r->fd);
		}
	}
	rl->resource_count = kept;
	free(used);
}

static int send_generation(struct role_link *rl, enum msg_type type, uint32_t generation)
{
	uint8_t bytes[8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_generation_encode(&s, &(struct ipc_generation){ generation });
	return link_send(rl->link, type, 0, bytes, s.pos, -1);
}

static int on_identity(struct role_link *rl, struct link_message *m)
{
	int rc = ipc_identity_decode(m->payload, m->len, &rl->identity);
	if (rc != BH_OK) {
		return rc;
	}
	void *page = mmap(NULL, stats_size(rl->role), PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (page == MAP_FAILED) {
		return BH_ESYS;
	}
	*rl->stats = page;
	(*rl->stats)->zone_room = rl->role == ROLE_AUTHORITY ? STATS_ZONES_MAX : 0;
	stats_probes_clear(page);
	log_set_level((enum log_level)rl->identity.log_level);
	link_set_phase(rl->link, PHASE_CONFIG);
	return BH_OK;
}

static int on_listener(struct role_link *rl, struct link_message *m)
{
	struct ipc_listener info;
	struct resource *r;
	int rc = ipc_listener_decode(m->payload, m->len, &info);
	if (rc == BH_OK && (rc = add_resource(rl, RESOURCE_LISTENER, info.id, m, &r)) == BH_OK) {
		r->info.listener = info;
	}
	return rc;
}

static int on_link(struct role_link *rl, struct link_message *m)
{
	struct ipc_link info;
	struct resource *r;
	int rc = ipc_link_decode(m->payload, m->len, &info);
	if (rc == BH_OK && (rc = add_resource(rl, RESOURCE_LINK, info.id, m, &r)) == BH_OK) {
		r->info.link = info;
	}
	return rc;
}

static int on_image(struct role_link *rl, struct link_message *m)
{
	struct ipc_image info;
	struct resource *r;
	int rc = ipc_image_decode(m->payload, m->len, &info);
	return rc == BH_OK ? add_resource(rl, RESOURCE_IMAGE, info.id, m, &r) : rc;
}

static int on_rate_table(struct role_link *rl, struct link_message *m)
{
	struct ipc_rate_table info;
	struct resource *r;
	int rc = ipc_rate_table_decode(m->payload, m->len, &info);
	if (rc == BH_OK && (rc = add_resource(rl, RESOURCE_RATE_TABLE, info.id, m, &r)) == BH_OK) {
		r->info.rate_table = info;
	}
	return rc;
}

static int on_page(struct role_link *rl, struct link_message *m)
{
	struct ipc_page info;
	struct resource *r;
	int rc = ipc_page_decode(m->payload, m->len, &info);
	if (rc == BH_OK && (rc = add_resource(rl, RESOURCE_PAGE, info.id, m, &r)) == BH_OK) {
		r->info.page = info;
	}
	return rc;
}

static int on_conf_begin(struct role_link *rl, const struct link_message *m)
{
	struct ipc_generation g;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc != BH_OK || rl->building || rl->prepared) {
		return BH_EMALFORMED;
	}
	conf_clear(&rl->next);
	rl->next.generation = g.generation;
	rl->next.index = rl->identity.index;
	rl->building = true;
	rl->same_zones = false;
	rl->have_options = false;
	return BH_OK;
}

static int conf_add_listener(struct role_link *rl, const struct link_message *m)
{
	struct ipc_id id;
	int rc = ipc_id_decode(m->payload, m->len, &id);
	const struct resource *r = rc == BH_OK ? find_resource(rl, RESOURCE_LISTENER, id.id) : NULL;
	if (r == NULL) {
		return BH_EMALFORMED;
	}
	struct role_conf *conf = &rl->next;
	conf->listeners = array_grow(conf->listeners, conf->listener_count, sizeof(*conf->listeners));
	conf->listeners[conf->listener_count++] = (struct role_listener){ r->info.listener, r->fd };
	return BH_OK;
}

static int conf_add_link(struct role_link *rl, const struct link_message *m)
{
	struct ipc_id id;
	int rc = ipc_id_decode(m->payload, m->len, &id);
	const struct resource *r = rc == BH_OK ? find_resource(rl, RESOURCE_LINK, id.id) : NULL;
	if (r == NULL) {
		return BH_EMALFORMED;
	}
	struct role_conf *conf = &rl->next;
	conf->links = array_grow(conf->links, conf->link_count, sizeof(*conf->links));
	conf->links[conf->link_count++] = (struct role_query_link){ r->info.link, r->fd };
	return BH_OK;
}

static int conf_add_page(struct role_link *rl, const struct link_message *m)
{
	struct ipc_id id;
	int rc = ipc_id_decode(m->payload, m->len, &id);
	const struct resource *r = rc == BH_OK ? find_resource(rl, RESOURCE_PAGE, id.id) : NULL;
	if (r == NULL) {
		return BH_EMALFORMED;
	}
	struct role_conf *conf = &rl->next;
	conf->pages = array_grow(conf->pages, conf->page_count, sizeof(*conf->pages));
	conf->pages[conf->page_count++] = (struct role_page){ r->info.page, r->fd };
	return BH_OK;
}

/* The descriptor of the image that a zone names. One that names an image that is not here is nothing to serve. */
static int find_image(struct role_link *rl, struct role_zone *zone)
{
	const struct resource *r = NULL;
	if (zone->info.image != 0) {
		r = find_resource(rl, RESOURCE_IMAGE, zone->info.image);
		if (r == NULL) {
			return BH_EMALFORMED;
		}
	} else if (rl->role == ROLE_AUTHORITY && (zone->info.flags & IPC_ZONE_FAILED) == 0) {
		return BH_EMALFORMED; /* neither data nor an excuse */
	}
	zone->image_fd = r == NULL ? -1 : r->fd;
	return BH_OK;
}

static int conf_add_zone(struct role_link *rl, const struct link_message *m)
{
	struct role_conf *conf = &rl->next;
	if (rl->same_zones) {
		return BH_EMALFORMED; /* they are complete */
	}
	conf->zones = array_grow(conf->zones, conf->zone_count, sizeof(*conf->zones));
	struct role_zone *zone = &conf->zones[conf->zone_count];
	int rc = ipc_zone_decode(m->payload, m->len, &zone->info);
	if (rc == BH_OK) {
		rc = find_image(rl, zone);
	}
	conf->zone_count += rc == BH_OK;
	return rc;
}

static void *array_copy(const void *array, size_t count, size_t size)
{
	void *copy = calloc(count + 1, size);
	if (copy == NULL) {
		log_fatal("out of memory for the configuration");
	}
	if (count > 0) {
		memcpy(copy, array, count * size);
	}
	return copy;
}

/* Their images stay here as long as the configuration in service names them, so their descriptors do. */
static int conf_same_zones(struct role_link *rl, const struct link_message *m)
{
	struct role_conf *conf = &rl->next;
	const struct role_conf *now = &rl->current;
	struct ipc_same_zones same;
	int rc = ipc_same_zones_decode(m->payload, m->len, &same);
	if (rc != BH_OK || !rl->running || same.generation != now->generation || same.count != now->zone_count ||
	    conf->zone_count > 0 || conf->transfer_count > 0 || rl->same_zones) {
		return BH_EMALFORMED; /* the supervisor goes by something else than we have */
	}
	conf->zones = array_copy(now->zones, now->zone_count, sizeof(*now->zones));
	conf->zone_count = now->zone_count;
	conf->transfers = array_copy(now->transfers, now->transfer_count, sizeof(*now->transfers));
	conf->transfer_count = now->transfer_count;
	rl->same_zones = true;
	return BH_OK;
}

static int conf_change_image(struct role_link *rl, const struct link_message *m)
{
	struct role_conf *conf = &rl->next;
	struct ipc_zone_image change;
	int rc = ipc_zone_image_decode(m->payload, m->len, &change);
	if (rc != BH_OK || !rl->same_zones || change.zone >= conf->zone_count) {
		return BH_EMALFORMED;
	}
	struct role_zone *zone = &conf->zones[change.zone];
	zone->info.image = change.image;
	zone->info.flags = change.flags;
	return find_image(rl, zone);
}

static int conf_set_rate(struct role_link *rl, const struct link_message *m)
{
	struct role_conf *conf = &rl->next;
	int rc = ipc_rate_limit_decode(m->payload, m->len, &conf->rate);
	if (rc != BH_OK) {
		return rc;
	}
	const struct resource *r = find_resource(rl, RESOURCE_RATE_TABLE, conf->rate.table);
	if (r == NULL) {
		return BH_EMALFORMED;
	}
	conf->rate_table = r->info.rate_table;
	conf->rate_table_fd = r->fd;
	return BH_OK;
}

/*
 * Keys do not grow as other arrays do: reallocation would leave copies of secrets behind. Memory that is not
 * written to costs none.
 */
static int conf_add_key(struct role_conf *conf, const struct link_message *m)
{
	struct ipc_key key;
	int rc = ipc_key_decode(m->payload, m->len, &key);
	if (rc == BH_OK && conf->key_count == TSIG_KEYS_MAX) {
		rc = BH_ELIMIT;
	}
	if (rc == BH_OK) {
		if (conf->keys == NULL) {
			conf->keys = calloc(TSIG_KEYS_MAX, sizeof(*conf->keys));
		}
		if (conf->keys == NULL) {
			log_fatal("out of memory for the configuration");
		}
		conf->keys[conf->key_count++] = key.key;
	}
	explicit_bzero(&key, sizeof(key));
	return rc;
}

static int conf_add_transfer(struct role_link *rl, const struct link_message *m)
{
	struct role_conf *conf = &rl->next;
	if (rl->same_zones) {
		return BH_EMALFORMED;
	}
	conf->transfers = array_grow(conf->transfers, conf->transfer_count, sizeof(*conf->transfers));
	struct ipc_transfer *transfer = &conf->transfers[conf->transfer_count];
	int rc = ipc_transfer_decode(m->payload, m->len, transfer);
	bool in_order = conf->transfer_count == 0 || transfer[-1].zone <= transfer->zone;
	if (rc == BH_OK && (transfer->zone >= conf->zone_count || !in_order)) {
		rc = BH_EMALFORMED;
	}
	conf->transfer_count += rc == BH_OK;
	return rc;
}

static int conf_add_servers(const struct link_message *m, struct ipc_servers **list, size_t *count)
{
	*list = array_grow(*list, *count, sizeof(**list));
	int rc = ipc_servers_decode(m->payload, m->len, &(*list)[*count]);
	if (rc == BH_OK) {
		(*count)++;
	}
	return rc;
}

/* One part of the configuration that is being collected. */
static int on_conf_part(struct role_link *rl, const struct link_message *m)
{
	struct role_conf *conf = &rl->next;
	struct ipc_acl acl;
	int rc;

	if (!rl->building) {
		return BH_EMALFORMED;
	}
	switch ((enum msg_type)m->type) {
	case MSG_CONF_AUTHORITY:
		rl->have_options = true;
		return ipc_conf_authority_decode(m->payload, m->len, &conf->options.authority);
	case MSG_CONF_FRONTEND:
		rl->have_options = true;
		return ipc_conf_frontend_decode(m->payload, m->len, &conf->options.frontend);
	case MSG_CONF_RESOLVER:
		rl->have_options = true;
		return ipc_conf_resolver_decode(m->payload, m->len, &conf->options.resolver);
	case MSG_CONF_LISTENER:
		return conf_add_listener(rl, m);
	case MSG_CONF_LINK:
		return conf_add_link(rl, m);
	case MSG_CONF_ACL:
		rc = ipc_acl_decode(m->payload, m->len, &acl);
		return rc == BH_OK ? acl_add(&conf->acl, &acl.prefix) : rc;
	case MSG_CONF_ZONE:
		return conf_add_zone(rl, m);
	case MSG_CONF_SAME_ZONES:
		return conf_same_zones(rl, m);
	case MSG_CONF_ZONE_IMAGE:
		return conf_change_image(rl, m);
	case MSG_CONF_COOKIE_SECRETS:
		return ipc_cookie_secrets_decode(m->payload, m->len, &conf->cookie_secrets);
	case MSG_CONF_RATE_LIMIT:
		return conf_set_rate(rl, m);
	case MSG_CONF_RATE_EXEMPT:
		rc = ipc_acl_decode(m->payload, m->len, &acl);
		return rc == BH_OK ? acl_add(&conf->rate_exempt, &acl.prefix) : rc;
	case MSG_CONF_KEY:
		return conf_add_key(conf, m);
	case MSG_CONF_TRANSFER:
		return conf_add_transfer(rl, m);
	case MSG_CONF_REBIND_ALLOW:
		conf->rebind_allow = array_grow(conf->rebind_allow, conf->rebind_allow_count,
						sizeof(*conf->rebind_allow));
		rc = ipc_name_decode(m->payload, m->len, &conf->rebind_allow[conf->rebind_allow_count]);
		conf->rebind_allow_count += rc == BH_OK;
		return rc;
	case MSG_CONF_STUB:
		return conf_add_servers(m, &conf->stubs, &conf->stub_count);
	case MSG_CONF_FORWARD:
		return conf_add_servers(m, &conf->forwards, &conf->forward_count);
	case MSG_CONF_ROOT:
		return conf_add_servers(m, &conf->roots, &conf->root_count);
	case MSG_CONF_OUTGOING:
		conf->outgoing = array_grow(conf->outgoing, conf->outgoing_count, sizeof(*conf->outgoing));
		rc = ipc_outgoing_decode(m->payload, m->len, &conf->outgoing[conf->outgoing_count]);
		conf->outgoing_count += rc == BH_OK;
		return rc;
	case MSG_CONF_ANCHOR:
		conf->anchors = array_grow(conf->anchors, conf->anchor_count, sizeof(*conf->anchors));
		rc = ipc_anchor_decode(m->payload, m->len, &conf->anchors[conf->anchor_count]);
		conf->anchor_count += rc == BH_OK;
		return rc;
	case MSG_CONF_NEGATIVE_ANCHOR:
		conf->negative_anchors = array_grow(conf->negative_anchors, conf->negative_anchor_count,
						    sizeof(*conf->negative_anchors));
		rc = ipc_negative_anchor_decode(m->payload, m->len,
						&conf->negative_anchors[conf->negative_anchor_count]);
		conf->negative_anchor_count += rc == BH_OK;
		return rc;
	case MSG_CONF_ANCHOR_STATE:
		conf->anchor_states = array_grow(conf->anchor_states, conf->anchor_state_count,
						 sizeof(*conf->anchor_states));
		rc = ipc_anchor_state_decode(m->payload, m->len, &conf->anchor_states[conf->anchor_state_count]);
		conf->anchor_state_count += rc == BH_OK;
		return rc;
	case MSG_CONF_PROBE:
		conf->probe = true;
		return ipc_name_decode(m->payload, m->len, &conf->probe_name);
	case MSG_CONF_MONITOR:
		rl->have_options = true;
		return ipc_conf_monitor_decode(m->payload, m->len, &conf->options.monitor);
	case MSG_CONF_PAGE:
		return conf_add_page(rl, m);
	case MSG_CONF_HOST:
		conf->hosts = array_grow(conf->hosts, conf->host_count, sizeof(*conf->hosts));
		rc = ipc_host_decode(m->payload, m->len, &conf->hosts[conf->host_count]);
		conf->host_count += rc == BH_OK;
		return rc;
	case MSG_CONF_WATCHED:
		conf->watched = array_grow(conf->watched, conf->watched_count, sizeof(*conf->watched));
		rc = ipc_watched_decode(m->payload, m->len, &conf->watched[conf->watched_count]);
		conf->watched_count += rc == BH_OK;
		return rc;
	default:
		return BH_EMALFORMED;
	}
}

int role_link_refuse_image(struct role_link *rl, uint32_t id, const char *why)
{
	struct ipc_image_refused refused = { .id = id };
	uint8_t bytes[IPC_TEXT_MAX + 16];
	struct sink s = sink_of(bytes, sizeof(bytes));
	strncpy(refused.why, why, sizeof(refused.why) - 1);
	ipc_image_refused_encode(&s, &refused);
	return link_send(rl->link, MSG_IMAGE_REFUSED, 0, bytes, s.pos, -1);
}

static int on_prepare(struct role_link *rl, const struct link_message *m)
{
	struct ipc_generation g;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc != BH_OK || !rl->building || !rl->have_options || g.generation != rl->next.generation) {
		return BH_EMALFORMED;
	}
	rl->building = false;

	struct ipc_refused refused = { .generation = g.generation };
	rc = rl->ops->prepare(rl->ctx, &rl->next, refused.why, sizeof(refused.why));
	if (rc == BH_OK) {
		rl->prepared = true;
		return send_generation(rl, MSG_PREPARED, g.generation);
	}
	conf_clear(&rl->next);
	drop_unused(rl);

	uint8_t bytes[IPC_TEXT_MAX + 16];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_refused_encode(&s, &refused);
	return link_send(rl->link, MSG_REFUSED, 0, bytes, s.pos, -1);
}

static int on_commit(struct role_link *rl, const struct link_message *m)
{
	struct ipc_generation g;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc != BH_OK || !rl->prepared || g.generation != rl->next.generation) {
		return BH_EMALFORMED;
	}
	struct role_conf old = rl->current;
	rl->current = rl->next;
	memset(&rl->next, 0, sizeof(rl->next));
	rl->ops->commit(rl->ctx, &rl->current); /* which the role may keep until the next one */
	conf_clear(&old);
	rl->prepared = false;
	rl->running = true;
	drop_unused(rl);
	link_set_phase(rl->link, PHASE_RUN);
	return send_generation(rl, MSG_COMMITTED, g.generation);
}

static int on_abort(struct role_link *rl, const struct link_message *m)
{
	struct ipc_generation g;
	int rc = ipc_generation_decode(m->payload, m->len, &g);
	if (rc != BH_OK) {
		return rc;
	}
	/* The supervisor may abort what this role has just refused: then there is nothing left. */
	if (rl->prepared && g.generation == rl->next.generation) {
		rl->ops->abort(rl->ctx);
	}
	rl->prepared = false;
	rl->building = false;
	conf_clear(&rl->next);
	drop_unused(rl);
	return BH_OK;
}

static int on_flush(struct role_link *rl, const struct link_message *m)
{
	struct ipc_flush what;
	int rc = ipc_flush_decode(m->payload, m->len, &what);
	if (rc != BH_OK) {
		return rc;
	}
	uint8_t bytes[8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	struct ipc_flushed flushed = { rl->ops->flush == NULL ? 0 : rl->ops->flush(rl->ctx, &what) };
	ipc_flushed_encode(&s, &flushed);
	return link_send(rl->link, MSG_FLUSHED, m->request, bytes, s.pos, -1);
}

static int on_negative_anchor(struct role_link *rl, const struct link_message *m)
{
	struct ipc_negative_anchor anchor;
	int rc = ipc_negative_anchor_decode(m->payload, m->len, &anchor);
	if (rc == BH_OK && rl->ops->negative_anchor != NULL) {
		rl->ops->negative_anchor(rl->ctx, &anchor);
	}
	return rc;
}

static int on_anchor_state(struct role_link *rl, const struct link_message *m)
{
	struct ipc_anchor_state state;
	int rc = ipc_anchor_state_decode(m->payload, m->len, &state);
	if (rc == BH_OK && rl->ops->anchor_state != NULL) {
		rl->ops->anchor_state(rl->ctx, &state);
	}
	return rc;
}

int role_link_anchor_found(struct role_link *rl, const struct ipc_anchor_state *state)
{
	uint8_t bytes[sizeof(*state)];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_anchor_state_encode(&s, state);
	return s.failed ? BH_ENOSPC : link_send(rl->link, MSG_ANCHOR_FOUND, 0, bytes, s.pos, -1);
}

int role_link_trace_step(struct role_link *rl, uint32_t request, const struct ipc_trace_step *step)
{
	uint8_t bytes[sizeof(*step) + 16];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_trace_step_encode(&s, step);
	return s.failed ? BH_ENOSPC : link_send(rl->link, MSG_TRACE_STEP, request, bytes, s.pos, -1);
}

static int on_trace(struct role_link *rl, const struct link_message *m)
{
	struct ipc_trace what;
	int rc = ipc_trace_decode(m->payload, m->len, &what);
	if (rc == BH_OK && rl->ops->trace != NULL) {
		rl->ops->trace(rl->ctx, m->request, &what);
	}
	return rc;
}

static int on_role_facts(struct role_link *rl, const struct link_message *m)
{
	struct ipc_role_facts facts;
	int rc = ipc_role_facts_decode(m->payload, m->len, &facts);
	if (rc == BH_OK && rl->ops->role_facts != NULL) {
		rl->ops->role_facts(rl->ctx, &facts);
	}
	return rc;
}

static int on_appliance_facts(struct role_link *rl, const struct link_message *m)
{
	struct ipc_appliance_facts facts;
	int rc = ipc_appliance_facts_decode(m->payload, m->len, &facts);
	if (rc == BH_OK && rl->ops->appliance_facts != NULL) {
		rl->ops->appliance_facts(rl->ctx, &facts);
	}
	return rc;
}

int role_link_peer_broken(struct role_link *rl, uint32_t id)
{
	uint8_t bytes[4];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_id_encode(&s, &(struct ipc_id){ id });
	return link_send(rl->link, MSG_PEER_BROKEN, 0, bytes, s.pos, -1);
}

static int on_peer_restarted(struct role_link *rl, const struct link_message *m)
{
	struct ipc_id id;
	int rc = ipc_id_decode(m->payload, m->len, &id);
	if (rc == BH_OK && rl->ops->peer_restarted != NULL) {
		rl->ops->peer_restarted(rl->ctx, id.id);
	}
	return rc;
}

static int stop(struct role_link *rl)
{
	if (rl->ops->stop != NULL) {
		rl->ops->stop(rl->ctx);
		return BH_OK;
	}
	return event_base_loopbreak(rl->base) == 0 ? BH_OK : BH_ESYS;
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct role_link *rl = ctx;
	(void)link;

	switch ((enum msg_type)m->type) {
	case MSG_IDENTITY:
		return on_identity(rl, m);
	case MSG_LISTENER:
		return on_listener(rl, m);
	case MSG_LINK:
		return on_link(rl, m);
	case MSG_IMAGE:
		return on_image(rl, m);
	case MSG_RATE_TABLE:
		return on_rate_table(rl, m);
	case MSG_PAGE:
		return on_page(rl, m);
	case MSG_ROLE_FACTS:
		return on_role_facts(rl, m);
	case MSG_APPLIANCE_FACTS:
		return on_appliance_facts(rl, m);
	case MSG_CONF_BEGIN:
		return on_conf_begin(rl, m);
	case MSG_PREPARE:
		return on_prepare(rl, m);
	case MSG_COMMIT:
		return on_commit(rl, m);
	case MSG_ABORT:
		return on_abort(rl, m);
	case MSG_FLUSH:
		return on_flush(rl, m);
	case MSG_TRACE:
		return on_trace(rl, m);
	case MSG_PEER_RESTARTED:
		return on_peer_restarted(rl, m);
	case MSG_NEGATIVE_ANCHOR:
		return on_negative_anchor(rl, m);
	case MSG_ANCHOR_STATE:
		return on_anchor_state(rl, m);
	case MSG_STOP:
		return stop(rl);
	default:
		return on_conf_part(rl, m);
	}
}

/*
 * Nobody accepts from them here any more: where no other process has them, clients shall be sent elsewhere now, not
 * when the last answer is out. Sockets of UDP are needed for those answers.
 */
static void close_tcp_listeners(struct role_link *rl)
{
	for (size_t i = 0; i < rl->resource_count; i++) {
		struct resource *r = &rl->resources[i];
		if (r->kind == RESOURCE_LISTENER && r->info.listener.proto == IPC_TCP && r->fd >= 0) {
			close(r->fd);
			r->fd = -1;
		}
	}
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct role_link *rl = ctx;
	(void)link;
	if (err != BH_ECLOSED) {
		log_fatal("control link: %s, ending", why);
	}
	if (!rl->running) {
		log_fatal("the supervisor is gone, ending");
	}
	log_debug("another process takes over, ending when all is answered");
	if (rl->ops->retire != NULL) {
		rl->ops->retire(rl->ctx);
		close_tcp_listeners(rl);
	} else if (stop(rl) != BH_OK) {
		log_fatal("cannot leave the event loop");
	}
}

struct role_link *role_link_new(struct event_base *base, enum role role, struct ipc_hello *hello,
				struct stats_page **stats, const struct role_ops *ops, void *ctx)
{
	static const struct link_ops link_ops = { .message = on_message, .closed = on_closed };
	struct role_link *rl = calloc(1, sizeof(*rl));
	if (rl == NULL) {
		return NULL;
	}
	rl->base = base;
	rl->role = role;
	rl->ops = ops;
	rl->ctx = ctx;
	rl->stats = stats;
	rl->stats_private = calloc(1, sizeof(*rl->stats_private));
	*stats = rl->stats_private;
	rl->link = link_new(base, IPC_LINK_FD, role, ROLE_SUPERVISOR, ROLE_QUEUE_MAX, &link_ops, rl);
	if (rl->stats_private == NULL || rl->link == NULL) {
		link_free(rl->link);
		free(rl->stats_private);
		free(rl);
		return NULL;
	}

	uint8_t bytes[128];
	struct sink s = sink_of(bytes, sizeof(bytes));
	hello->protocol = IPC_PROTOCOL;
	hello->role = role;
	strncpy(hello->build, ipc_build_id(), sizeof(hello->build) - 1);
	hello->build[sizeof(hello->build) - 1] = '\0';
	ipc_hello_encode(&s, hello);
	if (s.failed || link_send(rl->link, MSG_HELLO, 0, bytes, s.pos, -1) != BH_OK) {
		role_link_free(rl);
		return NULL;
	}
	return rl;
}

void role_link_free(struct role_link *rl)
{
	if (rl == NULL) {
		return;
	}
	conf_clear(&rl->next);
	conf_clear(&rl->current);
	for (size_t i = 0; i < rl->resource_count; i++) {
		if (rl->resources[i].fd >= 0) {
			close(rl->resources[i].fd);
		}
	}
	if (*rl->stats != rl->stats_private) {
		munmap(*rl->stats, stats_size(rl->role));
	}
	*rl->stats = NULL;
	free(rl->stats_private);
	free(rl->resources);
	link_free(rl->link);
	free(rl);
}
