/*
 * Query links in the event loop. Owns batches and events, not the descriptors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/links.h"

#include "common/ipc/shard.h"
#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/log.h"
#include "common/util/rand.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* Batches of replies read before other sockets get their turn. */
#define ROUNDS_MAX 4

struct flink {
	struct ipc_link info;
	int fd;
	unsigned holders; /* sets that name it */
	bool dead;
	bool queued; /* something waits for links_flush */
	unsigned leftovers; /* broken messages of a dead peer that are passed over */
	struct qlink_batch *batch;
	struct event *event;
	struct job *jobs; /* asked over it and not answered */
	uint64_t probe_token;	/* of the last probe */
	uint64_t probed_ms;	/* when it began; 0: it was answered, or there was none */
	const uint8_t *probe_name;
	bool probe_unsent; /* the peer took no more then */
	enum { PROBE_UNKNOWN, PROBE_FINE, PROBE_FAILED } probe;
	struct job *unsent[2]; /* to be asked when the peer takes more, newest first: of light clients, of others */
	bool sending_unsent;
	bool full; /* it took less than was to be sent */
	struct event *writable; /* added while some are unsent */
	struct route *route;
	const struct links_ops *ops;
	void *ctx;
};

struct links {
	struct flink **items;
	size_t count;
	struct flink *authority;
	struct flink **shards; /* by peer_index */
	uint32_t shard_count;
};

static void flink_release(struct flink *link)
{
	if (link == NULL || --link->holders > 0) {
		return;
	}
	if (link->event != NULL) {
		event_free(link->event);
	}
	if (link->writable != NULL) {
		event_free(link->writable);
	}
	qlink_batch_free(link->batch);
	free(link);
}

/* Nothing more is read from or sent to this peer. */
static void flink_die(struct flink *link, int err)
{
	log_err("query link broken id=%u peer=%s index=%u why=\"%s\"", link->info.id,
		role_text((enum role)link->info.peer), link->info.peer_index, bh_strerror(err));
	link->dead = true;
	if (event_del(link->event) != 0) {
		log_fatal("cannot leave a broken query link");
	}
	if (err == BH_EMALFORMED || err == BH_EPERM) {
		link->ops->broken(link->ctx, link->info.id);
	}
	struct job **lists[] = { &link->jobs, &link->unsent[0], &link->unsent[1] };
	for (size_t i = 0; i < COUNT(lists); i++) {
		while (*lists[i] != NULL) {
			route_fail(link->route, *lists[i], EDE_NETWORK_ERROR, "the part that answers is broken");
		}
	}
}

/* --- probes --- */

/* No job has such a slot. */
#define PROBE_SLOT 0xffffff
/* Header, a name, type and class. */
#define PROBE_MAX (DNS_HEADER_SIZE + DNAME_MAX + 4)

/* Is this the reply to a probe? Nothing of it is kept: it may be of an internal zone. */
static bool take_probe(struct flink *link, const struct qlink_message *m)
{
	if (link->probed_ms == 0 || m->token != link->probe_token) {
		return false;
	}
	uint16_t flags = m->dns_len < DNS_HEADER_SIZE ? 0 : get_u16(m->dns + 2);
	unsigned rcode = flags & FLAG_RCODE;
	bool authority = link->info.peer == ROLE_AUTHORITY;
	/* A zone without data is SERVFAIL, which its authority tells itself; that it answers is what counts here. */
	bool fine = (flags & FLAG_QR) != 0 && ((rcode == RCODE_NOERROR && (!authority || (flags & FLAG_AA) != 0)) ||
					       (rcode == RCODE_SERVFAIL && authority));
	bool news = link->probe != (fine ? PROBE_FINE : PROBE_FAILED);
	link->probe = fine ? PROBE_FINE : PROBE_FAILED;
	link->probed_ms = 0;
	if (news) { /* who watches must not wait for the next round: until then nothing is known of a new neighbour */
		link->ops->probed(link->ctx);
	}
	return true;
}

