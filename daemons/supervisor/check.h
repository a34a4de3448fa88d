/*
 * bulkheadd -t: test the configuration and every zone, tell what is found, change nothing. bulkheadd -l: find out whether
 * somebody else listens already.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_CHECK_H
#define BULKHEAD_SUPERVISOR_CHECK_H

struct program;

/*
 * program: where the compiler is. report_fd: a SOCK_SEQPACKET socket to which findings go as rows "finding" of the control protocol and an
 * end, or -1: lines "file:line: severity: text" on standard output. Returns the exit status: 0
 * without errors (warnings are told but do not fail), 1 with errors; the end towards report_fd counts as
 * monitoring plug-ins do: 0 fine, 1 warnings, 2 errors.
 */
int check_run(const char *conf_path, struct program *program, int report_fd);

/*
 * bulkheadd -l: could the addresses of this configuration be listened on now? Opens and closes them again, answers
 * nobody, compiles nothing. Returns 0, or 1 with a line on standard error that names the first that is taken, or what
 * is wrong with the configuration.
 */
int check_listen(const char *conf_path);

#endif
