/*
 * Does the local wall stand? Found out by trying: what a process sends to itself must be refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"
#include "sandbox/walls.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Does what we send to ourselves arrive? 0: refused, which is right. 1: it does. -1: not known, errno is set. */
static int reaches_itself(int family)
{
	struct sockaddr_storage sa = { .ss_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = -1;

	if (fd < 0) {
		return -1;
	}
	if (family == AF_INET) {
		((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		((struct sockaddr_in6 *)&sa)->sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	}
	if (bind(fd, (struct sockaddr *)&sa, len) == 0 && getsockname(fd, (struct sockaddr *)&sa, &len) == 0) {
		ssize_t n = sendto(fd, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&sa, len);
		result = n == 1 ? 1 : errno == EPERM ? 0 : -1;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

/* A rule may allow the very port that the kernel chose. */
#define ATTEMPTS 4

bool localwall_stands(const struct why *why)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < COUNT(families); i++) {
		int result = 1;
		for (int attempt = 0; attempt < ATTEMPTS && result == 1; attempt++) {
			result = reaches_itself(families[i]);
		}
		if (result == 1) {
			return why_not(why, "local wall: what is sent to this host arrives");
		}
		bool absent = families[i] == AF_INET6 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
		if (result < 0 && !absent) {
			return why_not(why, "local wall: cannot be tried out: %s", strerror(errno));
		}
	}
	return true;
}
