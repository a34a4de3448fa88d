/*
 * The same reading and compiling as a reload, without anything behind it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/check.h"

#include "common/ipc/link.h"
#include "common/ipc/loop.h"
#include "daemons/supervisor/compile.h"
#include "daemons/supervisor/listen.h"
#include "daemons/supervisor/progress.h"
#include "daemons/supervisor/rows.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_QUEUE_MAX (16u * 1024 * 1024)
#define REPORT_DRAIN_MS 5000

struct check {
	struct event_base *base;
	struct link *report; /* NULL: standard output */
	struct compile_run *run;
	unsigned errors;
	unsigned warnings;
};

static void finding_row(struct check *check, const struct zone_finding_info *f)
{
	struct ctl_row row;
	row_finding(&row, f);
	if (row_send(check->report, 0, &row) != BH_OK) {
		log_fatal("cannot report findings");
	}
}

static void on_finding(void *ctx, const struct zone_finding_info *f)
{
	struct check *check = ctx;
	check->errors += !f->warning;
	check->warnings += f->warning;
	if (check->report != NULL) {
		finding_row(check, f);
		return;
	}
	const char *severity = f->warning ? "warning" : "error";
	if (f->file[0] == '\0') {
		printf("zone %s (view %s): %s: %s\n", f->zone, f->view, severity, f->text);
	} else if (f->line == 0) {
		printf("%s: %s: %s\n", f->file, severity, f->text);
	} else {
		printf("%s:%u: %s: %s\n", f->file, f->line, severity, f->text);
	}
}

static void on_config_error(void *ctx, const char *file, unsigned line, const char *text)
{
	struct check *check = ctx;
	check->errors++;
	if (check->report != NULL) {
		finding_row(check, &(struct zone_finding_info){
					   .view = "", .zone = "", .file = file, .line = line, .text = text });
	} else if (line > 0) {
		printf("%s:%u: %s\n", file, line, text);
	} else {
		printf("%s: %s\n", file, text);
	}
}

/* A sign of life for who listens. */
static void on_progress(evutil_socket_t fd, short what, void *arg)
{
	struct check *check = arg;
	struct compile_progress progress;
	struct ctl_row row;
	(void)fd;
	(void)what;
	compile_progress(check->run, &progress);
	progress_row("compiling", &progress, &row);
	if (row_send(check->report, 0, &row) != BH_OK) {
		log_fatal("the one who asked does not listen");
	}
}

static void on_done(void *ctx)
{
	struct check *check = ctx;
	event_base_loopbreak(check->base);
}

static void on_child(evutil_socket_t signo, short what, void *arg)
{
	struct check *check = arg;
	int status;
	pid_t pid;
	(void)signo;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		(void)compile_child_ended(check->run, pid, status); /* there are no other children */
	}
}

static int on_report_message(void *ctx, struct link *link, struct link_message *m)
{
	(void)ctx;
	(void)link;
	(void)m;
	return BH_EPERM; /* nobody has anything to ask here */
}

static void on_report_closed(void *ctx, struct link *link, int err, const char *why)
{
	(void)ctx;
	(void)link;
	(void)err;
	log_fatal("the one who asked is gone: %s", why);
}

static void compile_all(struct check *check, const struct config *config, struct program *program)
{
	static const struct compile_ops ops = { .finding = on_finding, .done = on_done };
	static struct ids_table ids;
	uint32_t next_id = 1;
	char why[IPC_TEXT_MAX];
	const struct timeval interval = { .tv_usec = PROGRESS_INTERVAL_MS * 1000 };
	struct event *child = NULL;
	struct event *progress = NULL;
	struct zone_set *zones = zone_set_new(config);
	struct compile_env env = {
		.base = check->base, .program = program, .config = config, .ids = &ids, .next_id = &next_id
	};

	if (ids_resolve(config, NULL, NULL, &ids, why, sizeof(why)) != BH_OK) {
		on_config_error(check, "users", 0, why);
		goto out;
	}
	child = evsignal_new(check->base, SIGCHLD, on_child, check);
	check->run = zones == NULL ? NULL : compile_start(&env, zones, NULL, &ops, check);
	progress = event_new(check->base, -1, EV_PERSIST, on_progress, check);
	if (child == NULL || progress == NULL || check->run == NULL || event_add(child, NULL) != 0 ||
	    (check->report != NULL && event_add(progress, &interval) != 0) ||
	    event_base_dispatch(check->base) < 0) {
		log_fatal("out of memory");
	}
out:
	compile_free(check->run);
	if (child != NULL) {
		event_free(child);
	}
	if (progress != NULL) {
		event_free(progress);
	}
	zone_set_free(zones);
}

int check_run(const char *conf_path, struct program *program, int report_fd)
{
	static const struct link_ops ops = { .message = on_report_message, .closed = on_report_closed };
	struct check check = { .base = loop_new() };
	char text[128];

	if (check.base == NULL) {
		log_fatal("out of memory");
	}
	if (report_fd >= 0) {
		check.report = link_new(check.base, report_fd, ROLE_SUPERVISOR, ROLE_CONTROL, REPORT_QUEUE_MAX,
					&ops, &check);
		if (check.report == NULL) {
			log_fatal("cannot report to descriptor %d", report_fd);
		}
		link_set_phase(check.report, PHASE_RUN);
	}
	struct config *config = config_load(conf_path, on_config_error, &check);
	if (config != NULL) {
		compile_all(&check, config, program);
	}
	config_free(config);

	snprintf(text, sizeof(text), "%s: %u errors, %u warnings", conf_path, check.errors, check.warnings);
	if (check.report == NULL) {
		printf("%s\n", text);
		if (fflush(stdout) != 0) {
			return 1;
		}
	} else if (row_done(check.report, 0, check.errors > 0 ? 2 : check.warnings > 0 ? 1 : 0, text) != BH_OK ||
		   link_drain(check.report, REPORT_DRAIN_MS) != BH_OK) {
		return 1;
	}
	link_free(check.report);
	event_base_free(check.base);
	return check.errors > 0 ? 1 : 0;
}

static void tell_config_error(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	if (line > 0) {
		fprintf(stderr, "%s:%u: %s\n", file, line, text);
	} else {
		fprintf(stderr, "%s: %s\n", file, text);
	}
}

int check_listen(const char *conf_path)
{
	struct listener_set set = { 0 };
	char why[IPC_TEXT_MAX] = "";
	uint32_t next_id = 1;
	struct config *config = config_load(conf_path, tell_config_error, NULL);
	if (config == NULL) {
		return 1;
	}
	/* One worker tells for all: the others share its sockets' addresses. */
	int rc = listener_want_all(&set, config, 1, &next_id, why, sizeof(why));
	if (rc != BH_OK) {
		fprintf(stderr, "%s\n", why);
	}
	listener_clear(&set);
	config_free(config);
	return rc == BH_OK ? 0 : 1;
}
