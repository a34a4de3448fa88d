/*
 * Telling a role its slice of a generation: its own listeners, links, zones and limits, nothing of
 * anybody else's. Which role learns what is decided here and nowhere else.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/send.h"

#include "common/ipc/link.h"
#include "daemons/supervisor/tracking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits of service that have no setting yet, with their reasons. */
enum {
	/* Client queries in work in one frontend: 10 s of time-outs at 1000 failing queries a second. */
	FRONTEND_PENDING = 10000,
	/*
	 * One client that is proven may hold a fifth of them: it may be a forwarder for many. One that is not a
	 * twentieth: so many answers can be made to come at once to somebody who did not ask.
	 */
	CLIENT_PENDING = 2000,
	UNPROVEN_PENDING = 500,
	/*
	 * More than a frontend may have, which shares its own out fairly between clients and knows nothing of work that goes
	 * on for those who gave way.
	 */
	RESOLVER_PENDING = 12000,
	/* Units of work per client query; a usual cold query spends about ten. */
	QUERY_BUDGET = 250,
};

/* Octets of the largest configuration part. */
#define PART_MAX 2048

struct resource {
	uint32_t id;
	enum msg_type type;
	int fd;			  /* -1: it is in shared */
	struct shared_fd *shared; /* of an image */
	uint8_t payload[DNAME_MAX + 16];
	size_t len;
};

struct resource_list {
	struct resource *items;
	size_t count;
	size_t room;
	bool failed;
};

static struct sink add_resource(struct resource_list *list, enum msg_type type, uint32_t id, int fd)
{
	static uint8_t nowhere[1];
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 32 : list->room * 2;
		struct resource *items = reallocarray(list->items, room, sizeof(*items));
		if (items == NULL) {
			list->failed = true;
			return sink_of(nowhere, 0);
		}
		list->items = items;
		list->room = room;
	}
	struct resource *r = &list->items[list->count++];
	*r = (struct resource){ .id = id, .type = type, .fd = fd };
	return sink_of(r->payload, sizeof(r->payload));
}

static void added(struct resource_list *list, const struct sink *s)
{
	if (!list->failed) {
		list->items[list->count - 1].len = s->pos;
		list->failed = s->failed;
	}
}

/* Is something marked wanted and in_use like this part of g? */
static bool part_of(const struct instance *inst, const struct generation *g, bool wanted, bool in_use)
{
	return g == &inst->sup->current ? in_use : wanted;
}

static bool serves(const struct instance *inst, const struct generation *g, const struct listener *l)
{
	const char *owner = inst->role == ROLE_MONITOR ? LISTENER_OF_MONITOR : inst->view;
	return part_of(inst, g, l->wanted, l->in_use) && l->worker == inst->index && inst->role != ROLE_RESOLVER &&
	       strcmp(l->owner, owner) == 0;
}

/* The zones whose data this instance holds. */
static struct zone_range held_zones(const struct instance *inst, const struct generation *g)
{
	return inst->role == ROLE_AUTHORITY ? zone_set_view(g->zones, inst->view) : (struct zone_range){ 0 };
}

/* The section of an authority in the configuration. NULL: it has none. */
static const struct config_view *view_of(const struct instance *inst, const struct generation *g)
{
	for (size_t i = 0; i < g->config->view_count && inst->role == ROLE_AUTHORITY; i++) {
		if (strcmp(g->config->views[i].name, inst->view) == 0) {
			return &g->config->views[i];
		}
	}
	return NULL;
}

/* Is it an instance of this generation? The monitor sees those, itself among them. */
static bool is_watched(const struct instance *inst, const struct generation *g)
{
	return g == &inst->sup->current ? !inst->fresh && inst->state != INSTANCE_STOPPING : inst->wanted;
}

static int compare_resources(const void *a, const void *b)
{
	uint32_t x = ((const struct resource *)a)->id;
	uint32_t y = ((const struct resource *)b)->id;
	return x < y ? -1 : x > y;
}

