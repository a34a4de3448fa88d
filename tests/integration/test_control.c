/*
 * The control socket: who may use it, and what bad clients can do to it - nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/dns/query.h"
#include "common/util/count.h"
#include "common/util/rand.h"
#include "tests/integration/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct appliance appliance;

static void start(void)
{
	standard_start(&appliance, 60);
}

static void stop(void)
{
	appliance_clear(&appliance);
}

TestSuite(control, .init = start, .fini = stop);

Test(control, the_socket_is_closed_to_others)
{
	struct stat st;
	MUST(stat(appliance.socket, &st) == 0 && S_ISSOCK(st.st_mode), "no control socket");
	MUST((st.st_mode & 07) == 0, "others may use the control socket: mode %o", st.st_mode & 07777);
	MUST(st.st_uid == 0, "the control socket belongs to uid %u", st.st_uid);
}

/* In a child with another uid: 0 refused, 1 served, 2 something else. */
static int ask_as(uid_t uid)
{
	fflush(NULL);
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		const struct ctl_answer *answer = NULL;
		if (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0) {
			_exit(2);
		}
		_exit(appliance_control_try(&appliance, "status", 2000, &answer) && answer->done.status == 0 ? 1 : 0);
	}
	int status;
	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "the child was killed");
	return WEXITSTATUS(status);
}

/* RFC-less, but DESIGN 7: root and group bulkhead. The mode of the socket is not the only wall. */
Test(control, another_user_is_refused_even_when_the_mode_lets_him_in)
{
	MUST(ask_as(65534) == 0, "a stranger is served through the control socket");
	MUST(chmod(appliance.socket, 0666) == 0, "chmod: %s", strerror(errno));
	char run[128];
	snprintf(run, sizeof(run), "%s/run", appliance.dir);
	MUST(chmod(run, 0755) == 0, "chmod: %s", strerror(errno));
	MUST(ask_as(65534) == 0, "a stranger is served when the socket's mode lets him in: no check of credentials");
	MUST(appliance_control(&appliance, "status")->done.status == 0, "root is not served any more");
}

static const struct {
	const char *bytes;
	size_t len;
} garbage[] = {
	{ "", 1 },
	{ "\0\0\0\0\0\0\0", 8 },				/* type 0 */
	{ "\xff\xff\0\0\0\0\0\1", 8 },				/* a type that is none */
	{ "\0\1\0\0\0\0\0\1hello hello hello hello", 31 },	/* HELLO: not from a control client */
	{ "\0\x22\0\1\0\0\0\1", 8 },				/* the zero field is not zero */
	{ "status\n", 7 },
	{ "GET / HTTP/1.1\r\n\r\n", 18 },
};

static bool is_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte[64];
	if (poll(&p, 1, (int)(3000 * harness_slow())) <= 0) {
		return false;
	}
	return recv(fd, byte, sizeof(byte), MSG_DONTWAIT) <= 0;
}

struct fd_wait {
	int most;
};

static bool has_few_descriptors(void *ctx)
{
	const struct fd_wait *wait = ctx;
	return harness_fd_count(appliance.pid) <= wait->most;
}

