/*
 * The conversation with a supervisor, played here by a child process that speaks the real link, and
 * the program itself against such a supervisor. SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/link.h"
#include "common/util/count.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/session.h"
#include "tests/unit/daemons/ctl/rows.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the supervisor of a test behaves once it was asked. */
enum behaviour {
	ANSWERS,     /* repeats the words, sends a progress row, DONE with status 1 */
	CLOSES,	     /* goes away */
	SAYS_NOTHING,
	LIES_IN_ROW, /* a row that does not decode */
	WRONG_ID,    /* answers somebody else's request */
	KEEPS_ALIVE, /* progress rows for longer than the permitted silence, then DONE */
	STREAMS,     /* text through a pipe, with what a terminal must not get; then DONE */
};

struct actor {
	struct event_base *base;
	enum behaviour behaviour;
	struct link *link;
};

static void send_row(struct link *link, uint32_t request, const struct ctl_row *row)
{
	static uint8_t payload[MSG_PAYLOAD_MAX];
	struct sink sink = sink_of(payload, sizeof(payload));
	ctl_row_encode(&sink, row);
	if (sink.failed || link_send(link, MSG_CTL_ROW, request, payload, sink.pos, -1) != 0) {
		_exit(10);
	}
}

static void send_done(struct link *link, uint32_t request, uint8_t status, const char *text)
{
	uint8_t payload[sizeof(struct ctl_done) + 8];
	struct ctl_done done = { .status = status };
	struct sink sink = sink_of(payload, sizeof(payload));
	snprintf(done.text, sizeof(done.text), "%s", text);
	ctl_done_encode(&sink, &done);
	int rc = sink.failed ? BH_ENOSPC : link_send(link, MSG_CTL_DONE, request, payload, sink.pos, -1);
	if (rc != 0) {
		_exit(rc == BH_ECLOSED ? 0 : 11); /* it had enough of what came before */
	}
}

static void send_progress(struct link *link, uint32_t request, unsigned step)
{
	static struct ctl_row row;
	row_begin(&row, "progress");
	row_number(&row, "step", step);
	send_row(link, request, &row);
}

static void answer_words(struct link *link, uint32_t id, const struct ctl_request *request)
{
	static struct ctl_row row;
	send_progress(link, id, 1);
	row_begin(&row, "heard");
	for (unsigned i = 0; i < request->count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "word%u", i);
		row_text(&row, name, request->words[i]);
	}
	send_row(link, id, &row);
	send_done(link, id, 1, "heard you");
}

static void stream_text(struct link *link, uint32_t id)
{
	static const char text[] = "- a\tb \"\\\033[31m\n+ \x80\r\n+ no end";
	int fds[2];
	if (pipe(fds) != 0 || write(fds[1], text, sizeof(text) - 1) != sizeof(text) - 1 ||
	    link_send(link, MSG_CTL_STREAM, id, NULL, 0, fds[0]) != 0) {
		_exit(16);
	}
	close(fds[0]);
	close(fds[1]);
	send_done(link, id, 1, "that was it");
}

static int act(void *ctx, struct link *link, struct link_message *m)
{
	static struct ctl_request request;
	static const uint8_t nonsense[] = { 0xff, 0xff, 0xff, 0xff };
	struct actor *actor = ctx;
	if (m->type != MSG_CTL_REQUEST || ctl_request_decode(m->payload, m->len, &request) != 0) {
		_exit(12);
	}
	switch (actor->behaviour) {
	case ANSWERS:
		answer_words(link, m->request, &request);
		break;
	case CLOSES:
		_exit(0);
	case SAYS_NOTHING:
		break;
	case LIES_IN_ROW:
		if (link_send(link, MSG_CTL_ROW, m->request, nonsense, sizeof(nonsense), -1) != 0) {
			_exit(13);
		}
		break;
	case WRONG_ID:
		send_done(link, m->request + 1, 0, "for another");
		break;
	case KEEPS_ALIVE:
		for (unsigned i = 0; i < 8; i++) {
			send_progress(link, m->request, i);
			usleep(100 * 1000);
		}
		send_done(link, m->request, 0, "at last");
		break;
	case STREAMS:
		stream_text(link, m->request);
		break;
	}
	return 0;
}

static void act_end(void *ctx, struct link *link, int err, const char *why)
{
	(void)ctx;
	(void)link;
	(void)err;
	(void)why;
	_exit(0);
}

/* The child: serves one connection. */
static void play_supervisor(int fd, enum behaviour behaviour)
{
	static const struct link_ops ops = { .message = act, .closed = act_end };
	struct actor actor = { .base = event_base_new(), .behaviour = behaviour };
	alarm(20);
	actor.link = link_new(actor.base, fd, ROLE_SUPERVISOR, ROLE_CONTROL, 1 << 20, &ops, &actor);
	if (actor.link == NULL) {
		_exit(14);
	}
	link_set_phase(actor.link, PHASE_RUN);
	event_base_dispatch(actor.base);
	_exit(0);
}

