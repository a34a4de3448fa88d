/*
 * Client sockets in the event loop. Owns buffers and events, not the descriptors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/frontend/clients.h"

#include "common/dns/cookie.h"
#include "common/util/clock.h"
#include "common/util/cursor.h"
#include "common/util/log.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* Batches taken from one socket before the others get their turn. */
#define ROUNDS_MAX 4
/* Rounds for a socket that is about to go; more can only come from a flood. */
#define LAST_ROUNDS_MAX 64

struct listener {
	struct ipc_listener info;
	int fd;
	unsigned holders;    /* sets that name it */
	bool serving;	     /* TCP: accepting */
	struct event *event; /* UDP */
	struct clients *clients;
};

struct listener_set {
	struct listener **items;
	size_t count;
};

/* A reply in the send buffers that must be overwritten after sending. */
struct secret {
	uint8_t *bytes;
	size_t len;
};

struct clients {
	struct event_base *base;
	struct stats_page **stats;
	const struct clients_ops *ops;
	void *ctx;
	struct udp_batch *batch;
	struct listener *queued; /* whose replies are in the batch; NULL: none */
	struct secret secrets[UDP_BATCH];
	unsigned secret_count;
	struct tcp_server *tcp;
	struct tcp_limits tcp_limits;
	uint8_t *tcp_reply;
	struct listener_set *listeners;
	bool faded; /* what waits in UDP sockets is another process's */
	enum ipc_cookies cookies;
	struct cookie_secrets cookie_secrets;
	uint32_t now_sec; /* since 1970: cookies */
	uint64_t now_ms;
};

static void count(const struct clients *c, enum stats_frontend which)
{
	(*c->stats)->counters[which]++;
}

static void count_rcode(const struct clients *c, uint16_t rcode)
{
	switch (rcode) {
	case RCODE_NOERROR:
		count(c, STAT_FRONT_NOERROR);
		break;
	case RCODE_NXDOMAIN:
		count(c, STAT_FRONT_NXDOMAIN);
		break;
	case RCODE_REFUSED:
		count(c, STAT_FRONT_REFUSED);
		break;
	case RCODE_SERVFAIL:
		count(c, STAT_FRONT_SERVFAIL);
		break;
	case RCODE_FORMERR:
		count(c, STAT_FRONT_FORMERR);
		break;
	case RCODE_NOTIMP:
		count(c, STAT_FRONT_NOTIMP);
		break;
	case RCODE_BADCOOKIE:
		count(c, STAT_FRONT_BADCOOKIE);
		break;
	default:
		count(c, STAT_FRONT_OTHER_RCODE);
		break;
	}
}

/* --- sending ------------------------------------------------------------------------------------------- */

static void flush_udp(struct clients *c)
{
	if (c->queued != NULL) {
		(*c->stats)->counters[STAT_FRONT_SEND_FAILED] += udp_batch_flush(c->batch, c->queued->fd);
		c->queued = NULL;
	}
	for (unsigned i = 0; i < c->secret_count; i++) {
		explicit_bzero(c->secrets[i].bytes, c->secrets[i].len);
	}
	c->secret_count = 0;
}

void clients_flush(struct clients *c)
{
	flush_udp(c);
}

/* Where the reply for this client is to be written. */
static uint8_t *reply_buffer(struct clients *c, const struct origin *origin)
{
	if (origin->listener == NULL) {
		return c->tcp_reply;
	}
	if ((c->queued != NULL && c->queued != origin->listener) || c->secret_count == UDP_BATCH) {
		flush_udp(c);
	}
	return udp_batch_reply(c->batch);
}

static void send_reply(struct clients *c, const struct origin *origin, uint8_t *bytes, size_t len,
		       bool internal)
{
	if (origin->listener == NULL) {
		tcp_reply(c->tcp, origin->ref, bytes, len);
		if (internal) {
			explicit_bzero(bytes, len);
		}
		return;
	}
	if (internal) {
		c->secrets[c->secret_count++] = (struct secret){ bytes, len };
	}
	c->queued = origin->listener;
	udp_batch_push(c->batch, origin->listener->fd, &origin->peer, len);
}