Test(control, garbage_closes_its_own_connection_only)
{
	int honest = appliance_control_connect(&appliance);
	MUST(honest >= 0, "connect: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(garbage); i++) {
		int fd = appliance_control_connect(&appliance);
		MUST(fd >= 0, "connect: %s", strerror(errno));
		MUST(send(fd, garbage[i].bytes, garbage[i].len, MSG_NOSIGNAL) >= 0, "send: %s", strerror(errno));
		MUST(is_closed(fd), "garbage %zu does not close its connection", i);
		close(fd);
		MUST(appliance_control(&appliance, "status")->done.status == 0, "status after garbage %zu", i);
	}
	for (int i = 0; i < 200; i++) {
		uint8_t bytes[512];
		size_t len = 1 + rand_below(sizeof(bytes) - 1);
		rand_bytes(bytes, len);
		if (i % 2 == 0 && len > 8) { /* a request's header, random words */
			put_u16(bytes, MSG_CTL_REQUEST);
			put_u16(bytes + 2, 0);
		}
		int fd = appliance_control_connect(&appliance);
		MUST(fd >= 0, "connect: %s", strerror(errno));
		MUST(send(fd, bytes, len, MSG_NOSIGNAL) >= 0, "send: %s", strerror(errno));
		close(fd);
	}
	/* a descriptor that nobody asked for */
	int fd = appliance_control_connect(&appliance);
	uint8_t request[] = { 0, MSG_CTL_REQUEST, 0, 0, 0, 0, 0, 1, 1, 0, 6, 's', 't', 'a', 't', 'u', 's' };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = request, .iov_len = sizeof(request) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	/* by the time of this answer the connection above is accepted, and those before are closed */
	MUST(appliance_control(&appliance, "status")->done.status == 0, "status before all");
	harness_sleep_ms(100);
	int before = harness_fd_count(appliance.pid);
	MUST(sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0, "sendmsg: %s", strerror(errno));
	MUST(is_closed(fd), "a request with a descriptor is taken");
	close(fd);
	MUST(appliance_control(&appliance, "status")->done.status == 0, "status after all");
	struct fd_wait wait = { before - 1 }; /* the connection is closed as well */
	MUST(harness_until(has_few_descriptors, &wait, 3000), "the supervisor kept a stranger's descriptor");
	struct role_process roles[APPLIANCE_ROLES_MAX];
	unsigned count = appliance_roles(&appliance, roles);
	for (unsigned i = 0; i < count; i++) {
		MUST(roles[i].restarts == 0, "%s was restarted", roles[i].role);
	}
	/* the connection that was there before is as good as ever */
	MUST(send(honest, request, sizeof(request), MSG_NOSIGNAL) == (ssize_t)sizeof(request), "send: %s", strerror(errno));
	struct pollfd p = { .fd = honest, .events = POLLIN };
	uint8_t reply[MSG_HEADER + MSG_PAYLOAD_MAX];
	MUST(poll(&p, 1, 5000) == 1 && recv(honest, reply, sizeof(reply), 0) > MSG_HEADER,
	     "an honest connection was closed with the others");
	close(honest);
}

/* Connections are bounded: the supervisor keeps its descriptors for itself, and queries are answered. */
Test(control, many_connections_are_bounded)
{
	enum { MANY = 600 };
	static int fds[MANY];
	unsigned open = 0;
	int before = harness_fd_count(appliance.pid);
	for (unsigned i = 0; i < MANY; i++) {
		struct sockaddr_un to = { .sun_family = AF_UNIX };
		snprintf(to.sun_path, sizeof(to.sun_path), "%s", appliance.socket);
		fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		MUST(fds[i] >= 0, "socket: %s", strerror(errno));
		if (connect(fds[i], (struct sockaddr *)&to, sizeof(to)) == 0) {
			open++;
		}
	}
	harness_sleep_ms(300);
	int with = harness_fd_count(appliance.pid);
	MUST(with - before < 200, "%d control connections are held at once", with - before);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", "intranet.corp.example. A 10.1.2.3", EDE_NONE);
	for (unsigned i = 0; i < MANY; i++) {
		close(fds[i]);
	}
	harness_sleep_ms(300);
	MUST(appliance_control(&appliance, "status")->done.status == 0, "no status when the many are gone");
	MUST(harness_fd_count(appliance.pid) <= before + 2, "descriptors of closed control connections are kept");
}

/* --- room for those who have something to ask --------------------------------------------------------- */

enum { MEMBER_UID = 64801, MEMBER_GID = 64802 };

static void stop_with_group(void)
{
	(void)umount2("/etc/group", MNT_DETACH); /* in the namespace of the test; no mount is to be left */
	stop();
}

TestSuite(control_room, .fini = stop_with_group);

