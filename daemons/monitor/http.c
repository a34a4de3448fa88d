/*
 * evhttp limits the size of headers and bodies, and how long a connection is silent. It does not limit how many
 * connections there are, nor how long one lives that sends an octet now and then, and it tells nobody when one ends.
 * So each connection's bufferevent is made here and held by one reference more: when evhttp has let go of it, its
 * callbacks are gone, which a timer sees; and when its time is over, it is told that it timed out.
 *
 * What comes from the network is parsed by evhttp and request.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/monitor/http.h"

#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/log.h"
#include "daemons/monitor/assets.h"
#include "daemons/monitor/health.h"
#include "daemons/monitor/page.h"
#include "daemons/monitor/request.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define SWEEP_MS 250
/* evhttp's own patience with a silent client. */
#define SILENCE_SEC 10

struct client {
	struct bufferevent *bev; /* NULL: free */
	bool greeted;		 /* its address was looked at */
	struct addr peer;
	uint64_t end_ms;
};

/* An answer, shared by all who read it. */
struct answer {
	unsigned users;
	size_t *total; /* of all answers; outlives them */
	char *bytes;
	size_t len;
	uint64_t made_ms;
};

/* Those that are kept for HTTP_FRESH_MS. */
enum kept { KEPT_PAGE, KEPT_STATUS, KEPT_PROMETHEUS, KEPT_OPEN, KEPT_COUNT };

struct place { /* where we listen */
	uint32_t id;
	struct evconnlistener *listener; /* owned by evhttp */
	struct evhttp_bound_socket *bound;
};

struct http {
	struct event_base *base;
	struct evhttp *evhttp;
	struct http_view view;
	struct client clients[HTTP_CLIENTS_MAX];
	unsigned client_count;
	struct event *greet; /* active: there are clients to look at */
	struct event *sweep;
	struct place *places;
	size_t place_count;
	struct answer *kept[KEPT_COUNT];
	size_t total; /* octets of all answers */
};

/* --- answers -------------------------------------------------------------------------------------------- */

static void answer_release(struct answer *answer)
{
	if (answer != NULL && --answer->users == 0) {
		*answer->total -= answer->len;
		free(answer->bytes);
		free(answer);
	}
}

/* Takes the text's memory. NULL: out of memory, and the text is gone too. */
static struct answer *answer_new(struct http *http, struct text *text, uint64_t now_ms)
{
	struct answer *answer = text->failed ? NULL : calloc(1, sizeof(*answer));
	if (answer == NULL) {
		text_clear(text);
		return NULL;
	}
	*answer = (struct answer){ .users = 1, .total = &http->total, .bytes = text->bytes, .len = text->len,
				   .made_ms = now_ms };
	http->total += answer->len;
	return answer;
}

static void on_sent(const void *bytes, size_t len, void *arg)
{
	(void)bytes;
	(void)len;
	answer_release(arg);
}

static void forget_kept(struct http *http)
{
	for (unsigned i = 0; i < KEPT_COUNT; i++) {
		answer_release(http->kept[i]);
		http->kept[i] = NULL;
	}
}

static void render(struct http *http, enum kept which, const struct model_now *now, struct text *text)
{
	const struct http_view *view = &http->view;
	switch (which) {
	case KEPT_PAGE:
		page_render(text, view->model, view->rates, now);
		break;
	case KEPT_STATUS:
		page_render_json(text, view->model, view->rates, now);
		break;
	case KEPT_PROMETHEUS:
		metrics_render(text, view->model, now, METRICS_PROMETHEUS);
		break;
	case KEPT_OPEN:
		metrics_render(text, view->model, now, METRICS_OPEN);
		break;
	case KEPT_COUNT:
		break;
	}
}

/* One that is fresh enough. NULL: it cannot be made, or too many are being read slowly. */
static struct answer *get_kept(struct http *http, enum kept which, const struct model_now *now)
{
	struct answer *answer = http->kept[which];
	if (answer != NULL && now->ms - answer->made_ms < HTTP_FRESH_MS) {
		return answer;
	}
	answer_release(answer);
	http->kept[which] = NULL;
	if (http->total > HTTP_ANSWERS_MAX - HTTP_ANSWER_MAX) {
		return NULL;
	}
	struct text text;
	text_init(&text, HTTP_ANSWER_MAX);
	render(http, which, now, &text);
	http->kept[which] = answer_new(http, &text, now->ms);
	return http->kept[which];
}

/* --- replies -------------------------------------------------------------------------------------------- */

static const char *reason_of(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 421:
		return "Misdirected Request";
	default:
		return "Service Unavailable";
	}
}

