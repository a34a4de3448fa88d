/*
 * Putting the parts of the frontend together, and changing them in two phases.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/frontend.h"

#include "common/dns/dname.h"
#include "common/util/clock.h"
#include "daemons/frontend/clients.h"
#include "daemons/frontend/links.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stop waits this long for answers and TCP clients; checked every STOP_TICK_MS. */
#define STOP_MAX_MS 2000
#define STOP_TICK_MS 20
/*
 * Replaced by another process, there is no hurry: TCP connections go on for so long, and what they or others have
 * asked is answered or has failed by its own deadline.
 */
#define RETIRE_FADE_MS 2000
#define RETIRE_MAX_MS (RETIRE_FADE_MS + JOB_DEADLINE_MS + 2000)

/* What one configuration brings and the next one replaces. */
struct generation {
	struct split *split;
	struct links *links;
	struct listener_set *listeners;
	struct cache *cache; /* NULL: the size is as before, the cache stays */
	struct acl acl;
};

struct frontend {
	struct event_base *base;
	struct stats_page **stats;
	struct clients *clients;
	struct links *links;
	struct route route;
	struct acl acl;
	uint64_t cache_bytes;
	struct event *deadline; /* for the oldest question in work */
	struct event *stop_tick;
	struct event *probe_tick; /* while somebody watches */
	uint8_t probe_zone[DNAME_MAX]; /* one of the internal view's */
	bool has_zone;
	uint64_t stop_at_ms;
	uint64_t drain_at_ms; /* retiring: when TCP connections are ended; 0: they were, or it does not retire */
	struct generation next;
	bool prepared;
	void (*broken)(void *ctx, uint32_t link); /* NULL: nobody to tell */
	void *broken_ctx;
};

/* --- between the parts --------------------------------------------------------------------------------- */

