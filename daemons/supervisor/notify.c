/*
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/notify.h"

#include "common/util/clock.h"
#include "common/util/log.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A manager that is busy gets so long: units of Type=notify-reload wait for a READY=1 that was lost until they fail. One
 * that has let it pass is not waited for again before it has taken something.
 */
#define PATIENCE_SEC 1

/* flags: MSG_DONTWAIT where what is lost comes again. */
static void send_text(const char *text, int flags)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_SEC };
	static bool deaf;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

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

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t sa_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	bool told = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
		    sendto(fd, text, strlen(text), MSG_NOSIGNAL | flags | (deaf ? MSG_DONTWAIT : 0), (struct sockaddr *)&sa,
			   sa_len) >= 0;
	deaf = !told && errno == EAGAIN && (deaf || flags == 0); /* not for what was not waited for */
	if (!told) {
		log_warn("cannot notify the service manager: %m");
	}
	if (fd >= 0) {
		close(fd);
	}
}

void notify(const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	send_text(text, 0);
}

/* Microseconds: a time that is cut to milliseconds may lie before the request, and is then no answer to it. */
void notify_reloading(void)
{
	notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_us());
}

/* A decimal number that ends at `end`; *text is moved behind it. */
static bool read_number(const char **text, char end, uint64_t *out)
{
	char *after;
	if (**text < '0' || **text > '9') { /* strtoull takes blanks and signs */
		return false;
	}
	errno = 0;
	unsigned long long number = strtoull(*text, &after, 10);
	if (errno != 0 || *after != end) {
		return false;
	}
	*text = after + (end != '\0');
	*out = number;
	return true;
}

bool notify_is_journal(int fd, const char *stream)
{
	struct stat st;
	uint64_t device, inode;

	return stream != NULL && read_number(&stream, ':', &device) && read_number(&stream, '\0', &inode) &&
	       fstat(fd, &st) == 0 && (uint64_t)st.st_dev == device && (uint64_t)st.st_ino == inode;
}

/* --- watchdog --------------------------------------------------------------------------------------------- */

/* A shorter interval is a fault of the unit, and would have us do nothing else. */
#define WATCHDOG_MIN_USEC 10000

int notify_watchdog_interval(const char *usec, const char *pid, pid_t self, uint64_t *out)
{
	uint64_t interval, owner;

	if (usec == NULL) {
		*out = 0;
		return BH_OK;
	}
	if (!read_number(&usec, '\0', &interval) || interval < WATCHDOG_MIN_USEC || interval > INT64_MAX ||
	    (pid != NULL && !read_number(&pid, '\0', &owner))) {
		return BH_EMALFORMED;
	}
	*out = pid == NULL || owner == (uint64_t)self ? interval : 0;
	return BH_OK;
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	send_text("WATCHDOG=1", MSG_DONTWAIT);
}

int notify_watchdog_start(struct event_base *base, struct event **out)
{
	uint64_t interval;
	struct event *timer = NULL;

	int rc = notify_watchdog_interval(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), getpid(), &interval);
	if (rc == BH_OK && interval > 0) {
		const struct timeval half = { .tv_sec = (time_t)(interval / 2 / 1000000),
					      .tv_usec = (suseconds_t)(interval / 2 % 1000000) };
		timer = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
		if (timer == NULL || event_add(timer, &half) != 0) {
			if (timer != NULL) {
				event_free(timer);
			}
			return BH_ENOMEM;
		}
		/*
		 * The first one as soon as the loop turns: after an exec the last one, of the program before, may be half an
		 * interval old already.
		 */
		event_active(timer, EV_TIMEOUT, 0);
	}
	if (rc == BH_OK) {
		*out = timer;
	}
	return rc;
}