static void put_headers(struct evhttp_request *req, const char *type)
{
	static const char *const headers[][2] = {
		/* Nothing but our own files: no frame, no form, no other origin. */
		{ "Content-Security-Policy",
		  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
		  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" }, /* for those who do not know frame-ancestors */
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
		{ "Connection", "close" },
	};
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	for (size_t i = 0; i < COUNT(headers); i++) {
		if (evhttp_add_header(out, headers[i][0], headers[i][1]) != 0) {
			log_warn("a header of a reply is left out: out of memory");
		}
	}
	if (evhttp_add_header(out, "Content-Type", type) != 0) {
		log_warn("a header of a reply is left out: out of memory");
	}
}

/* HEAD gets the headers of GET (RFC 9110 9.3.2); evhttp would send the body too. body: taken. */
static void send_reply(struct evhttp_request *req, unsigned status, const char *type, struct evbuffer *body)
{
	put_headers(req, type);
	if (body != NULL && evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) {
		char length[24];
		snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
		if (evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Length", length) != 0) {
			log_warn("a header of a reply is left out: out of memory");
		}
		evbuffer_free(body);
		body = NULL;
	}
	evhttp_send_reply(req, (int)status, reason_of(status), body);
	if (body != NULL) {
		evbuffer_free(body);
	}
}

static void send_answer(struct evhttp_request *req, unsigned status, const char *type, struct answer *answer)
{
	struct evbuffer *body = evbuffer_new();
	answer->users++;
	if (body == NULL || evbuffer_add_reference(body, answer->bytes, answer->len, on_sent, answer) != 0) {
		answer_release(answer);
		log_warn("a reply is left empty: out of memory");
	}
	send_reply(req, status, type, body);
}

/* bytes are copied. */
static void send_bytes(struct evhttp_request *req, unsigned status, const char *type, const char *bytes, size_t len)
{
	struct evbuffer *body = evbuffer_new();
	if (body == NULL || evbuffer_add(body, bytes, len) != 0) {
		log_warn("a reply is left empty: out of memory");
	}
	send_reply(req, status, type, body);
}

static void send_error(struct evhttp_request *req, unsigned status, const char *text)
{
	send_bytes(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* 200 when all of it answers, else 503 and a line for each that does not. */
static void send_health(struct http *http, struct evhttp_request *req, const char *part, const struct model_now *now)
{
	bool all = part[0] == '\0';
	struct health_scope scope = { .all = all, .view = all ? NULL : part, .resolver = strcmp(part, "resolver") == 0 };
	struct text text;
	if (!health_scope_exists(http->view.model, &scope)) {
		send_error(req, 404, "there is no such view, and no resolver\n");
		return;
	}
	text_init(&text, HTTP_ANSWER_MAX);
	unsigned failures = health_judge(http->view.model, now, &scope, &text);
	if (failures == 0) {
		text_add(&text, "ok\n");
	}
	send_bytes(req, failures == 0 ? 200 : 503, "text/plain; charset=utf-8", text.bytes, text.len);
	text_clear(&text);
}

static void send_kept(struct http *http, struct evhttp_request *req, enum kept which, const char *type,
		      const struct model_now *now)
{
	struct answer *answer = get_kept(http, which, now);
	if (answer == NULL) {
		send_error(req, 503, "out of memory, or too many answers are read slowly\n");
		return;
	}
	send_answer(req, 200, type, answer);
}

static void send_target(struct http *http, struct evhttp_request *req, const struct request_answer *answer)
{
	struct model_now now = { .ms = clock_now_ms(), .sec = clock_wall_sec() };
	switch (answer->target) {
	case TARGET_PAGE:
		send_kept(http, req, KEPT_PAGE, "text/html; charset=utf-8", &now);
		break;
	case TARGET_STATUS:
		send_kept(http, req, KEPT_STATUS, "application/json", &now);
		break;
	case TARGET_METRICS:
		send_kept(http, req, answer->format == METRICS_OPEN ? KEPT_OPEN : KEPT_PROMETHEUS,
			  metrics_content_type(answer->format), &now);
		break;
	case TARGET_HEALTH:
		send_health(http, req, answer->part, &now);
		break;
	case TARGET_STYLE:
		send_bytes(req, 200, "text/css; charset=utf-8", asset_status_css, strlen(asset_status_css));
		break;
	case TARGET_SCRIPT:
		send_bytes(req, 200, "text/javascript; charset=utf-8", asset_status_js, strlen(asset_status_js));
		break;
	case TARGET_ICON:
		send_bytes(req, 200, "image/svg+xml", asset_icon_svg, strlen(asset_icon_svg));
		break;
	case TARGET_NONE:
		send_error(req, 404, "there is nothing here\n");
		break;
	}
}

/* Headers of this name. */
static unsigned count_headers(struct evhttp_request *req, const char *name)
{
	const struct evkeyval *header;
	unsigned count = 0;
	TAILQ_FOREACH(header, evhttp_request_get_input_headers(req), next)
	{
		count += evutil_ascii_strcasecmp(header->key, name) == 0;
	}
	return count;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct http *http = arg;
	struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	if (http->view.model == NULL) {
		send_error(req, 503, "starting\n");
		return;
	}
	struct request request = { .reads = method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD,
				   .uri = evhttp_request_get_uri(req),
				   .host = evhttp_find_header(in, "Host"),
				   .accept = evhttp_find_header(in, "Accept"),
				   .hosts = count_headers(req, "Host"),
				   .version = (unsigned)req->major * 10 + (unsigned)req->minor };
	struct request_answer answer = request_judge(&request, http->view.conf);
	switch (answer.status) {
	case 200:
		send_target(http, req, &answer);
		break;
	case 405:
		if (evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD") != 0) {
			log_warn("a header of a reply is left out: out of memory");
		}
		send_error(req, 405, "only GET and HEAD\n");
		break;
	case 421:
		send_error(req, 421, "that is not what we are called: see 'names' of section 'monitor', bulkhead.conf(5)\n");
		break;
	case 404:
		send_error(req, 404, "there is nothing here\n");
		break;
	default:
		send_error(req, 400, "bad request\n");
	}
}

/* --- connections ---------------------------------------------------------------------------------------- */

static void set_accepting(struct http *http, bool accepting)
{
	for (size_t i = 0; i < http->place_count; i++) {
		if ((accepting ? evconnlistener_enable : evconnlistener_disable)(http->places[i].listener) != 0) {
			log_fatal("cannot watch a listener");
		}
	}
}

/* evhttp has freed its connection, and with it the callbacks. */
static bool is_over(const struct client *client)
{
	bufferevent_data_cb readable;
	bufferevent_event_cb event;
	bufferevent_getcb(client->bev, &readable, NULL, &event, NULL);
	return readable == NULL && event == NULL;
}

static void let_go(struct http *http, struct client *client)
{
	bufferevent_decref(client->bev);
	client->bev = NULL;
	http->client_count--;
}

static void end_connection(struct client *client)
{
	bufferevent_trigger_event(client->bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
}

static void sweep(struct http *http)
{
	uint64_t now_ms = clock_now_ms();
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		struct client *client = &http->clients[i];
		if (client->bev == NULL) {
			continue;
		}
		if (!is_over(client) && now_ms >= client->end_ms) {
			end_connection(client);
		}
		if (is_over(client)) {
			let_go(http, client);
		}
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval period = { .tv_usec = SWEEP_MS * 1000 };
	struct http *http = arg;
	bool was_full = http->client_count == HTTP_CLIENTS_MAX;
	(void)fd;
	(void)what;

	sweep(http);
	if (was_full && http->client_count < HTTP_CLIENTS_MAX) {
		set_accepting(http, true);
	}
	if (http->client_count > 0 && event_add(http->sweep, &period) != 0) {
		log_fatal("cannot set a timer");
	}
}

static bool may_stay(const struct http *http, struct client *client)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	unsigned same = 0;
	if (getpeername(bufferevent_getfd(client->bev), (struct sockaddr *)&sa, &len) != 0 ||
	    addr_from_sockaddr((struct sockaddr *)&sa, len, &client->peer) != BH_OK ||
	    http->view.conf == NULL || !acl_match(&http->view.conf->acl, &client->peer)) {
		return false;
	}
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		const struct client *other = &http->clients[i];
		same += other->bev != NULL && other->greeted && addr_same_host(&other->peer, &client->peer);
	}
	return same < HTTP_CLIENTS_ADDRESS;
}

/* Right after they were accepted, before anything was read: who may not ask is gone again. */
static void on_greet(evutil_socket_t fd, short what, void *arg)
{
	struct http *http = arg;
	(void)fd;
	(void)what;
	sweep(http); /* those that are over do not count */
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		struct client *client = &http->clients[i];
		if (client->bev == NULL || client->greeted) {
			continue;
		}
		if (may_stay(http, client)) {
			client->greeted = true;
		} else {
			end_connection(client);
			let_go(http, client);
		}
	}
	if (http->client_count < HTTP_CLIENTS_MAX) {
		set_accepting(http, true);
	}
}

/* evhttp has accepted somebody and wants a bufferevent for it. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	static const struct timeval period = { .tv_usec = SWEEP_MS * 1000 };
	struct http *http = arg;
	struct client *client = http->clients;
	while (client < http->clients + HTTP_CLIENTS_MAX && client->bev != NULL) {
		client++;
	}
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	if (bev == NULL || client == http->clients + HTTP_CLIENTS_MAX) {
		return bev; /* nobody listens when there is no room, so the second is not reached */
	}
	bufferevent_incref(bev);
	*client = (struct client){ .bev = bev, .end_ms = clock_now_ms() + HTTP_CONNECTION_MS };
	if (++http->client_count == HTTP_CLIENTS_MAX) {
		set_accepting(http, false);
	}
	event_active(http->greet, EV_TIMEOUT, 0);
	if (!event_pending(http->sweep, EV_TIMEOUT, NULL) && event_add(http->sweep, &period) != 0) {
		log_fatal("cannot set a timer");
	}
	return bev;
}

