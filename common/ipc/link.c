/*
 * Control links: framing, the checks of the message table, descriptor passing, bounded output.
 *
 * Owns its socket, the queue of messages that the socket did not take yet, and every received
 * descriptor until a handler takes it. Trusts the table, not the peer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/link.h"

#include "common/util/clock.h"
#include "common/util/cursor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Messages handled before the event loop gets its turn again. */
#define READ_BURST 64

struct queued {
	struct queued *next;
	struct shared_fd *fd; /* NULL: none */
	size_t len;
	uint8_t bytes[]; /* header and payload */
};

struct link {
	int fd;
	enum role self;
	enum role peer;
	enum msg_phase phase;
	struct event *readable;
	struct event *writable;
	struct queued *head;
	struct queued **tail;
	size_t queued;
	size_t queue_max;
	const struct link_ops *ops;
	void *ctx;
	bool gone;  /* nothing can be sent any more; what the peer said before is still to be read */
	bool dying; /* the reason is in err and why; closed() comes from the event loop */
	int err;
	char why[96];
	bool *freed; /* while on_readable runs: tells it that a handler freed the link */
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

struct link *link_new(struct event_base *base, int fd, enum role self, enum role peer, size_t queue_max,
		      const struct link_ops *ops, void *ctx)
{
	struct link *link = calloc(1, sizeof(*link));
	if (link == NULL) {
		return NULL;
	}
	link->fd = fd;
	link->self = self;
	link->peer = peer;
	link->phase = PHASE_START;
	link->tail = &link->head;
	link->queue_max = queue_max;
	link->ops = ops;
	link->ctx = ctx;
	link->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, link);
	if (link->readable == NULL || link->writable == NULL || evutil_make_socket_nonblocking(fd) != 0 ||
	    event_add(link->readable, NULL) != 0) {
		if (link->readable != NULL) {
			event_free(link->readable);
		}
		if (link->writable != NULL) {
			event_free(link->writable);
		}
		free(link);
		return NULL;
	}
	return link;
}

/* Overwrite a copy of a message that holds a secret; others stay as they are. */
static void wipe(uint16_t type, void *bytes, size_t len)
{
	const struct msg_rule *rule = msg_rule(type);
	if (rule != NULL && rule->secret) {
		explicit_bzero(bytes, len);
	}
}

static void drop_first(struct link *link)
{
	struct queued *first = link->head;
	link->head = first->next;
	if (link->head == NULL) {
		link->tail = &link->head;
	}
	link->queued -= first->len;
	shared_fd_release(first->fd);
	wipe(get_u16(first->bytes), first->bytes, first->len);
	free(first);
}

void link_free(struct link *link)
{
	if (link == NULL) {
		return;
	}
	if (link->freed != NULL) {
		*link->freed = true;
	}
	while (link->head != NULL) {
		drop_first(link);
	}
	event_free(link->readable);
	event_free(link->writable);
	close(link->fd);
	free(link);
}

void link_set_phase(struct link *link, enum msg_phase phase)
{
	link->phase = phase;
}

int link_descriptor(const struct link *link)
{
	return link->fd;
}

size_t link_queued(const struct link *link)
{
	return link->queued;
}

/* Remember why the link ends and let the event loop tell: callers of link_send are never re-entered. */
static void condemn(struct link *link, int err, const char *why)
{
	if (link->dying) {
		return;
	}
	link->dying = true;
	link->err = err;
	snprintf(link->why, sizeof(link->why), "%s", why);
	event_active(link->readable, EV_READ, 0);
}

/*
 * A send found the peer gone. Its last words may lie in the socket: they are read first, and the end of
 * the stream then ends the link.
 */
static void lose_peer(struct link *link)
{
	link->gone = true;
	while (link->head != NULL) {
		drop_first(link);
	}
	event_active(link->readable, EV_READ, 0);
}

/* A message could not be sent: not for want of room. */
static void send_failed(struct link *link, int err)
{
	if (err == BH_ECLOSED) {
		lose_peer(link);
	} else {
		condemn(link, err, "send failed");
	}
}

/* Send one message now. BH_EAGAIN: the socket is full. */
static int send_one(struct link *link, const struct queued *item)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)item->bytes, .iov_len = item->len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (item->fd != NULL) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &item->fd->fd, sizeof(int));
	}
	ssize_t n;
	do {
		n = sendmsg(link->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)item->len) {
		return BH_OK;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS)) {
		return BH_EAGAIN;
	}
	return n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) ? BH_ECLOSED : BH_ESYS;
}

