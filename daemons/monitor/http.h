/*
 * HTTP by libevent's evhttp, within bounds of ours: who may connect, how many, for how long, and how much memory their
 * answers take. Each connection carries one request.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_HTTP_H
#define BULKHEAD_MONITOR_HTTP_H

#include "common/ipc/role_link.h"
#include "daemons/monitor/model.h"
#include "daemons/monitor/rates.h"

struct event_base;
struct http;

enum {
	/* Connections at a time; what is above waits in the kernel's queue. */
	HTTP_CLIENTS_MAX = 64,
	/* Of one address: a browser opens six. */
	HTTP_CLIENTS_ADDRESS = 16,
	/* From accept to the last octet of the answer, however slowly octets come or are taken. */
	HTTP_CONNECTION_MS = 20000,
	/* Octets of a request's line and headers together. */
	HTTP_HEADERS_MAX = 8192,
	/* Of a body, which no request has that gets anything but a refusal. */
	HTTP_BODY_MAX = 1024,
	/* What is rendered is good for so long: many who ask at once get the same octets. */
	HTTP_FRESH_MS = 1000,
};
/* One answer, and all that somebody still reads: metrics of 100,000 zones take some 70 MB. */
#define HTTP_ANSWER_MAX ((size_t)128 << 20)
#define HTTP_ANSWERS_MAX ((size_t)384 << 20)

/* What is shown; pointers may be changed between calls, with http_changed. */
struct http_view {
	const struct role_conf *conf;
	const struct model *model;
	const struct rates *rates;
};

/* NULL: out of memory. */
struct http *http_new(struct event_base *base);
void http_free(struct http *http);

/* Show this from now on, on these listeners. Out of memory is fatal: a commit cannot be refused. */
void http_show(struct http *http, const struct http_view *view);
/* Nothing is accepted any more. */
void http_stop(struct http *http);
unsigned http_clients(const struct http *http);

#endif