/* --- listeners ------------------------------------------------------------------------------------------ */

static void drop_places(struct http *http, const struct role_conf *conf)
{
	size_t kept = 0;
	for (size_t i = 0; i < http->place_count; i++) {
		bool wanted = false;
		for (size_t k = 0; conf != NULL && k < conf->listener_count; k++) {
			wanted = wanted || conf->listeners[k].info.id == http->places[i].id;
		}
		if (wanted) {
			http->places[kept++] = http->places[i];
		} else {
			evhttp_del_accept_socket(http->evhttp, http->places[i].bound); /* the descriptor stays open */
		}
	}
	http->place_count = kept;
}

static void add_place(struct http *http, const struct role_listener *listener)
{
	struct place *places = reallocarray(http->places, http->place_count + 1, sizeof(*places));
	if (places == NULL) {
		log_fatal("out of memory");
	}
	http->places = places;
	struct place *place = &places[http->place_count];
	/* It listens already; its descriptor belongs to the role's link. */
	place->id = listener->info.id;
	place->listener = evconnlistener_new(http->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, listener->fd);
	place->bound = place->listener == NULL ? NULL : evhttp_bind_listener(http->evhttp, place->listener);
	if (place->bound == NULL) {
		log_fatal("cannot serve a listener: out of memory");
	}
	http->place_count++;
}