static unsigned progress_rows;

static void count_progress(void *ctx, const struct ctl_row *row)
{
	(void)ctx;
	(void)row;
	progress_rows++;
}

/* One request to a supervisor of that behaviour. */
static int converse(enum behaviour behaviour, struct answer *answer, char *why, size_t why_size)
{
	static struct ctl_request request = { .count = 3, .words = { "flush", "name", "www.example.com" } };
	const struct session_options options = { .silence_ms = 400, .progress = count_progress };
	int ends[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		play_supervisor(ends[1], behaviour);
	}
	close(ends[1]);
	int err = session_run(ends[0], &request, &options, answer, why, why_size);
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "supervisor: %d", status);
	return err;
}

Test(ctl_session, carries_the_words_and_brings_the_answer)
{
	struct answer answer;
	char why[256];
	answer_init(&answer);
	cr_assert_eq(converse(ANSWERS, &answer, why, sizeof(why)), 0, "%s", why);
	cr_assert_eq(answer.status, 1);
	cr_assert_str_eq(answer.text, "heard you");
	cr_assert_eq(answer.tables, 1u); /* progress is not kept */
	cr_assert_eq(progress_rows, 1u);
	cr_assert_str_eq(answer.first->name, "heard");
	cr_assert_eq(answer.first->rows, 1u);
	cr_assert_str_eq(answer_field(answer.first->first, "word0")->text, "flush");
	cr_assert_str_eq(answer_field(answer.first->first, "word1")->text, "name");
	cr_assert_str_eq(answer_field(answer.first->first, "word2")->text, "www.example.com");
	cr_assert_null(answer_field(answer.first->first, "word3"));
	answer_clear(&answer);
}

Test(ctl_session, says_what_went_wrong)
{
	static const struct {
		enum behaviour behaviour;
		int err;
		const char *why;
	} cases[] = {
		{ CLOSES, BH_ECLOSED, "closed the connection" },
		{ SAYS_NOTHING, BH_EAGAIN, "no answer for 0 seconds" },
		{ LIES_IN_ROW, BH_EMALFORMED, "not understood" },
		{ WRONG_ID, BH_EMALFORMED, "not understood" },
		{ STREAMS, BH_EMALFORMED, "not understood" }, /* nobody asked for one */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer;
		char why[256];
		answer_init(&answer);
		int err = converse(cases[i].behaviour, &answer, why, sizeof(why));
		cr_expect_eq(err, cases[i].err, "case %zu: %d", i, err);
		cr_expect_not_null(strstr(why, cases[i].why), "case %zu: %s", i, why);
		cr_expect_eq(answer.status, 3);
		answer_clear(&answer);
	}
}

Test(ctl_session, progress_keeps_a_long_answer_alive)
{
	struct answer answer;
	char why[256];
	answer_init(&answer);
	cr_assert_eq(converse(KEEPS_ALIVE, &answer, why, sizeof(why)), 0, "%s", why);
	cr_assert_str_eq(answer.text, "at last");
	cr_assert_eq(progress_rows, 8u);
	answer_clear(&answer);
}

Test(ctl_session, unreachable_sockets_are_named)
{
	char why[256];
	char longest[200];
	cr_assert_lt(session_connect("/nonexistent/control.sock", why, sizeof(why)), 0);
	cr_assert_not_null(strstr(why, "cannot reach /nonexistent/control.sock: No such file"), "%s", why);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cr_assert_lt(session_connect(longest, why, sizeof(why)), 0);
	cr_assert_not_null(strstr(why, "a socket's path has"), "%s", why);
	cr_assert_lt(session_connect("", why, sizeof(why)), 0);
}

/* --- the program ------------------------------------------------------------------------------------ */

