/*
 * Log lines: formatting, escaping, never blocking. The only globals are the descriptor and level.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/log.h"

#include "common/util/count.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct {
	int fd;
	int prefixed;
	int to_syslog;
	enum log_level level;
	unsigned lost; /* lines that did not fit into the pipe */
} logger = { .fd = STDERR_FILENO, .prefixed = 0, .to_syslog = 0, .level = LOG_LEVEL_INFO, .lost = 0 };

static const struct {
	const char *text;
	enum log_level level;
} level_names[] = {
	{ "error", LOG_LEVEL_ERR },
	{ "warning", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

void log_set_level(enum log_level level)
{
	logger.level = level;
}

enum log_level log_get_level(void)
{
	return logger.level;
}

const char *log_level_text(enum log_level level)
{
	for (size_t i = 0; i < COUNT(level_names); i++) {
		if (level_names[i].level == level) {
			return level_names[i].text;
		}
	}
	return "unknown";
}

int log_level_parse(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < COUNT(level_names); i++) {
		if (strcmp(level_names[i].text, text) == 0) {
			*out = level_names[i].level;
			return BH_OK;
		}
	}
	return BH_EMALFORMED;
}

void log_set_fd(int fd, int prefixed)
{
	logger.fd = fd;
	logger.prefixed = prefixed;
}

void log_set_syslog(const char *ident)
{
	openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	logger.to_syslog = 1;
}

/* Copy text to line[pos..end), escaping what is not printable ASCII; *text ends where room did. */
static size_t put_escaped(char *line, size_t pos, size_t end, const char **text)
{
	for (; **text != '\0'; (*text)++) {
		unsigned char c = (unsigned char)**text;
		if (c >= 0x20 && c < 0x7f) {
			if (end - pos < 1) {
				return pos;
			}
			line[pos++] = (char)c;
		} else {
			if (end - pos < 4) {
				return pos;
			}
			line[pos++] = '\\';
			line[pos++] = (char)('0' + c / 100);
			line[pos++] = (char)('0' + c / 10 % 10);
			line[pos++] = (char)('0' + c % 10);
		}
	}
	return pos;
}

static int put_line(enum log_level level, const char *text)
{
	char line[LOG_LINE_MAX];
	size_t pos = 0;
	size_t end = sizeof(line) - 5; /* room for "...\n" */

	if (logger.prefixed) {
		line[pos++] = '<';
		line[pos++] = (char)('0' + (int)level);
		line[pos++] = '>';
	} else if (level <= LOG_LEVEL_WARN && !logger.to_syslog) { /* a person reads: say how bad it is */
		const char *word = log_level_text(level);
		size_t len = strlen(word);
		memcpy(line, word, len);
		memcpy(line + len, ": ", 2);
		pos = len + 2;
	}
	pos = put_escaped(line, pos, end, &text);
	if (*text != '\0') {
		memcpy(line + pos, "...", 3);
		pos += 3;
	}
	if (logger.to_syslog) {
		syslog((int)level, "%.*s", (int)pos, line);
		return BH_OK;
	}
	line[pos++] = '\n';

	ssize_t n;
	do {
		n = write(logger.fd, line, pos);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)pos ? BH_OK : BH_EAGAIN;
}

BH_PRINTF(2, 0)
static void vlog(enum log_level level, const char *fmt, va_list args)
{
	char text[LOG_LINE_MAX];
	int saved_errno = errno;

	if (level > logger.level) {
		return;
	}
	if (logger.lost > 0) {
		snprintf(text, sizeof(text), "log lines lost count=%u", logger.lost);
		if (put_line(LOG_LEVEL_WARN, text) == BH_OK) {
			logger.lost = 0;
		}
	}
	errno = saved_errno; /* callers may format %m */
	vsnprintf(text, sizeof(text), fmt, args);
	if (put_line(level, text) != BH_OK) {
		logger.lost++;
	}
	errno = saved_errno;
}

#define LOG_BODY(level)              \
	va_list args;                \
	va_start(args, fmt);         \
	vlog((level), fmt, args);    \
	va_end(args)

void log_err(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERR);
}

void log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN);
}

void log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO);
}

void log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG);
}

void log_fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERR);
	_exit(1);
}

int log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint32_t window_ms, uint32_t burst,
		   uint32_t *suppressed)
{
	if (suppressed != NULL) {
		*suppressed = 0;
	}
	if (now_ms - limit->window_start_ms >= window_ms) {
		limit->window_start_ms = now_ms;
		limit->used = 0;
		if (suppressed != NULL) {
			*suppressed = limit->suppressed;
		}
		limit->suppressed = 0;
	}
	if (limit->used < burst) {
		limit->used++;
		return 1;
	}
	limit->suppressed++;
	return 0;
}
