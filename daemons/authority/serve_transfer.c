/*
 * Zone transfers over TCP: a stream of messages for each, made one by one as the client takes them. The TCP
 * server gives every connection its turn, so what is bounded here is only how many there are.
 *
 * A transfer holds its image mapped, and has a copy of its key: a reload takes neither away.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/authority/server.h"

#include "common/dns/dname.h"
#include "common/net/tcp.h"
#include "common/util/clock.h"
#include "daemons/authority/axfr.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Lines about transfers in each window: those that ran are few, refusals cost a stranger nothing. */
enum {
	LOG_WINDOW_MS = 10000,
	LOG_RAN = 100,
	LOG_REFUSED = 10,
};

struct transfer {
	LIST_ENTRY(transfer) entry; /* in server->running */
	struct server *server;
	struct view_mapping *mapping; /* of axfr.image */
	struct axfr axfr;
	struct tsig_key key;
	struct tsig tsig;
	bool is_signed;
	struct addr client;
	uint64_t started_ms;
	uint64_t octets;
	uint64_t messages;
};

/* "partner.", or "none". */
static const char *key_text(const struct tsig_key *key, char text[DNAME_TEXT_MAX])
{
	return key == NULL ? "none" : dname_text(key->name, text);
}

static bool may_log(struct log_limit *limit, uint64_t now_ms, uint32_t burst)
{
	uint32_t suppressed = 0;
	bool pass = log_limit_pass(limit, now_ms, LOG_WINDOW_MS, burst, &suppressed) != 0;
	if (suppressed > 0) {
		log_info("transfers: %" PRIu32 " lines left out", suppressed);
	}
	return pass;
}

static void log_end(const struct transfer *t, bool ok)
{
	char zone[DNAME_TEXT_MAX];
	char key[DNAME_TEXT_MAX];
	char client[ADDR_TEXT_MAX];
	uint64_t now_ms = clock_now_ms();
	if (!may_log(&t->server->transfer_log, now_ms, LOG_RAN)) {
		return;
	}
	log_info("transfer %s zone=%s client=%s serial=%" PRIu32 " key=%s records=%" PRIu64 " messages=%" PRIu64
		 " octets=%" PRIu64 " ms=%" PRIu64,
		 ok ? "done" : "aborted", dname_text(t->axfr.image->apex, zone), addr_text(&t->client, client),
		 t->axfr.image->header->serial, key_text(t->is_signed ? &t->key : NULL, key), t->axfr.records,
		 t->messages, t->octets, now_ms - t->started_ms);
}

void serve_transfer_refused(struct server *server, const struct addr *client)
{
	const struct query_work *work = &server->work;
	char zone[DNAME_TEXT_MAX];
	char key[DNAME_TEXT_MAX];
	char text[ADDR_TEXT_MAX];
	if (may_log(&server->refusal_log, clock_now_ms(), LOG_REFUSED)) {
		log_info("transfer refused zone=%s client=%s key=%s why=%s", dname_text(work->query.qname, zone),
			 addr_text(client, text), key_text(work->key, key),
			 work->answer.rcode == RCODE_REFUSED ? "not allowed" : "too many at once");
	}
}

static ssize_t on_next(void *ctx, uint8_t *buf, size_t size)
{
	struct transfer *t = ctx;
	struct server *server = t->server;
	/* Scratch memory of an answer; there is none in work between two events. */
	ssize_t n = axfr_next(&t->axfr, &server->work.answer.compose, t->is_signed ? tsig_size(&t->tsig) : 0, buf);
	if (n <= 0) {
		if (n < 0) {
			char zone[DNAME_TEXT_MAX];
			log_err("transfer: a record of zone %s fits into no message",
				dname_text(t->axfr.image->apex, zone));
		}
		return n;
	}
	size_t len = (size_t)n;
	if (t->is_signed) {
		int rc = tsig_sign(server->work.tsig, &t->tsig, clock_wall_sec(), buf, &len, size);
		if (rc != BH_OK) {
			log_err("transfer: cannot sign: %s", bh_strerror(rc));
			return rc;
		}
	}
	t->octets += len;
	t->messages++;
	return (ssize_t)len;
}

static void on_done(void *ctx, bool ok)
{
	struct transfer *t = ctx;
	struct server *server = t->server;
	server->stats->counters[ok ? STAT_AUTH_TRANSFERS_DONE : STAT_AUTH_TRANSFERS_ABORTED]++;
	server->transfers--;
	LIST_REMOVE(t, entry);
	log_end(t, ok);
	view_release(t->mapping);
	if (t->is_signed) { /* its key may be one that a reload has taken away */
		tsig_engine_forget(server->work.tsig);
		tsig_key_clear(&t->key);
	}
	free(t);
}

/* Is there room for one more of this client: an IPv4 address, or an IPv6 /64 as for its connections? */
static bool has_room(const struct server *server, const struct addr *client)
{
	struct prefix prefix = { .family = client->family, .bits = client->family == ADDR_V4 ? 32 : 64 };
	const struct transfer *t;
	unsigned own = 0;
	memcpy(prefix.bytes, client->bytes, prefix.bits / 8);
	LIST_FOREACH(t, &server->running, entry)
	{
		own += prefix_match(&prefix, &t->client);
	}
	return server->transfers < TRANSFERS_MAX && own < TRANSFERS_CLIENT_MAX;
}

bool serve_transfer_start(struct server *server, struct tcp_ref ref, const struct addr *client)
{
	static const struct tcp_stream_ops ops = { .next = on_next, .done = on_done };
	const struct query_work *work = &server->work;
	struct transfer *t = has_room(server, client) ? malloc(sizeof(*t)) : NULL;
	if (t == NULL) {
		return false;
	}
	*t = (struct transfer){ .server = server, .client = *client, .started_ms = clock_now_ms() };
	t->mapping = view_hold(work->zone);
	axfr_begin(&t->axfr, work->zone->image, &work->query);
	if (work->key != NULL) {
		t->is_signed = true;
		t->tsig = work->request_tsig;
		t->key = *work->key;
		t->tsig.key = &t->key;
	}
	server->transfers++;
	LIST_INSERT_HEAD(&server->running, t, entry);
	server->stats->counters[STAT_AUTH_TRANSFERS_STARTED]++;
	tcp_reply_stream(server->tcp, ref, &ops, t);
	return true;
}