/* Everything that a round caused goes out: questions first, since what a link does not take is answered. */
static void flush_all(void *ctx)
{
	struct frontend *f = ctx;

	links_flush(f->links);
	clients_flush(f->clients);
	const struct job *oldest = pending_oldest(f->route.pending);
	if (oldest != NULL && !event_pending(f->deadline, EV_TIMEOUT, NULL)) {
		uint64_t now_ms = clock_now_ms();
		uint64_t wait = oldest->deadline_ms > now_ms ? oldest->deadline_ms - now_ms : 0;
		struct timeval tv = { .tv_sec = (time_t)(wait / 1000),
				      .tv_usec = (suseconds_t)(wait % 1000 * 1000) };
		if (event_add(f->deadline, &tv) != 0) {
			log_fatal("cannot set a timer");
		}
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct frontend *f = arg;
	(void)fd;
	(void)what;
	route_expire(&f->route, clock_now_ms());
	flush_all(f);
}

static bool is_allowed(void *ctx, const struct addr *client)
{
	const struct frontend *f = ctx;
	return acl_match(&f->acl, client);
}

static uint64_t on_look(void *ctx, const uint8_t *msg, size_t len)
{
	const struct frontend *f = ctx;
	return cache_look(f->route.cache, msg, len);
}

static void on_fetch(void *ctx, uint64_t look)
{
	const struct frontend *f = ctx;
	cache_fetch(f->route.cache, look);
}

static void on_broken(void *ctx, uint32_t id)
{
	struct frontend *f = ctx;
	if (f->broken != NULL) {
		f->broken(f->broken_ctx, id);
	}
}

static void on_query(void *ctx, const struct query *q, const struct origin *origin, const struct reply_to *to,
		     uint64_t now_ms)
{
	struct frontend *f = ctx;
	route_query(&f->route, q, origin, to, now_ms);
}

static int on_ask(void *ctx, const struct route_ask *ask)
{
	struct frontend *f = ctx;
	return links_ask(f->links, ask);
}

static void on_answer(void *ctx, const struct origin *origin, const struct reply_to *to,
		      const struct answer *answer, uint32_t age_sec, bool internal)
{
	struct frontend *f = ctx;
	clients_answer(f->clients, origin, to, answer, age_sec, internal);
}

static void on_refuse(void *ctx, const struct origin *origin, const struct reply_to *to,
		      const struct refusal *refusal)
{
	struct frontend *f = ctx;
	clients_refuse(f->clients, origin, to, refusal);
}

static const struct clients_ops clients_ops = { .allowed = is_allowed, .look = on_look, .fetch = on_fetch, .query = on_query,
						.idle = flush_all };
static void on_probed(void *ctx)
{
	const struct frontend *f = ctx;
	links_write_probes(f->links, f->has_zone ? f->probe_zone : NULL, clock_now_ms());
}

static const struct links_ops links_ops = { .idle = flush_all, .broken = on_broken, .probed = on_probed };
static const struct route_ops route_ops = { .ask = on_ask, .answer = on_answer, .refuse = on_refuse };

/* --- configuration ------------------------------------------------------------------------------------- */

static int fill_split(struct split *split, const struct role_conf *conf)
{
	int rc = BH_OK;
	for (size_t i = 0; rc == BH_OK && i < conf->zone_count; i++) {
		const struct ipc_zone *zone = &conf->zones[i].info;
		rc = split_add(split, zone->name,
			       SPLIT_ZONE | (zone->flags & IPC_ZONE_OVERLAY ? SPLIT_OVERLAY : 0));
	}
	for (size_t i = 0; rc == BH_OK && i < conf->stub_count; i++) {
		rc = split_add(split, conf->stubs[i].name, SPLIT_STUB);
	}
	/* A forward zone is like a stub zone here: the resolver has its servers. All of the Internet is no zone. */
	for (size_t i = 0; rc == BH_OK && i < conf->forward_count; i++) {
		if (!dname_is_root(conf->forwards[i].name)) {
			rc = split_add(split, conf->forwards[i].name, SPLIT_STUB);
		}
	}
	for (size_t i = 0; rc == BH_OK && i < conf->rebind_allow_count; i++) {
		rc = split_add(split, conf->rebind_allow[i].name, SPLIT_REBIND);
	}
	return rc;
}

static int copy_acl(struct acl *out, const struct acl *in)
{
	int rc = BH_OK;
	for (size_t i = 0; rc == BH_OK && i < in->count; i++) {
		rc = acl_add(out, &in->items[i]);
	}
	return rc;
}

static void drop_next(struct frontend *f)
{
	struct generation *next = &f->next;
	split_free(next->split);
	if (next->links != NULL) {
		links_abort(next->links);
	}
	if (next->listeners != NULL) {
		clients_abort(f->clients, next->listeners);
	}
	cache_free(next->cache);
	acl_clear(&next->acl);
	*next = (struct generation){ 0 };
	f->prepared = false;
}

static int frontend_prepare(void *ctx, const struct role_conf *conf, char *why, size_t why_size)
{
	struct frontend *f = ctx;
	struct generation *next = &f->next;
	uint64_t cache_size = conf->options.frontend.cache_bytes;

	if (conf->options.frontend.cookies != IPC_COOKIES_OFF && conf->cookie_secrets.secrets.count == 0) {
		snprintf(why, why_size, "cookies without a secret");
		return BH_EPERM;
	}
	next->split = split_new();
	next->links = links_prepare(f->base, conf->links, conf->link_count, f->links, &f->route, &links_ops, f);
	next->listeners = clients_prepare(f->clients, conf->listeners, conf->listener_count);
	bool new_cache = f->route.cache == NULL || cache_size != f->cache_bytes;
	if (new_cache) {
		next->cache = cache_new(cache_size);
	}
	if (next->split == NULL || next->links == NULL || next->listeners == NULL ||
	    (new_cache && next->cache == NULL) || fill_split(next->split, conf) != BH_OK ||
	    copy_acl(&next->acl, &conf->acl) != BH_OK) {
		snprintf(why, why_size, "out of memory");
		drop_next(f);
		return BH_ENOMEM;
	}
	f->prepared = true;
	return BH_OK;
}

static void on_probe_tick(evutil_socket_t fd, short what, void *arg)
{
	struct frontend *f = arg;
	uint64_t now_ms = clock_now_ms();
	(void)fd;
	(void)what;
	stats_beat(*f->stats, now_ms);
	links_probe(f->links, f->has_zone ? f->probe_zone : NULL, now_ms);
	flush_all(f);
}

static void configure_probe(struct frontend *f, const struct role_conf *conf)
{
	static const struct timeval period = { .tv_sec = STATS_BEAT_MS / 1000 };
	f->has_zone = conf->zone_count > 0;
	if (f->has_zone) {
		memcpy(f->probe_zone, conf->zones[0].info.name, dname_len(conf->zones[0].info.name));
	}
	if (!conf->probe) {
		(void)event_del(f->probe_tick);
		stats_probes_clear(*f->stats);
		return;
	}
	if (event_add(f->probe_tick, &period) != 0) {
		log_fatal("cannot set a timer");
	}
	event_active(f->probe_tick, EV_TIMEOUT, 0); /* and now */
}

static void frontend_commit(void *ctx, const struct role_conf *conf)
{
	struct frontend *f = ctx;
	struct generation *next = &f->next;
	const struct ipc_conf_frontend *options = &conf->options.frontend;
	struct links *old_links = f->links;

	acl_clear(&f->acl);
	f->acl = next->acl;
	f->route.budget = options->budget;
	f->route.prefetch = options->prefetch != 0;
	pending_limits(f->route.pending, &(struct pending_bounds){ .waiters = options->pending_max,
								   .per_client = options->client_pending_max,
								   .per_unproven = options->unproven_pending_max });
	clients_limits(f->clients, &options->tcp);
	clients_cookies(f->clients, (enum ipc_cookies)options->cookies, &conf->cookie_secrets.secrets);

	/* What was public may be internal now, and the other way round: then nothing cached is good. */
	bool same_split = f->route.split != NULL && split_equal(f->route.split, next->split);
	split_free(f->route.split);
	f->route.split = next->split;
	if (next->cache != NULL) {
		cache_free(f->route.cache);
		f->route.cache = next->cache;
		f->cache_bytes = options->cache_bytes;
	} else if (!same_split) {
		cache_flush_all(f->route.cache);
		route_flushed(&f->route);
	}

	f->links = next->links;
	links_commit(f->links);
	links_retire(old_links, clock_now_ms());
	clients_commit(f->clients, next->listeners, f->route.pending);
	*next = (struct generation){ 0 };
	f->prepared = false;
	configure_probe(f, conf);
	flush_all(f);
}

static void frontend_abort(void *ctx)
{
	drop_next(ctx);
}

static void frontend_peer_restarted(void *ctx, uint32_t link_id)
{
	struct frontend *f = ctx;
	links_peer_restarted(f->links, link_id, clock_now_ms());
	flush_all(f);
}

static uint64_t frontend_flush(void *ctx, const struct ipc_flush *what)
{
	struct frontend *f = ctx;
	struct cache *cache = f->route.cache;
	uint64_t gone = 0;

	route_flushed(&f->route);
	switch ((enum ipc_flush_kind)what->kind) {
	case IPC_FLUSH_ALL:
		gone = cache_flush_all(cache);
		break;
	case IPC_FLUSH_NAME:
		gone = cache_flush_name(cache, what->name);
		break;
	case IPC_FLUSH_ZONE:
		gone = cache_flush_zone(cache, what->name);
		break;
	}
	(*f->stats)->counters[STAT_FRONT_CACHE_ENTRIES] = cache_entries(cache);
	(*f->stats)->counters[STAT_FRONT_CACHE_BYTES] = cache_bytes(cache);
	return gone;
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
	struct frontend *f = arg;
	(void)fd;
	(void)what;
	bool quiet = pending_count(f->route.pending) == 0 && clients_connections(f->clients) == 0;
	uint64_t now_ms = clock_now_ms();
	if (f->drain_at_ms != 0 && now_ms >= f->drain_at_ms) {
		f->drain_at_ms = 0;
		clients_drain(f->clients);
		flush_all(f);
	}
	if ((quiet || now_ms >= f->stop_at_ms) && event_base_loopbreak(f->base) != 0) {
		log_fatal("cannot leave the event loop");
	}
}

static void start_tick(struct frontend *f)
{
	struct timeval tick = { .tv_usec = STOP_TICK_MS * 1000 };
	flush_all(f);
	if (event_add(f->stop_tick, &tick) != 0) {
		log_fatal("cannot set a timer");
	}
}

static void frontend_stop(void *ctx)
{
	struct frontend *f = ctx;
	f->stop_at_ms = clock_now_ms() + STOP_MAX_MS;
	f->drain_at_ms = 0;
	clients_drain(f->clients);
	start_tick(f);
}

/* Its successor reads the same sockets: what is in them is not lost. */
static void frontend_retire(void *ctx)
{
	struct frontend *f = ctx;
	uint64_t now_ms = clock_now_ms();
	f->stop_at_ms = now_ms + RETIRE_MAX_MS;
	f->drain_at_ms = now_ms + RETIRE_FADE_MS;
	clients_fade(f->clients);
	start_tick(f);
}

const struct role_ops frontend_role_ops = {
	.prepare = frontend_prepare,
	.commit = frontend_commit,
	.abort = frontend_abort,
	.peer_restarted = frontend_peer_restarted,
	.flush = frontend_flush,
	.retire = frontend_retire,
	.stop = frontend_stop,
};

struct frontend *frontend_new(struct event_base *base, struct stats_page **stats)
{
	struct frontend *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		return NULL;
	}
	f->base = base;
	f->stats = stats;
	f->route.stats = stats;
	f->route.ops = &route_ops;
	f->route.ctx = f;
	f->route.patience_ms = JOB_DEADLINE_MS;
	f->route.pending = pending_new();
	f->clients = clients_new(base, stats, &clients_ops, f);
	f->deadline = event_new(base, -1, 0, on_deadline, f);
	f->stop_tick = event_new(base, -1, EV_PERSIST, on_stop_tick, f);
	f->probe_tick = event_new(base, -1, EV_PERSIST, on_probe_tick, f);
	if (f->route.pending == NULL || f->clients == NULL || f->deadline == NULL || f->stop_tick == NULL ||
	    f->probe_tick == NULL ||
	    route_init(&f->route) != BH_OK) {
		frontend_free(f);
		return NULL;
	}
	return f;
}