void clients_answer(struct clients *c, const struct origin *origin, const struct reply_to *to,
		    const struct answer *answer, uint32_t age_sec, bool internal)
{
	uint8_t *buf = reply_buffer(c, origin);
	bool truncated;
	size_t len = reply_answer(to, answer, age_sec, buf, &truncated);
	if (truncated) {
		count(c, STAT_FRONT_TRUNCATED);
	}
	count_rcode(c, answer->rcode);
	if ((buf[3] & FLAG_AD) != 0) {
		count(c, STAT_FRONT_SECURE);
	}
	send_reply(c, origin, buf, len, internal);
}

void clients_refuse(struct clients *c, const struct origin *origin, const struct reply_to *to,
		    const struct refusal *refusal)
{
	uint8_t *buf = reply_buffer(c, origin);
	size_t len = reply_error(to, refusal->rcode, refusal->ede, refusal->text, buf);
	count_rcode(c, refusal->rcode);
	send_reply(c, origin, buf, len, false);
}

/* --- receiving ----------------------------------------------------------------------------------------- */

/* Times of a round of queries. The event loop has taken the calendar's: no call of the kernel. */
static void take_time(struct clients *c)
{
	struct timeval tv;
	(void)event_base_gettimeofday_cached(c->base, &tv); /* fails for a NULL base only */
	c->now_sec = (uint32_t)tv.tv_sec;
	c->now_ms = clock_now_ms();
}

static void put_option(struct sink *s, enum edns_option code, const void *bytes, size_t len)
{
	sink_u16(s, (uint16_t)code);
	sink_blob(s, bytes, len);
}

/* The EDNS options of the reply, each only when asked for. Returns what the query's cookie is worth. */
static enum cookie_state make_options(struct clients *c, const struct query *q, const struct origin *origin,
				      struct reply_to *to)
{
	enum cookie_state state = COOKIE_NONE;
	struct sink s = sink_of(to->options, sizeof(to->options));

	if (q->edns.cookie_len > 0 && c->cookies != IPC_COOKIES_OFF) {
		uint8_t cookie[COOKIE_REPLY_SIZE];
		state = cookie_answer(&c->cookie_secrets, &origin->client, c->now_sec, q->edns.cookie,
				      q->edns.cookie_len, cookie);
		put_option(&s, EDNS_OPTION_COOKIE, cookie, sizeof(cookie));
	}
	if (q->edns.keepalive && origin->listener == NULL) { /* RFC 7828 3.2.2: never over UDP */
		unsigned tenths = tcp_server_idle_ms(c->tcp) / 100; /* 0: the server is about to end */
		uint8_t value[2];
		put_u16(value, (uint16_t)(tenths < UINT16_MAX ? tenths : UINT16_MAX));
		put_option(&s, EDNS_OPTION_KEEPALIVE, value, sizeof(value));
	}
	to->options_len = (uint8_t)s.pos; /* REPLY_OPTIONS_MAX is their sum */
	count(c, (enum stats_frontend)(STAT_FRONT_COOKIE + state));
	return state;
}

static void take_query(struct clients *c, struct origin *origin, const uint8_t *msg, size_t len)
{
	struct query q;
	struct refusal refusal;
	struct reply_to to;
	bool tcp = origin->listener == NULL;

	enum query_verdict verdict = query_parse(msg, len, &q);
	if (verdict == QUERY_IGNORE) {
		count(c, STAT_FRONT_IGNORED);
		if (tcp) {
			tcp_reply(c->tcp, origin->ref, NULL, 0);
		}
		return;
	}
	count(c, tcp ? STAT_FRONT_TCP_QUERIES : STAT_FRONT_UDP_QUERIES);
	reply_to_init(&to, &q, tcp);
	/* Of a query that cannot be read to its end or is of another version, nothing in its OPT counts. */
	enum cookie_state cookie = verdict == QUERY_OK ? make_options(c, &q, origin, &to) : COOKIE_NONE;
	struct query_judgement judged = { .verdict = verdict, .allowed = c->ops->allowed(c->ctx, &origin->client) };
	/* RFC 7873 5.2.3; a client without COOKIE knows nothing of them, and over TCP it is proven. */
	judged.bad_cookie = c->cookies == IPC_COOKIES_REQUIRE && !tcp &&
			    (cookie == COOKIE_CLIENT_ONLY || cookie == COOKIE_BAD);
	if (!client_query_accept(&q, &judged, &refusal)) {
		clients_refuse(c, origin, &to, &refusal);
		return;
	}
	origin->proven = tcp || cookie == COOKIE_VALID;
	c->ops->query(c->ctx, &q, origin, &to, c->now_ms);
}

