/*
 * A role that was taken over: it stands behind the real walls of its profile, says a proper HELLO, and then
 * does what the file PROGRAM.plan beside it says (one word), from the second generation on. Where its plan says
 * nothing, it answers as an honest role does. Without a plan it executes PROGRAM.honest: the supervisor holds its
 * programs open, so a test that wants another program while it runs can only have this one be it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/ipc/conf.h"
#include "common/ipc/msg.h"
#include "common/util/count.h"
#include "common/util/log.h"
#include "sandbox/sandbox.h"
#include "tests/integration/hostile_reach.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Messages of one flood: far more than any honest role says in its life. */
#define FLOOD 200000

#define SLOW_MS 2000

static char plan[32];
static int nothing; /* an epoll descriptor without events: where to wait for ever */
static unsigned prepares;
static unsigned commits;
static int link_fd = -1; /* the last query link it got, and its id */
static uint32_t link_id;

static bool plan_is(const char *word)
{
	return strcmp(plan, word) == 0;
}

/* False: there is none. */
static bool read_plan(const char *program)
{
	char path[600];
	snprintf(path, sizeof(path), "%s.plan", program);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	if (fscanf(file, "%31s", plan) != 1) {
		plan[0] = '\0';
	}
	fclose(file);
	return true;
}

static _Noreturn void be_honest(const char *program, char **argv)
{
	char path[600];
	snprintf(path, sizeof(path), "%s.honest", program);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	}
	log_fatal("hostile: %s: %s", path, strerror(errno));
}

static void wait_for_ever(void)
{
	struct epoll_event event;
	for (;;) {
		(void)epoll_wait(nothing, &event, 1, -1);
	}
}

/* As it is: no table is asked. fd: -1, or passed along. */
static void say(enum msg_type type, uint32_t request, const struct sink *s, int fd)
{
	uint8_t bytes[2048];
	struct iovec iov = { .iov_base = bytes, .iov_len = MSG_HEADER + s->pos };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	put_u16(bytes, (uint16_t)type);
	put_u16(bytes + 2, 0);
	put_u32(bytes + 4, request);
	memcpy(bytes + MSG_HEADER, s->base, s->pos);
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	while (sendmsg(FD_LINK, &msg, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			exit(0); /* the supervisor had enough */
		}
	}
}

static void say_number(enum msg_type type, uint32_t number)
{
	uint8_t bytes[8];
	struct sink s = sink_of(bytes, sizeof(bytes));
	sink_u32(&s, number);
	say(type, 0, &s, -1);
}

static void refuse(uint32_t generation)
{
	struct ipc_refused refused = { .generation = generation, .why = "do not like it" };
	uint8_t bytes[600];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_refused_encode(&s, &refused);
	say(MSG_REFUSED, 0, &s, -1);
}

static void say_hello(enum role role, const struct sandbox_state *state)
{
	struct ipc_hello m = { .protocol = IPC_PROTOCOL, .role = role, .walls = state->walls, .uid = state->uid,
			       .gid = state->gid, .syscalls = (uint16_t)state->syscalls };
	uint8_t bytes[128];
	struct sink s = sink_of(bytes, sizeof(bytes));
	snprintf(m.build, sizeof(m.build), "%s", ipc_build_id());
	ipc_hello_encode(&s, &m);
	say(MSG_HELLO, 0, &s, -1);
}

/* recvmsg, because the profiles allow no other call; the message stays in the socket. */
static void wait_for_message(void)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	while (recvmsg(FD_LINK, &msg, MSG_PEEK) < 0) {
	}
}

static void on_prepare(uint32_t generation)
{
	prepares++;
	if (prepares == 1 && plan_is("early-committed")) {
		say_number(MSG_COMMITTED, generation);
		return;
	}
	if (prepares == 1 && plan_is("slow-start")) {
		struct epoll_event event;
		(void)epoll_wait(nothing, &event, 1, SLOW_MS);
	}
	if (prepares > 1 && plan_is("mute-prepare")) {
		return;
	}
	if (prepares > 1 && plan_is("wrong-generation")) {
		say_number(MSG_PREPARED, generation + 1);
		return;
	}
	if (prepares > 1 && plan_is("refuse")) {
		refuse(generation);
		return;
	}
	if (prepares > 1 && plan_is("die")) {
		exit(0);
	}
	say_number(MSG_PREPARED, generation);
	if (prepares > 1 && plan_is("twice")) {
		say_number(MSG_PREPARED, generation);
	}
	if (prepares > 1 && plan_is("close-after-prepared")) {
		close(FD_LINK);
		wait_for_ever();
	}
	if (prepares > 1 && plan_is("die-after-prepared")) {
		exit(0);
	}
}