void frontend_set_broken(struct frontend *f, void (*broken)(void *ctx, uint32_t link), void *ctx)
{
	f->broken = broken;
	f->broken_ctx = ctx;
}

void frontend_set_patience(struct frontend *f, uint32_t patience_ms)
{
	f->route.patience_ms = patience_ms;
}

/* Whoever waits when the process ends is not answered: the clients' sockets may be gone already. */
static void drop_jobs(struct pending *pending)
{
	struct job *job;
	while ((job = pending_oldest(pending)) != NULL) {
		struct waiter *w;
		while ((w = LIST_FIRST(&job->waiters)) != NULL) {
			waiter_take(pending, w);
			waiter_free(w);
		}
		job_free(pending, job);
	}
}

void frontend_free(struct frontend *f)
{
	if (f == NULL) {
		return;
	}
	if (f->prepared) {
		drop_next(f);
	}
	if (f->route.pending != NULL) {
		drop_jobs(f->route.pending);
	}
	links_free(f->links);
	clients_free(f->clients);
	route_clear(&f->route);
	cache_free(f->route.cache);
	split_free(f->route.split);
	pending_free(f->route.pending);
	acl_clear(&f->acl);
	if (f->deadline != NULL) {
		event_free(f->deadline);
	}
	if (f->stop_tick != NULL) {
		event_free(f->stop_tick);
	}
	if (f->probe_tick != NULL) {
		event_free(f->probe_tick);
	}
	free(f);
}