/* The answers to what is in the batch. */
static void look_ahead(struct clients *c, unsigned n)
{
	uint64_t looks[UDP_BATCH];
	for (unsigned i = 0; i < n; i++) {
		size_t len;
		const uint8_t *msg = udp_batch_data(c->batch, i, &len);
		looks[i] = c->ops->look(c->ctx, msg, len);
	}
	for (unsigned i = 0; i < n; i++) {
		c->ops->fetch(c->ctx, looks[i]);
	}
}

/* One batch. False: the socket is empty. */
static bool take_batch(struct clients *c, struct listener *l)
{
	struct origin origin = { .listener = l };
	unsigned n = udp_batch_receive(c->batch, l->fd);

	look_ahead(c, n);
	for (unsigned i = 0; i < n; i++) {
		size_t len;
		const uint8_t *msg = udp_batch_data(c->batch, i, &len);
		origin.peer = *udp_batch_peer(c->batch, i);
		if (addr_from_sockaddr(&origin.peer.remote.sa, origin.peer.remote_len, &origin.client) !=
		    BH_OK) {
			count(c, STAT_FRONT_IGNORED); /* no address to answer to */
			continue;
		}
		take_query(c, &origin, msg, len);
	}
	c->ops->idle(c->ctx);
	return n == UDP_BATCH;
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	(void)fd;
	(void)what;

	take_time(l->clients);
	for (unsigned round = 0; round < ROUNDS_MAX && take_batch(l->clients, l); round++) {
	}
}

static void on_tcp(void *ctx, struct tcp_ref ref, const struct addr *peer, const uint8_t *msg, size_t len)
{
	struct clients *c = ctx;
	struct origin origin = { .listener = NULL, .ref = ref, .client = *peer };

	take_time(c);
	take_query(c, &origin, msg, len);
	c->ops->idle(c->ctx);
}

static void on_tcp_accepted(void *ctx)
{
	count(ctx, STAT_FRONT_TCP_ACCEPTED);
}

static void on_tcp_refused(void *ctx)
{
	count(ctx, STAT_FRONT_TCP_REFUSED);
}

/* --- listeners ----------------------------------------------------------------------------------------- */

static void listener_release(struct listener *l)
{
	if (--l->holders > 0) {
		return;
	}
	if (l->event != NULL) {
		event_free(l->event);
	}
	free(l);
}

static void set_free(struct listener_set *set)
{
	if (set != NULL) {
		for (size_t i = 0; i < set->count; i++) {
			listener_release(set->items[i]);
		}
		free(set->items);
		free(set);
	}
}

static struct listener *find_listener(const struct listener_set *set, uint32_t id)
{
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		if (set->items[i]->info.id == id) {
			return set->items[i];
		}
	}
	return NULL;
}

static struct listener *listener_new(struct clients *c, const struct role_listener *info)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return NULL;
	}
	*l = (struct listener){ .info = info->info, .fd = info->fd, .holders = 1, .clients = c };
	if (l->info.proto == IPC_UDP) {
		l->event = event_new(c->base, l->fd, EV_READ | EV_PERSIST, on_udp, l);
		if (l->event == NULL) {
			free(l);
			return NULL;
		}
	}
	return l;
}

struct listener_set *clients_prepare(struct clients *c, const struct role_listener *list, size_t count)
{
	struct listener_set *next = calloc(1, sizeof(*next));
	if (next == NULL) {
		return NULL;
	}
	next->items = calloc(count + 1, sizeof(struct listener *));
	for (size_t i = 0; next->items != NULL && i < count; i++) {
		struct listener *l = find_listener(c->listeners, list[i].info.id);
		if (l != NULL) {
			l->holders++;
		} else {
			l = listener_new(c, &list[i]);
		}
		if (l == NULL) {
			set_free(next);
			return NULL;
		}
		next->items[next->count++] = l;
	}
	if (next->items == NULL) {
		set_free(next);
		return NULL;
	}
	return next;
}

void clients_abort(struct clients *c, struct listener_set *next)
{
	(void)c;
	set_free(next);
}