/* Everything with an id above what this process was sent before. */
static int collect_resources(struct instance *inst, const struct generation *g, struct resource_list *list)
{
	const struct supervisor *sup = inst->sup;
	for (size_t i = 0; i < sup->listeners.count; i++) {
		const struct listener *l = &sup->listeners.items[i];
		if (l->id > inst->sent_id && serves(inst, g, l)) {
			struct sink s = add_resource(list, MSG_LISTENER, l->id, l->fd);
			ipc_listener_encode(&s, &(struct ipc_listener){ .id = l->id,
									.proto = (uint8_t)l->proto,
									.addr = l->addr });
			added(list, &s);
		}
	}
	for (size_t i = 0; i < sup->links.count; i++) {
		const struct query_link *l = &sup->links.items[i];
		struct ipc_link info;
		int fd;
		if (part_of(inst, g, l->wanted, l->in_use) && l->id > inst->sent_id &&
		    query_link_end(l, inst->role, inst->view, inst->index, &fd, &info)) {
			struct sink s = add_resource(list, MSG_LINK, l->id, fd);
			ipc_link_encode(&s, &info);
			added(list, &s);
		}
	}
	for (const struct instance *other = sup->instances; other != NULL && inst->role == ROLE_MONITOR;
	     other = other->next) {
		if (other->page_id > inst->sent_id && is_watched(other, g)) {
			struct ipc_page info = { .id = other->page_id, .role = (uint8_t)other->role,
						 .index = (uint16_t)other->index };
			memcpy(info.view, other->view, sizeof(info.view));
			struct sink s = add_resource(list, MSG_PAGE, info.id, other->page_fd);
			ipc_page_encode(&s, &info);
			added(list, &s);
		}
	}
	const struct shared *shared = inst->role == ROLE_AUTHORITY ? shared_find(&sup->shared, inst->view) : NULL;
	const struct config_view *view = view_of(inst, g);
	if (shared != NULL && shared->fd >= 0 && view != NULL && view->rate.mode != 0 && shared->id > inst->sent_id) {
		struct ipc_rate_table info = { .id = shared->id };
		memcpy(info.key, shared->rate_key, sizeof(info.key));
		struct sink s = add_resource(list, MSG_RATE_TABLE, info.id, shared->fd);
		ipc_rate_table_encode(&s, &info);
		added(list, &s);
	}
	const struct zone_range held = held_zones(inst, g);
	for (size_t i = 0; i < held.count; i++) {
		const struct zone_state *zone = &held.items[i];
		if (zone->image != NULL && zone->image->id > inst->sent_id) {
			struct ipc_image info = { .id = zone->image->id };
			memcpy(info.zone, zone->conf->name, sizeof(info.zone));
			struct sink s = add_resource(list, MSG_IMAGE, info.id, -1);
			ipc_image_encode(&s, &info);
			added(list, &s);
			if (!list->failed) {
				list->items[list->count - 1].shared = zone->image->fd;
			}
		}
	}
	if (list->failed) {
		return BH_ENOMEM;
	}
	if (list->count > 0) {
		qsort(list->items, list->count, sizeof(*list->items), compare_resources);
	}
	return BH_OK;
}

/* A role that closed its link is not gone before its process is: until then there is nobody to tell. */
static int send_to(struct instance *inst, enum msg_type type, const uint8_t *bytes, size_t len, int fd)
{
	return inst->link == NULL ? BH_ECLOSED : link_send(inst->link, type, 0, bytes, len, fd);
}

static int send_resources(struct instance *inst, const struct generation *g)
{
	struct resource_list list = { 0 };
	int rc = collect_resources(inst, g, &list);
	for (size_t i = 0; i < list.count && rc == BH_OK; i++) {
		const struct resource *r = &list.items[i];
		if (r->shared == NULL) {
			rc = send_to(inst, r->type, r->payload, r->len, r->fd);
		} else if (inst->link == NULL) {
			rc = BH_ECLOSED;
		} else {
			rc = link_send_shared(inst->link, r->type, 0, r->payload, r->len, r->shared);
		}
		inst->sent_id = r->id;
	}
	free(list.items);
	return rc;
}

