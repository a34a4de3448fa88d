/*
 * One conversation on a control link. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/session.h"

#include "common/ipc/link.h"
#include "daemons/ctl/answer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_SEC 5
#define REQUEST_ID 1u
#define QUEUE_MAX (CTL_WORDS_MAX * (CTL_WORD_MAX + 2) + 64) /* one request */

struct session {
	const struct session_options *options;
	struct event_base *base;
	struct event *silence;
	struct link *link;
	struct answer *answer;
	bool asked; /* replies must carry REQUEST_ID */
	bool done;
	int err;
	char *why;
	size_t why_size;
	struct ctl_row row; /* decoded here: too large for the stack */
};

static void fail(struct session *s, int err, const char *why)
{
	if (s->err == 0 && !s->done) {
		s->err = err;
		snprintf(s->why, s->why_size, "%s", why);
	}
	event_base_loopbreak(s->base);
}

static void restart_clock(struct session *s)
{
	const struct timeval tv = { .tv_sec = (time_t)(s->options->silence_ms / 1000),
				    .tv_usec = (suseconds_t)(s->options->silence_ms % 1000) * 1000 };
	if (event_add(s->silence, &tv) != 0) {
		fail(s, BH_ENOMEM, "out of memory");
	}
}

static int take_row(struct session *s, const struct link_message *m)
{
	int err = ctl_row_decode(m->payload, m->len, &s->row);
	if (err != 0) {
		return err;
	}
	if (strcmp(s->row.table, SESSION_PROGRESS_TABLE) == 0) {
		if (s->options->progress != NULL) {
			s->options->progress(s->options->ctx, &s->row);
		}
		return 0;
	}
	return answer_add(s->answer, &s->row);
}

static int take_done(struct session *s, const struct link_message *m)
{
	struct ctl_done done;
	int err = ctl_done_decode(m->payload, m->len, &done);
	if (err != 0) {
		return err;
	}
	answer_end(s->answer, done.status, done.text);
	s->done = true;
	event_base_loopbreak(s->base);
	return 0;
}

/* Nothing else is read meanwhile; what the pipe gives is not silence. */
static int take_stream(struct session *s, const struct link_message *m)
{
	if (s->options->stream == NULL) {
		return BH_EMALFORMED;
	}
	int err = s->options->stream(s->options->stream_ctx, m->fd);
	event_base_update_cache_time(s->base);
	restart_clock(s);
	return err;
}

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	(void)link;
	struct session *s = ctx;
	if (s->done) {
		return 0;
	}
	if (s->asked && m->request != REQUEST_ID) {
		return BH_EMALFORMED;
	}
	restart_clock(s);
	switch (m->type) {
	case MSG_CTL_ROW:
		return take_row(s, m);
	case MSG_CTL_STREAM:
		return take_stream(s, m);
	case MSG_CTL_DONE:
		return take_done(s, m);
	default:
		return BH_EMALFORMED;
	}
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	(void)link;
	struct session *s = ctx;
	char line[IPC_TEXT_MAX];
	if (err == BH_ECLOSED) {
		snprintf(line, sizeof(line), "the other side closed the connection before its answer was complete");
	} else {
		snprintf(line, sizeof(line), "the answer is not understood: %s", why);
	}
	fail(s, err, line);
}

static void on_silence(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	struct session *s = ctx;
	char line[IPC_TEXT_MAX];
	snprintf(line, sizeof(line), "no answer for %u seconds", s->options->silence_ms / 1000);
	fail(s, BH_EAGAIN, line);
}

static int send_request(struct session *s, const struct ctl_request *request)
{
	uint8_t payload[QUEUE_MAX];
	struct sink sink = sink_of(payload, sizeof(payload));
	ctl_request_encode(&sink, request);
	if (sink.failed) {
		return BH_ENOSPC;
	}
	return link_send(s->link, MSG_CTL_REQUEST, REQUEST_ID, payload, sink.pos, -1);
}

static const struct link_ops session_ops = { .message = on_message, .closed = on_closed };

/* Everything is ready: talk until DONE, silence or the end of the link. */
static int converse(struct session *s, const struct ctl_request *request)
{
	link_set_phase(s->link, PHASE_RUN);
	restart_clock(s);
	if (request != NULL) {
		s->asked = true;
		int err = send_request(s, request);
		if (err != 0) {
			snprintf(s->why, s->why_size, "the request cannot be sent: %s", bh_strerror(err));
			return err;
		}
	}
	while (!s->done && s->err == 0) {
		if (event_base_loop(s->base, EVLOOP_ONCE) < 0) {
			fail(s, BH_ESYS, "the event loop failed");
		}
	}
	return s->done ? 0 : s->err;
}

int session_run(int fd, const struct ctl_request *request, const struct session_options *options,
		struct answer *answer, char *why, size_t why_size)
{
	int err = BH_ENOMEM;
	snprintf(why, why_size, "out of memory");
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		close(fd);
		return err;
	}
	s->options = options;
	s->answer = answer;
	s->why = why;
	s->why_size = why_size;
	s->base = event_base_new();
	if (s->base == NULL) {
		close(fd);
		goto out;
	}
	s->silence = evtimer_new(s->base, on_silence, s);
	if (s->silence == NULL) {
		close(fd);
		goto out;
	}
	s->link = link_new(s->base, fd, ROLE_CONTROL, ROLE_SUPERVISOR, QUEUE_MAX, &session_ops, s);
	if (s->link == NULL) {
		close(fd);
		goto out;
	}
	err = converse(s, request);
	if (err == 0) {
		why[0] = '\0';
	}
out:
	if (s->link != NULL) {
		link_free(s->link);
	}
	if (s->silence != NULL) {
		event_free(s->silence);
	}
	if (s->base != NULL) {
		event_base_free(s->base);
	}
	free(s);
	return err;
}

/* What a person can do about it. */
static const char *connect_hint(int error)
{
	switch (error) {
	case ENOENT:
		return " (is bulkheadd running? -s names another socket)";
	case ECONNREFUSED:
		return " (nobody listens there: bulkheadd has ended)";
	case EACCES:
	case EPERM:
		return " (it is open to root and the group bulkhead)";
	case EPROTOTYPE:
		return " (this is not a control socket)";
	case EAGAIN:
		return " (bulkheadd does not take connections)";
	default:
		return "";
	}
}

int session_connect(const char *path, char *why, size_t why_size)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof(sun.sun_path)) {
		snprintf(why, why_size, "cannot reach \"%s\": a socket's path has 1 to %zu octets", path,
			 sizeof(sun.sun_path) - 1);
		return -1;
	}
	memcpy(sun.sun_path, path, len + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(why, why_size, "cannot make a socket: %s", strerror(errno));
		return -1;
	}
	/* A supervisor that accepts nobody must not hang us: bounds the wait of connect(2). */
	const struct timeval limit = { .tv_sec = CONNECT_TIMEOUT_SEC };
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		int error = errno;
		snprintf(why, why_size, "cannot reach %s: %s%s", path, strerror(error), connect_hint(error));
		close(fd);
		return -1;
	}
	return fd;
}