/* Run a command line; its standard output in out, standard error in err. Returns its exit status. */
static int run(const char *const *argv, char *out, size_t out_size, char *err, size_t err_size)
{
	int outs[2];
	int errs[2];
	cr_assert_eq(pipe(outs), 0);
	cr_assert_eq(pipe(errs), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(outs[1], 1);
		dup2(errs[1], 2);
		close(outs[0]);
		close(outs[1]);
		close(errs[0]);
		close(errs[1]);
		alarm(20);
		execv("./bulkheadctl", (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	close(outs[1]);
	close(errs[1]);
	const int fds[2] = { outs[0], errs[0] };
	char *const texts[2] = { out, err };
	const size_t sizes[2] = { out_size, err_size };
	for (int i = 0; i < 2; i++) { /* both are far smaller than a pipe */
		size_t len = 0;
		ssize_t n;
		while (len < sizes[i] - 1 && (n = read(fds[i], texts[i] + len, sizes[i] - 1 - len)) > 0) {
			len += (size_t)n;
		}
		texts[i][len] = '\0';
		close(fds[i]);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

struct place {
	char dir[64];
	char socket[80];
	char daemon[80];
};

static void make_place(struct place *place)
{
	snprintf(place->dir, sizeof(place->dir), "/tmp/bulkheadctl.XXXXXX");
	cr_assert_not_null(mkdtemp(place->dir));
	snprintf(place->socket, sizeof(place->socket), "%s/control.sock", place->dir);
	snprintf(place->daemon, sizeof(place->daemon), "%s/bulkheadd", place->dir);
}

static void remove_place(const struct place *place)
{
	unlink(place->socket);
	unlink(place->daemon);
	cr_assert_eq(rmdir(place->dir), 0);
}

static pid_t serve_once(const struct place *place, enum behaviour behaviour)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", place->socket);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	unlink(place->socket);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	cr_assert_eq(listen(fd, 4), 0);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		int connection = accept(fd, NULL, NULL);
		if (connection < 0) {
			_exit(15);
		}
		play_supervisor(connection, behaviour);
	}
	close(fd);
	return pid;
}

Test(ctl_program, prints_and_exits_with_the_status_of_the_answer)
{
	static const struct {
		const char *argv[8];
		const char *out;
	} cases[] = {
		{ { "bulkheadctl", "-s", NULL, "status" }, "WARNING: heard you\n\nheard\nWORD0\nstatus\n" },
		{ { "bulkheadctl", "-s", NULL, "--json", "reload" },
		  "{\"status\":1,\"text\":\"heard you\",\"heard\":[{\"word0\":\"reload\"}]}\n" },
		{ { "bulkheadctl", "-s", NULL, "flush", "www.example.com", "--json" },
		  "{\"status\":1,\"text\":\"heard you\",\"heard\":[{\"word0\":\"flush\",\"word1\":\"name\","
		  "\"word2\":\"www.example.com\"}]}\n" },
		{ { "bulkheadctl", "-s", NULL, "-j", "flush", "-z", "example.com" },
		  "{\"status\":1,\"text\":\"heard you\",\"heard\":[{\"word0\":\"flush\",\"word1\":\"zone\","
		  "\"word2\":\"example.com\"}]}\n" },
		{ { "bulkheadctl", "-s", NULL, "-j", "flush", "all" },
		  "{\"status\":1,\"text\":\"heard you\",\"heard\":[{\"word0\":\"flush\",\"word1\":\"all\"}]}\n" },
	};
	struct place place;
	char out[4096];
	char err[4096];
	make_place(&place);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *argv[8];
		int status;
		memcpy(argv, cases[i].argv, sizeof(argv));
		argv[2] = place.socket;
		pid_t pid = serve_once(&place, ANSWERS);
		cr_expect_eq(run(argv, out, sizeof(out), err, sizeof(err)), 1, "case %zu: %s", i, err);
		cr_expect_str_eq(out, cases[i].out, "case %zu: %s", i, out);
		cr_expect_str_eq(err, "", "case %zu: %s", i, err);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
	}
	remove_place(&place);
}

Test(ctl_program, text_of_zones_goes_out_plain)
{
	static const struct {
		const char *argv[8];
		const char *out;
		const char *err;
	} cases[] = {
		{ { "bulkheadctl", "-s", NULL, "zone", "diff", "example" }, "- a\tb \"\\?[31m\n+ ??\n+ no end\n",
		  "; that was it\n" },
		{ { "bulkheadctl", "-s", NULL, "--json", "zone", "dump", "example" },
		  "{\"records\":[\n\"- a\\tb \\\"\\\\?[31m\",\n\"+ ??\",\n\"+ no end\"\n],\"status\":1,"
		  "\"text\":\"that was it\"}\n",
		  "" },
	};
	struct place place;
	char out[4096];
	char err[4096];
	make_place(&place);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *argv[8];
		int status;
		memcpy(argv, cases[i].argv, sizeof(argv));
		argv[2] = place.socket;
		pid_t pid = serve_once(&place, STREAMS);
		cr_expect_eq(run(argv, out, sizeof(out), err, sizeof(err)), 1, "case %zu: %s", i, err);
		cr_expect_str_eq(out, cases[i].out, "case %zu: %s", i, out);
		cr_expect_str_eq(err, cases[i].err, "case %zu: %s", i, err);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
	}
	remove_place(&place);
}

Test(ctl_program, unreachable_is_unknown_and_said_in_json_too)
{
	const char *argv[] = { "bulkheadctl", "-j", "-s", "/nonexistent/s", "status", NULL };
	char out[4096];
	char err[4096];
	cr_assert_eq(run(argv, out, sizeof(out), err, sizeof(err)), 3);
	cr_assert_not_null(strstr(err, "bulkheadctl: cannot reach /nonexistent/s: No such file or directory"));
	cr_assert_not_null(strstr(out, "{\"status\":3,\"text\":\"cannot reach /nonexistent/s"));
}

Test(ctl_program, wrong_usage_is_told)
{
	static const struct {
		const char *argv[8];
		const char *err;
	} cases[] = {
		{ { "bulkheadctl" }, "no command" },
		{ { "bulkheadctl", "dance" }, "no such command: dance" },
		{ { "bulkheadctl", "status", "now" }, "too many arguments: now" },
		{ { "bulkheadctl", "flush" }, "flush wants one NAME" },
		{ { "bulkheadctl", "flush", "a", "b" }, "too many arguments: b" },
		{ { "bulkheadctl", "flush", "-z", "a", "b" }, "flush wants one NAME, or -z ZONE, or all" },
		{ { "bulkheadctl", "status", "-z", "a" }, "--zone belongs to: flush" },
		{ { "bulkheadctl", "check", "a", "b" }, "too many arguments: b\nusage: bulkheadctl check [FILE]" },
		{ { "bulkheadctl", "--what", "status" }, "unknown option: --what" },
		{ { "bulkheadctl", "status", "-s" }, "an option without its value: -s" },
		{ { "bulkheadctl", "statsu" }, "no such command: statsu (did you mean status?)" },
		{ { "bulkheadctl", "zone" }, "zone: zone knows: status" },
		{ { "bulkheadctl", "zone", "staus" }, "zone staus: zone knows: status" },
		{ { "bulkheadctl", "nta", "add" }, "nta add wants an argument more\nusage: bulkheadctl nta add NAME [TIME]" },
	};
	char out[4096];
	char err[4096];
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(run(cases[i].argv, out, sizeof(out), err, sizeof(err)), 3, "case %zu", i);
		cr_expect_not_null(strstr(err, cases[i].err), "case %zu: %s", i, err);
		cr_expect_str_eq(out, "");
	}
	const char *help[] = { "bulkheadctl", "help", NULL };
	cr_assert_eq(run(help, out, sizeof(out), err, sizeof(err)), 0);
	cr_assert_not_null(strstr(out, "usage: bulkheadctl"));
	const char *version[] = { "bulkheadctl", "--version", NULL };
	cr_assert_eq(run(version, out, sizeof(out), err, sizeof(err)), 0);
	cr_assert_eq(strncmp(out, "bulkheadctl ", 12), 0);
}