int send_number(struct instance *inst, enum msg_type type, uint32_t number)
{
	uint8_t bytes[4];
	struct sink s = sink_of(bytes, sizeof(bytes));
	sink_u32(&s, number);
	return send_to(inst, type, bytes, s.pos, -1);
}

/* One run of parts: keeps the first error, so that callers check once. */
struct parts {
	struct instance *inst;
	int rc;
	uint8_t bytes[PART_MAX];
};

static struct sink part_begin(struct parts *p)
{
	return sink_of(p->bytes, sizeof(p->bytes));
}

static void part_end(struct parts *p, enum msg_type type, const struct sink *s)
{
	if (p->rc == BH_OK) {
		p->rc = s->failed ? BH_ENOSPC : send_to(p->inst, type, p->bytes, s->pos, -1);
	}
}

static void part_number(struct parts *p, enum msg_type type, uint32_t number)
{
	if (p->rc == BH_OK) {
		p->rc = send_number(p->inst, type, number);
	}
}

static void send_acl(struct parts *p, enum msg_type type, const struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++) {
		struct sink s = part_begin(p);
		ipc_acl_encode(&s, &(struct ipc_acl){ acl->items[i] });
		part_end(p, type, &s);
	}
}

/* The view whose zones an instance is told; NULL: none. */
static const char *view_of_zones(const struct instance *inst, const struct generation *g)
{
	const struct config_resolver *resolver = &g->config->resolver;
	if (inst->role == ROLE_FRONTEND && resolver->internal_view >= 0) {
		return g->config->views[resolver->internal_view].name;
	}
	return inst->role == ROLE_AUTHORITY ? inst->view : NULL;
}

/* Does it serve the same zones now, whatever is in them? Then all it needs are images that are others. */
static bool has_zones(const struct instance *inst, const struct generation *g)
{
	const struct generation *now = &inst->sup->current;
	if (g == now || now->number == 0 || inst->committed != now->number) {
		return false;
	}
	const char *view = view_of_zones(inst, g);
	const char *view_now = view_of_zones(inst, now);
	return view != NULL && view_now != NULL && strcmp(view, view_now) == 0 &&
	       zone_set_same_view(g->zones, g->config, now->zones, now->config, view);
}

static void send_same_zones(struct parts *p, const struct generation *g)
{
	const struct generation *now = &p->inst->sup->current;
	const struct ipc_same_zones same = {
		.generation = now->number,
		.count = (uint32_t)zone_set_view(g->zones, view_of_zones(p->inst, g)).count,
	};
	struct sink s = part_begin(p);
	ipc_same_zones_encode(&s, &same);
	part_end(p, MSG_CONF_SAME_ZONES, &s);
}

static uint32_t image_of(const struct zone_state *zone)
{
	return zone->image == NULL ? 0 : zone->image->id;
}

static unsigned flags_of(const struct zone_state *zone)
{
	return zone->image == NULL ? IPC_ZONE_FAILED : 0;
}

static void send_other_images(struct parts *p, const struct generation *g)
{
	const struct zone_range next = held_zones(p->inst, g);
	const struct zone_range now = held_zones(p->inst, &p->inst->sup->current);
	for (size_t i = 0; i < next.count; i++) {
		const struct zone_state *zone = &next.items[i];
		if (image_of(zone) != image_of(&now.items[i])) {
			struct sink s = part_begin(p);
			ipc_zone_image_encode(&s, &(struct ipc_zone_image){ .zone = (uint32_t)i,
									    .image = image_of(zone),
									    .flags = (uint8_t)flags_of(zone) });
			part_end(p, MSG_CONF_ZONE_IMAGE, &s);
		}
	}
}

