/*
 * HTTP as a test wants it: octets out, status and text in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_TESTS_INTEGRATION_HTTP_H
#define BULKHEAD_TESTS_INTEGRATION_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REPLY_MAX (1 << 20)

struct http_reply {
	int status; /* 0: the connection was closed without an answer, or refused */
	size_t len;
	char *head; /* status line and headers */
	char *body;
	char text[HTTP_REPLY_MAX + 1];
};

/* Send these octets and read to the end of the connection. source may be NULL. Valid until the next call. */
const struct http_reply *http_send(const char *server, const char *source, const char *octets, size_t len,
				   unsigned limit_ms);
/* "METHOD path HTTP/1.1" with Host: host, and more headers ("Name: value\r\n" each, or ""). */
const struct http_reply *http_ask(const char *server, const char *source, const char *method, const char *path,
				  const char *host, const char *more);
/* GET from the server by its address. */
const struct http_reply *http_get(const char *server, const char *source, const char *path);

/* Value of the sample that begins with this ("name{labels}"), or -1. */
double http_metric(const struct http_reply *reply, const char *sample);

#endif