/* An appliance whose machine has the group "bulkhead". */
static void start_with_group(void)
{
	char file[128];
	char text[64];
	standard_prepare(&appliance, 60);
	snprintf(text, sizeof(text), "root:x:0:\nbulkhead:x:%d:\n", (int)MEMBER_GID);
	harness_write(appliance.dir, "group", text);
	snprintf(file, sizeof(file), "%s/group", appliance.dir);
	MUST(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		     mount(file, "/etc/group", NULL, MS_BIND, NULL) == 0,
	     "a group file of our own: %s", strerror(errno));
	appliance_start(&appliance);
}

/* A member of the group holds so many connections, and says nothing on them, until it is killed. */
static pid_t hold_connections(unsigned count)
{
	int ready[2];
	char byte;
	MUST(pipe(ready) == 0, "pipe");
	fflush(NULL);
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		if (setgroups(0, NULL) != 0 || setgid(MEMBER_GID) != 0 || setuid(MEMBER_UID) != 0) {
			_exit(2);
		}
		for (unsigned i = 0; i < count; i++) {
			(void)appliance_control_connect(&appliance); /* kept, or closed by the other side */
		}
		if (write(ready[1], "", 1) == 1) {
			pause();
		}
		_exit(1);
	}
	MUST(read(ready[0], &byte, 1) == 1, "the connections cannot be made");
	close(ready[0]);
	close(ready[1]);
	harness_sleep_ms(100); /* the last ones are taken */
	return pid;
}

