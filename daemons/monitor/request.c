/*
 * Paths are compared as they are, without decoding: there is a handful, and none stands for a file.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/monitor/request.h"

#include "common/util/count.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- who is meant --------------------------------------------------------------------------------------- */

/* An IPv6 address in brackets, and a port. */
#define HOST_ROOM (IPC_HOST_MAX + 16)

/*
 * The host of "host", "host:port" or "[address]:port" in lower case, without brackets and without a final dot. False:
 * it is none of these.
 */
static bool split_host(const char *text, size_t len, char out[IPC_HOST_MAX])
{
	char host[HOST_ROOM];
	if (len == 0 || len >= sizeof(host)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		host[i] = (char)tolower((unsigned char)text[i]);
	}
	host[len] = '\0';

	char *begin = host;
	char *end;
	if (host[0] == '[') {
		begin = host + 1;
		end = strchr(begin, ']');
		if (end == NULL) {
			return false;
		}
		*end++ = '\0';
	} else {
		end = begin + strcspn(begin, ":");
	}
	if (*end == ':') {
		*end++ = '\0';
		if (strspn(end, "0123456789") != strlen(end)) {
			return false;
		}
	} else if (*end != '\0') {
		return false;
	}
	size_t size = strlen(begin);
	if (size > 1 && begin[size - 1] == '.') {
		begin[--size] = '\0';
	}
	if (size == 0 || size >= IPC_HOST_MAX) {
		return false;
	}
	memcpy(out, begin, size + 1);
	return true;
}

/*
 * A page of another site can have its own name point here, and then read what its visitor may read (DNS rebinding): so
 * we answer to our addresses and to names that we were told, and to no other.
 */
static bool is_our_host(const char *host, const struct role_conf *conf)
{
	struct addr addr;
	bool is_addr = addr_parse(host, 0, &addr) == BH_OK && addr.port == 0;
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct addr *own = &conf->listeners[i].info.addr;
		if (is_addr && (addr_same_host(own, &addr) || (addr_is_any(own) && own->family == addr.family))) {
			return true; /* an address in the place of a name cannot be pointed anywhere */
		}
		if (strcmp(host, "localhost") == 0 && (addr_is_loopback(own) || addr_is_any(own))) {
			return true;
		}
	}
	for (size_t i = 0; i < conf->host_count; i++) {
		if (strcmp(host, conf->hosts[i].name) == 0) {
			return true;
		}
	}
	return false;
}

/* --- what is wanted ------------------------------------------------------------------------------------- */

/* "/healthz/NAME" with a name that a view may have. */
static bool health_part(const char *path, size_t len, char out[IPC_VIEW_MAX])
{
	static const char prefix[] = "/healthz/";
	size_t skip = sizeof(prefix) - 1;
	if (len <= skip || len - skip >= IPC_VIEW_MAX || memcmp(path, prefix, skip) != 0) {
		return false;
	}
	for (size_t i = skip; i < len; i++) {
		if (!islower((unsigned char)path[i]) && !isdigit((unsigned char)path[i]) && path[i] != '-' && path[i] != '_') {
			return false;
		}
	}
	memcpy(out, path + skip, len - skip);
	out[len - skip] = '\0';
	return true;
}

static enum request_target find_target(const char *path, size_t len, char part[IPC_VIEW_MAX])
{
	static const struct {
		const char *path;
		enum request_target target;
	} paths[] = {
		{ "/", TARGET_PAGE },		   { "/status.css", TARGET_STYLE },   { "/status.js", TARGET_SCRIPT },
		{ "/icon.svg", TARGET_ICON },	   { "/status.json", TARGET_STATUS }, { "/metrics", TARGET_METRICS },
		{ "/healthz", TARGET_HEALTH },
	};
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (strlen(paths[i].path) == len && memcmp(paths[i].path, path, len) == 0) {
			return paths[i].target;
		}
	}
	return health_part(path, len, part) ? TARGET_HEALTH : TARGET_NONE;
}

/* RFC 9110 12.4.2: "q=0.5" among the parameters, as thousandths; 1000 when there is none or it is no number. */
static unsigned quality(const char *parameters, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		bool begins = i == 0 || parameters[i - 1] == ';' || parameters[i - 1] == ' ';
		if (!begins || (parameters[i] != 'q' && parameters[i] != 'Q') || parameters[i + 1] != '=') {
			continue;
		}
		unsigned value = 0;
		unsigned scale = 1000;
		for (size_t k = i + 2; k < len && scale > 0; k++) {
			if (parameters[k] == '.') {
				continue;
			}
			if (!isdigit((unsigned char)parameters[k])) {
				break;
			}
			value += (unsigned)(parameters[k] - '0') * scale;
			scale /= 10;
		}
		return value < 1000 ? value : 1000;
	}
	return 1000;
}

/*
 * OpenMetrics where it is named, and wanted at least as much as plain text. Whoever names neither is a person with a
 * browser, or curl: they can read both, and plain text is what a browser shows.
 */
static enum metrics_format choose_format(const char *accept)
{
	unsigned open = 0;
	unsigned plain = 0;
	while (accept != NULL && *accept != '\0') {
		accept += strspn(accept, " \t,");
		size_t len = strcspn(accept, ",");
		size_t type = strcspn(accept, ";, \t");
		unsigned q = type < len ? quality(accept + type, len - type) : 1000;
		if (type == strlen("application/openmetrics-text") &&
		    strncasecmp(accept, "application/openmetrics-text", type) == 0) {
			open = q > open ? q : open;
		} else if (type == strlen("text/plain") && strncasecmp(accept, "text/plain", type) == 0) {
			plain = q > plain ? q : plain;
		}
		accept += len;
	}
	return open > 0 && open >= plain ? METRICS_OPEN : METRICS_PROMETHEUS;
}

struct request_answer request_judge(const struct request *request, const struct role_conf *conf)
{
	struct request_answer answer = { .status = 200 };
	const char *host = request->host;
	const char *path = request->uri;
	size_t host_len = host == NULL ? 0 : strlen(host);
	char name[IPC_HOST_MAX];

	if (path == NULL || request->hosts > 1) { /* RFC 9112 3.2 */
		answer.status = 400;
		return answer;
	}
	if (strncasecmp(path, "http://", 7) == 0) { /* RFC 9112 3.2.2: its authority counts, not Host */
		host = path + 7;
		host_len = strcspn(host, "/?#");
		path = host + host_len;
		path = *path == '\0' ? "/" : path;
	}
	if (path[0] != '/' || (host == NULL && request->version > 10)) {
		answer.status = 400;
		return answer;
	}
	/* Every browser says whom it means; who does not is a simple client that has no visitor. */
	if (host != NULL && (!split_host(host, host_len, name) || !is_our_host(name, conf))) {
		answer.status = 421; /* RFC 9110 15.5.20: Misdirected Request */
		return answer;
	}
	answer.target = find_target(path, strcspn(path, "?#"), answer.part);
	if (answer.target == TARGET_NONE) {
		answer.status = 404;
	} else if (!request->reads) {
		answer.status = 405;
	}
	answer.format = choose_format(request->accept);
	return answer;
}
