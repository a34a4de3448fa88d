/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/notify.h"

#include "common/util/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char text[512];
	va_list args;

	if (path == NULL || path[0] == '\0') {
		return;
	}
	size_t len = strlen(path);
	if (len >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@')) {
		log_warn("NOTIFY_SOCKET is no socket name");
		return;
	}
	memcpy(sa.sun_path, path, len);
	if (sa.sun_path[0] == '@') {
		sa.sun_path[0] = '\0'; /* abstract name */
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t sa_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&sa, sa_len) < 0) {
		log_warn("cannot notify the service manager: %m");
	}
	if (fd >= 0) {
		close(fd);
	}
}