/* Come back when the peer takes more. */
static void wait_for_room(struct flink *link)
{
	link->full = true;
	if (!event_pending(link->writable, EV_WRITE, NULL) && event_add(link->writable, NULL) != 0) {
		log_fatal("cannot watch a query link");
	}
}

static void send_probe(struct flink *link)
{
	uint8_t wire[PROBE_MAX];
	struct sink s = sink_of(wire, sizeof(wire));
	link->probe_token = rand_u64() | PROBE_SLOT;
	sink_u16(&s, (uint16_t)(link->probe_token >> 24));
	sink_u16(&s, link->info.peer == ROLE_AUTHORITY ? 0 : FLAG_RD);
	sink_u16(&s, 1);
	sink_u16(&s, 0);
	sink_u32(&s, 0);
	sink_bytes(&s, link->probe_name, dname_len(link->probe_name));
	sink_u16(&s, RR_SOA);
	sink_u16(&s, CLASS_IN);
	struct qlink_message m = { .token = link->probe_token, .kind = QLINK_PROBE, .dns = wire, .dns_len = s.pos };
	int rc = link->dead ? BH_ECLOSED : qlink_push(link->batch, link->fd, &m);
	link->probe_unsent = rc == BH_EAGAIN;
	if (link->probe_unsent) {
		wait_for_room(link); /* busy is not broken: it has the same time as one that was sent */
	} else if (rc == BH_OK) {
		link->queued = true;
	} else {
		link->probe = PROBE_FAILED;
		link->probed_ms = 0;
	}
}

void links_write_probes(const struct links *links, const uint8_t *zone, uint64_t now_ms)
{
	if (links->count == 0) {
		return;
	}
	struct stats_page *page = *links->items[0]->route->stats;
	struct stats_probe out[STATS_PROBES] = { 0 };
	bool unknown[STATS_PROBES] = { false };
	for (size_t i = 0; i < links->count; i++) {
		const struct flink *link = links->items[i];
		unsigned which = link->info.peer == ROLE_AUTHORITY ? STATS_PROBE_VIEW : STATS_PROBE_RESOLVER;
		if (which == STATS_PROBE_VIEW && zone == NULL) {
			continue;
		}
		out[which].parts++;
		unknown[which] = unknown[which] || link->probe == PROBE_UNKNOWN;
		if (link->probe == PROBE_FAILED && out[which].failed++ == 0) {
			out[which].first = link->info.peer_index;
		}
	}
	for (unsigned i = 0; i < STATS_PROBES; i++) {
		stats_write(&page->probes[i].parts, out[i].parts);
		stats_write(&page->probes[i].failed, out[i].failed);
		stats_write(&page->probes[i].first, out[i].first);
		stats_write(&page->probes[i].ended_ms, unknown[i] ? 0 : now_ms);
	}
}

void links_probe(struct links *links, const uint8_t *zone, uint64_t now_ms)
{
	static const uint8_t root[1] = { 0 };
	for (size_t i = 0; i < links->count; i++) {
		struct flink *link = links->items[i];
		if (link->info.peer == ROLE_AUTHORITY && zone == NULL) {
			continue;
		}
		if (link->probed_ms != 0 && now_ms - link->probed_ms < LINKS_PROBE_MS) {
			continue; /* it has time yet */
		}
		if (link->probed_ms != 0) {
			link->probe = PROBE_FAILED;
		}
		link->probe_name = link->info.peer == ROLE_AUTHORITY ? zone : root;
		link->probed_ms = now_ms;
		send_probe(link);
	}
	links_write_probes(links, zone, now_ms);
}

/* --- when the peer is slower than those who ask --- */

static bool has_unsent(const struct flink *link)
{
	return link->unsent[0] != NULL || link->unsent[1] != NULL;
}

/*
 * The peer takes no more now. Questions of clients that wait for little go before those of others when it does, so
 * that a flood takes its own time and not theirs; the newest goes first, as the oldest is asked again soon, or given
 * up, by who asked.
 */