/* A program in the place of bulkheadd; SOCK_SEQPACKET messages can be written by any shell's printf. */
static void write_daemon(const struct place *place, const char *script)
{
	FILE *file = fopen(place->daemon, "w");
	cr_assert_not_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(place->daemon, 0755), 0);
}

Test(ctl_program, check_listens_to_bulkheadd)
{
	struct place place;
	char out[4096];
	char err[4096];
	char script[512];
	make_place(&place);
	const char *argv[] = { "bulkheadctl", "-j",    "-b", place.daemon, "-L",
			       "roles",	      "check", "x.conf", NULL };
	/* DONE: type, zero, request id 0, status 0, text "fine" */
	snprintf(script, sizeof(script),
		 "[ \"$*\" = '-t -r 3 -L roles -c x.conf' ] || exit 9\n"
		 "printf '\\%03o\\%03o\\000\\000\\000\\000\\000\\000\\000\\000\\004fine' >&3",
		 MSG_CTL_DONE >> 8, MSG_CTL_DONE & 0xff);
	write_daemon(&place, script);
	int status = run(argv, out, sizeof(out), err, sizeof(err));
	cr_assert_eq(status, 0, "%d %s", status, err);
	cr_assert_str_eq(out, "{\"status\":0,\"text\":\"fine\"}\n");

	write_daemon(&place, "exit 5");
	cr_assert_eq(run(argv, out, sizeof(out), err, sizeof(err)), 3);
	cr_assert_not_null(strstr(err, "ended with status 5 before its answer was complete"), "%s", err);

	write_daemon(&place, "kill -9 $$");
	cr_assert_eq(run(argv, out, sizeof(out), err, sizeof(err)), 3);
	cr_assert_not_null(strstr(err, "was ended by signal 9"), "%s", err);

	write_daemon(&place, "echo nonsense >&3; exec sleep 60");
	cr_assert_eq(run(argv, out, sizeof(out), err, sizeof(err)), 3);
	cr_assert_not_null(strstr(err, "not understood"), "%s", err);

	unlink(place.daemon);
	cr_assert_eq(run(argv, out, sizeof(out), err, sizeof(err)), 3);
	cr_assert_not_null(strstr(err, "cannot start"), "%s", err);
	remove_place(&place);
}