static void send_zone(struct parts *p, const struct zone_state *zone, uint32_t image, unsigned flags)
{
	struct ipc_zone info = { .image = image, .flags = (uint8_t)flags };
	struct sink s = part_begin(p);
	info.counter = p->inst->role == ROLE_AUTHORITY ? zone->counter : 0;
	memcpy(info.name, zone->conf->name, sizeof(info.name));
	ipc_zone_encode(&s, &info);
	part_end(p, MSG_CONF_ZONE, &s);
}

static void send_servers(struct parts *p, enum msg_type type, const struct ipc_servers *servers)
{
	struct sink s = part_begin(p);
	ipc_servers_encode(&s, servers);
	part_end(p, type, &s);
}

/* The keys that this view uses, and no others: its authorities are their only other holders. */
static void send_keys(struct parts *p, const struct config *config, const struct config_view *view)
{
	bool *used = calloc(config->key_count + 1, sizeof(*used));
	if (used == NULL) {
		p->rc = BH_ENOMEM;
		return;
	}
	for (size_t i = 0; i < view->zone_count; i++) {
		for (size_t k = 0; k < view->zones[i].transfer_count; k++) {
			int key = view->zones[i].transfers[k].key;
			if (key >= 0) {
				used[key] = true;
			}
		}
	}
	for (size_t i = 0; i < config->key_count; i++) {
		if (used[i]) {
			struct ipc_key key = { .key = config->keys[i] };
			struct sink s = part_begin(p);
			ipc_key_encode(&s, &key);
			part_end(p, MSG_CONF_KEY, &s);
			explicit_bzero(p->bytes, sizeof(p->bytes));
			explicit_bzero(&key, sizeof(key));
		}
	}
	free(used);
}

static void send_zone_transfers(struct parts *p, const struct config *config, const struct config_zone *zone,
				uint32_t index)
{
	for (size_t i = 0; i < zone->transfer_count; i++) {
		const struct config_transfer *transfer = &zone->transfers[i];
		struct ipc_transfer info = { .zone = index, .prefix = transfer->prefix };
		struct sink s = part_begin(p);
		info.needs = transfer->any ? 0 : IPC_TRANSFER_PREFIX;
		if (transfer->key >= 0) {
			info.needs |= IPC_TRANSFER_KEY;
			memcpy(info.key, config->keys[transfer->key].name, sizeof(info.key));
		}
		ipc_transfer_encode(&s, &info);
		part_end(p, MSG_CONF_TRANSFER, &s);
	}
}

static void send_view(struct parts *p, const struct config_view *view)
{
	struct ipc_conf_authority conf = { .anyone = view->anyone,
					   .tcp = view->tcp,
					   .rotate = view->rotate,
					   .cookies = view->cookies.mode,
					   .nsid_len = view->names.nsid_len };
	memcpy(conf.nsid, view->names.nsid, sizeof(conf.nsid));
	memcpy(conf.identity, view->names.identity, sizeof(conf.identity));
	memcpy(conf.version, view->names.version, sizeof(conf.version));
	struct sink s = part_begin(p);
	ipc_conf_authority_encode(&s, &conf);
	part_end(p, MSG_CONF_AUTHORITY, &s);
}

/* Those of the configuration, which servers of an anycast group share, or that of this appliance. */
static void send_cookie_secrets(struct parts *p, const struct config_cookies *cookies)
{
	const struct shared *shared = shared_find(&p->inst->sup->shared, p->inst->view);
	struct ipc_cookie_secrets m = { .secrets = cookies->secrets };
	if (cookies->mode == IPC_COOKIES_OFF) {
		return;
	}
	if (shared == NULL) {
		p->rc = BH_ENOENT;
		return;
	}
	if (m.secrets.count == 0) {
		m.secrets.count = 1;
		memcpy(m.secrets.bytes[0], shared->cookie_secret, COOKIE_SECRET_SIZE);
	}
	struct sink s = part_begin(p);
	ipc_cookie_secrets_encode(&s, &m);
	part_end(p, MSG_CONF_COOKIE_SECRETS, &s);
	explicit_bzero(p->bytes, sizeof(p->bytes));
	explicit_bzero(&m, sizeof(m));
}