static void keep_unsent(struct flink *link, struct job *job)
{
	job_link(job, &link->unsent[job_is_light(job) ? 0 : 1]);
	wait_for_room(link);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct flink *link = arg;
	(void)fd;
	(void)what;
	link->sending_unsent = true;
	link->full = false;
	if (link->probe_unsent) {
		send_probe(link);
	}
	while (!link->full && has_unsent(link)) {
		struct job *job = link->unsent[0] != NULL ? link->unsent[0] : link->unsent[1];
		job_unlink(job);
		route_send(link->route, job);
	}
	link->sending_unsent = false;
	link->ops->idle(link->ctx);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct flink *link = arg;
	uint64_t now_ms = clock_now_ms();
	unsigned count = QLINK_BATCH;
	int rc = BH_OK;
	(void)what;

	for (unsigned round = 0; round < ROUNDS_MAX && rc == BH_OK && count == QLINK_BATCH; round++) {
		rc = qlink_pardon(link->batch, qlink_receive(link->batch, fd, &count), &link->leftovers);
		for (unsigned i = 0; i < count; i++) {
			const struct qlink_message *m = qlink_get(link->batch, i);
			if (m->kind != QLINK_REPLY && link->leftovers > 0) {
				link->leftovers--;
				continue;
			}
			if (m->kind != QLINK_REPLY) {
				rc = BH_EPERM; /* nobody asks the frontend */
				break;
			}
			if (!take_probe(link, m)) {
				route_reply(link->route, link->info.id, m, now_ms);
			}
			if (link->info.peer == ROLE_AUTHORITY) {
				qlink_wipe(link->batch, i);
			}
		}
	}
	if (rc != BH_OK) {
		flink_die(link, rc);
	}
	link->ops->idle(link->ctx);
	route_wipe_stack(link->route);
}

static struct flink *flink_new(struct event_base *base, const struct role_query_link *info,
			       struct route *route, const struct links_ops *ops, void *ctx)
{
	struct flink *link = calloc(1, sizeof(*link));
	if (link == NULL) {
		return NULL;
	}
	*link = (struct flink){ .info = info->info, .fd = info->fd, .holders = 1, .route = route,
				.ops = ops, .ctx = ctx };
	link->batch = qlink_batch_new();
	link->event = event_new(base, link->fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(base, link->fd, EV_WRITE, on_writable, link);
	if (link->batch == NULL || link->event == NULL || link->writable == NULL) {
		flink_release(link);
		return NULL;
	}
	return link;
}

static struct flink *find_link(const struct links *links, uint32_t id)
{
	for (size_t i = 0; links != NULL && i < links->count; i++) {
		if (links->items[i]->info.id == id) {
			return links->items[i];
		}
	}
	return NULL;
}

void links_free(struct links *links)
{
	if (links != NULL) {
		for (size_t i = 0; i < links->count; i++) {
			flink_release(links->items[i]);
		}
		free(links->items);
		free(links->shards);
		free(links);
	}
}

/* Tables by peer. */
static int index_links(struct links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		struct flink *link = links->items[i];
		if (link->info.peer == ROLE_AUTHORITY) {
			links->authority = link;
		} else if (link->info.peer == ROLE_RESOLVER && link->info.peer_index >= links->shard_count) {
			links->shard_count = (uint32_t)link->info.peer_index + 1;
		}
	}
	links->shards = calloc((size_t)links->shard_count + 1, sizeof(*links->shards));
	if (links->shards == NULL) {
		return BH_ENOMEM;
	}
	for (size_t i = 0; i < links->count; i++) {
		struct flink *link = links->items[i];
		if (link->info.peer == ROLE_RESOLVER) {
			links->shards[link->info.peer_index] = link;
		}
	}
	return BH_OK;
}

