/*
 * A control link, its peer an attacker: the input is a series of datagrams, with descriptors or without,
 * for a link between roles of its choice. Handlers only see what the table allows, and no descriptor stays.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/link.h"
#include "common/util/cursor.h"
#include "tests/fuzz/fuzz.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS_MAX 32
#define FDS_MAX 8

struct state {
	struct link *link;
	enum role self, peer;
	enum msg_phase phase;
	uint8_t choice; /* what handlers do */
	unsigned closed;
};

static int on_message(void *ctx, struct link *link, struct link_message *m)
{
	struct state *s = ctx;
	const struct msg_rule *rule = msg_rule(m->type);
	static const uint8_t payload[4];

	FUZZ_CHECK(s->closed == 0 && link == s->link);
	FUZZ_CHECK(rule != NULL && (rule->from >> s->peer & 1) != 0 && (rule->to >> s->self & 1) != 0);
	FUZZ_CHECK((rule->phases & s->phase) != 0);
	FUZZ_CHECK(m->len >= rule->min_len && m->len <= rule->max_len && (m->fd >= 0) == (rule->fds == 1));
	FUZZ_CHECK(m->fd < 0 || fcntl(m->fd, F_GETFD) == FD_CLOEXEC);
	switch ((s->choice + m->request) % 6) {
	case 0:
		return BH_EMALFORMED;
	case 1:
		s->phase = s->phase == PHASE_START ? PHASE_CONFIG : PHASE_RUN;
		link_set_phase(link, s->phase);
		return BH_OK;
	case 2:
		return link_send(link, MSG_PREPARED, 1, payload, sizeof(payload), -1) == BH_ECLOSED ? BH_ECLOSED : BH_OK;
	case 3:
		link_free(link);
		s->link = NULL;
		return BH_OK;
	default:
		return BH_OK;
	}
}

static void on_closed(void *ctx, struct link *link, int err, const char *why)
{
	struct state *s = ctx;
	FUZZ_CHECK(link == s->link && err != BH_OK && why[0] != '\0');
	s->closed++;
	FUZZ_CHECK(s->closed == 1);
	if (s->choice & 1) {
		link_free(link);
		s->link = NULL;
	}
}

static void send_datagram(int fd, const uint8_t *bytes, size_t len, unsigned fds)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (fds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned i = 0; i < fds; i++) {
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(int));
		}
	}
	ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n; /* the link may have been closed by what came before */
}

/* The lowest free descriptor: the same before and after when none is left open. */
static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void turn(struct event_base *base)
{
	FUZZ_CHECK(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_ops ops = { .message = on_message, .closed = on_closed };
	static const enum msg_phase phases[] = { PHASE_START, PHASE_CONFIG, PHASE_RUN };
	static struct event_base *base;
	struct fuzz_input in = { data, size };
	struct state s = { 0 };
	int fds[2];

	if (base == NULL) {
		base = event_base_new();
		FUZZ_CHECK(base != NULL);
	}
	int before = lowest_free();
	s.self = fuzz_u8(&in) % ROLE_COUNT;
	s.peer = fuzz_u8(&in) % ROLE_COUNT;
	s.phase = phases[fuzz_u8(&in) % 3];
	s.choice = fuzz_u8(&in);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	s.link = link_new(base, fds[0], s.self, s.peer, 4096, &ops, &s);
	FUZZ_CHECK(s.link != NULL);
	link_set_phase(s.link, s.phase);

	for (unsigned i = 0; i < DATAGRAMS_MAX && in.left > 0; i++) {
		uint8_t how = fuzz_u8(&in); /* low bits: descriptors; high bit: let the link work in between */
		size_t len = fuzz_u8(&in);
		len = len > in.left ? in.left : len;
		send_datagram(fds[1], in.data, len, how % (FDS_MAX + 1));
		in.data += len;
		in.left -= len;
		if ((how & 0x80) != 0) {
			turn(base);
		}
	}
	turn(base);
	if ((s.choice & 2) != 0) {
		close(fds[1]);
		turn(base);
		turn(base);
		FUZZ_CHECK(s.link == NULL || s.closed == 1);
	}
	link_free(s.link);
	turn(base);
	if ((s.choice & 2) == 0) {
		close(fds[1]);
	}
	FUZZ_CHECK(lowest_free() == before);
	return 0;
}
