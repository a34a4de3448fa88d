/*
 * One event per line to one descriptor.
 *
 * A role writes to descriptor 2, which is a pipe to the supervisor; only the supervisor knows who
 * speaks and prefixes each line with the role, so a role cannot sign a line as another one. A line
 * that does not fit into the pipe is counted and the count is told with the next line that fits:
 * logging never blocks a role.
 *
 * Line format towards the supervisor:  "<N>message key=value ...\n", N the syslog priority digit.
 * Bytes that are not printable ASCII are written as \DDD, so nothing that came from a stranger can
 * start a line of its own or reach a terminal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_LOG_H
#define BULKHEAD_COMMON_UTIL_LOG_H

#include "common/util/err.h"

#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERR = 3, /* numbers of syslog(3), used as they are in "<N>" */
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Longest line that is kept, with prefix and newline; longer ones are cut and end in "...". */
#define LOG_LINE_MAX 1024

/* Lines above `level` are dropped from now on (default: info). */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Text of a level as in the configuration, "error", "warning", "info", "debug", and back. */
const char *log_level_text(enum log_level level);
/* BH_EMALFORMED: none of these words. */
int log_level_parse(const char *text, enum log_level *out) BH_CHECKED;

/*
 * Send lines to fd instead of descriptor 2; `prefixed`: write the "<N>" in front of each line, otherwise errors
 * and warnings begin with that word.
 */
void log_set_fd(int fd, int prefixed);

/* Send lines to syslog(3) from now on: the supervisor in the background. ident must stay. */
void log_set_syslog(const char *ident);

/* One event, one line, without a newline at its end; what is not printable is escaped. errno stays; %m is its text. */
void log_err(const char *fmt, ...) BH_PRINTF(1, 2);
void log_warn(const char *fmt, ...) BH_PRINTF(1, 2);
void log_info(const char *fmt, ...) BH_PRINTF(1, 2);
void log_debug(const char *fmt, ...) BH_PRINTF(1, 2);

/* log_err, then _exit(1). Only for failed startup or a broken invariant of our own. */
void log_fatal(const char *fmt, ...) BH_PRINTF(1, 2) __attribute__((noreturn));

/*
 * Guard for lines that a stranger can trigger: true at most `burst` times in each window of
 * `window_ms`. When a new window opens after suppressed lines, *suppressed (may be NULL) receives
 * their number once. State is the caller's, zeroed before first use; now_ms is monotonic.
 */
struct log_limit {
	uint64_t window_start_ms;
	uint32_t used;
	uint32_t suppressed;
};
int log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint32_t window_ms, uint32_t burst,
		   uint32_t *suppressed);

#endif
