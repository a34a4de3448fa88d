/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/integration/http.h"

#include "common/util/clock.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Until the other end closes. Reset by it counts as that. */
static void read_all(int fd, struct http_reply *reply, unsigned limit_ms)
{
	uint64_t end_ms = clock_now_ms() + limit_ms;
	for (;;) {
		uint64_t now_ms = clock_now_ms();
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		MUST(now_ms < end_ms && poll(&pfd, 1, (int)(end_ms - now_ms)) > 0, "HTTP: no end after %u ms: %.200s", limit_ms,
		     reply->text);
		ssize_t n = recv(fd, reply->text + reply->len, HTTP_REPLY_MAX - reply->len, 0);
		if (n <= 0) {
			MUST(n == 0 || errno == ECONNRESET, "HTTP: %s", strerror(errno));
			return;
		}
		reply->len += (size_t)n;
		MUST(reply->len < HTTP_REPLY_MAX, "HTTP: a very large answer");
	}
}

const struct http_reply *http_send(const char *server, const char *source, const char *octets, size_t len,
				   unsigned limit_ms)
{
	static struct http_reply reply;
	int fd = client_tcp(server, source);
	reply.len = 0;
	reply.status = 0;
	size_t sent = 0;
	while (sent < len) { /* it may close before it has read all */
		ssize_t n = send(fd, octets + sent, len - sent, MSG_NOSIGNAL);
		if (n <= 0) {
			break;
		}
		sent += (size_t)n;
	}
	read_all(fd, &reply, limit_ms);
	close(fd);
	reply.text[reply.len] = '\0';
	reply.head = reply.text;
	reply.body = strstr(reply.text, "\r\n\r\n");
	reply.body = reply.body == NULL ? reply.text + reply.len : reply.body + 4;
	if (reply.len > 0) {
		MUST(sscanf(reply.text, "HTTP/1.%*d %d", &reply.status) == 1, "HTTP: %.100s", reply.text);
	}
	return &reply;
}

const struct http_reply *http_ask(const char *server, const char *source, const char *method, const char *path,
				  const char *host, const char *more)
{
	char request[2048];
	int n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, host, more);
	MUST(n > 0 && (size_t)n < sizeof(request), "HTTP: a long request");
	return http_send(server, source, request, (size_t)n, 10000 * harness_slow());
}

const struct http_reply *http_get(const char *server, const char *source, const char *path)
{
	char host[64];
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(server, "@"), server);
	return http_ask(server, source, "GET", path, host, "");
}

double http_metric(const struct http_reply *reply, const char *sample)
{
	size_t len = strlen(sample);
	for (const char *p = reply->body; (p = strstr(p, sample)) != NULL; p += len) {
		if ((p == reply->body || p[-1] == '\n') && p[len] == ' ') {
			return strtod(p + len, NULL);
		}
	}
	return -1;
}
