/*
 * Control links against a peer that is a bare socket and says what it likes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/link.h"

#include "common/util/clock.h"
#include "common/util/count.h"
#include "common/util/cursor.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE_MAX (1024 * 1024)

struct fixture {
	struct event_base *base;
	struct link *link;
	int peer; /* the other end */
	/* what the handler saw */
	unsigned messages;
	uint16_t types[256];
	uint32_t last_request;
	uint8_t last_payload[MSG_PAYLOAD_MAX];
	size_t last_len;
	int last_fd;
	/* what it shall do */
	bool take_fd;
	bool free_in_message;
	bool free_in_closed;
	int result;
	enum msg_phase phase_after; /* 0: leave it */
	/* how the link ended */
	unsigned closed;
	int err;
	char why[128];
};

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct fixture *f = ctx;
	f->types[f->messages % COUNT(f->types)] = m->type;
	f->messages++;
	f->last_request = m->request;
	f->last_len = m->len;
	f->last_fd = m->fd;
	memcpy(f->last_payload, m->payload, m->len);
	if (f->take_fd) {
		m->fd = -1;
	}
	if (f->phase_after != 0) {
		link_set_phase(link, f->phase_after);
	}
	if (f->free_in_message) {
		link_free(link);
		f->link = NULL;
	}
	return f->result;
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct fixture *f = ctx;
	f->closed++;
	f->err = err;
	if (f->free_in_closed) {
		link_free(link);
		f->link = NULL;
	}
	snprintf(f->why, sizeof(f->why), "%s", why); /* the reason outlives the link */
}

static const struct link_ops ops = { .message = on_message, .closed = on_closed };

static void open_link(struct fixture *f, enum role self, enum role peer, enum msg_phase phase)
{
	int fds[2];
	memset(f, 0, sizeof(*f));
	f->last_fd = -1;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	f->base = event_base_new();
	f->link = link_new(f->base, fds[0], self, peer, QUEUE_MAX, &ops, f);
	f->peer = fds[1];
	cr_assert_not_null(f->link);
	link_set_phase(f->link, phase);
}

static void close_link(struct fixture *f)
{
	link_free(f->link);
	if (f->peer >= 0) {
		close(f->peer);
	}
	event_base_free(f->base);
}

/* What is there to do now, without waiting. */
static void turn(struct fixture *f)
{
	for (unsigned i = 0; i < 8; i++) {
		cr_assert_geq(event_base_loop(f->base, EVLOOP_NONBLOCK), 0);
	}
}

static unsigned open_fds(void)
{
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

/* A datagram of the peer with fd_count copies of standard error attached. */
static void say(const struct fixture *f, const void *bytes, size_t len, unsigned fd_count)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (fd_count > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++) {
			int fd = STDERR_FILENO;
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(int));
		}
	}
	cr_assert_eq(sendmsg(f->peer, &msg, MSG_NOSIGNAL), (ssize_t)len, "%s", strerror(errno));
}

static uint8_t datagram[MSG_HEADER + 65536];

/* A message with this payload length; the payload counts 0, 1, 2 ... */
static void say_message(const struct fixture *f, uint16_t type, uint32_t request, size_t len, unsigned fd_count)
{
	put_u16(datagram, type);
	put_u16(datagram + 2, 0);
	put_u32(datagram + 4, request);
	for (size_t i = 0; i < len; i++) {
		datagram[MSG_HEADER + i] = (uint8_t)i;
	}
	say(f, datagram, MSG_HEADER + len, fd_count);
}

Test(link, hands_over_what_the_table_allows)
{
	struct fixture f;
	open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
	say_message(&f, MSG_CONF_BEGIN, 0x12345678, 4, 0);
	turn(&f);
	cr_assert_eq(f.messages, 1u);
	cr_assert_eq(f.types[0], MSG_CONF_BEGIN);
	cr_assert_eq(f.last_request, UINT32_C(0x12345678));
	cr_assert_eq(f.last_len, 4u);
	cr_assert_arr_eq(f.last_payload, "\0\1\2\3", 4);
	cr_assert_eq(f.last_fd, -1);
	cr_assert_eq(f.closed, 0u);
	close_link(&f);
}