static void flood(uint32_t generation)
{
	uint8_t bytes[16] = { 0 };
	struct sink s = sink_of(bytes, sizeof(bytes));
	s.pos = 8;
	for (unsigned i = 0; i < FLOOD; i++) {
		if (plan_is("flood-prepared")) {
			say_number(MSG_PREPARED, generation);
		} else if (plan_is("flood-committed")) {
			say_number(MSG_COMMITTED, generation);
		} else if (plan_is("flood-refused")) {
			refuse(generation);
		} else if (plan_is("flood-flushed")) {
			say(MSG_FLUSHED, i, &s, -1);
		} else if (plan_is("flood-descriptors")) {
			say(MSG_PREPARED, 0, &s, FD_LINK);
		} else {
			return;
		}
	}
}

static void flood_log(void)
{
	char line[128];
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (;;) {
		if (write(FD_LOG, line, sizeof(line)) < 0 && errno != EAGAIN) {
			exit(0);
		}
	}
}

/* Says that its neighbour breaks their link, or, worse, one that is none of its own. */
static void blame(void)
{
	if (commits > 1 && plan_is("blame")) {
		say_number(MSG_PEER_BROKEN, link_id);
	}
	if (commits > 1 && plan_is("blame-others")) {
		say_number(MSG_PEER_BROKEN, link_id + 1); /* of the frontend with the authority */
	}
}