static void send_rate_limit(struct parts *p, const struct config_rate *rate, const struct shared *shared)
{
	if (rate->mode == 0) {
		return;
	}
	struct sink s = part_begin(p);
	ipc_rate_limit_encode(&s, &(struct ipc_rate_limit){ .mode = rate->mode,
							    .table = shared->id,
							    .per_second = rate->per_second,
							    .ipv4_bits = rate->ipv4_bits,
							    .ipv6_bits = rate->ipv6_bits });
	part_end(p, MSG_CONF_RATE_LIMIT, &s);
	send_acl(p, MSG_CONF_RATE_EXEMPT, &rate->exempt);
}

static void send_authority(struct parts *p, const struct generation *g)
{
	const struct instance *inst = p->inst;
	const struct config_view *view = view_of(inst, g);
	const struct shared *shared = shared_find(&inst->sup->shared, inst->view);
	if (view == NULL || shared == NULL) {
		p->rc = BH_ENOENT;
		return;
	}
	send_view(p, view);
	send_acl(p, MSG_CONF_ACL, &view->allow_query);
	send_cookie_secrets(p, &view->cookies);
	send_rate_limit(p, &view->rate, shared);
	send_keys(p, g->config, view);
	if (has_zones(inst, g)) {
		send_same_zones(p, g);
		send_other_images(p, g);
		return;
	}
	const struct zone_range zones = held_zones(inst, g);
	for (size_t i = 0; i < zones.count; i++) {
		const struct zone_state *zone = &zones.items[i];
		send_zone(p, zone, image_of(zone), flags_of(zone));
		send_zone_transfers(p, g->config, zone->conf, (uint32_t)i);
	}
}

static void send_rebind_allow(struct parts *p, const struct config_resolver *resolver)
{
	for (size_t i = 0; i < resolver->rebind_allow_count; i++) {
		struct sink s = part_begin(p);
		ipc_name_encode(&s, &resolver->rebind_allow[i]);
		part_end(p, MSG_CONF_REBIND_ALLOW, &s);
	}
}

static void send_forwards(struct parts *p, const struct config_resolver *resolver)
{
	for (size_t i = 0; i < resolver->forward_count; i++) {
		send_servers(p, MSG_CONF_FORWARD, &resolver->forwards[i].servers);
	}
}

/* The frontend learns names of internal zones, not their data. */
static void send_frontend(struct parts *p, const struct generation *g)
{
	const struct config_resolver *resolver = &g->config->resolver;
	struct sink s = part_begin(p);
	ipc_conf_frontend_encode(&s, &(struct ipc_conf_frontend){
					     /* A quarter of the cache memory is for answers ready to go. */
					     .cache_bytes = resolver->cache_size / 4 / g->config->workers,
					     .pending_max = FRONTEND_PENDING,
					     .client_pending_max = CLIENT_PENDING,
					     .unproven_pending_max = UNPROVEN_PENDING,
					     .tcp = resolver->tcp,
					     .budget = QUERY_BUDGET,
					     .cookies = resolver->cookies.mode,
					     .prefetch = resolver->prefetch,
				     });
	part_end(p, MSG_CONF_FRONTEND, &s);
	send_acl(p, MSG_CONF_ACL, &resolver->allow_query);
	send_cookie_secrets(p, &resolver->cookies);
	const char *view = view_of_zones(p->inst, g);
	bool same = has_zones(p->inst, g);
	const struct zone_range zones = same || view == NULL ? (struct zone_range){ 0 } : zone_set_view(g->zones, view);
	if (same) {
		send_same_zones(p, g);
	}
	for (size_t i = 0; i < zones.count; i++) {
		const struct zone_state *zone = &zones.items[i];
		send_zone(p, zone, 0, zone->conf->overlay ? IPC_ZONE_OVERLAY : 0);
	}
	for (size_t i = 0; i < resolver->stub_count; i++) {
		send_servers(p, MSG_CONF_STUB, &resolver->stubs[i].servers);
	}
	send_forwards(p, resolver);
	send_rebind_allow(p, resolver);
}