static void let_go(pid_t pid)
{
	kill(pid, SIGKILL);
	MUST(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static int ask_as_member(void)
{
	pid_t pid = fork();
	MUST(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		const struct ctl_answer *answer = NULL;
		bool good = setgroups(0, NULL) == 0 && setgid(MEMBER_GID) == 0 && setuid(MEMBER_UID) == 0 &&
			    appliance_control_try(&appliance, "status", 2000, &answer) && answer->done.status == 0;
		_exit(!good);
	}
	int status;
	MUST(waitpid(pid, &status, 0) == pid, "waitpid");
	return status;
}

/* Who says nothing for a second makes room; root has some of its own at once. */
Test(control_room, idle_connections_make_room)
{
	start_with_group();
	pid_t holder = hold_connections(32);
	MUST(appliance_control(&appliance, "status")->done.status == 0, "root has no room");
	MUST(ask_as_member() != 0, "more connections than there may be");
	harness_sleep_ms(1500);
	for (int i = 0; i < 40; i++) {
		MUST(ask_as_member() == 0, "idle connections keep everybody out");
	}
	MUST(appliance_logged(&appliance, "an idle connection is closed to make room for another uid=64801"), "the log says nothing");
	let_go(holder);
}

/* A member cannot push root out. */
Test(control_room, a_member_does_not_push_root_out)
{
	start_with_group();
	int idle = appliance_control_connect(&appliance);
	MUST(idle >= 0, "connect: %s", strerror(errno));
	harness_sleep_ms(1500);
	pid_t holder = hold_connections(60);
	struct pollfd p = { .fd = idle, .events = POLLIN };
	MUST(poll(&p, 1, 300) == 0, "root's connection is closed for a member's");
	MUST(appliance_control(&appliance, "status")->done.status == 0, "root has no room");
	harness_sleep_ms(1500);
	/* members' go first even when root's is older */
	MUST(appliance_control(&appliance, "status")->done.status == 0 && poll(&p, 1, 300) == 0, "root's is closed first");
	close(idle);
	let_go(holder);
}

Test(control, unknown_commands_are_told)
{
	static const char *const words[] = { "nonsense", "status now please", "flush", "reload everything", "stop --force" };
	for (size_t i = 0; i < COUNT(words); i++) {
		const struct ctl_answer *answer = appliance_control(&appliance, words[i]);
		MUST(answer->done.status != 0 && answer->done.text[0] != '\0', "\"%s\": status %u, \"%s\"", words[i],
		     answer->done.status, answer->done.text);
	}
	MUST(appliance_control(&appliance, "status")->done.status == 0, "status");
}

Test(control, flush_forgets_public_answers)
{
	struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
	client_expect_ask(&ask, "NOERROR rd ra", "www.public.org. A 198.51.100.80", EDE_NONE);
	appliance_file(&appliance, "world/public.org.zone",
		       "$ORIGIN public.org.\n$TTL 3600\n@ SOA a.root-servers.net. hostmaster.invalid. 2 1800 900 604800 300\n"
		       "@ NS a.root-servers.net.\nwww A 198.51.100.81\n");
	appliance_reload(&appliance);
	client_expect_ask(&ask, "NOERROR rd ra", "www.public.org. A 198.51.100.80", EDE_NONE); /* cached */
	const struct ctl_answer *answer = appliance_control(&appliance, "flush name www.public.org");
	MUST(answer->done.status == 0, "flush: %s", answer->done.text);
	client_expect_ask(&ask, "NOERROR rd ra", "www.public.org. A 198.51.100.81", EDE_NONE);
	answer = appliance_control(&appliance, "flush all");
	MUST(answer->done.status == 0, "flush all: %s", answer->done.text);
	client_expect_ask(&ask, "NOERROR rd ra", "www.public.org. A 198.51.100.81", EDE_NONE);
}

/* Every cache is reached: resolvers first, since frontends keep what these say from then on; the sum is told. */
Test(control, flush_reaches_every_cache)
{
	struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
	client_expect_ask(&ask, "NOERROR rd ra", NULL, EDE_NONE);
	const struct ctl_answer *answer = appliance_control(&appliance, "flush all");
	unsigned from = 0;
	unsigned frontends = 0;
	unsigned resolvers = 0;
	uint64_t sum = 0;
	const struct ctl_row *row;
	while ((row = answer_next(answer, "flushed", &from)) != NULL) {
		bool frontend = strcmp(row_text(row, "role"), "frontend") == 0;
		MUST(frontend || frontends == 0, "a resolver is flushed after a frontend");
		frontends += frontend;
		resolvers += !frontend;
		sum += row_number(row, "entries");
	}
	char text[64];
	snprintf(text, sizeof(text), "%llu entries forgotten", (unsigned long long)sum);
	MUST(strcmp(answer->done.text, text) == 0, "\"%s\", but the rows say %s", answer->done.text, text);
	MUST(sum > 1, "nothing was cached");
	answer = appliance_control(&appliance, "status");
	from = 0;
	while ((row = answer_next(answer, "role", &from)) != NULL) {
		frontends -= strcmp(row_text(row, "role"), "frontend") == 0;
		resolvers -= strcmp(row_text(row, "role"), "resolver") == 0;
	}
	MUST(frontends == 0 && resolvers == 0, "not all were flushed, or some twice");
}

static const struct ctl_row *find_step(const struct ctl_answer *answer, const char *event, const char *field,
				       const char *text)
{
	const struct ctl_row *row;
	unsigned from = 0;
	while ((row = answer_next(answer, "step", &from)) != NULL &&
	       (strcmp(row_text(row, "event"), event) != 0 || strcmp(row_text(row, field), text) != 0)) {
	}
	return row;
}

/* Each step of the resolver, and nothing of an internal name. */
Test(control, trace_shows_the_way)
{
	struct ask ask = { .server = RESOLVER, .name = "www.public.org", .flags = FLAG_RD };
	client_expect_ask(&ask, "NOERROR rd ra", NULL, EDE_NONE);

	/* with an empty cache: from the root down, though clients are answered from the cache */
	const struct ctl_answer *answer = appliance_control(&appliance, "trace www.public.org A");
	MUST(answer->done.status == 0 && strncmp(answer->done.text, "NOERROR", 7) == 0, "trace: %u %s", answer->done.status,
	     answer->done.text);
	MUST(find_step(answer, "ask", "zone", ".") != NULL, "the root was not asked");
	const struct ctl_row *reply = find_step(answer, "reply", "result", "answer");
	MUST(reply != NULL && row_text(reply, "server")[0] != '\0' && strcmp(row_text(reply, "rcode"), "NOERROR") == 0,
	     "no server answered");
	MUST(find_step(answer, "finished", "name", "www.public.org.") != NULL, "no end");
	unsigned steps = answer->count;

	answer = appliance_control(&appliance, "trace www.public.org A cached");
	MUST(answer->done.status == 0, "cached: %s", answer->done.text);
	MUST(find_step(answer, "cached", "name", "www.public.org.") != NULL, "the cache was not used");
	MUST(answer->count < steps, "the cache saved nothing");

	answer = appliance_control(&appliance, "trace localhost A");
	MUST(find_step(answer, "special-use", "name", "localhost.") != NULL, "localhost was asked for: %u %s", answer->done.status, answer->done.text);

	/* a second one while the first runs is refused by the shard, and both have their end */
	answer = appliance_control(&appliance, "trace nowhere.invalid A");
	MUST(answer->done.text[0] != '\0', "no end");

	/* never an internal name */
	static const char *const internal[] = { "trace intranet.corp.example A", "trace intranet.corp.example A public",
						"trace corp.example DS" };
	for (size_t i = 0; i < COUNT(internal); i++) {
		answer = appliance_control(&appliance, internal[i]);
		MUST(answer->done.status == 3 && answer->count == 0 && strstr(answer->done.text, "internal") != NULL,
		     "%s: %u %s", internal[i], answer->done.status, answer->done.text);
	}
	static const char *const wrong[] = { "trace", "trace x", "trace x NONSENSE", "trace a..b A", "trace x AXFR",
					     "trace x A loudly" };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		answer = appliance_control(&appliance, wrong[i]);
		MUST(answer->done.status == 3 && answer->count == 0, "%s: %s", wrong[i], answer->done.text);
	}
	static char output[APPLIANCE_OUTPUT_MAX];
	MUST(appliance_bulkheadctl(&appliance, "trace www.public.org", output) == 0, "%s", output);
	MUST(strstr(output, "finished") != NULL && strstr(output, "www.public.org.") != NULL, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "--json --cached trace www.public.org A", output) == 0, "%s", output);
	MUST(strstr(output, "\"event\": \"cached\"") != NULL || strstr(output, "\"event\":\"cached\"") != NULL, "%s", output);
	MUST(appliance_bulkheadctl(&appliance, "--cached status", output) == 3, "%s", output);
	if (getenv("SHOW_TRACE") != NULL) {
		(void)appliance_bulkheadctl(&appliance, "trace www.public.org", output);
		printf("%s", output);
	}
}