static void start_listener(struct clients *c, struct listener *l)
{
	int rc = BH_OK;
	if (l->info.proto == IPC_UDP) {
		rc = event_add(l->event, NULL) == 0 ? BH_OK : BH_ENOMEM;
	} else if (!l->serving) {
		rc = tcp_server_listen(c->tcp, l->fd);
		l->serving = rc == BH_OK;
	}
	if (rc != BH_OK) {
		log_fatal("cannot serve a listener: %s", bh_strerror(rc));
	}
}

/* The last queries of a listener, and the last answers. */
static void stop_listener(struct clients *c, struct listener *l, struct pending *pending)
{
	if (l->info.proto == IPC_TCP) {
		tcp_server_unlisten(c->tcp, l->fd);
		return;
	}
	take_time(c);
	for (unsigned round = 0; round < LAST_ROUNDS_MAX && take_batch(c, l); round++) {
	}
	struct waiter_list taken;
	struct waiter *w;
	pending_take_listener(pending, l, &taken);
	while ((w = LIST_FIRST(&taken)) != NULL) {
		LIST_REMOVE(w, job_entry);
		clients_refuse(c, &w->origin, &w->to,
			       &(struct refusal){ .rcode = RCODE_SERVFAIL, .ede = EDE_NOT_READY,
						  .text = "this address is given up" });
		waiter_free(w);
	}
	flush_udp(c);
}

void clients_commit(struct clients *c, struct listener_set *next, struct pending *pending)
{
	struct listener_set *old = c->listeners;
	for (size_t i = 0; old != NULL && i < old->count; i++) {
		if (old->items[i]->holders == 1) {
			stop_listener(c, old->items[i], pending);
		}
	}
	c->listeners = next;
	set_free(old);
	for (size_t i = 0; i < next->count; i++) {
		start_listener(c, next->items[i]);
	}
}

void clients_limits(struct clients *c, const struct ipc_tcp *tcp)
{
	c->tcp_limits.connections = tcp->connections;
	c->tcp_limits.connections_client = tcp->connections_client;
	c->tcp_limits.idle_ms = tcp->idle_ms;
	c->tcp_limits.write_ms = tcp->reply_ms;
	tcp_server_limits(c->tcp, &c->tcp_limits);
}

void clients_cookies(struct clients *c, enum ipc_cookies mode, const struct cookie_secrets *secrets)
{
	c->cookies = mode;
	c->cookie_secrets = *secrets;
}

/* No queries over UDP from here on. last: but for those that wait in the sockets. */
static void leave_udp(struct clients *c, bool last)
{
	for (size_t i = 0; c->listeners != NULL && i < c->listeners->count; i++) {
		struct listener *l = c->listeners->items[i];
		if (l->info.proto == IPC_UDP) {
			take_time(c);
			for (unsigned round = 0; last && round < LAST_ROUNDS_MAX && take_batch(c, l); round++) {
			}
			if (event_del(l->event) != 0) {
				log_warn("cannot leave a listener");
			}
		}
	}
}

void clients_drain(struct clients *c)
{
	leave_udp(c, !c->faded);
	tcp_server_drain(c->tcp);
}

void clients_fade(struct clients *c)
{
	c->faded = true;
	leave_udp(c, false);
	tcp_server_fade(c->tcp);
}

unsigned clients_connections(const struct clients *c)
{
	return tcp_server_count(c->tcp);
}

struct clients *clients_new(struct event_base *base, struct stats_page **stats,
			    const struct clients_ops *ops, void *ctx)
{
	static const struct tcp_ops tcp_ops = { .query = on_tcp, .accepted = on_tcp_accepted,
						.refused = on_tcp_refused };
	struct clients *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return NULL;
	}
	c->base = base;
	c->stats = stats;
	c->ops = ops;
	c->ctx = ctx;
	c->tcp_limits = tcp_limits_default;
	c->batch = udp_batch_new();
	c->tcp = tcp_server_new(base, &c->tcp_limits, &tcp_ops, c);
	c->tcp_reply = malloc(DNS_MESSAGE_MAX);
	if (c->batch == NULL || c->tcp == NULL || c->tcp_reply == NULL) {
		clients_free(c);
		return NULL;
	}
	return c;
}

void clients_free(struct clients *c)
{
	if (c != NULL) {
		tcp_server_free(c->tcp);
		set_free(c->listeners);
		udp_batch_free(c->batch);
		free(c->tcp_reply);
		explicit_bzero(&c->cookie_secrets, sizeof(c->cookie_secrets));
		free(c);
	}
}