/* What was found of the keys of anchor zones, each zone once. */
static void send_states(struct parts *p, const struct generation *g)
{
	const struct tracked_list *tracked = &p->inst->sup->tracked;
	for (size_t i = 0; i < tracked->count; i++) {
		const struct ipc_anchor_state *state = &tracked->items[i]->state;
		uint8_t bytes[sizeof(*state)]; /* more than PART_MAX */
		struct sink s = sink_of(bytes, sizeof(bytes));
		if (p->rc == BH_OK && tracking_state(p->inst->sup, g, state->zone) == state) {
			ipc_anchor_state_encode(&s, state);
			p->rc = s.failed ? BH_ENOSPC : send_to(p->inst, MSG_CONF_ANCHOR_STATE, bytes, s.pos, -1);
		}
	}
}

/* The resolver learns no internal name and no client. */
static void send_resolver(struct parts *p, const struct generation *g)
{
	const struct config_resolver *resolver = &g->config->resolver;
	struct sink s = part_begin(p);
	ipc_conf_resolver_encode(&s, &(struct ipc_conf_resolver){
					     .cache_bytes = resolver->cache_size / 4 * 3 / g->config->workers,
					     .pending_max = RESOLVER_PENDING,
					     .min_ttl_sec = resolver->min_ttl_sec,
					     .max_ttl_sec = resolver->max_ttl_sec,
					     .max_negative_ttl_sec = resolver->max_negative_ttl_sec,
					     .stale_sec = resolver->stale_sec,
					     .rebind_protection = resolver->rebind_protection,
					     .ipv4 = resolver->ipv4,
					     .ipv6 = resolver->ipv6,
					     .use_0x20 = resolver->use_0x20,
					     .qname_minimisation = resolver->qname_minimisation,
					     .prime_root = resolver->prime_root,
					     .use_cookies = resolver->use_cookies,
					     .localhost = resolver->localhost,
					     .validate_sha1 = resolver->validate_sha1,
					     .validation_date = resolver->validation_date,
				     });
	part_end(p, MSG_CONF_RESOLVER, &s);
	for (size_t i = 0; i < resolver->stub_count; i++) {
		send_servers(p, MSG_CONF_STUB, &resolver->stubs[i].servers);
	}
	send_rebind_allow(p, resolver);
	send_forwards(p, resolver);
	for (size_t i = 0; i < g->zones->hint_count; i++) {
		send_servers(p, MSG_CONF_ROOT, &g->zones->hints[i]);
	}
	for (size_t i = 0; i < g->zones->anchor_count; i++) {
		s = part_begin(p);
		ipc_anchor_encode(&s, &g->zones->anchors[i]);
		part_end(p, MSG_CONF_ANCHOR, &s);
	}
	send_states(p, g);
	for (size_t i = 0; i < resolver->insecure_count; i++) {
		struct ipc_negative_anchor negative = { .left_sec = IPC_FOR_EVER };
		memcpy(negative.zone, resolver->insecure[i].name, sizeof(negative.zone));
		s = part_begin(p);
		ipc_negative_anchor_encode(&s, &negative);
		part_end(p, MSG_CONF_NEGATIVE_ANCHOR, &s);
	}
	for (size_t i = 0; i < resolver->outgoing_count; i++) {
		s = part_begin(p);
		ipc_outgoing_encode(&s, &(struct ipc_outgoing){ resolver->outgoing[i] });
		part_end(p, MSG_CONF_OUTGOING, &s);
	}
}