Test(link, every_row_from_every_role_to_every_role_in_every_phase)
{
	/* The link must agree with the table for each of them, and end for all that the table does not allow. */
	unsigned before = open_fds();
	for (uint16_t type = 0; type <= MSG_TYPE_COUNT; type++) {
		const struct msg_rule *rule = msg_rule(type);
		for (unsigned peer = 0; peer < ROLE_COUNT; peer++) {
			for (unsigned self = 0; self < ROLE_COUNT; self++) {
				for (unsigned phase = PHASE_START; phase <= PHASE_RUN; phase *= 2) {
					struct fixture f;
					open_link(&f, (enum role)self, (enum role)peer, (enum msg_phase)phase);
					say_message(&f, type, 0, rule == NULL ? 4 : rule->min_len,
						    rule == NULL ? 0 : rule->fds);
					turn(&f);
					bool allowed = rule != NULL && (rule->from >> peer & 1) != 0 &&
						       (rule->to >> self & 1) != 0 && (rule->phases & phase) != 0;
					cr_assert_eq(f.messages, allowed ? 1u : 0u, "%u: %u to %u, phase %u", type,
						     peer, self, phase);
					cr_assert_eq(f.closed, allowed ? 0u : 1u);
					cr_assert(allowed || f.err == BH_EPERM);
					close_link(&f);
				}
			}
		}
	}
	cr_assert_eq(open_fds(), before);
}

Test(link, lengths_and_descriptors_are_those_of_the_row)
{
	unsigned before = open_fds();
	for (uint16_t type = 1; type < MSG_TYPE_COUNT; type++) {
		const struct msg_rule *rule = msg_rule(type);
		cr_assert_not_null(rule);
		enum role peer = ROLE_SUPERVISOR;
		enum role self = ROLE_SUPERVISOR;
		while ((rule->from >> peer & 1) == 0) {
			peer++;
		}
		while ((rule->to >> self & 1) == 0) {
			self++;
		}
		enum msg_phase phase = (rule->phases & PHASE_START) != 0 ? PHASE_START : PHASE_RUN;
		const struct {
			size_t len;
			unsigned fds;
			bool good;
		} cases[] = {
			{ rule->min_len, rule->fds, true },
			{ rule->max_len, rule->fds, true },
			{ (size_t)rule->max_len + 1, rule->fds, false },
			{ rule->min_len > 0 ? (size_t)rule->min_len - 1 : 1, rule->fds, false },
			{ MSG_PAYLOAD_MAX + 1, rule->fds, false },
			{ 65536, rule->fds, false },
			{ rule->min_len, rule->fds + 1u, false },
			{ rule->min_len, 2, false },
			{ rule->min_len, 5, false }, /* more than the link makes room for */
			{ rule->min_len, 16, false },
			{ rule->min_len, 1u - rule->fds, false },
		};
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct fixture f;
			open_link(&f, self, peer, phase);
			say_message(&f, type, 7, cases[i].len, cases[i].fds);
			turn(&f);
			cr_assert_eq(f.messages, cases[i].good ? 1u : 0u, "%s: %zu octets, %u descriptors", rule->name,
				     cases[i].len, cases[i].fds);
			cr_assert_eq(f.closed, cases[i].good ? 0u : 1u, "%s, case %zu", rule->name, i);
			if (!cases[i].good) {
				cr_assert_eq(f.err, BH_EPERM, "%s, case %zu: %d %s", rule->name, i, f.err, f.why);
			}
			close_link(&f);
			cr_assert_eq(open_fds(), before, "%s: %zu octets, %u descriptors: leaked", rule->name,
				     cases[i].len, cases[i].fds);
		}
	}
}