static void garble_link(void)
{
	struct iovec iov = { .iov_base = (char[]){ "no query" }, .iov_len = 8 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (commits > 1 && plan_is("garble-link") && sendmsg(link_fd, &msg, MSG_NOSIGNAL) < 0) {
		exit(3);
	}
}

static void on_commit(uint32_t generation)
{
	commits++;
	if (commits > 1 && plan_is("mute-commit")) {
		return;
	}
	if (commits > 1 && plan_is("die-at-commit")) {
		exit(0);
	}
	say_number(MSG_COMMITTED, generation);
	garble_link();
	blame();
	flood(generation);
	if (plan_is("flood-log")) {
		flood_log();
	}
}

static void trace_step(uint32_t request, enum ipc_trace_event event)
{
	struct ipc_trace_step m = { .event = (uint8_t)event, .why = "wait for more" };
	uint8_t bytes[256];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_trace_step_encode(&s, &m);
	say(MSG_TRACE_STEP, request, &s, -1);
}

/* A trace without end, or one that ends again and again. */
static void on_trace(uint32_t request)
{
	while (plan_is("flood-steps")) {
		trace_step(request, IPC_TRACE_ASK);
	}
	for (unsigned i = 0; i < FLOOD && plan_is("flood-ends"); i++) {
		trace_step(request, IPC_TRACE_FINISHED);
	}
}

/* What a test has it try (hostile_reach.h), before it says that it forgot all. */
static void on_flush(uint32_t request)
{
	uint8_t bytes[16] = { 0 };
	struct sink s = sink_of(bytes, sizeof(bytes));
	hostile_reach_all(nothing);
	s.pos = 8;
	say(MSG_FLUSHED, request, &s, -1);
}

static void diagnostic(uint32_t request)
{
	struct ipc_diagnostic m = { .line = 1, .file = "hostile.zone", .text = "nothing is wrong" };
	uint8_t bytes[1024];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_diagnostic_encode(&s, &m);
	say(MSG_DIAGNOSTIC, request, &s, -1);
}

static void compiled(uint32_t request, bool ok, uint64_t size)
{
	struct ipc_compiled m = { .ok = ok, .errors = !ok, .serial = 1, .records = 1, .size = size, .checksum = 1 };
	uint8_t bytes[64];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_compiled_encode(&s, &m);
	say(MSG_COMPILED, request, &s, -1);
}

static void source(uint32_t request)
{
	struct ipc_source m = { .path = "../../etc/passwd" };
	uint8_t bytes[256];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_source_encode(&s, &m);
	say(MSG_SOURCE, request, &s, -1);
}

#define IMAGE_SIZE 65536

/* Lies about one image; goes on with the next. */
static bool lie_about_image(uint32_t request, int image)
{
	if (plan_is("bad-image")) {
		if (ftruncate(image, IMAGE_SIZE) != 0) {
			log_fatal("hostile: ftruncate");
		}
		compiled(request, true, IMAGE_SIZE);
	} else if (plan_is("wrong-size")) {
		compiled(request, true, IMAGE_SIZE);
	} else if (plan_is("holds-image")) {
		if (ftruncate(image, IMAGE_SIZE) != 0 ||
		    mmap(NULL, IMAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, image, 0) == MAP_FAILED) {
			log_fatal("hostile: mmap");
		}
		compiled(request, true, IMAGE_SIZE);
	} else if (plan_is("wrong-request")) {
		compiled(request + 1, false, 0);
	} else if (plan_is("compiled-twice")) {
		compiled(request, false, 0);
		compiled(request, false, 0);
	} else {
		return false;
	}
	close(image);
	return true;
}

/* Ends in the middle of one zone and finds the others wrong. */
static bool die_on_corp(const uint8_t *payload, size_t len, uint32_t request)
{
	struct ipc_compile job;
	if (!plan_is("die-on-corp")) {
		return false;
	}
	if (ipc_compile_decode(payload, len, &job) != BH_OK || memcmp(job.zone, "\4corp", 5) == 0) {
		exit(3);
	}
	compiled(request, false, 0);
	return true;
}

static void on_compile(uint32_t request, int image, const uint8_t *payload, size_t len)
{
	if (lie_about_image(request, image) || die_on_corp(payload, len, request)) {
		return;
	}
	for (unsigned i = 0; i < FLOOD && plan_is("flood-sources"); i++) {
		source(request);
	}
	for (unsigned i = 0; i < FLOOD && plan_is("flood-diagnostics"); i++) {
		diagnostic(request);
	}
	if (plan_is("close-link")) {
		close(FD_LINK);
	}
	wait_for_ever();
}

static void inspected(uint32_t request)
{
	struct ipc_inspected m = { .ok = 1, .serial = 4711, .records = 1, .checksum = 1 };
	uint8_t bytes[128];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_inspected_encode(&s, &m);
	say(MSG_INSPECTED, request, &s, -1);
}

static void shown(uint32_t request)
{
	struct ipc_shown m = { .ok = 1 };
	uint8_t bytes[128];
	struct sink s = sink_of(bytes, sizeof(bytes));
	ipc_shown_encode(&s, &m);
	say(MSG_SHOWN, request, &s, -1);
}

/* A compiler that is to verify an image and to show it. */
static void on_inspect(uint32_t request)
{
	if (plan_is("inspect-lies") || plan_is("inspect-twice")) {
		inspected(request); /* all is well with it, whatever it is */
	}
	for (unsigned i = 0; i < FLOOD && plan_is("inspect-twice"); i++) {
		inspected(request);
	}
	if (plan_is("shown-unasked")) {
		shown(request);
	} else if (plan_is("inspect-other")) {
		inspected(request + 1);
	} else if (plan_is("inspect-compiles")) {
		compiled(request, true, IMAGE_SIZE);
	} else if (plan_is("inspect-closes")) {
		close(FD_LINK);
	} else if (plan_is("inspect-dies")) {
		exit(3);
	}
}

static int received_fd(struct msghdr *msg)
{
	int fd = -1;
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	if (c != NULL) {
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	}
	return fd;
}

static void listen_to_supervisor(void)
{
	static uint8_t bytes[MSG_HEADER + MSG_PAYLOAD_MAX];
	for (;;) {
		char control[CMSG_SPACE(4 * sizeof(int))];
		struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(FD_LINK, &msg, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			continue;
		}
		if (n < MSG_HEADER) {
			exit(0);
		}
		uint32_t number = n >= MSG_HEADER + 4 ? get_u32(bytes + MSG_HEADER) : 0;
		switch ((enum msg_type)get_u16(bytes)) {
		case MSG_LINK:
			link_id = number;
			link_fd = received_fd(&msg);
			break;
		case MSG_PEER_RESTARTED:
			blame();
			break;
		case MSG_PREPARE:
			on_prepare(number);
			break;
		case MSG_COMMIT:
			on_commit(number);
			break;
		case MSG_FLUSH:
			on_flush(get_u32(bytes + 4));
			break;
		case MSG_TRACE:
			on_trace(get_u32(bytes + 4));
			break;
		case MSG_COMPILE:
			on_compile(get_u32(bytes + 4), received_fd(&msg), bytes + MSG_HEADER, (size_t)n - MSG_HEADER);
			break;
		case MSG_INSPECT:
			on_inspect(get_u32(bytes + 4));
			break;
		case MSG_STOP:
			exit(0);
		default: /* descriptors that came along stay open: it hoards them */
			break;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum role role;
		const struct sandbox_profile *profile;
	} roles[] = { { "authority", ROLE_AUTHORITY, &sandbox_authority },
		      { "frontend", ROLE_FRONTEND, &sandbox_frontend },
		      { "resolver", ROLE_RESOLVER, &sandbox_resolver },
		      { "compiler", ROLE_COMPILER, &sandbox_compiler } };
	char path[512];
	char copy[512];
	struct sandbox_state state;

	(void)argc;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len <= 0) {
		log_fatal("hostile: cannot find itself: %s", strerror(errno));
	}
	path[len] = '\0';
	if (!read_plan(path)) {
		be_honest(path, argv);
	}
	if (plan_is("exit")) {
		return 1;
	}
	snprintf(copy, sizeof(copy), "%s", path);
	const char *name = basename(copy);
	for (size_t i = 0; i < COUNT(roles); i++) {
		if (strcmp(roles[i].name, name) != 0) {
			continue;
		}
		sandbox_begin(roles[i].profile);
		hostile_reach_read(path);
		nothing = epoll_create1(EPOLL_CLOEXEC);
		int flags = fcntl(FD_LINK, F_GETFL);
		if (nothing < 0 || flags < 0 || fcntl(FD_LINK, F_SETFL, flags & ~O_NONBLOCK) != 0) {
			log_fatal("hostile: cannot begin");
		}
		sandbox_enter(roles[i].profile, &state);
		if (plan_is("no-hello")) {
			wait_for_ever();
		}
		if (plan_is("hello-after-stop")) {
			wait_for_message();
		}
		say_hello(roles[i].role, &state);
		listen_to_supervisor();
	}
	return 1;
}