struct links *links_prepare(struct event_base *base, const struct role_query_link *list, size_t count,
			    const struct links *current, struct route *route, const struct links_ops *ops, void *ctx)
{
	struct links *next = calloc(1, sizeof(*next));
	if (next == NULL) {
		return NULL;
	}
	next->items = calloc(count + 1, sizeof(struct flink *));
	for (size_t i = 0; next->items != NULL && i < count; i++) {
		struct flink *link = find_link(current, list[i].info.id);
		if (link != NULL) {
			link->holders++;
		} else {
			link = flink_new(base, &list[i], route, ops, ctx);
		}
		if (link == NULL) {
			links_free(next);
			return NULL;
		}
		next->items[next->count++] = link;
	}
	if (next->items == NULL || index_links(next) != BH_OK) {
		links_free(next);
		return NULL;
	}
	return next;
}

void links_abort(struct links *next)
{
	links_free(next);
}

void links_commit(struct links *next)
{
	for (size_t i = 0; i < next->count; i++) {
		struct flink *link = next->items[i];
		if (!link->dead && event_add(link->event, NULL) != 0) {
			log_fatal("cannot watch a query link");
		}
	}
}

/* Those that were never sent go on with the others. */
static void ask_all_again(struct flink *link, uint64_t now_ms)
{
	/* What a new peer does not take at once is unsent again, and comes behind those that are. */
	for (unsigned i = 0; i < 2; i++) {
		while (link->unsent[i] != NULL) {
			job_link(link->unsent[i], &link->jobs);
		}
	}
	route_ask_again(link->route, &link->jobs, now_ms);
}

void links_retire(struct links *old, uint64_t now_ms)
{
	for (size_t i = 0; old != NULL && i < old->count; i++) {
		struct flink *link = old->items[i];
		if (link->holders == 1) {
			link->dead = true;
			link->queued = false;
			ask_all_again(link, now_ms);
		}
	}
	links_free(old);
}

int links_ask(struct links *links, const struct route_ask *ask)
{
	struct flink *link = links->authority;
	if (!ask->authority) {
		link = links->shard_count == 0 ? NULL : links->shards[shard_of_name(ask->name, links->shard_count)];
	}
	if (link == NULL) {
		return BH_ENOENT;
	}
	if (link->dead) {
		return BH_ECLOSED;
	}
	bool behind = has_unsent(link) && !link->sending_unsent;
	int rc = behind ? BH_EAGAIN : qlink_push(link->batch, link->fd, &ask->message);
	if (rc == BH_OK) {
		link->queued = true;
		ask->job->link_id = link->info.id;
		job_link(ask->job, &link->jobs);
	} else if (rc == BH_EAGAIN) {
		ask->job->link_id = link->info.id;
		keep_unsent(link, ask->job);
		return BH_OK;
	}
	return rc;
}

static void on_lost(void *ctx, const struct qlink_message *message)
{
	struct flink *link = ctx;
	struct job *job = pending_by_token(link->route->pending, message->token);
	if (job != NULL && job->link_id == link->info.id) {
		keep_unsent(link, job);
	} else if (link->probed_ms != 0 && message->token == link->probe_token) {
		link->probe_unsent = true;
		wait_for_room(link);
	}
}

void links_flush(struct links *links)
{
	for (size_t i = 0; links != NULL && i < links->count; i++) {
		struct flink *link = links->items[i];
		if (!link->queued) {
			continue;
		}
		link->queued = false;
		int rc = qlink_flush(link->batch, link->fd, on_lost, link);
		if (rc != BH_OK && rc != BH_EAGAIN && !link->dead) {
			flink_die(link, rc);
		}
	}
}

void links_peer_restarted(struct links *links, uint32_t id, uint64_t now_ms)
{
	struct flink *link = find_link(links, id);
	if (link == NULL) {
		return;
	}
	link->leftovers = QLINK_LEFTOVERS_MAX;
	link->probed_ms = 0; /* what was asked before, its successor answers, or nobody */
	link->probe_unsent = false;
	if (link->dead) {
		link->dead = false;
		if (event_add(link->event, NULL) != 0) {
			log_fatal("cannot watch a query link");
		}
		log_info("query link back id=%u peer=%s index=%u", id,
			 role_text((enum role)link->info.peer), link->info.peer_index);
	}
	ask_all_again(link, now_ms);
}