Test(link, broken_headers)
{
	static const uint8_t good[MSG_HEADER + 4] = { 0, MSG_CONF_BEGIN };
	for (size_t len = 1; len < MSG_HEADER; len++) {
		for (unsigned fds = 0; fds < 2; fds++) {
			unsigned before = open_fds();
			struct fixture f;
			open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
			say(&f, good, len, fds);
			turn(&f);
			cr_assert_eq(f.messages, 0u);
			cr_assert_eq(f.closed, 1u);
			cr_assert_eq(f.err, BH_EPERM);
			close_link(&f);
			cr_assert_eq(open_fds(), before);
		}
	}
	for (unsigned at = 2; at < 4; at++) {
		uint8_t bad[sizeof(good)];
		struct fixture f;
		memcpy(bad, good, sizeof(good));
		bad[at] = 1;
		open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
		say(&f, bad, sizeof(bad), 0);
		turn(&f);
		cr_assert_eq(f.messages, 0u);
		cr_assert_eq(f.err, BH_EPERM);
		close_link(&f);
	}
}

Test(link, empty_datagram_with_descriptors_leaks_none)
{
	for (unsigned fds = 0; fds <= 4; fds++) {
		unsigned before = open_fds();
		struct fixture f;
		open_link(&f, ROLE_SUPERVISOR, ROLE_RESOLVER, PHASE_RUN);
		say(&f, "", 0, fds);
		turn(&f);
		cr_assert_eq(f.messages, 0u);
		cr_assert_eq(f.closed, 1u);
		cr_assert_eq(f.err, fds > 0 ? BH_EPERM : BH_ECLOSED);
		close_link(&f);
		cr_assert_eq(open_fds(), before, "%u descriptors", fds);
	}
}

Test(link, descriptor_is_closed_unless_taken)
{
	for (unsigned take = 0; take < 2; take++) {
		unsigned before = open_fds();
		struct fixture f;
		open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
		f.take_fd = take != 0;
		say_message(&f, MSG_LISTENER, 0, 16, 1);
		turn(&f);
		cr_assert_eq(f.messages, 1u);
		cr_assert_geq(f.last_fd, 0);
		cr_assert_eq(fcntl(f.last_fd, F_GETFD), take ? FD_CLOEXEC : -1);
		close_link(&f);
		if (take) {
			close(f.last_fd);
		}
		cr_assert_eq(open_fds(), before);
	}
}

Test(link, nothing_after_a_bad_message_is_handled)
{
	struct fixture f;
	open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
	say_message(&f, MSG_CONF_BEGIN, 0, 4, 0);
	say_message(&f, MSG_HELLO, 0, 21, 0);
	say_message(&f, MSG_CONF_BEGIN, 0, 4, 0);
	turn(&f);
	cr_assert_eq(f.messages, 1u);
	cr_assert_eq(f.closed, 1u);
	cr_assert_eq(link_send(f.link, MSG_PREPARED, 0, datagram, 4, -1), BH_ECLOSED);
	turn(&f);
	cr_assert_eq(f.closed, 1u);
	close_link(&f);
}

Test(link, handlers_error_ends_the_link_with_the_name_of_the_message)
{
	struct fixture f;
	open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
	f.result = BH_EMALFORMED;
	say_message(&f, MSG_CONF_BEGIN, 0, 4, 0);
	say_message(&f, MSG_CONF_BEGIN, 0, 4, 0);
	turn(&f);
	cr_assert_eq(f.messages, 1u);
	cr_assert_eq(f.closed, 1u);
	cr_assert_eq(f.err, BH_EMALFORMED);
	cr_assert_not_null(strstr(f.why, "conf_begin"));
	close_link(&f);
}

Test(link, phase_set_by_a_handler_counts_for_the_next_message)
{
	struct fixture f;
	open_link(&f, ROLE_SUPERVISOR, ROLE_RESOLVER, PHASE_START);
	f.phase_after = PHASE_CONFIG;
	say_message(&f, MSG_HELLO, 0, 21, 0);
	say_message(&f, MSG_PREPARED, 0, 4, 0);
	say_message(&f, MSG_HELLO, 0, 21, 0);
	turn(&f);
	cr_assert_eq(f.messages, 2u);
	cr_assert_eq(f.closed, 1u);
	cr_assert_eq(f.err, BH_EPERM);
	close_link(&f);
}