/* Send what the socket takes. */
static int flush(struct link *link)
{
	while (link->head != NULL) {
		int rc = send_one(link, link->head);
		if (rc != BH_OK) {
			return rc;
		}
		drop_first(link);
	}
	return BH_OK;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;
	(void)fd;
	(void)what;

	int rc = link->dying ? BH_OK : flush(link);
	if (rc == BH_EAGAIN) {
		return;
	}
	event_del(link->writable);
	if (rc != BH_OK) {
		send_failed(link, rc);
	}
}

struct shared_fd *shared_fd_new(int fd)
{
	struct shared_fd *shared = malloc(sizeof(*shared));
	if (shared != NULL) {
		*shared = (struct shared_fd){ .users = 1, .fd = fd };
	}
	return shared;
}

void shared_fd_release(struct shared_fd *shared)
{
	if (shared != NULL && --shared->users == 0) {
		close(shared->fd);
		free(shared);
	}
}

int link_send_shared(struct link *link, enum msg_type type, uint32_t request, const uint8_t *payload, size_t len,
		     struct shared_fd *shared)
{
	const struct msg_rule *rule = msg_rule((uint16_t)type);

	if (link->dying || link->gone) {
		return BH_ECLOSED;
	}
	/* What we send must be in the table too: our own mistakes are found at this end. */
	if (rule == NULL || (rule->from & ROLE_BIT(link->self)) == 0 || (rule->to & ROLE_BIT(link->peer)) == 0 ||
	    len < rule->min_len || len > rule->max_len || (shared != NULL ? 1 : 0) != rule->fds) {
		return BH_EPERM;
	}
	if (len + MSG_HEADER > link->queue_max - link->queued) {
		condemn(link, BH_ELIMIT, "output queue is full");
		return BH_ELIMIT;
	}
	struct queued *item = malloc(sizeof(*item) + MSG_HEADER + len);
	if (item == NULL) {
		condemn(link, BH_ENOMEM, "out of memory");
		return BH_ENOMEM;
	}
	item->next = NULL;
	item->len = MSG_HEADER + len;
	item->fd = shared;
	put_u16(item->bytes, (uint16_t)type);
	put_u16(item->bytes + 2, 0);
	put_u32(item->bytes + 4, request);
	if (len > 0) {
		memcpy(item->bytes + MSG_HEADER, payload, len);
	}
	if (shared != NULL) {
		shared->users++;
	}
	bool idle = link->head == NULL;
	*link->tail = item;
	link->tail = &item->next;
	link->queued += item->len;
	if (!idle) {
		return BH_OK; /* order is kept; on_writable goes on */
	}
	int rc = flush(link);
	if (rc == BH_EAGAIN) {
		if (event_add(link->writable, NULL) != 0) {
			condemn(link, BH_ENOMEM, "out of memory");
			return BH_ENOMEM;
		}
		return BH_OK;
	}
	if (rc != BH_OK) {
		send_failed(link, rc);
	}
	return rc;
}

/* The queue may outlive the caller's descriptor, so it gets one of its own. */
static struct shared_fd *duplicate(struct link *link, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct shared_fd *shared = own < 0 ? NULL : shared_fd_new(own);
	if (own >= 0 && shared == NULL) {
		close(own);
	}
	if (shared == NULL) {
		condemn(link, BH_ESYS, "cannot duplicate a descriptor");
	}
	return shared;
}

int link_send(struct link *link, enum msg_type type, uint32_t request, const uint8_t *payload, size_t len,
	      int fd)
{
	if (fd < 0 || link->dying || link->gone) {
		return link_send_shared(link, type, request, payload, len, NULL);
	}
	struct shared_fd *shared = duplicate(link, fd);
	if (shared == NULL) {
		return BH_ESYS;
	}
	int rc = link_send_shared(link, type, request, payload, len, shared);
	shared_fd_release(shared);
	return rc;
}

int link_drain(struct link *link, unsigned timeout_ms)
{
	uint64_t end = clock_now_ms() + timeout_ms;
	for (;;) {
		int rc = link->dying || link->gone ? BH_ECLOSED : flush(link);
		if (rc != BH_EAGAIN) {
			return rc;
		}
		uint64_t now = clock_now_ms();
		struct pollfd pfd = { .fd = link->fd, .events = POLLOUT };
		if (now >= end || (poll(&pfd, 1, (int)(end - now)) < 0 && errno != EINTR)) {
			return BH_EAGAIN;
		}
	}
}