void http_show(struct http *http, const struct http_view *view)
{
	const struct role_conf *conf = view->conf;
	http->view = *view;
	forget_kept(http);
	drop_places(http, conf);
	for (size_t i = 0; i < conf->listener_count; i++) {
		bool there = false;
		for (size_t k = 0; k < http->place_count; k++) {
			there = there || http->places[k].id == conf->listeners[i].info.id;
		}
		if (!there) {
			add_place(http, &conf->listeners[i]);
		}
	}
	set_accepting(http, http->client_count < HTTP_CLIENTS_MAX);
}

void http_stop(struct http *http)
{
	drop_places(http, NULL);
}

unsigned http_clients(const struct http *http)
{
	return http->client_count;
}

/* --- life ----------------------------------------------------------------------------------------------- */

struct http *http_new(struct event_base *base)
{
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL) {
		return NULL;
	}
	http->base = base;
	http->evhttp = evhttp_new(base);
	http->greet = event_new(base, -1, 0, on_greet, http);
	http->sweep = event_new(base, -1, 0, on_sweep, http);
	if (http->evhttp == NULL || http->greet == NULL || http->sweep == NULL) {
		http_free(http);
		return NULL;
	}
	evhttp_set_max_headers_size(http->evhttp, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(http->evhttp, HTTP_BODY_MAX);
	evhttp_set_timeout(http->evhttp, SILENCE_SEC);
	/* All that it knows, so that what is refused is refused by us, with Allow. */
	evhttp_set_allowed_methods(http->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
							 EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
							 EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(http->evhttp, on_connection, http);
	evhttp_set_gencb(http->evhttp, on_request, http);
	return http;
}

void http_free(struct http *http)
{
	if (http == NULL) {
		return;
	}
	if (http->evhttp != NULL) {
		drop_places(http, NULL);
		evhttp_free(http->evhttp); /* and its connections */
	}
	for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
		if (http->clients[i].bev != NULL) {
			let_go(http, &http->clients[i]);
		}
	}
	if (http->greet != NULL) {
		event_free(http->greet);
	}
	if (http->sweep != NULL) {
		event_free(http->sweep);
	}
	forget_kept(http);
	free(http->places);
	free(http);
}