Test(link, handler_may_free_the_link)
{
	for (unsigned result = 0; result < 2; result++) {
		unsigned before = open_fds();
		struct fixture f;
		open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
		f.free_in_message = true;
		f.result = result ? BH_EMALFORMED : BH_OK;
		say_message(&f, MSG_LISTENER, 0, 16, 1);
		say_message(&f, MSG_LISTENER, 0, 16, 1);
		turn(&f);
		cr_assert_eq(f.messages, 1u);
		cr_assert_eq(f.closed, 0u);
		close_link(&f);
		cr_assert_eq(open_fds(), before);
	}
	struct fixture f;
	open_link(&f, ROLE_AUTHORITY, ROLE_SUPERVISOR, PHASE_CONFIG);
	f.free_in_closed = true;
	close(f.peer);
	f.peer = -1;
	turn(&f);
	cr_assert_eq(f.closed, 1u);
	close_link(&f);
}

Test(link, end_of_the_peer_comes_after_its_last_words)
{
	/* With and without messages of ours that it never read, sent before or after it went. */
	for (unsigned unread = 0; unread < 3; unread++) {
		struct fixture f;
		open_link(&f, ROLE_SUPERVISOR, ROLE_RESOLVER, PHASE_CONFIG);
		if (unread == 1) {
			cr_assert_eq(link_send(f.link, MSG_STOP, 0, NULL, 0, -1), BH_OK);
		}
		say_message(&f, MSG_PREPARED, 1, 4, 0);
		say_message(&f, MSG_REFUSED, 2, 6, 0);
		close(f.peer);
		f.peer = -1;
		if (unread == 2) {
			cr_assert_eq(link_send(f.link, MSG_STOP, 0, NULL, 0, -1), BH_ECLOSED);
			cr_assert_eq(link_send(f.link, MSG_STOP, 0, NULL, 0, -1), BH_ECLOSED);
			cr_assert_eq(link_drain(f.link, 1000), BH_ECLOSED);
			cr_assert_eq(link_queued(f.link), 0u);
		}
		turn(&f);
		cr_assert_eq(f.messages, 2u, "case %u: %u messages", unread, f.messages);
		cr_assert_eq(f.last_request, 2u);
		cr_assert_eq(f.closed, 1u);
		cr_assert_eq(f.err, BH_ECLOSED);
		close_link(&f);
	}
}

Test(link, peer_that_refuses_to_read_is_gone)
{
	struct fixture f;
	open_link(&f, ROLE_SUPERVISOR, ROLE_RESOLVER, PHASE_CONFIG);
	cr_assert_eq(shutdown(f.peer, SHUT_RD), 0);
	cr_assert_eq(link_send(f.link, MSG_STOP, 0, NULL, 0, -1), BH_ECLOSED);
	turn(&f);
	cr_assert_eq(f.closed, 1u);
	cr_assert_eq(f.err, BH_ECLOSED);
	close_link(&f);
}

Test(link, many_messages_at_once_and_a_full_burst_before_the_end)
{
	static const unsigned counts[] = { 1, 63, 64, 65, 128, 200 };
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct fixture f;
		open_link(&f, ROLE_SUPERVISOR, ROLE_RESOLVER, PHASE_CONFIG);
		for (unsigned n = 0; n < counts[i]; n++) {
			say_message(&f, MSG_PREPARED, n, 4, 0);
		}
		close(f.peer);
		f.peer = -1;
		cr_assert_eq(link_send(f.link, MSG_STOP, 0, NULL, 0, -1), BH_ECLOSED);
		turn(&f);
		cr_assert_eq(f.messages, counts[i]);
		cr_assert_eq(f.closed, 1u);
		close_link(&f);
	}
}

Test(link, peer_that_talks_without_end_does_not_keep_the_event_loop)
{
	struct fixture f;
	open_link(&f, ROLE_SUPERVISOR, ROLE_RESOLVER, PHASE_CONFIG);
	for (unsigned n = 0; n < 200; n++) {
		say_message(&f, MSG_PREPARED, n, 4, 0);
	}
	for (unsigned n = 1; n <= 3; n++) {
		cr_assert_geq(event_base_loop(f.base, EVLOOP_NONBLOCK | EVLOOP_ONCE), 0);
		cr_assert_eq(f.messages, n * 64);
	}
	turn(&f);
	cr_assert_eq(f.messages, 200u);
	close_link(&f);
}