/* Take the descriptors out of a received message: at most one is kept, *count tells how many came. */
static int take_fds(struct msghdr *msg, unsigned *count)
{
	int kept = -1;
	*count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			(*count)++;
			if (kept < 0) {
				kept = fd;
			} else {
				close(fd);
			}
		}
	}
	return kept;
}

/* Is this message allowed here and now? NULL, or what is wrong with it. */
static const char *check_row(const struct link *link, const struct link_message *m, unsigned fds)
{
	const struct msg_rule *rule = msg_rule(m->type);
	if (rule == NULL) {
		return "unknown message type";
	}
	if ((rule->from & ROLE_BIT(link->peer)) == 0 || (rule->to & ROLE_BIT(link->self)) == 0) {
		return "message of another role";
	}
	if ((rule->phases & link->phase) == 0) {
		return "message in the wrong phase";
	}
	if (m->len < rule->min_len || m->len > rule->max_len) {
		return "message of a wrong length";
	}
	if (fds != rule->fds) {
		return "message with a wrong number of descriptors";
	}
	return NULL;
}

/* Receive and handle one message. BH_EAGAIN: none there. After the handler *freed is looked at first. */
static int receive_one(struct link *link, const bool *freed)
{
	uint8_t bytes[MSG_HEADER + MSG_PAYLOAD_MAX];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	bool reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(link->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n >= 0 || (errno != EINTR && errno != ECONNRESET) || (errno == ECONNRESET && reset)) {
			break;
		}
		/* A peer that ended with messages of ours unread is told first, and once; its own come after. */
		reset = reset || errno == ECONNRESET;
	}
	if (n < 0) {
		bool nothing = errno == EAGAIN || errno == EWOULDBLOCK;
		if (nothing && !link->gone) {
			return BH_EAGAIN;
		}
		bool closed = nothing || errno == ECONNRESET;
		condemn(link, closed ? BH_ECLOSED : BH_ESYS, closed ? "peer is gone" : "receive failed");
		return BH_ECLOSED;
	}

	unsigned fds;
	struct link_message m = { .fd = take_fds(&msg, &fds) };
	if (n == 0 && fds == 0) { /* the end, or an empty datagram, which nobody sends */
		condemn(link, BH_ECLOSED, "peer is gone");
		return BH_ECLOSED;
	}
	const char *wrong = NULL;
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		wrong = "message of a wrong length";
	} else if (n < MSG_HEADER || get_u16(bytes + 2) != 0) {
		wrong = "bad message header";
	} else {
		m.type = get_u16(bytes);
		m.request = get_u32(bytes + 4);
		m.payload = bytes + MSG_HEADER;
		m.len = (size_t)n - MSG_HEADER;
		wrong = check_row(link, &m, fds);
	}
	if (wrong != NULL) {
		if (m.fd >= 0) {
			close(m.fd);
		}
		condemn(link, BH_EPERM, wrong);
		return BH_EPERM;
	}

	int rc = link->ops->message(link->ctx, link, &m);
	wipe(m.type, bytes, (size_t)n);
	if (m.fd >= 0) {
		close(m.fd);
	}
	if (*freed) {
		return BH_ECLOSED;
	}
	if (rc != BH_OK) {
		const struct msg_rule *rule = msg_rule(m.type);
		char why[96];
		snprintf(why, sizeof(why), "bad %s message: %s", rule->name, bh_strerror(rc));
		condemn(link, rc, why);
	}
	return rc;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;
	(void)fd;
	(void)what;

	bool freed = false;
	link->freed = &freed;
	for (unsigned i = 0; i < READ_BURST && !link->dying; i++) {
		int rc = receive_one(link, &freed);
		if (freed) {
			return;
		}
		if (rc != BH_OK) {
			break;
		}
	}
	link->freed = NULL;
	if (link->gone && !link->dying) {
		event_active(link->readable, EV_READ, 0); /* the burst ended before the messages did */
	}
	if (link->dying) {
		char why[sizeof(link->why)]; /* outlives the link, which the handler may free first */
		memcpy(why, link->why, sizeof(why));
		event_del(link->readable);
		event_del(link->writable);
		link->ops->closed(link->ctx, link, link->err, why);
	}
}
