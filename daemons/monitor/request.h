/*
 * What a request asks for, and whether it gets it. Bytes that a stranger sent, in; a status and a target, out: no
 * sockets, no libevent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_MONITOR_REQUEST_H
#define BULKHEAD_MONITOR_REQUEST_H

#include "common/ipc/role_link.h"
#include "daemons/monitor/metrics.h"

enum request_target {
	TARGET_NONE,
	TARGET_PAGE,
	TARGET_STYLE,
	TARGET_SCRIPT,
	TARGET_ICON,
	TARGET_STATUS,
	TARGET_METRICS,
	TARGET_HEALTH,
};

/* Strings of the request; NULL: it has no such header. */
struct request {
	bool reads; /* GET or HEAD */
	const char *uri;
	const char *host;
	const char *accept;
	unsigned hosts;	  /* how many Host headers there are */
	unsigned version; /* 10 for HTTP/1.0, 11 for 1.1 */
};

struct request_answer {
	unsigned status; /* 200, or an error */
	enum request_target target;
	enum metrics_format format;   /* of TARGET_METRICS */
	char part[IPC_VIEW_MAX];      /* of TARGET_HEALTH: what stands behind "/healthz/"; "": everything */
};

/* conf: the names and addresses that we are known by. */
struct request_answer request_judge(const struct request *request, const struct role_conf *conf);

#endif