Test(link, send_keeps_to_the_table)
{
	struct fixture f;
	open_link(&f, ROLE_SUPERVISOR, ROLE_AUTHORITY, PHASE_CONFIG);
	static const struct {
		enum msg_type type;
		size_t len;
		int fd;
		int want;
	} cases[] = {
		{ MSG_CONF_BEGIN, 4, -1, BH_OK },
		{ MSG_CONF_BEGIN, 3, -1, BH_EPERM },
		{ MSG_CONF_BEGIN, 5, -1, BH_EPERM },
		{ MSG_CONF_BEGIN, 4, 2, BH_EPERM },
		{ MSG_LISTENER, 16, 2, BH_OK },
		{ MSG_LISTENER, 16, -1, BH_EPERM },
		{ MSG_PREPARED, 4, -1, BH_EPERM },	/* a role's */
		{ MSG_CONF_RESOLVER, 17, -1, BH_EPERM }, /* for another role */
		{ MSG_NONE, 4, -1, BH_EPERM },
		{ MSG_TYPE_COUNT, 4, -1, BH_EPERM },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_assert_eq(link_send(f.link, cases[i].type, 0, datagram, cases[i].len, cases[i].fd), cases[i].want,
			     "case %zu", i);
	}
	turn(&f);
	cr_assert_eq(f.closed, 0u);
	close_link(&f);
}

/* What the peer receives next: its length, or -1 for nothing. The descriptor that came, or -1, in *fd. */
static ssize_t hear(const struct fixture *f, uint8_t *out, size_t size, int *fd)
{
	struct iovec iov = { out, size };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(f->peer, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*fd = -1;
	struct cmsghdr *cmsg = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL) {
		memcpy(fd, CMSG_DATA(cmsg), sizeof(int));
	}
	return n;
}

Test(link, sends_header_payload_and_descriptor)
{
	struct fixture f;
	uint8_t got[64];
	int fd;
	static const uint8_t payload[16] = { 1, 2, 3, 4 };
	unsigned before = open_fds();
	open_link(&f, ROLE_SUPERVISOR, ROLE_AUTHORITY, PHASE_CONFIG);
	cr_assert_eq(link_send(f.link, MSG_LISTENER, 0xaabbccdd, payload, 16, STDERR_FILENO), BH_OK);
	cr_assert_eq(link_queued(f.link), 0u);
	cr_assert_eq(hear(&f, got, sizeof(got), &fd), 24);
	const uint8_t head[8] = { 0, MSG_LISTENER, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd };
	cr_assert_arr_eq(got, head, 8);
	cr_assert_arr_eq(got + 8, payload, 16);
	cr_assert_geq(fd, 0);
	cr_assert_geq(fcntl(STDERR_FILENO, F_GETFD), 0); /* ours is still ours */
	close(fd);
	close_link(&f);
	cr_assert_eq(open_fds(), before);
}

Test(link, slow_reader_gets_everything_in_order)
{
	struct fixture f;
	uint8_t got[64];
	int fd;
	unsigned before = open_fds();
	open_link(&f, ROLE_SUPERVISOR, ROLE_AUTHORITY, PHASE_CONFIG);
	const uint32_t total = 2000;
	for (uint32_t i = 0; i < total; i++) {
		/* every third with a descriptor */
		bool with_fd = i % 3 == 0;
		cr_assert_eq(link_send(f.link, with_fd ? MSG_LISTENER : MSG_CONF_BEGIN, i, datagram, with_fd ? 16 : 4,
				       with_fd ? STDERR_FILENO : -1), BH_OK);
	}
	cr_assert_gt(link_queued(f.link), 0u);
	cr_assert_eq(link_drain(f.link, 20), BH_EAGAIN);
	uint32_t next = 0;
	while (next < total) {
		for (unsigned burst = 0; burst < 50; burst++) {
			ssize_t n = hear(&f, got, sizeof(got), &fd);
			if (n < 0) {
				break;
			}
			cr_assert_eq(get_u32(got + 4), next);
			cr_assert_eq(n, next % 3 == 0 ? 24 : 12);
			cr_assert_eq(fd >= 0, next % 3 == 0);
			if (fd >= 0) {
				close(fd);
			}
			next++;
		}
		turn(&f);
	}
	cr_assert_eq(link_queued(f.link), 0u);
	cr_assert_eq(link_drain(f.link, 20), BH_OK);
	cr_assert_eq(f.closed, 0u);
	close_link(&f);
	cr_assert_eq(open_fds(), before);
}

