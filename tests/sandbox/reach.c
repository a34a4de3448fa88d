/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sandbox/reach.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* On one machine the answer of a TCP peer takes less than a millisecond. */
#define SILENCE_MS 150

static bool is(const char *how, const char *word)
{
	return strcmp(how, word) == 0;
}

static const char *error_text(void)
{
	return errno == EPERM ? "refused" : strerrorname_np(errno);
}

/* Where to, for the socket that is asked for. */
static socklen_t to_sockaddr(const char *how, const struct addr *to, struct sockaddr_storage *sa)
{
	if (strstr(how, "mapped") == NULL) {
		return addr_to_sockaddr(to, sa);
	}
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;
	*sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(to->port) };
	sin6->sin6_addr.s6_addr[10] = sin6->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&sin6->sin6_addr.s6_addr[12], to->bytes, 4);
	return sizeof(*sin6);
}

static ssize_t send_to(int fd, const struct sockaddr_storage *sa, socklen_t len, int flags)
{
	struct iovec iov = { .iov_base = (char[]){ "question" }, .iov_len = 8 };
	struct msghdr msg = { .msg_name = (void *)(uintptr_t)sa, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1 };
	return sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
}

static const char *try_udp(const char *how, int fd, const struct addr *to, const struct sockaddr_storage *sa, socklen_t len)
{
	if (is(how, "bound")) {
		struct sockaddr_storage own;
		struct addr from = *to;
		from.port = 0;
		socklen_t own_len = addr_to_sockaddr(&from, &own);
		if (bind(fd, (struct sockaddr *)&own, own_len) != 0) {
			return error_text();
		}
	}
	if (is(how, "send")) {
		return send_to(fd, sa, len, 0) < 0 ? error_text() : "sent";
	}
	if (connect(fd, (const struct sockaddr *)sa, len) != 0 || write(fd, "question", 8) < 0) {
		return error_text();
	}
	return "sent";
}

static const char *try_tcp(const char *how, int fd, const struct sockaddr_storage *sa, socklen_t len, int poll_fd)
{
	struct epoll_event event = { .events = EPOLLOUT };
	ssize_t rc = is(how, "tfo") ? send_to(fd, sa, len, MSG_FASTOPEN) : connect(fd, (const struct sockaddr *)sa, len);
	const char *text = "silence";

	if (rc < 0 && errno != EINPROGRESS) {
		text = error_text();
	} else if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		text = strerrorname_np(errno);
	} else if (epoll_wait(poll_fd, &event, 1, SILENCE_MS) == 1) {
		text = (event.events & EPOLLERR) != 0 ? "answered" : "connected";
	}
	return text;
}

const char *reach_try(const char *how, const struct addr *to, int poll_fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = to_sockaddr(how, to, &sa);
	bool tcp = how[0] == 't';
	int fd = socket(sa.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return error_text();
	}
	const char *text = tcp ? try_tcp(how, fd, &sa, len, poll_fd) : try_udp(how, fd, to, &sa, len);
	close(fd);
	return text;
}
