/*
 * Log lines of roles. Trusts nothing in them but their length.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/rolelog.h"

#include "common/util/clock.h"
#include "common/util/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_MS 1000

struct rolelog {
	int fd;
	struct event *readable;
	struct event *resume; /* when a flood is read again */
	struct log_limit limit;
	size_t used;
	char line[LOG_LINE_MAX];
	char name[64];
};

static void emit(struct rolelog *log, uint64_t now_ms)
{
	uint32_t suppressed;
	const char *text = log->line;
	enum log_level level = LOG_LEVEL_WARN;

	log->line[log->used] = '\0';
	log->used = 0;
	if (text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') {
		level = text[1] <= '3'	 ? LOG_LEVEL_ERR
			: text[1] == '4' ? LOG_LEVEL_WARN
			: text[1] <= '6' ? LOG_LEVEL_INFO
					 : LOG_LEVEL_DEBUG;
		text += 3;
	}
	int pass = log_limit_pass(&log->limit, now_ms, WINDOW_MS, ROLELOG_BURST, &suppressed);
	if (suppressed > 0) {
		log_warn("%s: log lines suppressed count=%u", log->name, suppressed);
	}
	if (!pass) {
		return;
	}
	switch (level) {
	case LOG_LEVEL_ERR:
		log_err("%s: %s", log->name, text);
		break;
	case LOG_LEVEL_WARN:
		log_warn("%s: %s", log->name, text);
		break;
	case LOG_LEVEL_INFO:
		log_info("%s: %s", log->name, text);
		break;
	case LOG_LEVEL_DEBUG:
		log_debug("%s: %s", log->name, text);
		break;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rolelog *log = arg;
	char buf[4096];
	(void)what;

	ssize_t n = read(fd, buf, sizeof(buf));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		event_del(log->readable); /* the role is gone; its owner frees us */
		return;
	}
	uint64_t now_ms = clock_now_ms();
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n' || log->used == sizeof(log->line) - 1) {
			emit(log, now_ms);
		}
		if (buf[i] != '\n') {
			log->line[log->used++] = buf[i];
		}
	}
	if (log->limit.suppressed > ROLELOG_FLOOD) {
		const struct timeval rest = { .tv_sec = WINDOW_MS / 1000, .tv_usec = WINDOW_MS % 1000 * 1000 };
		if (event_add(log->resume, &rest) == 0) {
			event_del(log->readable);
		}
	}
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct rolelog *log = arg;
	(void)fd;
	(void)what;
	if (event_add(log->readable, NULL) != 0) {
		log_fatal("out of memory");
	}
}

struct rolelog *rolelog_new(struct event_base *base, int fd, const char *name)
{
	struct rolelog *log = calloc(1, sizeof(*log));
	if (log == NULL) {
		return NULL;
	}
	log->fd = fd;
	snprintf(log->name, sizeof(log->name), "%s", name);
	log->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, log);
	log->resume = event_new(base, -1, 0, on_resume, log);
	if (log->readable == NULL || log->resume == NULL || event_add(log->readable, NULL) != 0) {
		if (log->readable != NULL) {
			event_free(log->readable);
		}
		if (log->resume != NULL) {
			event_free(log->resume);
		}
		free(log);
		return NULL;
	}
	return log;
}

int rolelog_descriptor(const struct rolelog *log)
{
	return log->fd;
}

/* Reads of the last words before closing: the pipe holds 64 KiB, so this many suffice. */
#define LAST_READS 20

void rolelog_free(struct rolelog *log)
{
	if (log == NULL) {
		return;
	}
	for (int i = 0; i < LAST_READS; i++) {
		on_readable(log->fd, EV_READ, log);
	}
	if (log->used > 0) {
		emit(log, clock_now_ms());
	}
	event_free(log->readable);
	event_free(log->resume);
	close(log->fd);
	free(log);
}