/* What a person and a script get from bulkheadctl. */
Test(control, bulkheadctl_speaks_to_people_and_machines)
{
	static char output[APPLIANCE_OUTPUT_MAX];
	MUST(appliance_bulkheadctl(&appliance, "status", output) == 0, "status: %s", output);
	static const char *const words[] = { "authority", "frontend", "resolver", "internal", "external", "corp.example" };
	for (size_t i = 0; i < COUNT(words); i++) {
		MUST(strstr(output, words[i]) != NULL, "status does not show %s: %s", words[i], output);
	}
	MUST(appliance_bulkheadctl(&appliance, "--json status", output) == 0, "--json status: %s", output);
	MUST(output[0] == '{' || output[0] == '[', "not JSON: %s", output);
	struct ask ask = { .server = INTERNAL, .name = "intranet.corp.example" };
	client_expect_ask(&ask, "NOERROR aa", NULL, EDE_NONE);
	MUST(appliance_bulkheadctl(&appliance, "stats", output) == 0 && strstr(output, "udp_queries") != NULL,
	     "stats: %s", output);
	MUST(appliance_check(&appliance, output) == 0, "check: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "flush www.public.org", output) == 0, "flush NAME: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "flush -z public.org", output) == 0, "flush -z ZONE: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "flush all", output) == 0, "flush all: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "flush", output) != 0, "flush of nothing: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "reload", output) == 0, "reload: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "nonsense", output) != 0, "nonsense: %s", output);
	MUST(appliance_bulkheadctl(&appliance, "stop", output) == 0, "stop: %s", output);
	MUST(harness_wait(appliance.pid, 5000) == 0, "bulkheadd did not end with status 0");
	appliance.pid = 0;
	MUST(appliance_bulkheadctl(&appliance, "status", output) == 3, "status of nothing: 3 (unknown) expected: %s",
	     output);
}