/* Names of zones, and how they stand; none of their data. */
static void send_watched(struct parts *p, const struct zone_state *zone)
{
	struct ipc_watched info = { .counter = zone->counter };
	bool failed = zone->image == NULL || zone->image->refused != NULL;
	snprintf(info.view, sizeof(info.view), "%s", zone->view_name);
	memcpy(info.name, zone->conf->name, sizeof(info.name));
	if (zone->image != NULL) {
		info.serial = zone->image->info.serial;
		info.records = zone->image->info.records;
		info.size = zone->image->info.size;
		info.made_sec = zone->image->made_sec;
	}
	info.flags = (uint8_t)((failed ? IPC_WATCHED_FAILED : 0) | (zone->stale ? IPC_WATCHED_OLD : 0));
	struct sink s = part_begin(p);
	ipc_watched_encode(&s, &info);
	part_end(p, MSG_CONF_WATCHED, &s);
}

static void send_monitor(struct parts *p, const struct generation *g)
{
	const struct config_monitor *monitor = &g->config->monitor;
	const struct supervisor *sup = p->inst->sup;
	struct sink s = part_begin(p);
	ipc_conf_monitor_encode(&s, &(struct ipc_conf_monitor){ .zones = monitor->zones });
	part_end(p, MSG_CONF_MONITOR, &s);
	send_acl(p, MSG_CONF_ACL, &monitor->allow);
	for (size_t i = 0; i < monitor->host_count; i++) {
		s = part_begin(p);
		ipc_host_encode(&s, &monitor->hosts[i]);
		part_end(p, MSG_CONF_HOST, &s);
	}
	for (const struct instance *inst = sup->instances; inst != NULL; inst = inst->next) {
		if (is_watched(inst, g)) {
			part_number(p, MSG_CONF_PAGE, inst->page_id);
		}
	}
	for (size_t i = 0; i < g->zones->count && monitor->zones; i++) {
		send_watched(p, &g->zones->items[i]);
	}
}

static void send_used_resources(struct parts *p, const struct generation *g)
{
	const struct instance *inst = p->inst;
	const struct supervisor *sup = inst->sup;
	for (size_t i = 0; i < sup->listeners.count; i++) {
		if (serves(inst, g, &sup->listeners.items[i])) {
			part_number(p, MSG_CONF_LISTENER, sup->listeners.items[i].id);
		}
	}
	for (size_t i = 0; i < sup->links.count; i++) {
		const struct query_link *l = &sup->links.items[i];
		struct ipc_link info;
		int fd;
		if (part_of(inst, g, l->wanted, l->in_use) &&
		    query_link_end(l, inst->role, inst->view, inst->index, &fd, &info)) {
			part_number(p, MSG_CONF_LINK, info.id);
		}
	}
}

int send_generation(struct instance *inst, const struct generation *g)
{
	struct parts p = { .inst = inst, .rc = send_resources(inst, g) };

	part_number(&p, MSG_CONF_BEGIN, g->number);
	if (inst->role == ROLE_AUTHORITY) {
		send_authority(&p, g);
	} else if (inst->role == ROLE_FRONTEND) {
		send_frontend(&p, g);
	} else if (inst->role == ROLE_MONITOR) {
		send_monitor(&p, g);
	} else {
		send_resolver(&p, g);
	}
	if (inst->role != ROLE_MONITOR && g->config->monitor.present) {
		struct sink s = part_begin(&p);
		ipc_name_encode(&s, &g->config->monitor.probe);
		part_end(&p, MSG_CONF_PROBE, &s);
	}
	send_used_resources(&p, g);
	part_number(&p, MSG_PREPARE, g->number);
	return p.rc;
}

int send_identity(struct instance *inst)
{
	struct ipc_identity identity = { .index = (uint16_t)inst->index,
					 .count = (uint16_t)inst->count,
					 .log_level = (uint8_t)log_get_level() };
	uint8_t bytes[64];
	struct sink s = sink_of(bytes, sizeof(bytes));
	memcpy(identity.view, inst->view, sizeof(identity.view));
	ipc_identity_encode(&s, &identity);
	return s.failed ? BH_ENOSPC : send_to(inst, MSG_IDENTITY, bytes, s.pos, inst->stats_fd);
}