Test(link, queue_is_bounded_and_its_descriptors_go_with_it)
{
	struct fixture f;
	unsigned before = open_fds();
	open_link(&f, ROLE_SUPERVISOR, ROLE_CONTROL, PHASE_RUN);
	unsigned sent = 0;
	int rc;
	while ((rc = link_send(f.link, MSG_CTL_ROW, 0, datagram, 8192, -1)) == BH_OK) {
		sent++;
		cr_assert_leq(link_queued(f.link), (size_t)QUEUE_MAX);
	}
	cr_assert_eq(rc, BH_ELIMIT);
	cr_assert_geq(sent * 8200u, (unsigned)QUEUE_MAX - 8200u);
	cr_assert_eq(f.closed, 0u); /* never from within link_send */
	cr_assert_eq(link_send(f.link, MSG_CTL_ROW, 0, datagram, 3, -1), BH_ECLOSED);
	turn(&f);
	cr_assert_eq(f.closed, 1u);
	cr_assert_eq(f.err, BH_ELIMIT);
	close_link(&f);
	cr_assert_eq(open_fds(), before);

	open_link(&f, ROLE_SUPERVISOR, ROLE_AUTHORITY, PHASE_CONFIG);
	for (unsigned i = 0; i < 700; i++) {
		cr_assert_eq(link_send(f.link, MSG_LISTENER, 0, datagram, 16, STDERR_FILENO), BH_OK);
	}
	cr_assert_gt(open_fds(), before + 50);
	close_link(&f);
	cr_assert_eq(open_fds(), before);
}

/* Ten thousand images may wait for a slow role: they need no descriptor each. */
Test(link, a_queue_of_shared_descriptors_needs_none_of_its_own)
{
	struct fixture f;
	unsigned before = open_fds();
	open_link(&f, ROLE_SUPERVISOR, ROLE_AUTHORITY, PHASE_CONFIG);
	struct shared_fd *shared = shared_fd_new(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
	unsigned opened = open_fds();
	for (unsigned i = 0; i < 700; i++) {
		cr_assert_eq(link_send_shared(f.link, MSG_LISTENER, 0, datagram, 16, shared), BH_OK);
	}
	cr_assert_gt(link_queued(f.link), 0u, "nothing waits");
	cr_assert_eq(open_fds(), opened);
	cr_assert_eq(link_send_shared(f.link, MSG_LISTENER, 0, datagram, 16, NULL), BH_EPERM);
	shared_fd_release(shared); /* the queue goes on with it */
	cr_assert_eq(open_fds(), opened);
	close_link(&f);
	cr_assert_eq(open_fds(), before);
}

Test(link, drain_waits_for_a_reader_no_longer_than_told)
{
	struct fixture f;
	open_link(&f, ROLE_SUPERVISOR, ROLE_CONTROL, PHASE_RUN);
	while (link_queued(f.link) == 0) {
		cr_assert_eq(link_send(f.link, MSG_CTL_ROW, 0, datagram, 8192, -1), BH_OK);
	}
	uint64_t start = clock_now_ms();
	cr_assert_eq(link_drain(f.link, 50), BH_EAGAIN);
	uint64_t took = clock_now_ms() - start;
	cr_assert(took >= 50 && took < 5000, "%u ms", (unsigned)took);
	close(f.peer);
	f.peer = -1;
	cr_assert_eq(link_drain(f.link, 1000), BH_ECLOSED);
	close_link(&f);
}
